# SPDX-License-Identifier: GPL-3.0-or-later
"""What a claim may need of the machine."""

import importlib.util
from pathlib import Path


def has_flag(flag):
    info = Path("/proc/cpuinfo")
    return info.exists() and f" {flag} " in info.read_text().replace("\n", " ")


NEEDS = {
    "AVX-512": lambda: has_flag("avx512f"),
    "PyTorch": lambda: importlib.util.find_spec("torch") is not None,
    "libopenblas0-openmp": lambda: any(Path("/usr/lib").glob("*/openblas-openmp")),
}


def lacks(needs):
    """Those of a comma-separated list that this machine has not."""
    return [n for n in filter(None, needs.split(", ")) if not NEEDS[n]()]
