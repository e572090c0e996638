# SPDX-License-Identifier: GPL-3.0-or-later
"""The taps of `clip-parity list taps`: names, dimensions, long names, execution order; NumPy alone."""

import re

TOKENS = ("input", "token", "channel")
VECTOR = ("input", "channel")
SQUARE = ("input", "head", "query", "key")

# (name, dimensions, long name), in the order in which a tower reaches them. "" is the block itself.
BLOCK = [
    ("ln_1", TOKENS, "norm before attention"),
    ("attn.q", TOKENS, "queries, not yet scaled"),
    ("attn.k", TOKENS, "keys"),
    ("attn.v", TOKENS, "values"),
    ("attn.scores", SQUARE, "q k^T / sqrt(head_dim), not yet masked"),
    ("attn.probs", SQUARE, "softmax of the masked scores"),
    ("attn.context", TOKENS, "probs v, heads side by side"),
    ("attn", TOKENS, "out_proj of the context"),
    ("ls_1", TOKENS, "attn scaled for each channel, in models with LayerScale"),
    ("resid_mid", TOKENS, "x + attn"),
    ("ln_2", TOKENS, "norm before the MLP"),
    ("mlp.c_fc", TOKENS, "first linear of the MLP"),
    ("mlp.gelu", TOKENS, "activation"),
    ("mlp.c_proj", TOKENS, "second linear of the MLP"),
    ("ls_2", TOKENS, "mlp scaled for each channel, in models with LayerScale"),
    ("", TOKENS, "block output: resid_mid + mlp"),
]
# What not every capture has: the steps from a picture to its pixels, token ids, and LayerScale.
OPTIONAL = ("pixels.decoded", "pixels.resized", "pixels.cropped", "tokens", "ls_1", "ls_2")
BLOCKS = None  # where the blocks stand among a tower's taps
VISUAL = [
    ("pixels.decoded", ("input", "colour", "y", "x"), "the picture in RGB, 0 to 255"),
    ("pixels.resized", ("input", "colour", "y", "x"), "resized, before the crop"),
    ("pixels.cropped", ("input", "colour", "y", "x"), "cropped or padded, 0 to 255, in the model's order of colours"),
    ("pixels.normalized", ("input", "colour", "y", "x"), "(pixel / 255 - mean) / std"),
    ("visual.conv1", TOKENS, "patch embedding, patches row by row"),
    ("visual.embed", TOKENS, "positions added, for images after the class token"),
    ("visual.ln_pre", TOKENS, "norm before the blocks"),
    BLOCKS,
    ("visual.ln_post", TOKENS, "norm after the blocks"),
    ("visual.pooled", VECTOR, "the token that stands for the input"),
    ("visual", VECTOR, "projected, not normalised"),
    ("image_features", VECTOR, "x / ||x||"),
]
TEXT = [
    ("tokens", ("input", "token"), "token ids, which are equal or not"),
    ("token_embedding", TOKENS, "rows of the token embedding"),
    ("embed", TOKENS, "positions added, for images after the class token"),
    BLOCKS,
    ("ln_final", TOKENS, "norm after the blocks"),
    ("pooled", VECTOR, "the token that stands for the input"),
    ("text_projection", VECTOR, "projected, not normalised"),
    ("text_features", VECTOR, "x / ||x||"),
]
JOINT = [
    ("logits_per_image", ("image", "prompt"), "exp(logit_scale) image . text"),
    ("probs", ("image", "prompt"), "softmax over the prompts"),
]
TOWERS = {"visual": (VISUAL, "image"), "text": (TEXT, "prompt"), "joint": (JOINT, None)}
BLOCK_NAME = re.compile(r"(visual\.)?transformer\.resblocks\.(\d+)(?:\.(.+))?")


def block_name(tower, layer, part=""):
    """visual.transformer.resblocks.3.attn.q and the like."""
    prefix = "visual." if tower == "visual" else ""
    return f"{prefix}transformer.resblocks.{layer}" + (f".{part}" if part else "")


def describe(name):
    """(rank in execution order, dimensions, long name) of a tap; KeyError for what is none."""
    match = BLOCK_NAME.fullmatch(name)
    tower = ("visual" if match[1] else "text") if match else None
    part = match[3] or "" if match else name
    for number, (key, (rows, inputs)) in enumerate(TOWERS.items()):
        if tower in (None, key):
            for at, row in enumerate(rows):
                if match and row is BLOCKS:
                    return _in_block((number, at, int(match[2])), part, inputs, name)
                if row is not BLOCKS and not match and row[0] == part:
                    return (number, at, 0, 0), _named(row[1], inputs), row[2]
    raise KeyError(name)


def _in_block(rank, part, inputs, name):
    for at, row in enumerate(BLOCK):
        if row[0] == part:
            return rank + (at,), _named(row[1], inputs), row[2]
    raise KeyError(name)


def _named(dims, inputs):
    return tuple(inputs if dim == "input" else dim for dim in dims)


def names(vision_layers, text_layers, optional=False):
    """Every tap of a model, in execution order."""
    out = []
    for tower, (rows, _) in TOWERS.items():
        layers = vision_layers if tower == "visual" else text_layers
        for row in rows:
            if row is BLOCKS:
                out += [block_name(tower, n, part) for n in range(layers) for part, _, _ in BLOCK
                        if optional or part not in OPTIONAL]
            elif optional or row[0] not in OPTIONAL:
                out.append(row[0])
    return out
