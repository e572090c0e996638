# SPDX-License-Identifier: GPL-3.0-or-later
"""A tiny CLIP as each library names its tensors, whole and in parts. Without PyTorch, what imports this is skipped."""

import sys
from pathlib import Path

try:
    import torch
except ImportError:
    print("no PyTorch here")
    sys.exit(77)

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "reference/pytorch"))
import safetensors  # noqa: E402, F401

CONFIG = {"model_cfg": {"embed_dim": 8, "quick_gelu": True,
                        "vision_cfg": {"image_size": 12, "patch_size": 4, "layers": 2, "width": 64, "head_width": 64},
                        "text_cfg": {"context_length": 6, "vocab_size": 32, "width": 64, "heads": 1, "layers": 1}}}


def block(prefix, width):
    shapes = {"ln_1.weight": (width,), "ln_1.bias": (width,), "attn.in_proj_weight": (3 * width, width),
              "attn.in_proj_bias": (3 * width,), "attn.out_proj.weight": (width, width), "attn.out_proj.bias": (width,),
              "ln_2.weight": (width,), "ln_2.bias": (width,), "mlp.c_fc.weight": (4 * width, width),
              "mlp.c_fc.bias": (4 * width,), "mlp.c_proj.weight": (width, 4 * width), "mlp.c_proj.bias": (width,)}
    return {prefix + name: shape for name, shape in shapes.items()}


def filled(shapes, seed):
    """Values of every magnitude, so that no two tensors share one."""
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def openai(seed=5):
    """OpenAI's names, which are open_clip's class CLIP's."""
    return filled({"visual.class_embedding": (64,), "visual.positional_embedding": (10, 64), "visual.proj": (64, 8),
                   "visual.conv1.weight": (64, 3, 4, 4), "visual.ln_pre.weight": (64,), "visual.ln_pre.bias": (64,),
                   **block("visual.transformer.resblocks.0.", 64), **block("visual.transformer.resblocks.1.", 64),
                   "visual.ln_post.weight": (64,), "visual.ln_post.bias": (64,), "positional_embedding": (6, 64),
                   "text_projection": (64, 8), "token_embedding.weight": (32, 64),
                   **block("transformer.resblocks.0.", 64), "ln_final.weight": (64,), "ln_final.bias": (64,),
                   "logit_scale": ()}, seed)


def custom_text(state):
    """open_clip's CustomTextCLIP: the text tower has a module of its own."""
    return {name if name.startswith(("visual.", "logit_")) else "text." + name: value for name, value in state.items()}


RENAMED = {"class_embedding": "embeddings.class_embedding", "conv1.weight": "embeddings.patch_embedding.weight",
           "positional_embedding": "embeddings.position_embedding.weight",
           "token_embedding.weight": "embeddings.token_embedding.weight", "ln_pre": "pre_layrnorm",
           "ln_post": "post_layernorm", "ln_final": "final_layer_norm", "transformer.resblocks": "encoder.layers",
           "attn.out_proj": "self_attn.out_proj", "ln_1": "layer_norm1", "ln_2": "layer_norm2", "mlp.c_fc": "mlp.fc1",
           "mlp.c_proj": "mlp.fc2"}


def hugging_face(state):
    """transformers' CLIPModel: q, k and v apart, projections transposed."""
    result = {}
    for name, value in state.items():
        tower, rest = ("vision_model.", name[7:]) if name.startswith("visual.") else ("text_model.", name)
        if rest in ("proj", "text_projection"):
            result["visual_projection.weight" if rest == "proj" else "text_projection.weight"] = value.t().contiguous()
            continue
        if rest == "logit_scale":
            result[rest] = value
            continue
        for old, new in RENAMED.items():
            rest = rest.replace(old, new)
        if ".attn.in_proj_" in rest:
            for letter, part in zip("qkv", value.chunk(3)):
                result[tower + rest.replace("attn.in_proj_", f"self_attn.{letter}_proj.")] = part.clone()
        else:
            result[tower + rest] = value
    return result


def only(state, *beginnings):
    return {name: value for name, value in state.items() if name.startswith(beginnings)}


def without(state, *names):
    return {name: value for name, value in state.items() if name not in names}


def towers():
    """{what: (tensors as they are saved, what stands before their names where the file has them by themselves)}"""
    whole = openai()
    hugging = hugging_face(whole)
    image = only(whole, "visual.")
    text = without(whole, "logit_scale", *image)
    projections = ("visual_projection.weight", "text_projection.weight")
    return {
        "openai": (whole, ""),
        "custom_text": (custom_text(whole), ""),
        "hugging_face": (hugging, ""),
        "openai-image": (image, ""),
        "openai-text": (text, ""),
        "openai-image-itself": ({name[7:]: value for name, value in image.items()}, "visual."),
        "custom_text-text": (custom_text(text), ""),
        "hf-image-with-projection": (only(hugging, "vision_model.", projections[0]), ""),
        "hf-text-with-projection": (only(hugging, "text_model.", projections[1]), ""),
        "hf-image": (only(hugging, "vision_model."), ""),
        "hf-text": (only(hugging, "text_model."), ""),
        "hf-image-itself": ({n[13:]: v for n, v in only(hugging, "vision_model.").items()}, "vision_model."),
        "hf-text-itself": ({n[11:]: v for n, v in only(hugging, "text_model.").items()}, "text_model."),
    }
