#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests of what PyTorch draws: expected.txt, a line each of `capability what arguments n seed digest`,
the first 16 digits of SHA-256 over the tensors' bytes.

    /usr/bin/python3 reference/golden/torch_random/make.py [--open-clip SRC]

Runs itself once under each ATEN_CPU_CAPABILITY. The models are made by the calls of open_clip v2.24's class CLIP in
their order (src/open_clip/model.py, transformer.py; torch/nn/modules/activation.py MultiheadAttention); with
--open-clip, a folder with open_clip's sources, they are compared with that class itself."""
import argparse
import hashlib
import json
import os
import subprocess
import sys
import types
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SIZES = [1, 2, 3, 7, 8, 15, 16, 17, 23, 31, 32, 33, 63, 64, 65, 100, 255, 256, 257, 1000, 4097, 100003]
TRUNCATED = [(0.0, 1.0), (0.0, 0.02), (0.5, 1.5), (-3.0, 1.0)]  # mean, std; between -2 and 2
SEEDS = [0, 1, 5489, 2**32 - 1, 2**32 + 7]
MODELS = ["reference/golden/captures/model.json", "reference/golden/taps/layer-scale.json", "data/fashion-clip/open_clip_config.json",
          "reference/golden/open_clip_configs/ViT-B-32.json"]


def digest(*tensors):
    sha = hashlib.sha256()
    for tensor in tensors:
        sha.update(tensor.detach().contiguous().numpy().tobytes())
    return sha.hexdigest()[:16]


class Scale(nn.Module):
    def __init__(self, width, value):
        super().__init__()
        self.gamma = nn.Parameter(value * torch.ones(width))


class Block(nn.Module):
    def __init__(self, width, heads, mlp, scale):
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(OrderedDict([("c_fc", nn.Linear(width, mlp)), ("c_proj", nn.Linear(mlp, width))]))
        if scale is not None:
            self.ls_1, self.ls_2 = Scale(width, scale), Scale(width, scale)


class Transformer(nn.Module):
    def __init__(self, width, layers, heads, mlp, scale=None):
        super().__init__()
        self.resblocks = nn.ModuleList([Block(width, heads, mlp, scale) for _ in range(layers)])


