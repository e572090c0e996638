# SPDX-License-Identifier: GPL-3.0-or-later
"""What PyTorch's autograd makes of harness/task/gradient_test.h's gradients, in float64.

    images.npy            float32 (IMAGES, EMBED), normalised
    texts.npy, labels.npy float32 (CLASSES * EACH, EMBED), int32 (IMAGES): labelled images
    pairs.npy             float32 (IMAGES, EMBED): a text for each image
    products-labels.npy, products-pairs.npy   float64 (BLOCKS, BLOCKS)
    fit-images.npy        float32 (IMAGES, EMBED), near the texts of their labels
    fit-scale.npy         float64 (2): the logarithm of the scale that their loss is least at, and its standard error
    products-fit.npy      float64 (BLOCKS, BLOCKS) there, of gradients less what a block's slope by the logarithm moves
                          the least scale and that the gradient

The rule by which images come into blocks and batches is written here once more. From the repository's root:

    /usr/bin/python3 reference/golden/stationarity/make.py
"""

import platform
import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "pytorch"))

import counter  # noqa: E402

IMAGES, EMBED, CLASSES, EACH, SCALE = 1500, 12, 5, 3, 14.0
BLOCKS, BATCH, ROUNDS = 20, 64, 4


def permutation(seed, count):
    order = np.arange(count)
    for i in range(count, 1, -1):
        other = int(counter.counter_hash(seed, count, [i])[0] % np.uint64(i))
        order[[i - 1, other]] = order[[other, i - 1]]
    return order


def features(generator, count):
    x = generator.standard_normal((count, EMBED))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def loss(w, images, texts, labels, scale=SCALE):
    z = images @ w.T
    logits = scale * (z / z.norm(dim=1, keepdim=True)) @ texts.T
    same = (labels[:, None] == labels[None]).double()
    target = same / same.sum(dim=1, keepdim=True)
    by_image = -(target * logits.log_softmax(dim=1)).sum(dim=1).mean()
    by_text = -(target * logits.T.log_softmax(dim=1)).sum(dim=1).mean()
    return (by_image + by_text) / 2


def batches(images, texts, labels, each):
    """For each block its batches of images, texts and labels."""
    images, texts, labels = (torch.from_numpy(x) for x in (images.astype(np.float64), texts.astype(np.float64),
                                                           labels.astype(np.int64)))
    order = permutation(1, IMAGES)
    for block in range(BLOCKS):
        own = order[block * IMAGES // BLOCKS:(block + 1) * IMAGES // BLOCKS]
        size = min(BATCH, len(own))
        found = []
        for r in range(ROUNDS):
            mixed = own[permutation(100 + r * BLOCKS + block, len(own))]
            for at in range(len(own) // size):
                chosen = mixed[at * size:(at + 1) * size]
                prompt = labels[chosen] * each + torch.from_numpy(
                    (counter.counter_hash(2, r, chosen) % np.uint64(each)).astype(np.int64))
                found.append((images[chosen], texts[prompt], labels[chosen]))
        yield found


def products(*inputs):
    means = []
    for block in batches(*inputs):
        gradients = []
        for batch in block:
            w = torch.eye(EMBED, dtype=torch.float64, requires_grad=True)
            loss(w, *batch).backward()
            gradients.append(w.grad.numpy().ravel())
        means.append(np.mean(gradients, axis=0))
    means = np.array(means)
    return means @ means.T


def derivatives(blocks, log_scale):
    """Of each block's mean loss: by W, by the logarithm of the scale, by that twice, and by both."""
    rows = []
    for block in blocks:
        w = torch.eye(EMBED, dtype=torch.float64, requires_grad=True)
        t = torch.tensor(log_scale, dtype=torch.float64, requires_grad=True)
        mean = sum(loss(w, *batch, scale=t.exp()) for batch in block) / len(block)
        by_w, by_t = torch.autograd.grad(mean, (w, t), create_graph=True)
        both, twice = torch.autograd.grad(by_t, (w, t))
        rows.append([x.detach().numpy().ravel() for x in (by_w, by_t, twice, both)])
    return [np.array(column) for column in zip(*rows)]


def fit(*inputs):
    blocks, log_scale = list(batches(*inputs)), np.log(SCALE)
    for _ in range(20):
        by_w, by_t, twice, both = derivatives(blocks, log_scale)
        log_scale -= by_t.mean() / twice.mean()
    error = by_t.std(ddof=1) / np.sqrt(BLOCKS) / twice.mean()
    profiled = by_w - by_t / twice.mean() * both.mean(axis=0)
    return np.array([log_scale, error]), profiled @ profiled.T


def main():
    generator = np.random.default_rng(1)
    images, texts, pairs = (features(generator, n) for n in (IMAGES, CLASSES * EACH, IMAGES))
    labels = generator.integers(0, CLASSES, IMAGES).astype(np.int32)
    near = texts.reshape(CLASSES, EACH, EMBED)[labels, 0] + 0.15 * generator.standard_normal((IMAGES, EMBED))
    near = (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)
    scale, profiled = fit(near, texts, labels, EACH)
    for name, value in {"images": images, "texts": texts, "pairs": pairs, "labels": labels,
                        "products-labels": products(images, texts, labels, EACH),
                        "products-pairs": products(images, pairs, np.arange(IMAGES), 1),
                        "fit-images": near, "fit-scale": scale, "products-fit": profiled}.items():
        np.save(HERE / f"{name}.npy", value)
    (HERE / "PROVENANCE.txt").write_text(
        f"made by reference/golden/stationarity/make.py\npython {platform.python_version()}\n"
        f"torch {torch.__version__}\nnumpy {np.__version__}\n")


if __name__ == "__main__":
    main()
