# SPDX-License-Identifier: GPL-3.0-or-later
"""A CLIP with the module names and the order of operations of Hugging Face's CLIPModel (eager attention).

It stands in for transformers where that is not installed, to try the capture's names: clip_capture.py --library
reference/capture/hf_tree.py:build takes an open_clip config and the counter rule's weights or an open_clip checkpoint.
"""

from types import SimpleNamespace

import torch
from torch import nn

import clip_capture
import seeded

clip = clip_capture.own("clip")


class QuickGELUActivation(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


ACTIVATIONS = {"quick": QuickGELUActivation, "erf": nn.GELU, "tanh": lambda: nn.GELU(approximate="tanh")}


class CLIPAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.num_heads, self.scale = heads, (width // heads) ** -0.5
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, hidden_states, mask=None):
        inputs, length, width = hidden_states.shape
        q, k, v = (proj(hidden_states).view(inputs, length, self.num_heads, -1).transpose(1, 2)
                   for proj in (self.q_proj, self.k_proj, self.v_proj))
        weights = torch.matmul(q, k.transpose(-1, -2)) * self.scale
        if mask is not None:
            weights = weights + mask
        probs = nn.functional.softmax(weights, dim=-1, dtype=torch.float32).to(q.dtype)
        context = torch.matmul(probs, v).transpose(1, 2).reshape(inputs, length, width)
        return self.out_proj(context), probs


class CLIPMLP(nn.Module):
    def __init__(self, width, hidden, activation):
        super().__init__()
        self.activation_fn = ACTIVATIONS[activation]()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, hidden_states):
        return self.fc2(self.activation_fn(self.fc1(hidden_states)))


class CLIPEncoderLayer(nn.Module):
    def __init__(self, width, heads, hidden, activation):
        super().__init__()
        self.self_attn = CLIPAttention(width, heads)
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = CLIPMLP(width, hidden, activation)

    def forward(self, hidden_states, mask=None):
        hidden_states = hidden_states + self.self_attn(hidden_states=self.layer_norm1(hidden_states), mask=mask)[0]
        return (hidden_states + self.mlp(self.layer_norm2(hidden_states)),)


class CLIPEncoder(nn.Module):
    def __init__(self, layers, *shape):
        super().__init__()
        self.layers = nn.ModuleList(CLIPEncoderLayer(*shape) for _ in range(layers))

    def forward(self, hidden_states, mask=None):
        for layer in self.layers:
            hidden_states = layer(hidden_states, mask)[0]
        return hidden_states


class CLIPVisionEmbeddings(nn.Module):
    def __init__(self, width, patch, positions):
        super().__init__()
        self.class_embedding = nn.Parameter(torch.empty(width))
        self.patch_embedding = nn.Conv2d(3, width, patch, patch, bias=False)
        self.position_embedding = nn.Embedding(positions, width)

    def forward(self, pixel_values):
        patches = self.patch_embedding(pixel_values).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_embedding.expand(len(patches), 1, -1), patches], dim=1)
        return x + self.position_embedding.weight


class CLIPTextEmbeddings(nn.Module):
    def __init__(self, width, vocabulary, positions):
        super().__init__()
        self.token_embedding = nn.Embedding(vocabulary, width)
        self.position_embedding = nn.Embedding(positions, width)

    def forward(self, input_ids):
        return self.token_embedding(input_ids) + self.position_embedding.weight[:input_ids.shape[1]]


class CLIPVisionTransformer(nn.Module):
    def __init__(self, cfg, activation):
        super().__init__()
        width, grid = cfg["width"], cfg["image_size"] // cfg["patch_size"]
        self.embeddings = CLIPVisionEmbeddings(width, cfg["patch_size"], grid * grid + 1)
        self.pre_layrnorm = nn.LayerNorm(width)  # the name is Hugging Face's
        self.encoder = CLIPEncoder(cfg["layers"], width, width // cfg["head_width"], int(width * cfg["mlp_ratio"]),
                                   activation)
        self.post_layernorm = nn.LayerNorm(width)

    def forward(self, pixel_values):
        x = self.encoder(self.pre_layrnorm(self.embeddings(pixel_values)))
        return self.post_layernorm(x[:, 0, :])