class Vision(nn.Module):
    def __init__(self, cfg, embed):
        super().__init__()
        width, patch = cfg["width"], cfg["patch_size"]
        scale = width**-0.5
        self.conv1 = nn.Conv2d(3, width, patch, patch, bias=False)
        self.class_embedding = nn.Parameter(scale * torch.randn(width))
        self.positional_embedding = nn.Parameter(scale * torch.randn((cfg["image_size"] // patch)**2 + 1, width))
        self.ln_pre = nn.LayerNorm(width)
        heads = width // cfg.get("head_width", 64)
        self.transformer = Transformer(width, cfg["layers"], heads, int(width * cfg.get("mlp_ratio", 4.0)),
                                       cfg.get("ls_init_value"))
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(scale * torch.randn(width, embed))


class Clip(nn.Module):
    def __init__(self, config):
        super().__init__()
        embed, text = config["embed_dim"], config["text_cfg"]
        self.visual = Vision(config["vision_cfg"], embed)
        width, layers = text["width"], text["layers"]
        self.token_embedding = nn.Embedding(text.get("vocab_size", 49408), width)
        self.positional_embedding = nn.Parameter(torch.empty(text.get("context_length", 77), width))
        self.transformer = Transformer(width, layers, text["heads"], int(width * text.get("mlp_ratio", 4.0)),
                                       text.get("ls_init_value"))
        self.ln_final = nn.LayerNorm(width)
        linear = text.get("proj_bias")
        self.text_projection = nn.Linear(width, embed) if linear else nn.Parameter(torch.empty(width, embed))
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        nn.init.normal_(self.positional_embedding, std=0.01)
        attention, fc = width**-0.5, (2 * width)**-0.5
        projection = attention * ((2 * layers)**-0.5)
        for block in self.transformer.resblocks:
            nn.init.normal_(block.attn.in_proj_weight, std=attention)
            nn.init.normal_(block.attn.out_proj.weight, std=projection)
            nn.init.normal_(block.mlp.c_fc.weight, std=fc)
            nn.init.normal_(block.mlp.c_proj.weight, std=projection)
        nn.init.normal_(self.text_projection.weight if linear else self.text_projection, std=width**-0.5)
        if linear:
            nn.init.zeros_(self.text_projection.bias)


def parameters(model):
    """By name, without logit_scale, which is no random number."""
    return [tensor for name, tensor in sorted(model.state_dict().items()) if name != "logit_scale"]


def draws():
    for seed in SEEDS:
        for n in SIZES:
            torch.manual_seed(seed)
            yield "uniform 0 1", n, seed, digest(torch.rand(n))
            torch.manual_seed(seed)
            yield "uniform -0.036 0.036", n, seed, digest(torch.empty(n).uniform_(-0.036, 0.036))
            torch.manual_seed(seed)
            yield "normal 0 1", n, seed, digest(torch.randn(n))
            torch.manual_seed(seed)
            yield "normal 0.5 0.02", n, seed, digest(torch.empty(n).normal_(0.5, 0.02))
            torch.manual_seed(seed)  # what is left of a pair stays for the next small tensor
            yield "mixed", n, seed, digest(torch.randn(3), torch.rand(5), torch.randn(n), torch.randn(2))
            torch.manual_seed(seed)
            yield "permutation", n, seed, digest(torch.randperm(n))


def topk_inputs(n):
    """Without equal values (or hardly), with many, and with NaN among them."""
    torch.manual_seed(n)
    yield "topk", torch.randn(n)
    few = (torch.rand(n) * 8).floor()
    yield "ties", few
    yield "nans", few.masked_fill(few == 3, float("nan"))


def initialisations():
    """What torch.nn.init makes, and torch.topk of what was drawn."""
    for seed in SEEDS[1:4]:
        for n in [0, *SIZES]:
            for mean, std in TRUNCATED:
                torch.manual_seed(seed)
                yield f"truncated {mean} {std}", n, seed, digest(nn.init.trunc_normal_(torch.empty(n), mean, std))
            torch.manual_seed(seed)
            yield "kaiming 1 0", n, seed, digest(nn.init.kaiming_uniform_(torch.empty(n, 1), a=5**0.5))
            torch.manual_seed(seed)
            if n:
                yield f"kaiming {n} 0", n, seed, digest(nn.init.kaiming_uniform_(torch.empty(1, n), a=5**0.5))
    for n in [n for n in SIZES if n <= 4097]:
        for name, values in topk_inputs(n):
            for k in sorted({1, (n + 1) // 2, max(1, n // 64), max(1, n // 64 + 1), n}):
                yield f"{name} {min(k, n)} 0", n, n, digest(values.topk(min(k, n)).indices)


def models(open_clip):
    for path in MODELS:
        config = json.loads((ROOT / path).read_text())
        config = config.get("model_cfg", config)
        for seed in (0, 7):
            torch.manual_seed(seed)
            ours = digest(*parameters(Clip(config)))
            if open_clip:
                package = types.ModuleType("open_clip")  # its __init__ wants what the model does not need
                package.__path__ = [open_clip + "/open_clip"]
                sys.modules.setdefault("open_clip", package)
                from open_clip.model import CLIP
                torch.manual_seed(seed)
                theirs = CLIP(config["embed_dim"], config["vision_cfg"], config["text_cfg"])
                assert digest(*parameters(theirs)) == ours, (path, seed)
            yield f"open_clip {path}", 0, seed, ours


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open-clip")
    parser.add_argument("--worker")
    arguments = parser.parse_args()
    if arguments.worker:
        for what, n, seed, sha in [*draws(), *initialisations(), *models(arguments.open_clip)]:
            print(arguments.worker, what, n, seed, sha)
        return
    lines = []
    for capability in ("avx2", "default"):
        command = [sys.executable, __file__, "--worker", capability]
        command += ["--open-clip", arguments.open_clip] if arguments.open_clip else []
        environment = dict(os.environ, ATEN_CPU_CAPABILITY=capability)
        lines += subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.splitlines()
    (HERE / "expected.txt").write_text("\n".join(lines) + "\n")
    (HERE / "PROVENANCE.txt").write_text(f"torch {torch.__version__} (Debian python3-torch), CPU\n"
                                         f"open_clip v2.24.0's class CLIP gave the same models: {'yes' if arguments.open_clip else 'not compared'}\n")


if __name__ == "__main__":
    main()
