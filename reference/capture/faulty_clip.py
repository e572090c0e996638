# SPDX-License-Identifier: GPL-3.0-or-later
"""CLIPs with a structural fault that their configs do not declare, as ports have had them; to try captures and diff on.

clip_capture.py --library reference/capture/faulty_clip.py:FAULT takes an open_clip config and a checkpoint or --seed,
and captures reference/pytorch/clip.py with that fault; FAULT is the name of a function below, `build` has no fault. The
public report that each is modelled on stands beside it.
"""

import math
from functools import partial

import torch
import torch.nn.functional as F

import clip_capture
import seeded

clip = clip_capture.own("clip")


@torch.no_grad()
def build(args):
    """No fault."""
    config = clip_capture.read_config(args.model, None)
    if args.activation != "auto":
        config = clip.with_activation(config, args.activation)
    model, state = clip.from_config(config), clip_capture.state_dict(args)
    if state is None and args.seed is None:
        raise ValueError("no weights: give --checkpoint FILE or --seed N")
    if state is None:
        seeded.fill(model, args.seed)
    else:
        clip.load_weights(model, state)
    return model.to(clip_capture.DTYPES.get(args.precision.removeprefix("pure_"), torch.float32))


def no_causal(args):
    """The text tower's mask is lost (ncnn#5222). First at text.0.attn.probs."""
    model = build(args)
    forward = model.transformer.forward
    model.transformer.forward = lambda x, attn_mask=None: forward(x)
    return model


def no_ln_post(args):
    """The image tower never calls ln_post (mlc-llm#3205, vllm PR#8155).

    A capture then has neither visual.ln_post nor visual.pooled.
    """
    model = build(args)
    model.visual.forward = partial(_image_tower, model.visual, norm=lambda x: x)
    return model


def identity_ln_post(args):
    """The same, as a module that gives back what it takes: visual.ln_post is the last block's output."""
    model = build(args)
    model.visual.ln_post.forward = lambda x: x
    return model


def positions_before_class(args):
    """Positions are added before the class token, which has none (Megatron-LM PR#6260). First at visual.embed."""
    model = build(args)
    model.visual.forward = partial(_image_tower, model.visual, norm=model.visual.ln_post, class_position=False)
    return model


def argmax_fp16(args):
    """Token ids in fp16, where 49406 and 49407 are equal: the first token is pooled (ailia PR#1389). First at pooled."""
    model = build(args)
    model.encode_text = partial(_encode_text, model, lambda tokens: tokens.half().float().argmax(dim=-1))
    return model


def first_token(args):
    """The same with any vocabulary."""
    model = build(args)
    model.encode_text = partial(_encode_text, model, lambda tokens: torch.zeros(len(tokens), dtype=torch.long))
    return model


def scale_by_width(args):
    """Scores are divided by sqrt(width), not by sqrt(head_dim), which is the same in a tower with one head.

    First at attn.scores of block 0.
    """
    model = build(args)
    for tower in (model.visual.transformer, model.transformer):
        for block in tower.resblocks:
            block.attn.forward = partial(_attention_by_width, block.attn)
    return model


# ---- the forward passes of reference/pytorch/clip.py, written out where a fault stands inside ----

def _image_tower(visual, x, norm, class_position=True):
    x = visual.conv1(x).flatten(2).permute(0, 2, 1)
    token = visual.class_embedding.to(x.dtype).expand(len(x), 1, -1)
    position = visual.positional_embedding.to(x.dtype)
    x = torch.cat([token + position[:1] if class_position else token, x + position[1:]], dim=1)
    return norm(visual.transformer(visual.ln_pre(x)))[:, 0] @ visual.proj


def _encode_text(model, pooled, tokens, normalize=False):
    length = tokens.shape[1]
    x = model.token_embedding(tokens)
    x = x + model.positional_embedding[:length].to(x.dtype)
    x = model.ln_final(model.transformer(x, attn_mask=model.attn_mask[:length, :length].to(x.dtype)))
    x = x[torch.arange(len(x)), pooled(tokens)] @ model.text_projection
    return F.normalize(x, dim=-1) if normalize else x


def _attention_by_width(attn, x, _key, _value, need_weights=False, attn_mask=None):
    length, inputs, width = x.shape  # token first

    def heads(part):
        return part.reshape(length, inputs * attn.num_heads, -1).transpose(0, 1)
    q, k, v = (heads(part) for part in F.linear(x, attn.in_proj_weight, attn.in_proj_bias).chunk(3, dim=-1))
    scores = torch.bmm(q / math.sqrt(width), k.transpose(1, 2))
    probs = (scores if attn_mask is None else scores + attn_mask).softmax(dim=-1)
    return attn.out_proj(torch.bmm(probs, v).transpose(0, 1).reshape(length, inputs, width)), None