class CLIPTextTransformer(nn.Module):
    def __init__(self, cfg, activation):
        super().__init__()
        width = cfg["width"]
        self.embeddings = CLIPTextEmbeddings(width, cfg["vocab_size"], cfg["context_length"])
        self.encoder = CLIPEncoder(cfg["layers"], width, cfg["heads"], int(width * cfg["mlp_ratio"]), activation)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, input_ids):
        x = self.embeddings(input_ids)
        least = torch.finfo(x.dtype).min
        mask = torch.full((x.shape[1], x.shape[1]), least, dtype=x.dtype).triu(1)
        x = self.final_layer_norm(self.encoder(x, mask))
        return x[torch.arange(len(x)), input_ids.argmax(dim=-1)]


class CLIPModel(nn.Module):
    def __init__(self, embed_dim, vision, text, activation):
        super().__init__()
        self.vision_model = CLIPVisionTransformer(vision, activation)
        self.text_model = CLIPTextTransformer(text, activation)
        self.visual_projection = nn.Linear(vision["width"], embed_dim, bias=False)
        self.text_projection = nn.Linear(text["width"], embed_dim, bias=False)
        self.logit_scale = nn.Parameter(torch.empty(()))

    def forward(self, input_ids, pixel_values):
        image = self.visual_projection(self.vision_model(pixel_values))
        text = self.text_projection(self.text_model(input_ids))
        image, text = (x / x.norm(p=2, dim=-1, keepdim=True) for x in (image, text))
        logits_per_text = torch.matmul(text, image.t()) * self.logit_scale.exp()
        return SimpleNamespace(image_embeds=image, text_embeds=text, logits_per_text=logits_per_text,
                               logits_per_image=logits_per_text.t())


def rename(state):
    """Hugging Face's names and shapes of open_clip's tensors."""
    out = {}
    for name, value in state.items():
        tower, rest = ("vision_model", name[len("visual."):]) if name.startswith("visual.") else ("text_model", name)
        if "resblocks" in rest:
            _rename_block(f"{tower}.encoder.layers.", rest.split(".", 3)[2:], value, out)
        elif name == "logit_scale":
            out[name] = value
        elif rest in ("proj", "text_projection"):
            out["visual_projection.weight" if rest == "proj" else "text_projection.weight"] = value.T
        else:
            renamed = {"class_embedding": "embeddings.class_embedding", "conv1": "embeddings.patch_embedding",
                       "positional_embedding": "embeddings.position_embedding.weight", "ln_pre": "pre_layrnorm",
                       "token_embedding": "embeddings.token_embedding", "ln_post": "post_layernorm",
                       "ln_final": "final_layer_norm"}
            head, dot, tail = rest.partition(".")
            out[f"{tower}.{renamed[head]}{dot}{tail}"] = value
    return out


def _rename_block(prefix, parts, value, out):
    layer, rest = parts
    block = f"{prefix}{layer}."
    if rest.startswith("attn.in_proj_"):
        for part, piece in zip("qkv", value.chunk(3)):
            out[f"{block}self_attn.{part}_proj.{rest[len('attn.in_proj_'):]}"] = piece
        return
    for old, new in (("ln_1", "layer_norm1"), ("ln_2", "layer_norm2"), ("attn.", "self_attn."),
                     ("mlp.c_fc", "mlp.fc1"), ("mlp.c_proj", "mlp.fc2")):
        if rest.startswith(old):
            out[block + new + rest[len(old):]] = value
            return
    raise KeyError(rest)


@torch.no_grad()
def build(args):
    """What --library reference/capture/hf_tree.py:build makes."""
    config = clip_capture.read_config(args.model, None)
    state = clip_capture.state_dict(args)
    if state is None and args.seed is None:
        raise ValueError("no weights: give --checkpoint FILE or --seed N")
    if state is None:
        state = seeded.fill(clip.from_config(config), args.seed).state_dict()
    vision = {**clip.VISION_DEFAULTS, **config["vision_cfg"]}
    text = {**clip.TEXT_DEFAULTS, **config["text_cfg"]}
    activation = args.activation
    if activation == "auto":
        activation = "quick" if config.get("quick_gelu") else "erf"
    model = CLIPModel(config["embed_dim"], vision, text, activation)
    model.load_state_dict(rename(state))
    if args.precision != "fp32":
        model.to(clip_capture.DTYPES[args.precision.removeprefix("pure_")])
    return model
