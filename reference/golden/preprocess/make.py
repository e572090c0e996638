# SPDX-License-Identifier: GPL-3.0-or-later
"""Preprocessing by Pillow and torchvision, as open_clip composes them, as digests.

    cases.csv     pictures by rule (below), their transform, and SHA-256 of what came out: `cropped`, bytes
                  (size, size, 3) after resize, crop and convert("RGB"), and `normalized`, float32 (3, size,
                  size) after ToTensor and Normalize; "refused" where Pillow raises
    PROVENANCE.txt

Run from the repository's root with Debian's python3-torchvision:

    /usr/bin/python3 reference/golden/preprocess/make.py                   the committed cases
    /usr/bin/python3 reference/golden/preprocess/make.py 2400 cases.csv    more: CP_PREPROCESS_CASES=cases.csv
"""

import csv
import hashlib
import math
import platform
import random
import sys
from pathlib import Path

import numpy as np
import PIL
import torch
import torchvision
import torchvision.transforms.functional as F
from PIL import Image
from torchvision.transforms import CenterCrop, InterpolationMode, Normalize, Resize, ToTensor

HERE = Path(__file__).resolve().parent
COMMITTED = 400
CHANNELS = {"1": 1, "L": 1, "LA": 2, "P": 1, "RGB": 3, "RGBA": 4, "I": 1, "CMYK": 4}
MODES = ("1", "L", "LA", "LA", "P", "RGB", "RGB", "RGBA", "RGBA", "I", "CMYK")
SIZES = (224, 224, 224, 28, 32, 17, 336)
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
FIELDS = ("mode", "width", "height", "content", "seed", "size", "filter", "resize_mode", "cropped", "normalized")

# ---- pictures by rule ----


def hashes(seed, count):
    x = (np.arange(count, dtype=np.uint64) + np.uint64(seed << 32)) * np.uint64(0x9E3779B97F4A7C15)
    x ^= x >> np.uint64(29)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    return x ^ (x >> np.uint64(32))


def content(case):
    """Noise, a slope with a little noise, or black and white blocks; alpha is 0 and 255 in half of its pixels."""
    width, height, channels = case["width"], case["height"], CHANNELS[case["mode"]]
    hashed = hashes(case["seed"], height * width * channels).reshape(height, width, channels)
    noise = (hashed >> np.uint64(56)).astype(np.uint8)
    y, x, c = np.indices(noise.shape, dtype=np.int64, sparse=True)
    if case["mode"] == "I":
        return (hashed >> np.uint64(48)).astype(np.int32)
    if case["content"] == "slope":
        values = ((3 * x + 5 * y + 71 * c + (noise >> 4)) & 255).astype(np.uint8)
    elif case["content"] == "blocks":
        values = ((((x >> 3) ^ (y >> 2) ^ c) & 1) * 255 + 0 * noise).astype(np.uint8)
    else:
        values = noise
    if case["mode"] in ("LA", "RGBA"):
        alpha = noise[:, :, -1]
        values[:, :, -1] = np.where(alpha < 64, 0, np.where(alpha >= 192, 255, alpha))
    return values


def picture(case):
    values, size = content(case), (case["width"], case["height"])
    if case["mode"] == "1":
        return Image.frombytes("L", size, np.where(values >= 128, 255, 0).astype(np.uint8).tobytes()).convert(
            "1", dither=Image.Dither.NONE)
    image = Image.frombytes(case["mode"], size, values.tobytes())
    if case["mode"] == "P":
        image.putpalette((hashes(case["seed"] + 1, 768) >> np.uint64(56)).astype(np.uint8).tobytes())
    return image


# ---- open_clip src/open_clip/transform.py, whose eval transform these four are ----


def resize_keep_ratio(image, size, interpolation):
    h, w = image.size[::-1]
    ratio = max(h / size, w / size) * 1.0 + min(h / size, w / size) * (1.0 - 1.0)
    return F.resize(image, [round(x * 1.0 / ratio) for x in (h, w)], interpolation)


def center_crop_or_pad(image, size, fill=0):
    _, height, width = F.get_dimensions(image)
    if size > width or size > height:
        wide, high = max(size - width, 0), max(size - height, 0)
        image = F.pad(image, [wide // 2, high // 2, (wide + 1) // 2, (high + 1) // 2], fill=fill)
        _, height, width = F.get_dimensions(image)
        if size == width and size == height:
            return image
    return F.crop(image, int(round((height - size) / 2.0)), int(round((width - size) / 2.0)), size, size)


def crop(case, image):
    size = case["size"]
    interpolation = InterpolationMode(case["filter"])
    if case["resize_mode"] == "longest":
        return center_crop_or_pad(resize_keep_ratio(image, size, interpolation), size)
    if case["resize_mode"] == "squash":
        return Resize((size, size), interpolation=interpolation)(image)
    return CenterCrop((size, size))(Resize(size, interpolation=interpolation)(image))


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:32]


def compute(case):
    try:
        rgb = crop(case, picture(case)).convert("RGB")
    except ValueError:
        return dict(case, cropped="refused", normalized="refused")
    tensor = Normalize(MEAN, STD)(ToTensor()(rgb))
    assert tensor.dtype == torch.float32 and tensor.shape == (3, case["size"], case["size"])
    return dict(case, cropped=digest(np.asarray(rgb)), normalized=digest(tensor.numpy()))


# ---- cases ----


def side(rng):
    return min(3000, int(math.exp(rng.uniform(0, math.log(3001)))))


def draw(rng, number):
    case = {"mode": MODES[number % len(MODES)], "width": side(rng), "height": side(rng)}
    case["content"] = rng.choice(("noise", "slope", "blocks"))
    case["seed"] = number
    case["size"] = rng.choice(SIZES)
    case["filter"] = rng.choice(("bicubic", "bicubic", "bilinear"))
    case["resize_mode"] = rng.choice(("shortest", "shortest", "longest", "squash"))
    near = rng.randrange(8)
    if near == 0:  # a pass or both have nothing to do
        case["width"] = case["size"]
    if near in (0, 1) and rng.random() < 0.5:
        case["height"] = case["size"]
    if near == 2:  # an odd rest of one to nine pixels
        case["width"], case["height"] = case["size"], case["size"] + rng.randrange(1, 10)
    if max(case["width"], case["height"]) > 60 * min(case["width"], case["height"]):
        case["resize_mode"] = rng.choice(("longest", "squash"))  # Pillow would make 60 * size pixels a row
    return case


def provenance():
    lines = [
        "source: generated by reference/golden/preprocess/make.py",
        f"python: {platform.python_version()}",
        f"pillow: {PIL.__version__}",
        f"torch: {torch.__version__}",
        f"torchvision: {torchvision.__version__}",
        f"numpy: {np.__version__}",
    ]
    (HERE / "PROVENANCE.txt").write_text("\n".join(lines) + "\n")


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COMMITTED
    path = Path(sys.argv[2]) if len(sys.argv) > 2 else HERE / "cases.csv"
    rng = random.Random(9401)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        for number in range(count):
            writer.writerow(compute(draw(rng, number)))
    if len(sys.argv) == 1:
        provenance()


if __name__ == "__main__":
    main()
