# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the fashion-clip demo models on Fashion-MNIST and writes their folder.

    /usr/bin/python3 train.py --activation quick --out ../fashion-clip
    /usr/bin/python3 train.py --activation erf   --out ../fashion-clip-gelu
    /usr/bin/python3 train.py --export-samples --out ../fashion-clip
"""

import argparse
import gzip
import json
import math
import struct
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT))

from reference.pytorch import clip, safetensors  # noqa: E402
from reference.pytorch.tokenizer import EOT, Tokenizer  # noqa: E402

SPEED_NOTE = """\
Debian's default BLAS is slow under torch.  With libopenblas0-openmp installed:
    LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu/openblas-openmp /usr/bin/python3 train.py ...
is several times faster."""

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
MODEL_CONFIG = {
    "embed_dim": 64,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 28, "layers": 6, "width": 128, "head_width": 64, "patch_size": 4},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 4},
}
MAX_LOGIT_SCALE = math.log(100)
BATCH = 64
MAX_SHIFT = 1
SAMPLES_PER_CLASS = 10


# ---- data ------------------------------------------------------------------

def read_idx(path):
    """An IDX file of unsigned bytes, gzipped, as a numpy array."""
    with gzip.open(path, "rb") as file:
        data = file.read()
    zero, kind, dims = struct.unpack_from(">HBB", data)
    if zero != 0 or kind != 8:
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    shape = struct.unpack_from(f">{dims}I", data, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dims).reshape(shape).copy()


def read_split(folder, prefix):
    images = read_idx(folder / f"{prefix}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{prefix}-labels-idx1-ubyte.gz")
    return torch.from_numpy(images), torch.from_numpy(labels).long()


def read_lines(name):
    return (HERE / name).read_text(encoding="ascii").splitlines()


def to_pixels(grey):
    """uint8 (N, 28, 28) -> float32 (N, 3, 28, 28): /255, then mean and std of each channel."""
    rgb = (grey.float() / 255).unsqueeze(1).expand(-1, 3, -1, -1)
    return (rgb - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)


def augment(grey, generator):
    """A random horizontal flip and a shift of up to MAX_SHIFT pixels, black coming in."""
    n, size = grey.shape[0], grey.shape[1]
    padded = F.pad(grey, [MAX_SHIFT] * 4)
    shift = torch.randint(0, 2 * MAX_SHIFT + 1, (2, n, 1), generator=generator)
    flip = torch.randint(0, 2, (n, 1), generator=generator).bool()
    index = torch.arange(size)
    rows = index + shift[0]
    columns = torch.where(flip, index.flip(0), index) + shift[1]
    return padded[torch.arange(n).view(n, 1, 1), rows.unsqueeze(2), columns.unsqueeze(1)]


def all_captions(classes, templates):
    """Every class x template, class-major."""
    return [template.format(name) for name in classes for template in templates]


def cut_padding(tokens):
    """Drops the columns after the longest caption's EOT.

    The text tower is causal, so what follows the EOT has no effect on it.
    """
    return tokens[:, :int((tokens == EOT).nonzero()[:, 1].max()) + 1]


# ---- training --------------------------------------------------------------

def build_model(config, captions):
    """Rows of the token embedding that no caption uses stay zero for good."""
    model = clip.from_config(config)
    used = captions.unique()
    with torch.no_grad():
        rows = model.token_embedding.weight[used].clone()
        model.token_embedding.weight.zero_()
        model.token_embedding.weight[used] = rows
    return model


def make_optimizer(model, learning_rate, weight_decay):
    """AdamW; matrices decay, but not the embeddings, gains, biases and the scale."""
    decayed, plain = [], []
    for name, parameter in model.named_parameters():
        matrix = parameter.ndim >= 2 and "embedding" not in name
        (decayed if matrix else plain).append(parameter)
    groups = [{"params": decayed, "weight_decay": weight_decay},
              {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98), eps=1e-6)


def learning_rate_factor(step, steps, warmup):
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def contrastive_loss(logits, labels):
    """Symmetric cross entropy; all pairs of one class are positives of equal weight."""
    same = (labels.unsqueeze(0) == labels.unsqueeze(1)).float()
    target = same / same.sum(dim=1, keepdim=True)
    by_image = -(target * logits.log_softmax(dim=1)).sum(dim=1).mean()
    by_text = -(target * logits.T.log_softmax(dim=1)).sum(dim=1).mean()
    return (by_image + by_text) / 2


def batch_logits(model, pixels, captions, labels, template_count, generator):
    """Image x caption logits; equal captions of the batch are encoded once."""
    choice = torch.randint(0, template_count, labels.shape, generator=generator)
    unique, inverse = (labels * template_count + choice).unique(return_inverse=True)
    text = model.encode_text(cut_padding(captions[unique]), normalize=True)
    image = model.encode_image(pixels, normalize=True)
    return model.logit_scale.exp() * image @ text[inverse].T


def train_step(model, optimizer, pixels, captions, labels, template_count, generator):
    """One update; returns the loss and the accuracy over the batch's own captions."""
    logits = batch_logits(model, pixels, captions, labels, template_count, generator)
    loss = contrastive_loss(logits, labels)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    with torch.no_grad():
        model.logit_scale.clamp_(0, MAX_LOGIT_SCALE)
    guess = labels[logits.argmax(dim=1)]
    return loss.item(), (guess == labels).float().mean().item()


