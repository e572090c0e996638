#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PyTorch computes under open_clip's PatchDropout, and with noise on the pixels.

The demo model data/fashion-clip on its first 12 images, in one batch, after torch.manual_seed(SEED):

    NAME.features.npy  float64 (12, 512 or less): image_features of the float64 pass
    NAME.errors.npy    float64 (12): RMS error of the float32 pass
    NAME.kept.npy      int32 (12, kept): the patches kept of each image, in topk's order
    noise.txt          a line each of `size images sigma seed digest`: SHA-256, 16 digits, of
                       torch.rand(images, 3, size, size) after manual_seed(1) + sigma * torch.randn(the same) after
                       manual_seed(seed); size 0: of the demo images' normalised pixels

and PROVENANCE.txt. PatchDropout is written as open_clip has it (src/open_clip/transformer.py); with --open-clip SRC, a
folder with open_clip's sources, that class itself must give the same tokens. Run from anywhere:

    /usr/bin/python3 reference/golden/seeds/make.py [--open-clip SRC]
"""
import argparse
import ast
import hashlib
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
import train  # noqa: E402

IMAGES = 12
MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)[:, None, None]
STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)[:, None, None]
# name: probability, seed, pooling
CASES = {"half": (0.5, 1, "tok"), "most": (0.9, 2, "tok"), "all-but-one": (0.99, 7, "tok"), "few": (0.25, 2**32 - 1, "tok"),
         "average": (0.5, 3, "avg")}
NOISE = [(7, 1, 1.0, 0), (7, 5, 0.0073, 2**32 - 1), (4, 3, 0.25, 9), (28, 12, 0.0073, 1), (33, 7, 0.5, 2)]


class PatchDropout(torch.nn.Module):
    """Returns the tokens that stay, and keeps the choice."""
    def __init__(self, prob):
        super().__init__()
        self.prob = prob

    def forward(self, x):
        cls_tokens, x = x[:, :1], x[:, 1:]
        batch, num_tokens = x.shape[:2]
        keep = max(1, int(num_tokens * (1 - self.prob)))
        rand = torch.randn(batch, num_tokens)  # of torch's default type, whatever x is
        self.kept = rand.topk(keep, dim=-1).indices
        x = x[torch.arange(batch)[..., None], self.kept]
        return torch.cat((cls_tokens, x), dim=1)


def embed(visual, pixels):
    x = visual.conv1(pixels).flatten(2).permute(0, 2, 1)
    cls = visual.class_embedding.expand(x.shape[0], 1, -1)
    return torch.cat([cls, x], dim=1) + visual.positional_embedding


@torch.no_grad()
def features(pixels, dtype, prob, seed, pool, theirs):
    visual = train.load_stored(ROOT / "data/fashion-clip", "quick").to(dtype).eval().visual
    dropout = PatchDropout(prob)
    embedded = embed(visual, pixels.to(dtype))
    torch.manual_seed(seed)
    x = dropout(embedded)
    if theirs:
        torch.manual_seed(seed)
        assert torch.equal(theirs(prob).train()(embedded), x)
    x = visual.ln_post(visual.transformer(visual.ln_pre(x)))
    pooled = x[:, 1:].mean(dim=1) if pool == "avg" else x[:, 0]
    return F.normalize(pooled @ visual.proj, dim=-1).double(), dropout.kept


def patch_dropout_of(source):
    """open_clip's class, out of its file, as the package wants more than Debian has."""
    tree = ast.parse((Path(source) / "open_clip/transformer.py").read_text())
    tree.body = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "PatchDropout"]
    space = {"nn": torch.nn, "torch": torch}
    exec(compile(tree, source, "exec"), space)
    return space["PatchDropout"]


def demo_pixels():
    files = sorted((ROOT / "data/fashion-clip/images").glob("*.png"))[:IMAGES]
    x = np.stack([np.asarray(Image.open(f)) for f in files]).transpose(0, 3, 1, 2).astype(np.float32)
    return torch.from_numpy((x / np.float32(255) - MEAN) / STD)


def noisy(pixels, sigma, seed):
    torch.manual_seed(seed)
    x = pixels + sigma * torch.randn(pixels.shape)
    return hashlib.sha256(x.numpy().tobytes()).hexdigest()[:16]


def noise_lines(demo):
    for size, images, sigma, seed in NOISE:
        torch.manual_seed(1)
        yield f"{size} {images} {sigma} {seed} {noisy(torch.rand(images, 3, size, size), sigma, seed)}"
    yield f"0 {IMAGES} 0.0073 5 {noisy(demo, 0.0073, 5)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open-clip")
    source = parser.parse_args().open_clip
    theirs = patch_dropout_of(source) if source else None
    demo = demo_pixels()
    for name, case in CASES.items():
        exact, kept = features(demo, torch.float64, *case, theirs)
        single, again = features(demo, torch.float32, *case, theirs)
        assert torch.equal(kept, again)
        np.save(HERE / f"{name}.features.npy", exact.numpy())
        np.save(HERE / f"{name}.errors.npy", (single - exact).square().mean(dim=1).sqrt().numpy())
        np.save(HERE / f"{name}.kept.npy", kept.numpy().astype(np.int32))
    (HERE / "noise.txt").write_text("\n".join(noise_lines(demo)) + "\n")
    config = json.loads((ROOT / "data/fashion-clip/open_clip_config.json").read_text())
    config["model_cfg"]["vision_cfg"]["pool_type"] = "avg"
    (HERE / "average.json").write_text(json.dumps(config, indent=1) + "\n")
    (HERE / "PROVENANCE.txt").write_text(
        f"made by reference/golden/seeds/make.py\npython {platform.python_version()}\n"
        f"torch {torch.__version__} (Debian python3-torch), CPU\nnumpy {np.__version__}\n"
        f"open_clip's class PatchDropout gave the same tokens: {'yes' if source else 'not compared'}\n")


if __name__ == "__main__":
    main()
