#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does `clip-parity inspect` ever name the wrong activation?

Both demo models, perturbed in their logit_scale, weights, labels, images, classes or prompts, so that they are no
longer at a minimum of the loss that is measured; and unperturbed, on different images they were trained on. Which
activation a model was trained with is read from its train.log. Each answer is one of

    right   names the activation it was trained with ("erf or tanh" is right for erf)
    none    "cannot tell"
    WRONG   names another, or names any where the weights were never trained

Ends with 1 if any answer is wrong, or if fewer than 80 % of the unperturbed models are named. From the repository's
root, with NumPy and Debian's dataset-fashion-mnist:

    /usr/bin/python3 tests/calibration/perturbed.py [--program FILE] [--fast] [--only PART] [--images N] [--perturbed]

--fast: the few cases that `ctest -L calibration` runs. Without it, some half an hour of CPU time.
"""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/ports"))

from edited_checkpoints import Checkpoint  # noqa: E402

FASHION = Path("/usr/share/datasets/fashion-mnist")
DEMO = ROOT / "data/fashion-clip"
MODELS = "fashion-clip", "fashion-clip-gelu"
CLASSES = 10
NAMED_SHARE = 0.8


def read_idx(name, header):
    return np.frombuffer(gzip.open(FASHION / name).read(), np.uint8, offset=header)


def write_idx(path, array):
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    path.write_bytes(head + array.astype(np.uint8).tobytes())


class Case:
    """A model with what it is inspected with, to be perturbed in place."""

    def __init__(self, model, images, labels, seed):
        self.tensors = Checkpoint.read(ROOT / "data" / model / "open_clip_model.safetensors")
        self.images, self.labels = images.copy(), labels.copy()
        self.templates = DEMO / "templates.txt"
        self.random = np.random.default_rng(seed)

    def keep(self, chosen):
        self.images, self.labels = self.images[chosen], self.labels[chosen]

    def map_weights(self, function):
        for name, array in self.tensors.items():
            if array.ndim and name != "token_embedding.weight":
                self.tensors[name] = function(array.astype(np.float32)).astype(array.dtype)


# ---- perturbations ----

def scale(offset):
    def perturb(case):
        case.tensors["logit_scale"] = case.tensors["logit_scale"] + np.float32(offset)
    return perturb


def wrong_labels(share, offset=0):
    def perturb(case):
        noisy = case.random.random(len(case.labels)) < share
        case.labels[noisy] = case.random.integers(0, CLASSES, noisy.sum())
        scale(offset)(case)
    return perturb


def confused_labels(case):
    """Half of the shirts are called t-shirts."""
    case.labels[(case.labels == 6) & (case.random.random(len(case.labels)) < 0.5)] = 0


def weight_noise(share):
    return lambda case: case.map_weights(
        lambda w: w + np.float32(share) * w.std() * case.random.standard_normal(w.shape, np.float32))


def random_weights(logit_scale):
    def perturb(case):
        case.map_weights(lambda w: 0.05 * case.random.standard_normal(w.shape, np.float32) if w.ndim > 1 else w)
        case.tensors["logit_scale"] = np.array(logit_scale, np.float32)
    return perturb


def pruned(share):
    return lambda case: case.map_weights(lambda w: np.where(np.abs(w) < np.quantile(np.abs(w), share), 0, w)
                                         if w.ndim > 1 else w)


def scaled_weights(factor):
    return lambda case: case.map_weights(lambda w: w * np.float32(factor) if w.ndim > 1 else w)


def first_classes(count):
    return lambda case: case.keep(case.labels < count)


def first_images(count):
    return lambda case: case.keep(slice(count))


def image_noise(deviation):
    def perturb(case):
        noisy = case.images + deviation * case.random.standard_normal(case.images.shape, np.float32)
        case.images = noisy.clip(0, 255).astype(np.uint8)
    return perturb


def inverted(case):
    case.images = 255 - case.images


def shifted(pixels):
    def perturb(case):
        case.images = np.roll(case.images, pixels, axis=2)
    return perturb


def not_trained_on(case):
    count = len(case.labels)
    case.images = read_idx("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)[:count]
    case.labels = read_idx("t10k-labels-idx1-ubyte.gz", 8)[:count]


def names_alone(case):
    """The classes' names without a sentence around them, as the model has never seen them."""
    case.templates = None


PERTURBED = {
    **{f"logit_scale {x:+g}": scale(x) for x in (-1, -0.5, -0.35, -0.15, 0.15, 0.35, 0.5, 1)},
    **{f"{100 * x:g} % wrong labels": wrong_labels(x) for x in (0.01, 0.02, 0.05, 0.1, 0.2, 1)},
    "2 % wrong labels, logit_scale -0.2": wrong_labels(0.02, -0.2),
    "5 % wrong labels, logit_scale -0.38": wrong_labels(0.05, -0.38),
    "10 % wrong labels, logit_scale -0.57": wrong_labels(0.1, -0.57),
    "half the shirts called t-shirts": confused_labels,
    **{f"weights + {x:g} std of noise": weight_noise(x) for x in (0.01, 0.03, 0.1, 0.3)},
    "10 % of the weights pruned": pruned(0.1),
    "weights x 1.05": scaled_weights(1.05),
    "random weights, logit_scale 0": random_weights(0),
    "random weights, logit_scale 0.05": random_weights(0.05),
    "images of 1 class": first_classes(1),
    "images of 2 classes": first_classes(2),
    "images of 5 classes": first_classes(5),
    "400 images": first_images(400),
    "images + noise": image_noise(20),
    "images inverted": inverted,
    "images shifted by 2 pixels": shifted(2),
    "class names without templates": names_alone,
    "images not trained on": not_trained_on,
}
# Model, images and how many subsets of so many. What a swapped activation changes in fashion-clip is less than in its
# twin, so that it takes more images to see.
UNPERTURBED = ("fashion-clip", 60000, 1), ("fashion-clip", 30000, 2), ("fashion-clip-gelu", 15000, 4), \
    ("fashion-clip-gelu", 10000, 3)
