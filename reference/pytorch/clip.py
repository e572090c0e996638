# SPDX-License-Identifier: GPL-3.0-or-later
"""CLIP with a vision transformer, in plain PyTorch.

The module tree and the state-dict keys are open_clip's (class `CLIP`), so a
checkpoint of open_clip or of OpenAI loads without renaming, and a forward hook
on e.g. `visual.transformer.resblocks.3.mlp.gelu` sees what it would see there.
Attention is nn.MultiheadAttention, sequence first, with an additive float
mask: what openai/CLIP and open_clip up to v2.24 run.

Only what the plain ViT models need is here.  A configuration that asks for
anything else is refused rather than silently ignored.
"""

import json
import math
from collections import OrderedDict
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

MODEL_FIELDS = {"embed_dim", "vision_cfg", "text_cfg", "quick_gelu", "init_logit_scale"}
VISION_DEFAULTS = {
    "layers": 12, "width": 768, "head_width": 64, "mlp_ratio": 4.0,
    "patch_size": 16, "image_size": 224, "act_kwargs": {}, "norm_kwargs": {},
    "ls_init_value": None,
}
TEXT_DEFAULTS = {
    "context_length": 77, "vocab_size": 49408, "width": 512, "heads": 8,
    "layers": 12, "mlp_ratio": 4.0, "act_kwargs": {}, "norm_kwargs": {},
    "ls_init_value": None, "proj_bias": False,
}


