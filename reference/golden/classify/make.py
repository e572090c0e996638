# SPDX-License-Identifier: GPL-3.0-or-later
"""Probabilities of three prompts for pictures under both activations, as open_clip's README computes them.

    probabilities.csv   image, activation, and softmax(exp(logit_scale) * image_features @ text_features.T);
                        float32, on data/fashion-clip, with nine digits
    PROVENANCE.txt

Pictures go through Pillow and torchvision's Resize, CenterCrop, ToTensor and Normalize with the model's
preprocess_cfg.  The photos of Debian's python3-skimage are not in the repository.  Run from its root:

    /usr/bin/python3 reference/golden/classify/make.py
"""

import csv
import hashlib
import json
import platform
import sys
from pathlib import Path

import PIL
import torch
import torchvision
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Normalize, Resize, ToTensor

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "reference/pytorch"))

import clip  # noqa: E402
import safetensors  # noqa: E402
import tokenizer  # noqa: E402

MODEL = ROOT / "data/fashion-clip"
SKIMAGE = "/usr/lib/python3/dist-packages/skimage/data"
IMAGES = ("reference/golden/pictures/rgb-420.jpg", "reference/golden/pictures/grey-progressive.jpg",
          "reference/golden/pictures/lossy.webp", "data/fashion-clip/images/00029-dress.png",
          f"{SKIMAGE}/chelsea.png", f"{SKIMAGE}/astronaut.png")
PROMPTS = ("a photo of a T-shirt", "a photo of a dress", "a photo of a bag")


def transform(config):
    size = config["model_cfg"]["vision_cfg"]["image_size"]
    how = config["preprocess_cfg"]
    assert how["resize_mode"] == "shortest"
    return Compose([Resize(size, InterpolationMode(how["interpolation"])), CenterCrop(size),
                    lambda image: image.convert("RGB"), ToTensor(), Normalize(how["mean"], how["std"])])


@torch.no_grad()
def probabilities(activation, pixels):
    config = clip.with_activation(clip.read_config(MODEL / "open_clip_config.json"), activation)
    model = clip.load_weights(clip.from_config(config), safetensors.load(MODEL / "open_clip_model.safetensors"))
    tokens = tokenizer.Tokenizer(ROOT / "data/vocab/bpe_simple_vocab_16e6.txt.gz")(PROMPTS)
    image, text, scale = model.eval()(pixels, tokens)
    return (scale * image @ text.T).softmax(dim=-1)


def main():
    torch.set_num_threads(1)
    prepare = transform(json.loads((MODEL / "open_clip_config.json").read_text()))
    pixels = torch.stack([prepare(Image.open(ROOT / image)) for image in IMAGES])
    with open(HERE / "probabilities.csv", "w", newline="", encoding="ascii") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("image", "activation", *PROMPTS))
        for activation in ("quick", "erf"):
            for image, row in zip(IMAGES, probabilities(activation, pixels).tolist()):
                rows.writerow((image, activation, *(f"{p:.9g}" for p in row)))
    lines = ["command: /usr/bin/python3 reference/golden/classify/make.py",
             f"python {platform.python_version()}, pillow {PIL.__version__}, torch {torch.__version__}, "
             f"torchvision {torchvision.__version__}, 1 thread", "", "SHA-256 of the pictures:"]
    lines += [f"{hashlib.sha256((ROOT / image).read_bytes()).hexdigest()}  {image}" for image in IMAGES]
    (HERE / "PROVENANCE.txt").write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