FAST_UNPERTURBED = ("fashion-clip-gelu", 4000, 1),
# Near enough to what was trained to be mistaken for it: as many images as make it hardest not to.
MILD = {"1 % wrong labels", "2 % wrong labels, logit_scale -0.2", "5 % wrong labels, logit_scale -0.38",
        "half the shirts called t-shirts", "weights + 0.01 std of noise", "weights + 0.03 std of noise",
        "10 % of the weights pruned", "weights x 1.05", "images of 5 classes", "images + noise",
        "images shifted by 2 pixels", "class names without templates", "images not trained on"}
FAST = "logit_scale -0.5", "10 % wrong labels, logit_scale -0.57", "random weights, logit_scale 0"


# ---- running ----

def inspect(program, case, folder):
    case.tensors.write(folder / "model.safetensors")
    write_idx(folder / "images-idx3-ubyte", case.images)
    write_idx(folder / "labels-idx1-ubyte", case.labels)
    prompts = (["--classes", DEMO / "classes.txt", "--templates", case.templates] if case.templates
               else ["--prompts", DEMO / "classes.txt"])
    command = [program, "inspect", folder / "model.safetensors", "--json", "--images", folder / "images-idx3-ubyte",
               "--labels", folder / "labels-idx1-ubyte", *prompts]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["activation"]["calibration"]


def trained_with(model):
    """"quick" or "erf", as its training script printed it."""
    words = (ROOT / "data" / model / "train.log").read_text(encoding="utf-8").replace(",", " ").split()
    return words[words.index("activation") + 1]


def judge(says, truth):
    if says is None:
        return "none"
    return "right" if truth and truth in says.split(" or ") else "WRONG"


class Table:
    def __init__(self):
        self.judgements = []
        print(f"{'model':18} {'case':37} {'images':>6} {'right':>7} {'scale':>6} {'refit':>6}  {'z':>6} {'rest':>8}  "
              "answer", flush=True)

    def add(self, model, name, case, truth, told):
        judgement = judge(told["says"], truth)
        best = told["activations"][told["best"]]
        rival = told["activations"]["erf" if told["best"] == "quick" else "quick"]
        number = lambda x, form: format(x, form) if x is not None else "-"  # noqa: E731
        print(f"{model:18} {name:37} {told['images']:6} {100 * best['accuracy']:5.1f} % "
              f"{float(case.tensors['logit_scale']):6.3f} {number(best.get('logit_scale'), '6.3f'):>6}  "
              f"{number(rival.get('gradient_z'), '6.1f'):>6} {number(rival.get('gradient_rest'), '8.3g'):>8}  "
              f"{judgement}: {told['says'] or told['cannot_tell']}", flush=True)
        self.judgements.append(judgement)

    def count(self, judgement):
        return self.judgements.count(judgement)


def run_perturbed(args, images, labels):
    table = Table()
    order = np.random.default_rng(1).permutation(len(labels))
    for seed, (name, perturb) in enumerate(PERTURBED.items()):
        if (args.fast and name not in FAST) or args.only not in name:
            continue
        for model in MODELS[:1 if args.fast else 2]:
            size = args.images or (600 if args.fast else 6000 if name in MILD else 2000)
            chosen = np.roll(order, -seed * 2000)[:size]
            case = Case(model, images[chosen], labels[chosen], seed)
            perturb(case)
            truth = None if name.startswith("random") else trained_with(model)
            with tempfile.TemporaryDirectory() as folder:
                table.add(model, name, case, truth, inspect(args.program, case, Path(folder)))
    return table


def run_unperturbed(args, images, labels):
    table = Table()
    order = np.random.default_rng(2).permutation(len(labels))
    for model, size, subsets in FAST_UNPERTURBED if args.fast else UNPERTURBED:
        for subset in range(subsets):
            chosen = order[subset * size:(subset + 1) * size]
            case = Case(model, images[chosen], labels[chosen], 0)
            with tempfile.TemporaryDirectory() as folder:
                table.add(model, f"as it is, subset {subset + 1}", case, trained_with(model),
                          inspect(args.program, case, Path(folder)))
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=ROOT / "build/release/clip-parity", type=Path)
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--only", default="", help="perturbations whose name has PART, and nothing unperturbed")
    parser.add_argument("--perturbed", action="store_true", help="nothing unperturbed")
    parser.add_argument("--images", type=int, help="of each perturbed model, where it shall be another number")
    args = parser.parse_args()
    if not FASHION.is_dir():
        print(f"no {FASHION}: install dataset-fashion-mnist", file=sys.stderr)
        sys.exit(77)
    images = read_idx("train-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    labels = read_idx("train-labels-idx1-ubyte.gz", 8)
    perturbed = run_perturbed(args, images, labels)
    print(f"perturbed: {len(perturbed.judgements)} models, {perturbed.count('WRONG')} named wrongly, "
          f"{perturbed.count('right')} rightly, {perturbed.count('none')} not")
    if args.only or args.perturbed:
        sys.exit(1 if perturbed.count("WRONG") else 0)
    plain = run_unperturbed(args, images, labels)
    print(f"unperturbed: {len(plain.judgements)} models, {plain.count('WRONG')} named wrongly, "
          f"{plain.count('right')} rightly, {plain.count('none')} not")
    few = plain.count("right") < NAMED_SHARE * len(plain.judgements)
    sys.exit(1 if perturbed.count("WRONG") or plain.count("WRONG") or few else 0)


if __name__ == "__main__":
    main()
