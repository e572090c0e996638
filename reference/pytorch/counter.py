# SPDX-License-Identifier: GPL-3.0-or-later
"""The counter-based random numbers of harness/base/hash.h, for NumPy."""

import numpy as np

MASK = (1 << 64) - 1


def _mix(z):
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def name_hash(name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def counter_hash(seed, stream, index):
    """index: an array of integers; uint64 of the same shape."""
    with np.errstate(over="ignore"):
        start = np.array([(seed + 0x9E3779B97F4A7C15 * (stream + 1)) & MASK], dtype=np.uint64)
        index = np.asarray(index, dtype=np.uint64)
        step = index * np.uint64(0xBF58476D1CE4E5B9) + np.uint64(0x94D049BB133111EB)
        return _mix(_mix(_mix(start) ^ step))


def counter_unit(seed, stream, index):
    """Uniform on [-1, 1), multiples of 2^-23."""
    return (counter_hash(seed, stream, index) >> np.uint64(40)).astype(np.float64) * 2.0 ** -23 - 1
