# SPDX-License-Identifier: GPL-3.0-or-later
"""Does `clip-parity inspect` name the activation of both demo models from their weights alone?

Saves them as plain .pt files without any config and calibrates them on the 60,000 images that they were trained on,
and on the 10,000 test images. Some twenty minutes on two cores. From the repository's root, with Debian's python3-torch
and dataset-fashion-mnist:

    /usr/bin/python3 tests/calibration/twins.py
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "reference/pytorch"))

import safetensors  # noqa: E402

DATA = Path("/usr/share/datasets/fashion-mnist")
TWINS = {"fashion-clip": ("quick",), "fashion-clip-gelu": ("erf", "erf or tanh")}


def inspect(checkpoint, split):
    demo = ROOT / "data/fashion-clip"
    command = [ROOT / "build/release/clip-parity", "inspect", checkpoint, "--json",
               "--images", DATA / f"{split}-images-idx3-ubyte.gz", "--labels", DATA / f"{split}-labels-idx1-ubyte.gz",
               "--classes", demo / "classes.txt", "--templates", demo / "templates.txt"]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["activation"]["calibration"]


def main():
    wrong = []
    print(f"{'model':18} {'images':>6}  {'best':5} {'loss above it':>24} {'gradient z':>10} {'confidence':>10}  says")
    for split in "train", "t10k":
        for name, truth in TWINS.items():
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / f"{name}.pt"
                torch.save(safetensors.load(ROOT / "data" / name / "open_clip_model.safetensors"), path)
                told = inspect(path, split)
            rival = told["activations"]["erf" if told["best"] == "quick" else "quick"]
            print(f"{name:18} {told['images']:6}  {told['best']:5} {rival['above']:8.5f} "
                  f"[{rival['low']:.5f}, {rival['high']:.5f}] {rival['gradient_z']:6.1f} "
                  f"{100 * told['confidence']:9.2f} %  {told['says']}", flush=True)
            if (split == "train" and told["says"] not in truth) or told["says"] not in (*truth, None):
                wrong.append(f"{name} on {split}")
    sys.exit(f"wrong: {', '.join(wrong)}" if wrong else 0)


if __name__ == "__main__":
    main()
