# SPDX-License-Identifier: GPL-3.0-or-later
"""Position embeddings resized to another grid, as open_clip and Hugging Face do, by PyTorch.

    tables.csv      from, to, width, variant, SHA-256 (32 digits) of the resized table, float32
                    (1 + to * to, width); the table before: counter_unit(1000 * from + to, "positions", i)
    features.csv    image features of data/fashion-clip, normalised, for pictures of another size: size,
                    variant, picture, 64 values with nine digits
    PROVENANCE.txt

Run from the repository's root:

    /usr/bin/python3 reference/golden/positions/make.py
"""

import csv
import hashlib
import json
import math
import platform
import sys
from pathlib import Path

import numpy as np
import PIL
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Normalize, Resize, ToTensor

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "reference/pytorch"))

import clip  # noqa: E402
import counter  # noqa: E402
import safetensors  # noqa: E402

MODEL = ROOT / "data/fashion-clip"
GRIDS = ((7, 14), (14, 7), (16, 24), (24, 16), (7, 9), (1, 4), (9, 18), (14, 24), (24, 14), (32, 7), (7, 1),
         (37, 24), (2, 3), (16, 37))
SIZES = (56, 36, 16)
PICTURES = ("data/fashion-clip/images/00029-dress.png", "reference/golden/pictures/rgb-420.jpg")


def open_clip(table, grid):
    """src/open_clip/model.py resize_pos_embed"""
    old = int(math.sqrt(len(table) - 1))
    image = table[1:].reshape(1, old, old, -1).permute(0, 3, 1, 2)
    image = F.interpolate(image, size=(grid, grid), mode="bicubic", antialias=True, align_corners=False)
    image = image.permute(0, 2, 3, 1).reshape(1, grid * grid, -1)[0]
    return torch.cat([table[:1], image], dim=0)


def huggingface(table, grid):
    """src/transformers/models/clip/modeling_clip.py interpolate_pos_encoding"""
    old, width = int((len(table) - 1) ** 0.5), table.shape[1]
    patches = table[1:].unsqueeze(0).reshape(1, old, old, width).permute(0, 3, 1, 2)
    patches = F.interpolate(patches, size=(grid, grid), mode="bicubic", align_corners=False)
    patches = patches.permute(0, 2, 3, 1).view(1, -1, width)
    return torch.cat((table[None, :1], patches), dim=1)[0]


VARIANTS = {"open_clip": open_clip, "huggingface": huggingface}


def table_of(start, end, width):
    count = (1 + start * start) * width
    values = counter.counter_unit(1000 * start + end, counter.name_hash("positions"), np.arange(count))
    return torch.from_numpy(np.asarray(values, dtype=np.float64).astype(np.float32)).reshape(-1, width)


def write_tables(path):
    with open(path, "w", newline="", encoding="ascii") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("from", "to", "width", "variant", "digest"))
        for number, (start, end) in enumerate(GRIDS):
            width = 3 + number % 4
            for name, resize in VARIANTS.items():
                resized = resize(table_of(start, end, width), end).contiguous().numpy()
                assert resized.shape == (1 + end * end, width) and resized.dtype == np.float32
                rows.writerow((start, end, width, name, hashlib.sha256(resized.tobytes()).hexdigest()[:32]))


def pixels(size, how):
    prepare = Compose([Resize(size, InterpolationMode(how["interpolation"])), CenterCrop(size),
                       lambda image: image.convert("RGB"), ToTensor(), Normalize(how["mean"], how["std"])])
    return torch.stack([prepare(Image.open(ROOT / picture)) for picture in PICTURES])


@torch.no_grad()
def features(size, resize, how):
    config = clip.with_activation(clip.read_config(MODEL / "open_clip_config.json"), "quick")
    weights = dict(safetensors.load(MODEL / "open_clip_model.safetensors"))
    key = "visual.positional_embedding"
    weights[key] = resize(weights[key].float(), size // config["vision_cfg"]["patch_size"])
    config["vision_cfg"] = {**config["vision_cfg"], "image_size": size}
    model = clip.load_weights(clip.from_config(config), weights).eval()
    return model.encode_image(pixels(size, how), normalize=True)


def write_features(path):
    how = json.loads((MODEL / "open_clip_config.json").read_text())["preprocess_cfg"]
    with open(path, "w", newline="", encoding="ascii") as file:
        rows = csv.writer(file, lineterminator="\n")
        for size in SIZES:
            for name, resize in VARIANTS.items():
                for picture, row in zip(PICTURES, features(size, resize, how).tolist()):
                    rows.writerow((size, name, picture, *(f"{value:.9g}" for value in row)))


def main():
    torch.set_num_threads(1)
    write_tables(HERE / "tables.csv")
    write_features(HERE / "features.csv")
    capability = next(line.strip(" -") for line in torch.__config__.show().splitlines()
                      if "CPU capability" in line)
    (HERE / "PROVENANCE.txt").write_text(
        "command: /usr/bin/python3 reference/golden/positions/make.py\n"
        f"python {platform.python_version()}, numpy {np.__version__}, pillow {PIL.__version__}, torch "
        f"{torch.__version__}, torchvision {torchvision.__version__}, {platform.machine()}, {capability}, "
        "1 thread\n", encoding="ascii")


if __name__ == "__main__":
    main()
