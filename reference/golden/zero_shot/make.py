# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes PyTorch's zero-shot answers of the demo models on the 10,000 test images.

For each model, under its own activation, in float32:

    MODEL.predictions.npy         uint8 (10000), first argmax of the logits
    MODEL.logits.npy              float32 (10000, 10)
    MODEL.single.predictions.npy  uint8 (10000), with only the first template

and PROVENANCE.txt.  Run from the repository's root:

    /usr/bin/python3 reference/golden/zero_shot/make.py
"""

import argparse
import hashlib
import os
import platform
import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "data/fashion-clip"))

import train  # noqa: E402

MODELS = {"fashion-clip": "quick", "fashion-clip-gelu": "erf"}
VOCABULARY = ROOT / "data/vocab/bpe_simple_vocab_16e6.txt.gz"
RULE = """\
Rule: the prompts are all class x template, class-major.  Each prompt's feature
is normalised; a class embedding is the normalised mean over its templates.
logits = exp(logit_scale) * image_features @ class_embeddings^T; the prediction
is the first argmax.  Pixels are value/255, then (x - mean) / std per channel,
grey replicated to three channels.  "single" uses the first template only."""


def describe(name, setting, logits, labels):
    top = logits.topk(2, dim=1).values
    margin = top[:, 0] - top[:, 1]
    accuracy = 100 * (logits.argmax(dim=1) == labels).double().mean().item()
    return (f"{name}, {setting}: accuracy {accuracy:.2f} %, smallest margin between the two"
            f" largest logits {margin.min().item():.3g}, {int((margin < 1e-3).sum())} margins below 1e-3")


def run_model(name, images, labels, classes, templates, tokenizer):
    """Writes the model's arrays; returns a line of text for each setting."""
    model = train.load_stored(ROOT / "data" / name, MODELS[name])
    lines = []
    for setting, used in (("all templates", templates), ("single", templates[:1])):
        prompts = tokenizer(train.all_captions(classes, used))
        logits = train.zero_shot_logits(model, images, prompts, len(classes))
        stem = name if used is templates else f"{name}.single"
        np.save(HERE / f"{stem}.predictions.npy", logits.argmax(dim=1).numpy().astype(np.uint8))
        if used is templates:
            np.save(HERE / f"{stem}.logits.npy", logits.numpy())
        lines.append(describe(name, setting, logits, labels))
    return lines


def inputs(data):
    """Every file that the answers depend on."""
    yield from (data / f"t10k-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1"))
    yield VOCABULARY
    yield from (ROOT / "data/fashion-clip" / name for name in ("classes.txt", "templates.txt"))
    for name in MODELS:
        yield from (ROOT / "data" / name / file
                    for file in ("open_clip_config.json", "open_clip_model.safetensors"))


def outputs():
    return sorted(HERE.glob("*.npy"))


def digest(path):
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    return f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {shown}"


def cpu_capability():
    return next(line.strip(" -") for line in torch.__config__.show().splitlines()
                if "CPU capability" in line)


def provenance(data, lines):
    versions = (f"torch {torch.__version__}, numpy {np.__version__}, Python"
                f" {platform.python_version()}, {platform.machine()}, {cpu_capability()},"
                f" {torch.get_num_threads()} thread")
    return "\n".join([
        "command: " + " ".join(sys.orig_argv),
        "LD_LIBRARY_PATH: " + os.environ.get("LD_LIBRARY_PATH", "(not set)"),
        versions, "", RULE, "",
        *lines, "",
        "SHA-256 of the inputs:", *map(digest, inputs(data)), "",
        "SHA-256 of the outputs:", *map(digest, outputs()), ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"),
                        help="the IDX files (Debian package dataset-fashion-mnist)")
    data = parser.parse_args().data
    torch.set_num_threads(1)
    images, labels = train.read_split(data, "t10k")
    classes, templates = train.read_lines("classes.txt"), train.read_lines("templates.txt")
    tokenizer = train.Tokenizer(VOCABULARY)
    lines = [line for name in MODELS
             for line in run_model(name, images, labels, classes, templates, tokenizer)]
    (HERE / "PROVENANCE.txt").write_text(provenance(data, lines), encoding="ascii")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
