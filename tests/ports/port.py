#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a second CLIP, in NumPy, with an undeclared fault, and writes its capture for `clip-parity diff`.

    /usr/bin/python3 tests/ports/port.py MINE.h5 FAULT -o THEIRS.h5 [--precision fp16] [--inputs 1]

MINE.h5: a result of `clip-parity run` on the demo model that recorded pixels.normalized; its pixels and tokens are used.
In fp16 and bf16 the port rounds after every operation and declares that precision. FAULT: a name in answers.py.
"""

import argparse
import json
import sys
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "reference/capture"))

import schema  # noqa: E402
from answers import FAULTS  # noqa: E402
from clip_numpy import FLOAT, load_safetensors  # noqa: E402

CONFIG = "data/fashion-clip/open_clip_config.json"
CHECKPOINT = "data/fashion-clip/open_clip_model.safetensors"
NEVER_ROUNDED = "pixels.normalized", "token_embedding"


def pixels_of(mine):
    """(image, colour, y, x) of the first capture of a result."""
    with h5py.File(mine) as file:
        return next(iter(file["captures"].values()))["pixels.normalized/value"][:]


def tokens_of(mine):
    with h5py.File(mine) as file:
        return file["inputs/tokens"][:]


def compute(fault, pixels, tokens, precision="fp32"):
    """The schema.Capture of a port."""
    config = json.loads((ROOT / CONFIG).read_text(encoding="utf-8"))
    port = FAULTS[fault].port(load_safetensors(ROOT / CHECKPOINT), config, precision)
    found = port.forward(pixels, tokens)
    return schema.Capture(fault, {name: schema.Tap(np.asarray(value, FLOAT), "fp32" if name in NEVER_ROUNDED else
                                                   port.precision) for name, value in found.items()}, port.settings())


def write(path, capture, tokens, source="tests/ports/port.py"):
    provenance = {"source": source, "config": CONFIG, "checkpoint": CHECKPOINT}
    schema.write(path, [capture], provenance, [(ROOT / name, name) for name in (CHECKPOINT, CONFIG)], tokens)


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    p.add_argument("mine", metavar="MINE.h5")
    p.add_argument("fault", choices=FAULTS)
    p.add_argument("-o", "--output", required=True)
    p.add_argument("--precision", choices=("fp32", "fp16", "bf16"), default="fp32")
    p.add_argument("--inputs", type=int, metavar="N", help="the first N images and prompts")
    args = p.parse_args(argv)
    pixels, tokens = pixels_of(args.mine)[:args.inputs], tokens_of(args.mine)[:args.inputs]
    write(args.output, compute(args.fault, pixels, tokens, args.precision), tokens)
    print(f"{args.output}: {args.fault}, {len(pixels)} images, {len(tokens)} prompts")
    return 0


if __name__ == "__main__":
    sys.exit(main())
