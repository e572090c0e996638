# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads every tap of a CLIP model's forward pass through PyTorch hooks.

Three module trees are known: open_clip's CLIP and CustomTextCLIP (all versions), OpenAI's CLIP, and Hugging Face's
CLIPModel; any model with the same names works. A hook only copies what it is shown, so the model computes what it
computes without. What no module's input or output is (q, k, v of a packed projection, scores, probabilities, the
context) is computed again afterwards from what the hooks saw, in the same type, by the operations that
nn.MultiheadAttention names, and pushed through out_proj to be compared with the attention's own output.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

import taps
from schema import Tap

DTYPES = {torch.float32: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16"}
# How far out_proj of a recomputed context may stray from the attention's own output, relative L2: another order of
# sums, or another place of the scale. A wrong layout, mask or head count gives some 0.1 to 1.
TOLERANCE = {"fp32": 1e-5, "fp16": 1e-2, "bf16": 5e-2}
RECOMPUTED = "recomputed"


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

    def __init__(self, name, points, blocks, attention, layout, causal, norm, norm_tap):
        self.name, self.points, self.blocks, self.layout = name, points, blocks, layout
        self.attention = attention  # of a block: the module that holds the heads
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
        return Tower("visual", points, "visual.transformer.resblocks", "attn", layout, False,
                     self.model.visual.ln_post, "visual.ln_post")

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
        return Tower("text", points, f"{prefix}transformer.resblocks", "attn", layout, mask is not None,
                     self.text.ln_final, "ln_final")

    @property
    def image_dtype(self):
        return self.model.visual.conv1.weight.dtype

    def outputs(self, pixels, tokens):
        """The heads, {tap: tensor}, by the formulas of the model's forward: it returns less than the taps ask for."""
        text = self.model.encode_text(tokens)
        image = _normalize(self.model.encode_image(pixels), self.openai)
        out = {"text_projection": text, "image_features": image, "text_features": _normalize(text, self.openai)}
        logits = self.model.logit_scale.exp() * image @ out["text_features"].T
        bias = getattr(self.model, "logit_bias", None)
        out["logits_per_image"] = logits if bias is None else logits + bias
        return out

    def own_outputs(self, pixels, tokens):
        """What the model's own forward returns."""
        out = self.model(pixels, tokens)
        if self.openai:
            return {"logits_per_image": out[0]}
        if isinstance(out, dict):
            return {name: out[name] for name in ("image_features", "text_features")}
        return {"image_features": out[0], "text_features": out[1]}

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
        visual = Tower("visual", points, "vision_model.encoder.layers", "self_attn", "NLC", False,
                       model.vision_model.post_layernorm, "visual.ln_post")
        points = [Point("text_model.embeddings.token_embedding", "token_embedding"),
                  Point("text_model.embeddings", "embed"), Point("text_model.final_layer_norm", "ln_final"),
                  Point("text_projection", "pooled", "in"), Point("text_projection", "text_projection")]
        text = Tower("text", points, "text_model.encoder.layers", "self_attn", "NLC", True,
                     model.text_model.final_layer_norm, "ln_final")
        self.towers = [visual, text]

    @property
    def image_dtype(self):
        return self.model.vision_model.embeddings.patch_embedding.weight.dtype

    def outputs(self, pixels, tokens):
        return self.own_outputs(pixels, tokens)

    def own_outputs(self, pixels, tokens):
        out = self.model(input_ids=tokens, pixel_values=pixels)
        return {"image_features": out.image_embeds, "text_features": out.text_embeds,
                "logits_per_image": out.logits_per_image}

    def pooled(self, tower, x, tokens):
        return None


class Watch:
    """Hooks on a model; seen[tap] is the copy of what the last pass had there, in the system's type and layout."""

    def __init__(self, model, towers):
        self.seen, self.handles = {}, []
        modules = dict(model.named_modules())
        self.absent = []
        for tower in towers:
            part = OPEN_CLIP_BLOCK if tower.attention == "attn" else HF_BLOCK
            points = list(tower.points)
            layers = len(modules[tower.blocks])
            for n in range(layers):
                points += [Point(f"{tower.blocks}.{n}" + (f".{module}" if module else ""),
                                 taps.block_name(tower.name, n, tap), side, "block")
                           for module, tap, side in part
                           if not module.startswith("ls_") or hasattr(modules.get(f"{tower.blocks}.{n}.{module}"), "gamma")]
            for point in points:
                if point.module in modules:
                    self._hook(modules[point.module], point)
                else:
                    self.absent.append(point.tap)

    def _hook(self, module, point):
        def output(_module, _inputs, value):
            self._see(point, value)

        def before(_module, inputs):
            if inputs:  # a module that is called by keyword shows no input
                self._see(point, inputs[0])
        self.handles.append(module.register_forward_pre_hook(before) if point.side == "in"
                            else module.register_forward_hook(output))

    def _see(self, point, value):
        value = value[0] if isinstance(value, tuple) else value
        value = getattr(value, "last_hidden_state", value)
        self.seen[point.tap] = value.detach().clone()

    def close(self):
        for handle in self.handles:
            handle.remove()


def describe(model):
    """The module tree that a model has."""
    if hasattr(model, "vision_model") and hasattr(model, "text_model"):
        return HuggingFace(model)
    if hasattr(model, "visual") and hasattr(model, "encode_image"):
        return OpenClip(model)
    raise ValueError("the model has neither open_clip's nor Hugging Face's module names")


@torch.no_grad()
def capture(model, pixels, tokens, verify=True):
    """({tap: Tap}, report) of one forward pass over pixels (image, 3, y, x) and tokens (prompt, token), tensors.

    report: lines that say what was compared. RuntimeError where the hooks changed a result, or where what is
    recomputed does not lead to what the model computed.
    """
    model = model.eval()
    tree = describe(model)
    image = pixels.to(tree.image_dtype)
    own = tree.own_outputs(image, tokens) if verify else {}
    watch = Watch(model, tree.towers)
    try:
        seen = {**tree.outputs(image, tokens), **watch.seen}
    finally:
        watch.close()
    seen["probs"] = seen["logits_per_image"].softmax(dim=-1)
    for name, value in own.items():
        if not same_bits(seen[name], value):
            raise RuntimeError(f"{name}: the hooks changed the result")
    report = [f"hooks do not change the result: {', '.join(own)} have the bits of the model's own forward without hooks"
              ] if verify else []
    notes = {}
    _settle_layouts(tree, seen, len(pixels), len(tokens))
    for tower in tree.towers:
        report.append(_blocks(model, tower, seen, notes))
        _pool(tree, tower, seen, notes, tokens)
    return _canonical(tree, seen, notes, pixels), report


def _settle_layouts(tree, seen, images, prompts):
    """Whether blocks work input first or token first: by their shape, and where that is square, as the other tower."""
    settled = {}
    for tower, inputs in zip(tree.towers, (images, prompts)):
        rows, columns, _ = seen[taps.block_name(tower.name, 0)].shape
        if rows != columns:
            settled[tower.name] = "NLC" if rows == inputs else "LNC"
    for tower in tree.towers:
        other = next(iter(settled.values()), tower.layout)
        tower.layout = settled.get(tower.name, other)


# ---- what no hook sees ----

def _blocks(model, tower, seen, notes):
    """Completes a tower's attention; a line that says how well it agrees with the model's own."""
    modules = dict(model.named_modules())
    worst = 0.0
    for n in range(len(modules[tower.blocks])):
        name = taps.block_name(tower.name, n, "attn")
        module = modules[f"{tower.blocks}.{n}.{tower.attention}"]
        if f"{name}.q" not in seen:
            _packed_projection(module, tower, name, seen, notes)
        context = _attention(module, tower, name, seen, notes)
        actual = seen.get(f"{name}.context", seen[name])
        got = context if f"{name}.context" in seen else _out_proj(module, context)
        distance = relative(got, actual)
        worst = max(worst, distance)
        if not distance <= TOLERANCE[DTYPES[actual.dtype]]:
            raise RuntimeError(f"{name}: what is recomputed from q, k and v is {distance:.1e} (relative L2) off what "
                               "the model computed: another scale, mask or layout than assumed")
        if f"{name}.context" not in seen:
            seen[f"{name}.context"] = context
            notes[f"{name}.context"] = RECOMPUTED
    bits = "the same bits" if worst == 0 else f"relative L2 {worst:.1e} at most"
    return f"{tower.name}: attention recomputed from q, k, v against the model's own: {bits}"


def _packed_projection(module, tower, name, seen, notes):
    """q, k, v of nn.MultiheadAttention and of open_clip's Attention, as one product with the packed weight."""
    turn = tower.layout == "NLC" and isinstance(module, torch.nn.MultiheadAttention)  # it works token first inside
    weight, bias = module.in_proj_weight, getattr(module, "in_proj_bias", None)
    ln_1 = seen[name[:-len("attn")] + "ln_1"]
    packed = F.linear(ln_1.transpose(0, 1) if turn else ln_1, weight, bias)
    for part, value in zip("qkv", (packed.transpose(0, 1) if turn else packed).chunk(3, dim=-1)):
        seen[f"{name}.{part}"] = value.clone()
        notes[f"{name}.{part}"] = RECOMPUTED


def _attention(module, tower, name, seen, notes):
    """Scores and probabilities into seen; the context, in the block's layout."""
    q, k, v = (_heads(seen[f"{name}.{part}"], module.num_heads, tower.layout) for part in "qkv")
    length = q.shape[1]
    mask = torch.full((length, length), -math.inf, dtype=q.dtype).triu(1) if tower.causal else None
    # torch.nn.functional.multi_head_attention_forward: q is scaled, the mask is added inside the product.
    q = q / math.sqrt(q.shape[-1])
    scores = torch.bmm(q, k.transpose(-2, -1))
    masked = scores if mask is None else torch.baddbmm(mask, q, k.transpose(-2, -1))
    probs = masked.softmax(dim=-1)
    context = torch.bmm(probs, v)
    heads = module.num_heads
    for part, value in (("scores", scores), ("probs", probs)):
        seen[f"{name}.{part}"] = value.view(-1, heads, length, length)
        notes[f"{name}.{part}"] = RECOMPUTED
    if tower.layout == "LNC":
        return context.transpose(0, 1).reshape(length, -1, heads * context.shape[-1])
    return context.view(-1, heads, length, context.shape[-1]).transpose(1, 2).reshape(-1, length, q.shape[-1] * heads)


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


def _pool(tree, tower, seen, notes, tokens):
    """The pooled token; and the norm of all tokens, where the model norms the pooled one alone."""
    pooled = "visual.pooled" if tower.name == "visual" else "pooled"
    norm = seen.get(tower.norm_tap)
    if norm is None or pooled in seen and not (isinstance(tree, HuggingFace) and norm.dim() == 2):
        return
    if norm.dim() == 2:  # OpenAI, Hugging Face: ln_post of the class token
        seen[pooled] = norm
        last = max(n for n in range(1000) if taps.block_name(tower.name, n) in seen)
        x = _input_first(seen[taps.block_name(tower.name, last)], tower.layout)
        seen[tower.norm_tap] = tower.norm(x)
        notes[tower.norm_tap] = "the model norms the pooled token alone; recomputed for all"
        if not same_bits(seen[tower.norm_tap][:, 0], norm):
            raise RuntimeError(f"{tower.norm_tap}: the norm of all tokens gives other bits than that of one")
        return
    value = tree.pooled(tower.name, norm, tokens)
    if value is not None:
        seen[pooled] = value


# ---- to the canonical layout ----

def _canonical(tree, seen, notes, pixels):
    layouts = {point.tap: tower.layout if point.layout == "block" else point.layout
               for tower in tree.towers for point in tower.points}
    out = {"pixels.normalized": Tap(pixels.float().numpy().copy())}
    for name, value in seen.items():
        layout = layouts.get(name, "NLC")
        if taps.BLOCK_NAME.fullmatch(name) and not name.endswith((".scores", ".probs")):
            layout = tree.towers[0 if name.startswith("visual.") else 1].layout
        if layout == "NCHW":
            value = value.flatten(2).transpose(1, 2)
        out[name] = Tap(_input_first(value, layout).float().contiguous().numpy(), DTYPES[value.dtype],
                        notes.get(name, ""))
    return dict(sorted(out.items(), key=lambda item: taps.describe(item[0])[0]))


def _input_first(x, layout):
    return x.transpose(0, 1) if layout == "LNC" else x


def same_bits(a, b):
    """Also of NaN and of zeros' signs."""
    integer = torch.int32 if a.dtype == torch.float32 else torch.int16
    return a.dtype == b.dtype and a.shape == b.shape and torch.equal(a.contiguous().view(integer),
                                                                     b.contiguous().view(integer))


def relative(a, b):
    a, b = a.double(), b.double()
    scale = b.norm().item()
    distance = (a - b).norm().item()
    return distance / scale if scale else (0.0 if distance == 0 else math.inf)


def _block_layout(transformer):
    attention = transformer.resblocks[0].attn
    batch_first = getattr(attention, "batch_first", getattr(transformer, "batch_first", hasattr(attention, "use_sdpa")))
    return "NLC" if batch_first else "LNC"


def _normalize(x, openai):
    return x / x.norm(dim=1, keepdim=True) if openai else F.normalize(x, dim=-1)


def _refuse(good, why):
    if not good:
        raise ValueError(why)
