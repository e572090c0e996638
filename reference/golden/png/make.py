# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes PNG files of every kind, by the format's own rules, and what Pillow reads from them.

    KIND.png          13 x 13 pixels; Pillow cannot write most of these kinds
    values.npy        uint8 (files, 13, 13, 3): Image.open(path).convert("RGB"), in the order of
                      the sorted names

and PROVENANCE.txt.  Run from the repository's root with Debian's python3-pil:

    /usr/bin/python3 reference/golden/png/make.py
"""

import platform
import random
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

HERE = Path(__file__).resolve().parent
SIDE = 13
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
PALETTE = bytes((37 * i + 11) % 256 for i in range(3 * 256))


def chunk(name, data=b""):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def paeth(a, b, c):
    return min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]


def filtered(row, above, step, kind):
    """One row under filter 0 to 4 (PNG, 9.2)."""
    left, corner = bytes(step) + row, bytes(step) + above
    guess = {0: lambda i: 0, 1: lambda i: left[i], 2: lambda i: above[i], 3: lambda i: (left[i] + above[i]) // 2,
             4: lambda i: paeth(left[i], above[i], corner[i])}[kind]
    return bytes([kind]) + bytes((value - guess(i)) % 256 for i, value in enumerate(row))


def packed(samples, depth):
    """A row of samples in bytes, the first in the high bits."""
    if depth == 16:
        return b"".join(struct.pack(">H", sample) for sample in samples)
    bits = "".join(f"{sample:0{depth}b}" for sample in samples)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def scan(pixels, depth, channels):
    """All rows of one pass, the filters in turn."""
    out, above = b"", None
    for y, row in enumerate(pixels):
        row = packed([sample for pixel in row for sample in pixel], depth)
        out += filtered(row, above or bytes(len(row)), max(1, depth * channels // 8), y % 5)
        above = row
    return out


def image(colour, depth, interlaced=False, before=(), behind=(), entries=None):
    """A whole file of seeded samples; before and behind: chunks around the image data."""
    rng, channels = random.Random(16 * colour + depth), CHANNELS[colour]
    top = (entries or 2**depth) - 1
    pixels = [[[rng.choice((0, top, rng.randint(0, top))) for _ in range(channels)] for _ in range(SIDE)]
              for _ in range(SIDE)]
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    data = b""
    for x, y, dx, dy in passes:
        data += scan([row[x::dx] for row in pixels[y::dy]], depth, channels)
    data = zlib.compress(data, 9)
    if colour == 3:
        before = (chunk(b"PLTE", PALETTE[:3 * (top + 1)]), *before)
    header = struct.pack(">IIBBBBB", SIDE, SIDE, depth, colour, 0, 0, int(interlaced))
    return b"".join([b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), *before, chunk(b"IDAT", data[:20]), chunk(b"IDAT"),
                     chunk(b"IDAT", data[20:]), *behind, chunk(b"IEND")])


def control(number):
    return chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, SIDE, SIDE, 0, 0, 1, 10, 0, 0))


def files():
    names = {0: "grey", 2: "rgb", 3: "palette", 4: "grey-alpha", 6: "rgba"}
    kinds = [(0, d) for d in (1, 2, 4, 8)] + [(3, d) for d in (1, 2, 4, 8)] + [(2, 8), (4, 8), (6, 8)]
    for colour, depth in kinds:
        yield f"{names[colour]}-{depth}", image(colour, depth)
        yield f"{names[colour]}-{depth}-interlaced", image(colour, depth, interlaced=True)
    yield "palette-8-short", image(3, 8, entries=100)
    yield "palette-4-trns", image(3, 4, before=(chunk(b"tRNS", bytes((0, 128, 255, 7))),))
    yield "palette-8-trns", image(3, 8, before=(chunk(b"tRNS", bytes(range(256))),))
    yield "grey-8-trns", image(0, 8, before=(chunk(b"tRNS", b"\0\0"),))
    yield "rgb-8-trns", image(2, 8, before=(chunk(b"tRNS", b"\0\0\0\xff\0\0"),))
    yield "rgb-8-gamma", image(2, 8, before=(chunk(b"gAMA", struct.pack(">I", 100000)),))
    yield "rgb-8-srgb", image(2, 8, before=(chunk(b"sRGB", b"\0"), chunk(b"tEXt", b"Comment\0text")))
    second = chunk(b"fdAT", struct.pack(">I", 2) + zlib.compress(bytes(SIDE * (1 + 3 * SIDE))))
    first = chunk(b"acTL", struct.pack(">II", 2, 0))
    yield "rgb-8-animated", image(2, 8, before=(first, control(0)), behind=(control(1), second))


def main():
    for old in HERE.glob("*.png"):
        old.unlink()
    values = []
    warnings.simplefilter("ignore")  # Pillow prefers RGBA for a palette with transparency
    for name, data in sorted(files(), key=lambda file: file[0] + ".png"):
        path = HERE / f"{name}.png"
        path.write_bytes(data)
        with Image.open(path) as opened:
            values.append(np.asarray(opened.convert("RGB")))
    np.save(HERE / "values.npy", np.stack(values))
    (HERE / "PROVENANCE.txt").write_text(
        f"made by reference/golden/png/make.py\nPython {platform.python_version()}, Pillow {PIL.__version__},"
        f" NumPy {np.__version__}\n")


if __name__ == "__main__":
    main()
