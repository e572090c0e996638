# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes .npy files by NumPy, for the reader of harness/picture/array.c.

    TYPE-RANK.npy     shape (2, 3, 4, 5)[:RANK]; element i, in C order, is (i - 3) / 7 in a float type,
                      (i - 3) * 89478485 in int32, (i - 3) * 4294967291 in int64 and 37 i mod 256 in uint8
    special-TYPE.npy  nan, inf, -inf, -0, the smallest subnormal, the largest number
    version-2.npy     as float32-2, in version 2.0 of the format
    refused-*.npy     valid files of kinds that the reader refuses

and PROVENANCE.txt.  Run from the repository's root:

    /usr/bin/python3 reference/golden/npy/make.py
"""

import platform
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
SHAPE = (2, 3, 4, 5)


def values(name, rank):
    i = np.arange(np.prod(SHAPE[:rank]), dtype=np.int64)
    made = {"float32": ((i - 3) / 7).astype("<f4"), "float64": (i - 3) / 7, "int32": ((i - 3) * 89478485).astype("<i4"),
            "int64": (i - 3) * 4294967291, "uint8": (37 * i % 256).astype("u1")}
    return made[name].reshape(SHAPE[:rank])


def refused():
    x = values("float32", 2)
    yield "fortran", np.asfortranarray(x)
    yield "big-endian", x.astype(">f4")
    yield "float16", x.astype("<f2")
    yield "uint32", x.astype("<u4")
    yield "bool", x > 0
    yield "complex", x.astype("<c8")
    yield "text", np.array(["a", "bc"])
    yield "record", np.zeros(3, dtype=[("a", "<f4"), ("b", "<i4")])
    yield "object", np.array([None, 1], dtype=object)
    yield "scalar", np.array(1.5)
    yield "empty", np.zeros((0, 3), "<f4")
    yield "rank-5", np.zeros((1, 1, 1, 1, 2), "<f4")


def main():
    for name in ("float32", "float64", "int32", "int64", "uint8"):
        for rank in (1, 2, 3, 4):
            np.save(HERE / f"{name}-{rank}.npy", values(name, rank))
    for name in ("float32", "float64"):
        limits = np.finfo(name)
        special = [np.nan, np.inf, -np.inf, -0.0, limits.smallest_subnormal, limits.max]
        np.save(HERE / f"special-{name}.npy", np.array(special, dtype=name))
    with open(HERE / "version-2.npy", "wb") as file:
        np.lib.format.write_array(file, values("float32", 2), version=(2, 0))
    for name, array in refused():
        np.save(HERE / f"refused-{name}.npy", array)
    (HERE / "PROVENANCE.txt").write_text(
        f"made by reference/golden/npy/make.py\nPython {platform.python_version()}, NumPy {np.__version__}\n")


if __name__ == "__main__":
    main()
