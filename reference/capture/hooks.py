# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads every tap of a CLIP model's forward pass through PyTorch hooks.

A hook only copies what it is shown, so the model computes what it computes without. What no module's input or output is
(q, k, v of a packed projection, scores, probabilities, the context, ...) is recomputed afterwards: recompute.py.
"""

import re

import torch

import recompute
import taps
import trees
from schema import Tap


class Watch:
    """Hooks on a model; seen[tap] is the copy of what the last pass had there, in the system's type and layout."""

    def __init__(self, model, towers):
        self.seen, self.handles = {}, []
        self.modules = dict(model.named_modules())
        self.points = []
        for tower in towers:
            self.points += tower.points
            for n in range(tower.layers):
                self.points += self._of_block(tower, n)
        for point in self.points:
            if point.module in self.modules:
                self._hook(self.modules[point.module], point)

    def _of_block(self, tower, n):
        block = f"{tower.blocks}.{n}"
        for module, tap, side in trees.OPEN_CLIP_BLOCK if tower.attention == "attn" else trees.HF_BLOCK:
            path = f"{block}.{module}" if module else block
            if not module.startswith("ls_") or hasattr(self.modules.get(path), "gamma"):
                yield trees.Point(path, taps.block_name(tower.name, n, tap), side, "block")

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

    def unseen(self):
        """A line for each kind of tap that no hook saw: the blocks' alike in one."""
        kinds = {}
        for point in self.points:
            if point.tap not in self.seen:
                kinds.setdefault(re.sub(r"resblocks\.\d+", "resblocks.N", point.tap), []).append(point)
        for points in kinds.values():
            first, more = points[0], len(points) - 1
            why = (f"the model has no {first.module}" if first.module not in self.modules
                   else f"the forward pass does not call {first.module}"
                        f"{' with a positional input' if first.side == 'in' else ''}")
            yield (f"{recompute.operation(first.tap)}: {why}; left out"
                   f"{f', likewise in {more} more block(s)' if more else ''}")

    def close(self):
        for handle in self.handles:
            handle.remove()


@torch.no_grad()
def capture(model, pixels, tokens, verify=True):
    """({tap: Tap}, recompute.Report) of one forward pass over pixels (image, 3, y, x) and tokens (prompt, token), tensors.

    RuntimeError where the model's own forward() gives other bits with the hooks than without.
    """
    model = model.eval()
    tree = trees.describe(model)
    image = pixels.to(tree.image_dtype)
    report, made = recompute.Report(), {}
    plain = tree.forward(image, tokens) if verify else {}
    watch = Watch(model, tree.towers)
    try:
        text = _encode_text(tree, watch, tokens)
        returned = tree.forward(image, tokens)
    finally:
        watch.close()
    _check_bits(plain, returned, report)
    report.differs += watch.unseen()
    seen = watch.seen
    _take_text_projection(text, seen, report)
    _settle_layouts(tree, seen, len(pixels), len(tokens))
    for tower in tree.towers:
        recompute.attention(model, tower, seen, made, report)
        recompute.pool(tree, tower, seen, made, tokens, report)
    recompute.heads(tree, seen, made, returned, report)
    return _canonical(tree, seen, made, pixels), report


def _check_bits(plain, returned, report):
    for name, value in plain.items():
        if not recompute.same_bits(returned[name], value):
            raise RuntimeError(f"{name}: the hooks changed the result, or the model is not deterministic")
    if plain:
        report.checks.append(f"hooks do not change the result: {', '.join(plain)} have the bits of the model's own forward "
                             "without hooks")


def _encode_text(tree, watch, tokens):
    """(text_projection, {tap: tensor} of the ends of that pass's tower), before the pass that is recorded."""
    text = tree.towers[1]
    value = tree.text_projection(tokens)
    ends = {tap: watch.seen[tap] for tap in (taps.block_name("text", text.layers - 1), text.norm_tap) if tap in watch.seen}
    watch.seen.clear()
    return value, ends


def _take_text_projection(text, seen, report):
    """forward() returns it normalised alone; encode_text() gives it, if both do the same up to there."""
    value, ends = text
    different = [tap for tap, end in ends.items() if tap not in seen or not recompute.same_bits(seen[tap], end)]
    if different:
        report.differs.append(f"text_projection: encode_text() gives a different {recompute.operation(different[0])} "
                              "than forward(); left out")
    elif value is not None:
        seen["text_projection"] = value


def _settle_layouts(tree, seen, images, prompts):
    """Whether blocks work input first or token first: by their shape, and where that is square, as the other tower."""
    settled = {}
    for tower, inputs in zip(tree.towers, (images, prompts)):
        block = seen.get(taps.block_name(tower.name, 0))
        if block is not None and block.shape[0] != block.shape[1]:
            settled[tower.name] = "NLC" if block.shape[0] == inputs else "LNC"
    for tower in tree.towers:
        other = next(iter(settled.values()), tower.layout)
        tower.layout = settled.get(tower.name, other)


# ---- to the canonical layout ----

def _canonical(tree, seen, made, pixels):
    layouts = {point.tap: tower.layout if point.layout == "block" else point.layout
               for tower in tree.towers for point in tower.points}
    out = {"pixels.normalized": Tap(pixels.float().numpy().copy())}
    for name, value in seen.items():
        layout = layouts.get(name, "NLC")
        if taps.BLOCK_NAME.fullmatch(name) and not name.endswith((".scores", ".probs")):
            layout = tree.towers[0 if name.startswith("visual.") else 1].layout
        if layout == "NCHW":
            value = value.flatten(2).transpose(1, 2)
        out[name] = Tap(recompute.input_first(value, layout).float().contiguous().numpy(), recompute.DTYPES[value.dtype],
                        made.get(name, ""), name in made)
    return dict(sorted(out.items(), key=lambda item: taps.describe(item[0])[0]))
