# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures a small CLIP in open_clip's, OpenAI's and Hugging Face's module trees, beside README.md.

Needs the sources of open_clip v2.24.0 and of openai/CLIP, unpacked anywhere (nothing of them is kept), Debian's
python3-torch and python3-h5py. From the repository's root:

    /usr/bin/python3 reference/golden/captures/make.py OPEN_CLIP/src OPENAI_CLIP
"""

import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "reference/pytorch"))

import h5py  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

import seeded  # noqa: E402

OPEN_CLIP = "3ff1faf10b60be27252be7f6c84ce7c8c5e14ec8"  # v2.24.0
OPENAI = "d05afc436d78f1c48dc0dbf8e5980a9d471f35f6"
SEED = 915
INPUTS = 16
MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)[:, None, None]
STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)[:, None, None]


def make(name, *options):
    folder = "reference/golden/captures"
    # A process for each: OpenAI's package and reference/pytorch/clip.py have the same name.
    subprocess.run([
        sys.executable, ROOT / "reference/capture/clip_capture.py", "--model", f"{folder}/model.json",
        "--seed", str(SEED), "--pixels", f"{folder}/pixels.npy", "--tokens", f"{folder}/tokens.npy",
        "--threads", "1", "--name", name, "-o", f"{folder}/{name}.h5", *options], check=True, cwd=ROOT)


def main():
    open_clip, openai = (Path(folder).resolve() for folder in sys.argv[1:])
    np.save(HERE / "pixels.npy", seeded.pixels(INPUTS, 16, SEED, MEAN, STD).numpy())
    np.save(HERE / "tokens.npy", seeded.tokens(INPUTS, 8, 64, SEED).numpy().astype(np.int32))
    for activation in ("quick", "erf"):
        for precision in ("fp32", "bf16"):
            make(f"{activation}-{precision}", "--source", open_clip, "--commit", OPEN_CLIP,
                 "--activation", activation, "--precision", precision)
    make("openai-quick-fp32", "--library", "openai", "--source", openai, "--commit", OPENAI, "--limit", "8")
    make("hf-quick-fp32", "--library", "reference/capture/hf_tree.py:build", "--activation", "quick", "--limit", "8")
    (HERE / "PROVENANCE.txt").write_text(
        f"made by reference/golden/captures/make.py\nopen_clip v2.24.0 {OPEN_CLIP}\nopenai/CLIP {OPENAI}\n"
        f"python {platform.python_version()}\ntorch {torch.__version__}\nnumpy {np.__version__}\n"
        f"h5py {h5py.__version__}\n")


if __name__ == "__main__":
    main()
