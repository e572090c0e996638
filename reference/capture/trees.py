# SPDX-License-Identifier: GPL-3.0-or-later
"""The module trees whose taps are known: open_clip's CLIP and CustomTextCLIP (all versions), OpenAI's CLIP, and Hugging
Face's CLIPModel; any model with the same names works. Which module's input or output each tap is, and what forward()
returns.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F


@dataclass
class Point:
    """What a hook takes: a module's output, or its first input. layout "block": the blocks' own, NLC or LNC."""
    module: str
    tap: str
    side: str = "out"
    layout: str = "NLC"


# Inside a block.
OPEN_CLIP_BLOCK = [("ln_1", "ln_1", "out"), ("attn", "attn", "out"), ("ls_1", "ls_1", "out"),
                   ("ln_2", "resid_mid", "in"),
                   ("ln_2", "ln_2", "out"), ("mlp.c_fc", "mlp.c_fc", "out"), ("mlp.gelu", "mlp.gelu", "out"),
                   ("mlp.c_proj", "mlp.c_proj", "out"), ("ls_2", "ls_2", "out"), ("", "", "out")]
HF_BLOCK = [("layer_norm1", "ln_1", "out"), ("self_attn.q_proj", "attn.q", "out"),
            ("self_attn.k_proj", "attn.k", "out"), ("self_attn.v_proj", "attn.v", "out"),
            ("self_attn.out_proj", "attn.context", "in"), ("self_attn.out_proj", "attn", "out"),
            ("layer_norm2", "resid_mid", "in"), ("layer_norm2", "ln_2", "out"), ("mlp.fc1", "mlp.c_fc", "out"),
            ("mlp.fc2", "mlp.gelu", "in"), ("mlp.fc2", "mlp.c_proj", "out"), ("", "", "out")]


class Tower:
    """One tower's modules, and what to hook in them."""

    def __init__(self, name, points, blocks, layers, attention, layout, causal, norm, norm_tap):
        self.name, self.points, self.blocks, self.layout = name, points, blocks, layout
        self.attention = attention  # of a block: the module that holds the heads
        self.layers = layers
        self.causal = causal
        self.norm, self.norm_tap = norm, norm_tap


class OpenClip:
    """open_clip's and OpenAI's module tree."""

    def __init__(self, model):
        self.model = model
        self.openai = hasattr(model.visual, "input_resolution")  # open_clip's image tower has image_size
        self.text = model.text if hasattr(model, "text") else model
        _refuse(hasattr(model.visual, "transformer") and hasattr(model.visual, "conv1"),
                "the image tower is no plain vision transformer")
        _refuse(hasattr(self.text, "transformer") and hasattr(self.text, "token_embedding"),
                "the text tower is no plain transformer")
        _refuse(getattr(model.visual, "attn_pool", None) is None, "the image tower has an attentional pooler")
        _refuse(getattr(self.text, "cls_emb", None) is None, "the text tower has a class embedding")
        self.towers = [self._visual(), self._text()]

    def _visual(self):
        layout = _block_layout(self.model.visual.transformer)
        points = [Point("visual.conv1", "visual.conv1", layout="NCHW"), Point("visual.ln_pre", "visual.embed", "in"),
                  Point("visual.ln_pre", "visual.ln_pre"), Point("visual.ln_post", "visual.ln_post"),
                  Point("visual", "visual")]
        if isinstance(getattr(self.model.visual, "ln_pre", None), torch.nn.Identity):
            points.pop(2)
        if getattr(self.model.visual, "final_ln_after_pool", False):
            points.append(Point("visual.ln_post", "visual.pooled", "in"))
        blocks = "visual.transformer.resblocks"
        return Tower("visual", points, blocks, len(self.model.visual.transformer.resblocks), "attn", layout, False,
                     getattr(self.model.visual, "ln_post", None), "visual.ln_post")

    def _text(self):
        prefix = "text." if self.text is not self.model else ""
        layout = _block_layout(self.text.transformer)
        points = [Point(f"{prefix}token_embedding", "token_embedding"),
                  Point(f"{prefix}transformer.resblocks.0", "embed", "in", "block"),
                  Point(f"{prefix}ln_final", "ln_final")]
        if getattr(self.text, "final_ln_after_pool", False):
            points.append(Point(f"{prefix}ln_final", "pooled", "in"))
        mask = getattr(self.text, "attn_mask", None)
        if mask is None and self.openai:
            mask = self.text.transformer.resblocks[0].attn_mask
        blocks = f"{prefix}transformer.resblocks"
        return Tower("text", points, blocks, len(self.text.transformer.resblocks), "attn", layout, mask is not None,
                     getattr(self.text, "ln_final", None), "ln_final")

    @property
    def image_dtype(self):
        return self.model.visual.conv1.weight.dtype

    def text_projection(self, tokens):
        """What forward() computes on the way and returns normalised alone."""
        return self.model.encode_text(tokens)

    def forward(self, pixels, tokens):
        """{tap: tensor} of what the model's own forward() returns."""
        out = self.model(pixels, tokens)
        if self.openai:
            return {"logits_per_image": out[0]}
        _refuse(isinstance(out, (dict, tuple)) and len(out) > 1, "forward() returns no features of images and texts")
        if isinstance(out, dict):
            return {name: out[name] for name in ("image_features", "text_features")}
        return {"image_features": out[0], "text_features": out[1]}

    def normalize(self, x):
        return x / x.norm(dim=1, keepdim=True) if self.openai else F.normalize(x, dim=-1)

    def logits(self, image_features, text_features):
        logits = self.model.logit_scale.exp() * image_features @ text_features.T
        bias = getattr(self.model, "logit_bias", None)
        return logits if bias is None else logits + bias

    def project(self, tower, x):
        """A tower's output, of its pooled token."""
        weight = getattr(self.model.visual, "proj", None) if tower == "visual" else self.text.text_projection
        return x if weight is None else weight(x) if isinstance(weight, torch.nn.Module) else x @ weight

    def norm_after_pool(self, tower):
        return getattr(self.model.visual if tower == "visual" else self.text, "final_ln_after_pool", False)

    def pooled(self, tower, x, tokens):
        """The rows of the last norm's output (input, token, channel) that stand for the inputs, or None."""
        if tower == "visual":
            kind = getattr(self.model.visual, "pool_type", "tok")
            return x[:, 0] if kind == "tok" else x[:, 1:].mean(dim=1) if kind == "avg" else None
        kind = getattr(self.model, "text_pool_type", getattr(self.text, "pool_type", "argmax"))
        if kind in ("first", "last"):
            return x[:, 0 if kind == "first" else -1]
        if kind == "argmax":
            at = tokens.argmax(dim=-1)
        elif kind == "eos":
            eos = getattr(self.model, "text_eos_id", getattr(self.text, "eos_id", None))
            at = (tokens == eos).int().argmax(dim=-1)
        else:
            return None
        return x[torch.arange(len(x)), at]