class QuickGELU(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


class LayerScale(nn.Module):
    def __init__(self, width, init_value):
        super().__init__()
        self.gamma = nn.Parameter(init_value * torch.ones(width))

    def forward(self, x):
        return x * self.gamma


def layer_scale(width, init_value):
    return nn.Identity() if init_value is None else LayerScale(width, init_value)


class ResidualAttentionBlock(nn.Module):
    def __init__(self, width, heads, mlp_ratio, act_layer, norm_layer, ls_init_value):
        super().__init__()
        hidden = int(width * mlp_ratio)
        self.ln_1 = norm_layer(width)
        self.attn = nn.MultiheadAttention(width, heads)
        self.ls_1 = layer_scale(width, ls_init_value)
        self.ln_2 = norm_layer(width)
        self.mlp = nn.Sequential(OrderedDict([
            ("c_fc", nn.Linear(width, hidden)),
            ("gelu", act_layer()),
            ("c_proj", nn.Linear(hidden, width)),
        ]))
        self.ls_2 = layer_scale(width, ls_init_value)

    def attention(self, x, attn_mask):
        return self.attn(x, x, x, need_weights=False, attn_mask=attn_mask)[0]

    def forward(self, x, attn_mask=None):
        x = x + self.ls_1(self.attention(self.ln_1(x), attn_mask))
        return x + self.ls_2(self.mlp(self.ln_2(x)))


class Transformer(nn.Module):
    def __init__(self, width, layers, heads, mlp_ratio, act_layer, norm_layer, ls_init_value=None):
        super().__init__()
        self.width, self.layers = width, layers
        self.resblocks = nn.ModuleList(
            ResidualAttentionBlock(width, heads, mlp_ratio, act_layer, norm_layer, ls_init_value)
            for _ in range(layers))

    def forward(self, x, attn_mask=None):
        """x: (batch, sequence, width).  The blocks work sequence first."""
        x = x.permute(1, 0, 2)
        for block in self.resblocks:
            x = block(x, attn_mask)
        return x.permute(1, 0, 2)

    def init_parameters(self):
        """OpenAI's initialisation: residual branches shrink with the depth."""
        proj_std = self.width ** -0.5 * (2 * self.layers) ** -0.5
        attn_std = self.width ** -0.5
        fc_std = (2 * self.width) ** -0.5
        for block in self.resblocks:
            nn.init.normal_(block.attn.in_proj_weight, std=attn_std)
            nn.init.normal_(block.attn.out_proj.weight, std=proj_std)
            nn.init.normal_(block.mlp.c_fc.weight, std=fc_std)
            nn.init.normal_(block.mlp.c_proj.weight, std=proj_std)


class VisionTransformer(nn.Module):
    def __init__(self, cfg, embed_dim, act_layer, norm_layer):
        super().__init__()
        width, patch = cfg["width"], cfg["patch_size"]
        grid = cfg["image_size"] // patch
        scale = width ** -0.5
        self.image_size = cfg["image_size"]
        self.conv1 = nn.Conv2d(3, width, kernel_size=patch, stride=patch, bias=False)
        self.class_embedding = nn.Parameter(scale * torch.randn(width))
        self.positional_embedding = nn.Parameter(scale * torch.randn(grid * grid + 1, width))
        self.ln_pre = norm_layer(width)
        self.transformer = Transformer(
            width, cfg["layers"], width // cfg["head_width"], cfg["mlp_ratio"],
            act_layer, norm_layer, cfg["ls_init_value"])
        self.ln_post = norm_layer(width)
        self.proj = nn.Parameter(scale * torch.randn(width, embed_dim))

    def forward(self, x):
        x = self.conv1(x)
        x = x.flatten(2).permute(0, 2, 1)  # patches in row-major order
        cls = self.class_embedding.to(x.dtype).expand(x.shape[0], 1, -1)
        x = torch.cat([cls, x], dim=1)
        x = x + self.positional_embedding.to(x.dtype)
        x = self.transformer(self.ln_pre(x))
        return self.ln_post(x)[:, 0] @ self.proj


class CLIP(nn.Module):
    def __init__(self, embed_dim, vision_cfg, text_cfg, quick_gelu=False,
                 init_logit_scale=math.log(1 / 0.07)):
        super().__init__()
        vision = _with_defaults(vision_cfg, VISION_DEFAULTS, "vision_cfg")
        text = _with_defaults(text_cfg, TEXT_DEFAULTS, "text_cfg")
        self.visual = VisionTransformer(
            vision, embed_dim, _act_layer(quick_gelu, vision), _norm_layer(vision))
        self.transformer = Transformer(
            text["width"], text["layers"], text["heads"], text["mlp_ratio"],
            _act_layer(quick_gelu, text), _norm_layer(text), text["ls_init_value"])
        self.context_length = text["context_length"]
        self.token_embedding = nn.Embedding(text["vocab_size"], text["width"])
        self.positional_embedding = nn.Parameter(
            torch.empty(text["context_length"], text["width"]))
        self.ln_final = _norm_layer(text)(text["width"])
        self.text_projection = (nn.Linear(text["width"], embed_dim) if text["proj_bias"]
                                else nn.Parameter(torch.empty(text["width"], embed_dim)))
        self.logit_scale = nn.Parameter(torch.tensor(float(init_logit_scale)))
        self.register_buffer(
            "attn_mask", causal_mask(text["context_length"]), persistent=False)
        self.init_parameters()

    def init_parameters(self):
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        nn.init.normal_(self.positional_embedding, std=0.01)
        linear = isinstance(self.text_projection, nn.Linear)
        nn.init.normal_(self.text_projection.weight if linear else self.text_projection,
                        std=self.transformer.width ** -0.5)
        if linear:
            nn.init.zeros_(self.text_projection.bias)
        self.visual.transformer.init_parameters()
        self.transformer.init_parameters()

    def encode_image(self, pixels, normalize=False):
        """pixels: (batch, 3, image_size, image_size), already mean/std normalised."""
        features = self.visual(pixels)
        return F.normalize(features, dim=-1) if normalize else features

    def encode_text(self, tokens, normalize=False):
        """tokens: (batch, length <= context_length) ids; the row's largest id is its EOT."""
        length = tokens.shape[1]
        x = self.token_embedding(tokens)
        x = x + self.positional_embedding[:length].to(x.dtype)
        x = self.transformer(x, attn_mask=self.attn_mask[:length, :length].to(x.dtype))
        x = self.ln_final(x)
        x = x[torch.arange(x.shape[0]), tokens.argmax(dim=-1)]
        linear = isinstance(self.text_projection, nn.Linear)
        features = self.text_projection(x) if linear else x @ self.text_projection
        return F.normalize(features, dim=-1) if normalize else features

    def class_embeddings(self, prompts, class_count):
        """(class_count, embed_dim) from the tokens of class_count x T prompts, class-major.

        Each prompt's feature is normalised, the mean over a class's T prompts
        is taken, and the mean is normalised again.
        """
        features = self.encode_text(prompts, normalize=True)
        mean = features.reshape(class_count, -1, features.shape[-1]).mean(dim=1)
        return F.normalize(mean, dim=-1)

    def zero_shot_logits(self, pixels, class_embeddings):
        """The scale goes to the image features first, as open_clip does."""
        return self.logit_scale.exp() * self.encode_image(pixels, normalize=True) @ class_embeddings.T

    def forward(self, pixels, tokens):
        return (self.encode_image(pixels, normalize=True),
                self.encode_text(tokens, normalize=True),
                self.logit_scale.exp())


def causal_mask(length):
    """Additive mask: -inf strictly above the diagonal, 0 elsewhere."""
    return torch.full((length, length), float("-inf")).triu(1)


def from_config(config):
    """A CLIP from an open_clip model config ({embed_dim, vision_cfg, text_cfg, ...})."""
    unknown = set(config) - MODEL_FIELDS
    if unknown:
        raise ValueError(f"model config: unsupported fields {sorted(unknown)}")
    return CLIP(**config)


def read_config(path):
    """The model_cfg of an open_clip_config.json."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)["model_cfg"]


def with_activation(config, activation):
    """The same model config with another activation: 'quick', 'erf' or 'tanh'."""
    act_kwargs = {"approximate": "tanh"} if activation == "tanh" else {}
    return {
        **config,
        "quick_gelu": activation == "quick",
        "vision_cfg": {**config["vision_cfg"], "act_kwargs": act_kwargs},
        "text_cfg": {**config["text_cfg"], "act_kwargs": act_kwargs},
    }


def load_weights(model, tensors):
    """Strict load; tensors of any float type are widened to the model's."""
    own = model.state_dict()
    if set(own) != set(tensors):
        raise ValueError(f"state dict keys differ: {sorted(set(own) ^ set(tensors))}")
    for name, value in own.items():
        if value.shape != tensors[name].shape:
            raise ValueError(f"{name}: shape {tuple(tensors[name].shape)}, "
                             f"the model has {tuple(value.shape)}")
    model.load_state_dict(tensors)
    return model


def openai_dtypes(state_dict):
    """The state dict in the type mix of OpenAI's files: fp16 where they hold fp16."""
    return {name: value.half() if _is_half(name) else value.float()
            for name, value in state_dict.items()}


def _is_half(name):
    if name in ("visual.conv1.weight", "visual.proj", "text_projection"):
        return True
    return ".attn." in name or ".mlp." in name


def _act_layer(quick_gelu, cfg):
    # open_clip raises for QuickGELU with act_kwargs; so does partial() when called.
    return partial(QuickGELU if quick_gelu else nn.GELU, **cfg["act_kwargs"])


def _norm_layer(cfg):
    return partial(nn.LayerNorm, **cfg["norm_kwargs"])


def _with_defaults(cfg, defaults, what):
    unknown = set(cfg) - set(defaults)
    if unknown:
        raise ValueError(f"{what}: unsupported fields {sorted(unknown)}")
    return {**defaults, **cfg}