class Progress:
    """Says the mean loss and accuracy of the last steps, and how long the rest takes."""

    def __init__(self, steps, interval, say):
        self.steps, self.interval, self.say = steps, interval, say
        self.start = time.monotonic()
        self.step, self.recent = 0, []

    def add(self, epoch, loss, accuracy, scale):
        self.step += 1
        self.recent.append((loss, accuracy))
        if self.step % self.interval and self.step != self.steps:
            return
        loss, accuracy = np.mean(self.recent, axis=0)
        self.recent.clear()
        elapsed = self.elapsed()
        left = elapsed / self.step * (self.steps - self.step)
        self.say(f"epoch {epoch} step {self.step}/{self.steps}"
                 f" loss {loss:.4f} batch accuracy {100 * accuracy:.2f} %"
                 f" scale {scale:.2f} elapsed {elapsed:.0f} s, {left:.0f} s left")

    def elapsed(self):
        return time.monotonic() - self.start


def train(model, images, labels, captions, template_count, args, say):
    """Returns the seconds it took."""
    generator = torch.Generator().manual_seed(args.seed)
    optimizer = make_optimizer(model, args.learning_rate, args.weight_decay)
    steps_per_epoch = len(images) // BATCH
    steps = steps_per_epoch * args.epochs
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: learning_rate_factor(step, steps, args.warmup))
    progress = Progress(steps, args.report, say)
    for epoch in range(args.epochs):
        order = torch.randperm(len(images), generator=generator)
        for batch in order[:steps_per_epoch * BATCH].split(BATCH):
            pixels = to_pixels(augment(images[batch], generator))
            loss, accuracy = train_step(model, optimizer, pixels, captions, labels[batch],
                                        template_count, generator)
            schedule.step()
            progress.add(f"{epoch + 1}/{args.epochs}", loss, accuracy,
                         model.logit_scale.exp().item())
    return progress.elapsed()


# ---- zero-shot evaluation --------------------------------------------------

@torch.no_grad()
def zero_shot_logits(model, images, prompts, class_count, batch=250):
    """(N, class_count) float32 logits of the uint8 images."""
    classes = model.class_embeddings(cut_padding(prompts), class_count)
    return torch.cat([model.zero_shot_logits(to_pixels(part), classes)
                      for part in images.split(batch)])


def load_stored(folder, activation):
    """The model as stored in a folder, widened to float32, with the given activation."""
    config = clip.with_activation(
        clip.read_config(folder / "open_clip_config.json"), activation)
    weights = safetensors.load(folder / "open_clip_model.safetensors")
    return clip.load_weights(clip.from_config(config), weights).eval()