class HuggingFace:
    """CLIPModel's module tree."""

    def __init__(self, model):
        self.model = model
        points = [Point("vision_model.embeddings.patch_embedding", "visual.conv1", layout="NCHW"),
                  Point("vision_model.embeddings", "visual.embed"),
                  Point("vision_model.pre_layrnorm", "visual.ln_pre"),
                  Point("vision_model.post_layernorm", "visual.ln_post"),
                  Point("visual_projection", "visual.pooled", "in"), Point("visual_projection", "visual")]
        visual = Tower("visual", points, "vision_model.encoder.layers", len(model.vision_model.encoder.layers),
                       "self_attn", "NLC", False, model.vision_model.post_layernorm, "visual.ln_post")
        points = [Point("text_model.embeddings.token_embedding", "token_embedding"),
                  Point("text_model.embeddings", "embed"), Point("text_model.final_layer_norm", "ln_final"),
                  Point("text_projection", "pooled", "in"), Point("text_projection", "text_projection")]
        text = Tower("text", points, "text_model.encoder.layers", len(model.text_model.encoder.layers),
                     "self_attn", "NLC", True, model.text_model.final_layer_norm, "ln_final")
        self.towers = [visual, text]

    @property
    def image_dtype(self):
        return self.model.vision_model.embeddings.patch_embedding.weight.dtype

    def text_projection(self, tokens):
        """None: a hook sees it."""
        return None

    def forward(self, pixels, tokens):
        out = self.model(input_ids=tokens, pixel_values=pixels)
        return {"image_features": out.image_embeds, "text_features": out.text_embeds,
                "logits_per_image": out.logits_per_image}

    def normalize(self, x):
        return x / x.norm(p=2, dim=-1, keepdim=True)

    def logits(self, image_features, text_features):
        return (text_features @ image_features.t() * self.model.logit_scale.exp()).t()

    def project(self, tower, x):
        return (self.model.visual_projection if tower == "visual" else self.model.text_projection)(x)

    def norm_after_pool(self, tower):
        return False

    def pooled(self, tower, x, tokens):
        return x[:, 0] if tower == "visual" else x[torch.arange(len(x)), tokens.argmax(dim=-1)]


def describe(model):
    """The module tree that a model has."""
    if hasattr(model, "vision_model") and hasattr(model, "text_model"):
        return HuggingFace(model)
    if hasattr(model, "visual") and hasattr(model, "encode_image"):
        return OpenClip(model)
    raise ValueError("the model has neither open_clip's nor Hugging Face's module names")


def _block_layout(transformer):
    attention = transformer.resblocks[0].attn
    batch_first = getattr(attention, "batch_first", getattr(transformer, "batch_first", hasattr(attention, "use_sdpa")))
    return "NLC" if batch_first else "LNC"


def _refuse(good, why):
    if not good:
        raise ValueError(why)
