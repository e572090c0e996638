#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does `clip-parity diff` pass what PyTorch computes eagerly on this machine, and what ONNX Runtime computes?

    /usr/bin/python3 tests/ports/eager.py build/release/clip-parity [--full] [--node FOLDER]

Both towers of the demo models in fp32 and bf16 (fp16 where PyTorch has it) from two images and prompts, and the image tower of
a seeded model of ViT-B/32's width. Each must PASS with the sides either way round, no operation coarse or contradicted; with
another activation declared, exactly the activations must be accused. --full: pure_bf16, the erf model as thoroughly as the
other, 32 images, and all twelve layers of a ViT-B/32, also in bf16. FOLDER has onnxruntime-node (second_systems.py). Exits with 77
without PyTorch.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import port  # first: it sets the path to reference/capture
import judge
import ledger
from mine import Mine
from models import MODELS, SEED

try:
    import torch
except ImportError as missing:
    print(missing)
    sys.exit(77)

import second_systems  # sets the path to reference/pytorch

import clip
import clip_capture
import schema
import seeded

TYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}


class WideNorm(torch.nn.LayerNorm):
    """open_clip's LayerNormFp32, which its fp16 and bf16 have."""

    def forward(self, x):
        return super().forward(x.float()).to(x.dtype)


def narrow(model, precision):
    """Converts as open_clip does: the norms stay in float32 unless it is pure_fp16 or pure_bf16."""
    norms = [] if precision.startswith("pure_") else [m for m in model.modules() if isinstance(m, torch.nn.LayerNorm)]
    kept = [{name: value.clone() for name, value in norm.state_dict().items()} for norm in norms]
    model.to(TYPES[precision.removeprefix("pure_")])
    for norm, weights in zip(norms, kept):
        norm.float().load_state_dict(weights)
        norm.__class__ = WideNorm


def build(model, precision):
    config = json.loads((port.ROOT / model.config).read_text(encoding="utf-8"))
    built = clip.from_config(config.get("model_cfg", config)).eval()
    with torch.no_grad():
        if model.checkpoint:
            weights = port.load_safetensors(port.ROOT / model.checkpoint)
            clip.load_weights(built, {name: torch.from_numpy(value) for name, value in weights.items()})
        else:
            seeded.fill(built, SEED)
    if precision != "fp32":
        narrow(built, precision)
    return built


def capture(model, precision, ours, path):
    """Writes PyTorch's capture of both towers on our inputs; how many taps of it were observed."""
    tokens = port.tokens_of(ours)
    settings = {"activation": model.activation, **({"precision": precision} if precision != "fp32" else {})}
    found, report = clip_capture.capture_model(build(model, precision), port.pixels_of(ours), tokens.astype("int64"),
                                               path.stem, settings)
    if report.differs:
        raise RuntimeError(report.differs[0])
    files = [(port.ROOT / name, name) for name in (model.config, model.checkpoint) if name]
    schema.write(path, [found], {"source": f"PyTorch {torch.__version__}", **model.provenance()}, files, tokens)
    return sum(not tap.recomputed for tap in found.taps.values())


def compare(program, ours, theirs, compared, folder, swapped=False):
    """(faults, figures of theirs) of `diff`, which has to pass."""
    diff = judge.run_diff(program, *((theirs, ours) if swapped else (ours, theirs)), folder)
    wrong, found = judge.passes(diff, compared), diff.ledgers
    second = (ours if swapped else theirs).stem  # the first is called baseline
    if set(found) != {"baseline", second}:
        return [*wrong, f"ledgers of {sorted(found)}"], ""
    wrong += [f"{side}: {line}" for side in found for line in found[side].accusations()]
    return wrong, f"{compared} taps compared, {found['baseline' if swapped else second].figures()}"


def declared_otherwise(program, ours, theirs, model, precision, folder):
    """Faults of the answer where another activation is declared than was computed: every activation is accused, alone."""
    other = "erf" if model.activation == "quick" else "quick"
    diff = judge.run_diff(program, ours, theirs, folder, "--spec-b", f"activation={other},precision={precision}")
    found = diff.ledgers[theirs.stem]
    accused = {tap: verdict for tap, verdict in found.verdicts.items() if verdict in ledger.ACCUSED}
    wrong = [] if diff.code == 1 else [f"exit code {diff.code}"]
    expected = {tap for tap in found.verdicts if tap.endswith(".mlp.gelu")}
    if set(accused) != expected or precision == "fp32" and set(accused.values()) != {"contradicted"}:
        wrong.append(f"accused: {accused}")
    return wrong, f"{len(accused)} operations accused"


def eager(args, mine, name, precision, inputs):
    """PyTorch's both towers of one model."""
    model, theirs = MODELS[name], mine.folder / f"{name}-{precision}-theirs.h5"
    ours = mine.run(f"{name}-{precision}", *model.settings(inputs, precision))
    try:
        observed = capture(model, precision, ours, theirs)
    except RuntimeError as error:
        if "not implemented for 'Half'" not in str(error):
            raise
        print(f"skip PyTorch {name} {precision}: {error}")
        return
    case, compared = f"PyTorch {name} {precision}", observed + 1  # and the token ids
    yield case, *compare(args.program, ours, theirs, compared, mine.folder)
    if args.full or name == "quick":
        yield f"{case} swapped", *compare(args.program, ours, theirs, compared, mine.folder, swapped=True)
        yield f"{case}, another activation declared", *declared_otherwise(args.program, ours, theirs, model, precision,
                                                                          mine.folder)


def image_tower(args, mine, name):
    """Module outputs of a seeded model's image tower in PyTorch, and in ONNX Runtime."""
    model, folder = MODELS[name], mine.folder / name
    ours = mine.run(name, *model.settings(1), 'record={"visual*": full, "pixels*": full}')
    second_systems.main([str(ours), "-o", str(folder), "--config", model.config, "--seed", str(SEED),
                         *(["--node", str(args.node)] if args.node else [])])
    compared = 7 * model.layers[0] + 3  # the modules of each block; pixels, ln_pre, the output
    for theirs in sorted(folder.glob("*.h5")):
        case = f"{theirs.stem} {name}, image tower"
        yield case, *compare(args.program, ours, theirs, compared, folder)
        yield f"{case} swapped", *compare(args.program, ours, theirs, compared, folder, swapped=True)


def cases(args, mine):
    for name in ("quick", "erf"):
        for precision in ("fp32", "fp16", "bf16", *(["pure_bf16"] if args.full else [])):
            yield from eager(args, mine, name, precision, 32 if args.full else 2)
    if args.full:
        yield from eager(args, mine, "vit-b-32", "bf16", 1)
    yield from image_tower(args, mine, "vit-b-32" if args.full else "vit-b-32-2-layers")


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    p.add_argument("program", type=Path, metavar="clip-parity")
    p.add_argument("--full", action="store_true", help="more precisions and images, and a whole ViT-B/32")
    p.add_argument("--node", type=Path, metavar="FOLDER", help="that has onnxruntime-node")
    args = p.parse_args(argv)
    args.program = args.program.resolve()
    torch.set_num_threads(1)
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for case, wrong, figures in cases(args, Mine(args.program, Path(folder))):
            passed, failed = passed + (not wrong), failed + bool(wrong)
            print(f"{'FAIL' if wrong else 'ok  '} {case}: {figures}"
                  + "".join(f"\n       {line}" for line in wrong), flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
