# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what PyTorch computes at every tap of four models.

Both demo models under their own activation, on the 100 images and 80 prompts of
data/fashion-clip, a model of ViT-B/32's shape with two layers per tower, of three seeds,
and a small one with LayerScale and a biased text projection, on seeded inputs:

    MODEL.values.npy  float64 (taps, 4096), PyTorch float64; element i of a tap is the
                      flat index counter_hash(0, name_hash(tap), i) mod its size
    MODEL.errors.npy  float64 (taps, most inputs), RMS error of PyTorch float32 per input, then NaN
    MODEL.taps.txt    the taps' names, in the order of the rows

and PROVENANCE.txt. Run from the repository's root with Debian's python3-torch:

    /usr/bin/python3 reference/golden/taps/make.py
"""

import json
import platform
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "reference/pytorch"))
sys.path.insert(0, str(ROOT / "data/fashion-clip"))

import clip  # noqa: E402
import counter  # noqa: E402
import seeded  # noqa: E402
import train  # noqa: E402
from tokenizer import Tokenizer  # noqa: E402

SAMPLES = 4096
INPUTS = 16  # of a seeded model, images and prompts alike
SEEDS = 1, 2, 3
VIT = ROOT / "data/configs/vit-b-32-2-layers.json"
LAYER_SCALE = HERE / "layer-scale.json"
MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)[:, None, None]
STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)[:, None, None]


def lines(name):
    return (ROOT / "data/fashion-clip" / name).read_text().splitlines()


def demo_inputs():
    files = sorted((ROOT / "data/fashion-clip/images").glob("*.png"))
    x = np.stack([np.asarray(Image.open(f)) for f in files]).transpose(0, 3, 1, 2).astype(np.float32)
    prompts = [t.replace("{}", c) for c in lines("classes.txt") for t in lines("templates.txt")]
    tokenizer = Tokenizer(ROOT / "data/vocab/bpe_simple_vocab_16e6.txt.gz")
    return torch.from_numpy((x / np.float32(255) - MEAN) / STD), tokenizer(prompts)


def demo_model(name, activation):
    return lambda: train.load_stored(ROOT / "data" / name, activation)


@torch.no_grad()
def seeded_model(path, seed):
    config = json.loads(path.read_text())
    return seeded.fill(clip.from_config(config), seed)


def seeded_inputs(path, seed):
    config = json.loads(path.read_text())
    text = config["text_cfg"]
    return (seeded.pixels(INPUTS, config["vision_cfg"]["image_size"], seed, MEAN, STD),
            seeded.tokens(INPUTS, text["context_length"], text["vocab_size"], seed))


def watch(model, taps):
    """Collects every module's output under its tap's name, as (input, token, channel)."""
    def hook(name):
        def collect(module, inputs, output):
            value = output[0] if isinstance(output, tuple) else output
            if name == "visual.conv1":
                value = value.flatten(2).permute(0, 2, 1)
            elif "resblocks" in name:
                value = value.permute(1, 0, 2)
            taps[name] = value
            if name.endswith(".attn"):
                qkv = F.linear(inputs[0], module.in_proj_weight, module.in_proj_bias)
                for part, piece in zip("qkv", qkv.permute(1, 0, 2).chunk(3, dim=-1)):
                    taps[f"{name}.{part}"] = piece
        return collect
    for name, module in model.named_modules():
        last = name.split(".")[-1]
        if last in ("conv1", "ln_pre", "ln_1", "attn", "ln_2", "c_fc", "gelu", "c_proj", "ln_post",
                    "ln_final", "token_embedding", "visual") or last.isdigit() or (
                        last in ("ls_1", "ls_2") and not isinstance(module, torch.nn.Identity)):
            module.register_forward_hook(hook(name))


@torch.no_grad()
def run(model, dtype, pixels, tokens):
    taps = {}
    model = model.to(dtype).eval()
    watch(model, taps)
    image = model.encode_image(pixels.to(dtype), normalize=True)
    taps["text_projection"] = model.encode_text(tokens)
    text = F.normalize(taps["text_projection"], dim=-1)
    taps["image_features"], taps["text_features"] = image, text
    taps["logits_per_image"] = model.logit_scale.exp() * image @ text.T
    taps["probs"] = taps["logits_per_image"].softmax(dim=-1)
    return {name: value.double().contiguous() for name, value in taps.items()}


def golden(name, load, inputs):
    exact = run(load(), torch.float64, *inputs)
    single = run(load(), torch.float32, *inputs)
    most = max(len(value) for value in exact.values())
    values, errors = [], np.full((len(exact), most), np.nan)
    for row, (tap, value) in enumerate(exact.items()):
        flat = value.numpy().ravel()
        index = counter.counter_hash(0, counter.name_hash(tap), np.arange(SAMPLES)) % np.uint64(flat.size)
        values.append(flat[index.astype(np.int64)])
        difference = (single[tap] - value).reshape(len(value), -1)
        errors[row, :len(value)] = difference.square().mean(dim=1).sqrt().numpy()
    np.save(HERE / f"{name}.values.npy", np.array(values))
    np.save(HERE / f"{name}.errors.npy", errors)
    (HERE / f"{name}.taps.txt").write_text("\n".join(exact) + "\n")


def main():
    demo = demo_inputs()
    golden("fashion-clip", demo_model("fashion-clip", "quick"), demo)
    golden("fashion-clip-gelu", demo_model("fashion-clip-gelu", "erf"), demo)
    for seed in SEEDS:
        golden(f"vit-b-32-2-layers.{seed}", lambda: seeded_model(VIT, seed), seeded_inputs(VIT, seed))
    golden("layer-scale.1", lambda: seeded_model(LAYER_SCALE, 1), seeded_inputs(LAYER_SCALE, 1))
    (HERE / "PROVENANCE.txt").write_text(
        f"made by reference/golden/taps/make.py\npython {platform.python_version()}\n"
        f"torch {torch.__version__}\nnumpy {np.__version__}\n")


if __name__ == "__main__":
    main()
