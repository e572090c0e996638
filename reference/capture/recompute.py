# SPDX-License-Identifier: GPL-3.0-or-later
"""What no hook sees of a CLIP's forward pass, computed again from what the hooks saw, in the same type.

Each of these taps is checked against something that the model itself gave: the output of the attention, of the norm, of
the tower, of forward(). Where the two differ, the model computes something else there than is assumed here, so the
recomputed taps of that operation are left out and the operation is named. What was observed always stays.

Tensors are {tap: tensor} in the model's type and layout: `seen` is what there is; `made` is {tap: a note or ""} of
those that are recomputed.
"""

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F

import taps

# The schema has no taps in float64: they are stored in float32, as npz_import.py does.
DTYPES = {torch.float64: "fp32", torch.float32: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16"}
# How far what is recomputed may stray from the model's own, relative L2: another order of sums, or another place of the
# scale. A wrong layout, mask, head count or token gives some 0.1 to 1.
TOLERANCE = {"fp32": 1e-5, "fp16": 1e-2, "bf16": 5e-2}
INPUTS = {"image_features": "visual", "text_features": "text_projection"}  # of the normalisations


@dataclass
class Report:
    """checks: what agreed, and how closely.

    differs: the operations where the model computes something else, and the taps that were not seen.
    """
    checks: list = field(default_factory=list)
    differs: list = field(default_factory=list)


class Missing(Exception):
    """A tap that was not seen, or a module that is not there."""


def operation(tap):
    """visual.3.attn for visual.transformer.resblocks.3.attn, as `clip-parity diff` prints it."""
    match = taps.BLOCK_NAME.fullmatch(tap)
    if not match:
        return tap
    return ".".join(["visual" if match[1] else "text", match[2], *([match[3]] if match[3] else [])])


def agrees(distance, like):
    """False of NaN."""
    return distance <= TOLERANCE[DTYPES[like.dtype]]


def same_bits(a, b):
    """Also of NaN and of zeros' signs."""
    integer = torch.int32 if a.dtype == torch.float32 else torch.int16
    return a.dtype == b.dtype and a.shape == b.shape and torch.equal(a.contiguous().view(integer),
                                                                     b.contiguous().view(integer))


def relative(a, b):
    """L2 of the difference over that of b; infinite where the shapes differ."""
    if a.shape != b.shape:
        return math.inf
    a, b = a.double(), b.double()
    scale = b.norm().item()
    distance = (a - b).norm().item()
    return distance / scale if scale else (0.0 if distance == 0 else math.inf)


# ---- attention ----

def attention(model, tower, seen, made, report):
    """Completes a tower's attention, block by block."""
    modules = dict(model.named_modules())
    blocks = len(modules[tower.blocks])
    distances = []
    for n in range(blocks):
        module = modules.get(f"{tower.blocks}.{n}.{tower.attention}")
        distances += _block(module, tower, taps.block_name(tower.name, n, "attn"), seen, made, report)
    if distances:
        bits = "the same bits" if max(distances) == 0 else f"relative L2 {max(distances):.1e} at most"
        count = "" if len(distances) == blocks else f", in {len(distances)} of {blocks} blocks"
        report.checks.append(f"{tower.name}: attention recomputed from q, k, v against the model's own: {bits}{count}")


def _block(module, tower, name, seen, made, report):
    """Completes one block; [distance from the model's own], or [] where its attention is another one."""
    observed = f"{name}.context" in seen
    try:
        found, got = _recompute(module, tower, name, seen)
        distance = relative(got, _need(seen, f"{name}.context" if observed else name))
    except (Missing, AttributeError, TypeError, RuntimeError) as error:  # a module of other names, shapes or heads
        missing = "scores, probs" if f"{name}.q" in seen else "q, k, v, scores, probs, context"
        report.differs.append(f"{operation(name)}: {missing} cannot be recomputed and are left out: "
                              f"{' '.join(str(error).split())}")
        return []
    parts = [part for part in found if part not in seen]
    if agrees(distance, got):
        seen.update((part, found[part]) for part in parts)
        made.update(dict.fromkeys(parts, ""))
        return [distance]
    short = ", ".join(part.rpartition(".")[2] for part in parts)
    report.differs.append(f"{operation(name)}: recomputed {short} do not give the attention's own "
                          f"{'context' if observed else 'output'} ({distance:.2g} apart); they are left out")
    return []


def _need(seen, tap):
    if tap not in seen:
        raise Missing(f"{tap} was not seen")
    return seen[tap]


def _recompute(module, tower, name, seen):
    """({tap: tensor} of the attention's parts, what to compare: the context where that was seen, else the output)."""
    if module is None:
        raise Missing("no module of that name")
    parts = {part: seen[f"{name}.{part}"] for part in "qkv" if f"{name}.{part}" in seen}
    if len(parts) < 3:
        parts = _packed_projection(module, tower, _need(seen, name[:-len("attn")] + "ln_1"))
    scores, probs, context = _attention(module, tower, *parts.values())
    parts.update(scores=scores, probs=probs, context=context)
    got = context if f"{name}.context" in seen else _out_proj(module, context)
    return {f"{name}.{part}": value for part, value in parts.items()}, got


def _packed_projection(module, tower, ln_1):
    """q, k, v of nn.MultiheadAttention and of open_clip's Attention, as one product with the packed weight."""
    turn = tower.layout == "NLC" and isinstance(module, torch.nn.MultiheadAttention)  # it works token first inside
    weight, bias = module.in_proj_weight, getattr(module, "in_proj_bias", None)
    packed = F.linear(ln_1.transpose(0, 1) if turn else ln_1, weight, bias)
    return {part: value.clone()
            for part, value in zip("qkv", (packed.transpose(0, 1) if turn else packed).chunk(3, dim=-1))}


def _attention(module, tower, q, k, v):
    """Scores and probabilities; the context, in the block's layout."""
    heads = module.num_heads
    q, k, v = (_heads(part, heads, tower.layout) for part in (q, k, v))
    length = q.shape[1]
    mask = torch.full((length, length), -math.inf, dtype=q.dtype).triu(1) if tower.causal else None
    # torch.nn.functional.multi_head_attention_forward: q is scaled, the mask is added inside the product.
    q = q / math.sqrt(q.shape[-1])
    scores = torch.bmm(q, k.transpose(-2, -1))
    masked = scores if mask is None else torch.baddbmm(mask, q, k.transpose(-2, -1))
    probs = masked.softmax(dim=-1)
    context = torch.bmm(probs, v)
    if tower.layout == "LNC":
        context = context.transpose(0, 1).reshape(length, -1, heads * context.shape[-1])
    else:
        context = context.view(-1, heads, length, context.shape[-1]).transpose(1, 2).reshape(-1, length,
                                                                                             heads * q.shape[-1])
    return scores.view(-1, heads, length, length), probs.view(-1, heads, length, length), context


def _heads(x, heads, layout):
    """(input * head, token, channel of the head)."""
    if layout == "LNC":
        length, inputs, width = x.shape
        return x.contiguous().view(length, inputs * heads, width // heads).transpose(0, 1)
    inputs, length, width = x.shape
    return x.reshape(inputs, length, heads, width // heads).transpose(1, 2).reshape(-1, length, width // heads)


def _out_proj(module, context):
    # As nn.MultiheadAttention: on rows. A tensor of three dimensions that is not contiguous takes a path that rounds
    # once more, before the bias.
    rows = context.reshape(-1, context.shape[-1]).contiguous()
    return F.linear(rows, module.out_proj.weight, module.out_proj.bias).view(context.shape)


# ---- the ends of the towers ----

def pool(tree, tower, seen, made, tokens, report):
    """The pooled token; and the norm of all tokens, where the model norms the pooled one alone."""
    pooled = "visual.pooled" if tower.name == "visual" else "pooled"
    norm = seen.get(tower.norm_tap)
    if norm is None:
        if pooled not in seen:
            report.differs.append(f"{pooled}: unknown without {tower.norm_tap}; left out")
    elif norm.dim() == 3 and pooled not in seen:
        _pooled_row(tree, tower, pooled, seen, made, tokens, report)
    elif norm.dim() == 2 and not tree.norm_after_pool(tower.name):
        _norm_of_all(tree, tower, pooled, seen, made, tokens, report)


def _pooled_row(tree, tower, pooled, seen, made, tokens, report):
    """The row that is assumed, if the projection of it is the tower's output."""
    output = "visual" if tower.name == "visual" else "text_projection"
    row = tree.pooled(tower.name, seen[tower.norm_tap], tokens)
    if row is None:
        return
    distance = relative(tree.project(tower.name, row), seen[output]) if output in seen else math.nan
    if agrees(distance, row):
        seen[pooled], made[pooled] = row, ""
    else:
        report.differs.append(f"{pooled}: projecting the expected token does not give the model's own {output} "
                              f"({distance:.2g} apart); {pooled} is left out")


def _norm_of_all(tree, tower, pooled, seen, made, tokens, report):
    """OpenAI and Hugging Face norm the class token alone: what a hook sees there is the pooled token."""
    norm, last = seen.pop(tower.norm_tap), seen.get(taps.block_name(tower.name, tower.layers - 1))
    if not same_bits(seen.setdefault(pooled, norm), norm):
        report.differs.append(f"{pooled}: differs from the output of {tower.norm_tap} "
                              f"({relative(seen[pooled], norm):.2g} apart)")
    value = norm[:, None] if last is None else tower.norm(input_first(last, tower.layout))
    distance = math.nan if last is None else relative(tree.pooled(tower.name, value, tokens), norm)
    if agrees(distance, norm):
        seen[tower.norm_tap], made[tower.norm_tap] = value, "the model norms the pooled token alone"
    else:
        report.differs.append(f"{tower.norm_tap}: the norm of the last block's pooled token does not give the norm's own "
                              f"output ({distance:.2g} apart); the norm of all tokens is left out")


def input_first(x, layout):
    return x.transpose(0, 1) if layout == "LNC" else x


# ---- features and logits ----

def heads(tree, seen, made, returned, report):
    """Features, logits and probabilities: forward()'s own where it returns them, else by the formulas."""
    computed = {name: tree.normalize(seen[tap]) for name, tap in INPUTS.items() if tap in seen}
    returned = _of_their_shapes(returned, computed, report)
    for name, value in computed.items():
        _compare(f"{name}: normalising {INPUTS[name]}", value, returned.get(name), report)
    seen.update(returned)
    features = [returned.get(name, computed.get(name)) for name in INPUTS]
    if all(value is not None for value in features):
        logits = tree.logits(*features)
        if _compare("logits_per_image: exp(logit_scale) image . text", logits, returned.get("logits_per_image"), report):
            _keep({**computed, "logits_per_image": logits}, seen, made)
    unknown = [name for name in computed if name not in seen]
    if unknown:
        report.differs.append(f"{', '.join(unknown)}: cannot be verified and are left out")
    if "logits_per_image" in seen:
        _keep({"probs": seen["logits_per_image"].softmax(dim=-1)}, seen, made)


def _of_their_shapes(returned, computed, report):
    """What forward() returns, without what can be no features."""
    for name in computed:
        if name in returned and returned[name].shape != computed[name].shape:
            shape = tuple(returned[name].shape)
            report.differs.append(f"{name}: forward() returns a tensor of shape {shape} instead, which is not recorded")
    return {name: value for name, value in returned.items() if name not in computed or value.shape == computed[name].shape}


def _compare(what, value, own, report):
    """Whether forward() returns what the formula gives, or nothing (None)."""
    if own is None:
        return True
    distance = relative(value, own)
    if agrees(distance, value):
        return True
    report.differs.append(f"{what} does not give what forward() returns ({distance:.2g} apart); forward()'s own output "
                          "is recorded")
    return False


def _keep(values, seen, made):
    for tap, value in values.items():
        if tap not in seen:
            seen[tap], made[tap] = value, ""
