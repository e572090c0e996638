# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes values.safetensors, what PyTorch makes of every float type: /usr/bin/python3 make.py, in this folder.

half and brain are F16 and BF16 of every kind: zeros, subnormals, normals, infinities, quiet NaNs; half.float and
brain.float are what PyTorch widens them to. single is F32; scale a scalar; none has no element.
"""
import hashlib
import platform
import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "pytorch"))
import safetensors  # noqa: E402

HALF = [0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x3C00, 0xC000, 0x7BFF, 0x7C00, 0xFC00, 0x7E00, 0xFE01]
BRAIN = [0x0000, 0x8000, 0x0001, 0x807F, 0x0080, 0x3F80, 0xC000, 0x7F7F, 0x7F80, 0xFF80, 0x7FC0, 0xFFC1]
SINGLE = [0x00000000, 0x80000000, 0x00000001, 0x807FFFFF, 0x00800000, 0x3F800001, 0x7F7FFFFF, 0xFF800000, 0x7FC01234]


def from_bits(codes, unsigned, signed, dtype, rows):
    """PyTorch has no unsigned integers of these sizes, hence the detour."""
    return torch.from_numpy(np.array(codes, unsigned).view(signed)).view(dtype).reshape(rows, -1)


def random_codes(rng, fraction):
    """52 encodings that are no NaN: one that signals need not keep its bits."""
    drawn = rng.integers(0, 1 << 16, 80)
    infinity = 0x7FFF >> fraction << fraction
    return [int(code) for code in drawn if (code & 0x7FFF) <= infinity][:52]


def main():
    rng = np.random.default_rng(22)
    half = from_bits(HALF + random_codes(rng, 10), "u2", "i2", torch.float16, 8)
    brain = from_bits(BRAIN + random_codes(rng, 7), "u2", "i2", torch.bfloat16, 4)
    single = from_bits(SINGLE, "u4", "i4", torch.float32, 3)
    tensors = {"half": half, "half.float": half.float(), "brain": brain, "brain.float": brain.float(),
               "single": single, "scale": torch.tensor(2.6592600), "none": torch.zeros(0, 3)}
    path = HERE / "values.safetensors"
    safetensors.save(path, tensors, {"format": "pt", "made by": "make.py"})
    (HERE / "PROVENANCE.txt").write_text(
        "made by reference/golden/safetensors/make.py with reference/pytorch/safetensors.py\n"
        f"Python {platform.python_version()}, torch {torch.__version__}, NumPy {np.__version__}\n"
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  values.safetensors\n")


if __name__ == "__main__":
    main()