def evaluate(folder, own, images, labels, prompts, class_count, say):
    """Accuracy of the stored model under its own activation and under the two others."""
    own_guess = None
    for activation in [own] + [name for name in ("quick", "erf", "tanh") if name != own]:
        model = load_stored(folder, activation)
        guess = zero_shot_logits(model, images, prompts, class_count).argmax(dim=1)
        if own_guess is None:
            own_guess = guess
        accuracy = 100 * (guess == labels).double().mean().item()
        say(f"zero-shot top-1, {len(images)} test images, activation {activation}:"
            f" {accuracy:.2f} %, decisions changed: {int((guess != own_guess).sum())}")


# ---- files -----------------------------------------------------------------

def store(model, config, folder):
    tensors = clip.openai_dtypes(model.state_dict())
    safetensors.save(folder / "open_clip_model.safetensors", tensors, {"format": "pt"})
    document = {
        "model_cfg": config,
        "preprocess_cfg": {"mean": list(MEAN), "std": list(STD),
                           "interpolation": "bicubic", "resize_mode": "shortest"},
    }
    text = json.dumps(document, indent=4) + "\n"
    (folder / "open_clip_config.json").write_text(text, encoding="ascii")


def export_samples(images, labels, classes, folder):
    """The first SAMPLES_PER_CLASS test images of each class as RGB PNG, and labels.csv."""
    from PIL import Image
    (folder / "images").mkdir(parents=True, exist_ok=True)
    chosen = sorted(index for label in range(len(classes))
                    for index in (labels == label).nonzero()[:SAMPLES_PER_CLASS, 0].tolist())
    rows = ["file,label,class"]
    for index in chosen:
        label = int(labels[index])
        name = f"{index:05d}-{classes[label].replace(' ', '-')}.png"
        Image.fromarray(images[index].numpy()).convert("RGB").save(
            folder / "images" / name, optimize=True)
        rows.append(f"images/{name},{label},{classes[label]}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n", encoding="ascii")


class Log:
    """Prints a line and appends it to a file."""

    def __init__(self, path):
        self.file = open(path, "w", encoding="utf-8")

    def __call__(self, line):
        print(line, flush=True)
        print(line, file=self.file, flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=SPEED_NOTE,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--activation", choices=["quick", "erf"], default="quick")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"),
                        help="the IDX files (Debian package dataset-fashion-mnist)")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--warmup", type=int, default=100, help="steps")
    parser.add_argument("--report", type=int, default=100, help="steps between progress lines")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--limit", type=int, help="use only this many training images")
    parser.add_argument("--export-samples", action="store_true",
                        help="write images/ and labels.csv instead of training")
    return parser.parse_args()


def run_training(args, classes, templates):
    say = Log(args.out / "train.log")
    say(f"torch {torch.__version__}, numpy {np.__version__}, Python {sys.version.split()[0]}")
    say(f"activation {args.activation}, epochs {args.epochs}, batch {BATCH}, learning rate"
        f" {args.learning_rate}, weight decay {args.weight_decay}, warm-up {args.warmup} steps,"
        f" seed {args.seed}, threads {args.threads}, data {args.data}")
    captions = Tokenizer(ROOT / "data/vocab/bpe_simple_vocab_16e6.txt.gz")(
        all_captions(classes, templates))
    config = {**MODEL_CONFIG, "quick_gelu": args.activation == "quick"}
    model = build_model(config, captions)
    say(f"{sum(p.numel() for p in model.parameters())} parameters,"
        f" {len(captions)} captions of {len(classes)} classes, {len(captions.unique())} token ids used")
    images, labels = read_split(args.data, "train")
    images, labels = images[:args.limit], labels[:args.limit]
    seconds = train(model, images, labels, captions, len(templates), args, say)
    say(f"training took {seconds:.0f} s")
    store(model, config, args.out)
    size = (args.out / "open_clip_model.safetensors").stat().st_size
    say(f"stored open_clip_model.safetensors, {size} bytes")
    evaluate(args.out, args.activation, *read_split(args.data, "t10k"),
             captions, len(classes), say)


def main():
    args = parse_arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    args.out.mkdir(parents=True, exist_ok=True)
    classes, templates = read_lines("classes.txt"), read_lines("templates.txt")
    if args.export_samples:
        export_samples(*read_split(args.data, "t10k"), classes, args.out)
    else:
        run_training(args, classes, templates)


if __name__ == "__main__":
    main()
