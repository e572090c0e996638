#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sixty seeded faults of the program's own (component `inject`), undeclared, from one image and one prompt: is each found?

usage:  /usr/bin/python3 tests/ports/injected.py build/release/clip-parity [MOST_MISSED]

Six kinds of faults, ten seeds, in blocks of both towers, are candidates of one run; `diff` is told that they compute what the
baseline does. A fault counts as found where it is the operation's own block and tap, and nothing else, that is blamed. Fails where
more than MOST_MISSED (3) are missed, or where anything else is blamed.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KINDS = {
    "activation": ("mlp.gelu",),
    "eps": ("ln_1", "ln_2"),
    "head_scale": ("attn.scores",),
    "transpose": ("attn",),
    "softmax": ("attn.probs",),
    "weight_bit": ("attn.q", "attn.k", "attn.v", "attn", "mlp.c_fc", "mlp.c_proj"),
}
SEEDS = 10
LAYERS = ["visual.0", "text.0", "visual.5", "text.3", "visual.2", "text.1", "visual.3", "text.2", "visual.1", "visual.4"]
EXPERIMENT = """experiment: injected
model: {checkpoint: data/fashion-clip/open_clip_model.safetensors, config: data/fashion-clip/open_clip_config.json}
inputs: {images: data/fashion-clip/images/*.png, limit: 1, prompts: [a photo of an ankle boot]}
baseline: {activation: quick}
record: {"*": full}
oracle: off
candidates:
"""


def candidates():
    return [(f"{kind}-{seed}", kind, seed, LAYERS[seed % len(LAYERS)]) for kind in KINDS for seed in range(1, SEEDS + 1)]


def run(program, folder):
    """The path of a result with every fault as a candidate."""
    experiment, result = folder / "injected.yaml", folder / "injected.h5"
    lines = [f"  {name}: {{inject.{kind}@{layer}: {seed}}}\n" for name, kind, seed, layer in candidates()]
    experiment.write_text(EXPERIMENT + "".join(lines))
    subprocess.run([program, "run", "--force", experiment, f"output={result}"], cwd=ROOT, check=True, capture_output=True)
    return result


def causes_of(program, result, name, folder):
    answer = folder / "answer.json"
    answer.unlink(missing_ok=True)
    done = subprocess.run([program, "diff", f"{result}:baseline", f"{result}:{name}", "--spec-b", "activation=quick",
                           "--json", answer, "--force", "-o", folder / "diff.h5"], cwd=ROOT, check=False, capture_output=True, text=True)
    if not answer.exists():
        raise RuntimeError(f"{name}: {done.stderr.strip()}")
    return json.loads(answer.read_text())["causes"]


def main(program, most_missed=3):
    program, found, missed, wrong = Path(program).resolve(), 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        result = run(program, folder)
        for name, kind, _, layer in candidates():
            right = {f"{layer}.{point}" for point in KINDS[kind]}
            causes = causes_of(program, result, name, folder)
            blamed = {cause["address"] for cause in causes}
            if not blamed:
                missed += 1
                print(f"missed   {name} at {layer}")
            elif blamed <= right and {cause["side"] for cause in causes} == {"b"}:
                found += 1
                print(f"found    {name} at {', '.join(sorted(blamed))}: {causes[0]['verdict']}, {causes[0]['explained_by']}")
            else:
                wrong += 1
                print(f"WRONG    {name} at {layer}: {sorted(blamed)}")
    print(f"{found} of {len(candidates())} found, {missed} missed")
    failed = wrong + max(0, missed - int(most_missed))
    print(f"{len(candidates()) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if 2 <= len(sys.argv) <= 3 else __doc__)
