# SPDX-License-Identifier: GPL-3.0-or-later
"""`model: {init: counter}` and `inputs: {synthetic: ...}` of experiment files, for PyTorch.

A weight is centre + spread * sqrt(3) * u with u uniform on [-1, 1) by the counter-based rule, its stream the
hash of the tensor's name. The spreads are the standard deviations of open_clip's init_parameters; norms
and biases, constant there, are spread too, so that a wrong one shows.
"""

import math

import numpy as np
import torch

import counter


def spread(name, model):
    """(centre, standard deviation) of a tensor."""
    tower = model.visual.transformer if name.startswith("visual.") else model.transformer
    last = name.split(".")[-1]
    if name == "logit_scale":
        return math.log(1 / 0.07), 0.0
    if last == "gamma":
        layer, scale = name.split(".")[-3:-1]
        value = float(getattr(tower.resblocks[int(layer)], scale).gamma[0])
        return value, value / 10
    if any(part.startswith("ln_") for part in name.split(".")):
        return (1.0 if last == "weight" else 0.0), 0.1
    if last in ("bias", "in_proj_bias"):
        return 0.0, 0.02
    if name == "positional_embedding":
        return 0.0, 0.01
    if name == "token_embedding.weight":
        return 0.0, 0.02
    if name == "visual.conv1.weight":
        return 0.0, 1 / math.sqrt(3 * model.visual.conv1.kernel_size[0] ** 2)
    if "c_fc" in name:
        return 0.0, 1 / math.sqrt(2 * tower.width)
    attention = 1 / math.sqrt(tower.width)
    if "c_proj" in name or "out_proj" in name:
        return 0.0, attention / math.sqrt(2 * tower.layers)
    return 0.0, attention  # in_proj, class and position embeddings of the image tower, both projections


def fill(model, seed):
    """Gives a clip.CLIP the weights of seed."""
    for name, value in model.state_dict().items():
        centre, deviation = spread(name, model)
        linear = name == "text_projection.weight"  # the matrix x @ text_projection, transposed
        stream = counter.name_hash("text_projection" if linear else name)
        unit = counter.counter_unit(seed, stream, np.arange(value.numel()))
        weights = torch.from_numpy((centre + deviation * math.sqrt(3) * unit).astype(np.float32))
        value.copy_(weights.reshape(value.shape[::-1]).T if linear else weights.reshape(value.shape))
    return model


def pixels(images, size, seed, mean, std):
    """(images, 3, size, size) float32: bytes in (row, column, channel) order, then ToTensor and Normalize."""
    row = 3 * size * size
    index = np.arange(images * row)
    bytes_ = (counter.counter_hash(seed, counter.name_hash("pixels"), index) >> np.uint64(56))
    x = bytes_.astype(np.float32).reshape(images, size, size, 3).transpose(0, 3, 1, 2)
    return torch.from_numpy((x / np.float32(255) - mean) / std)


def tokens(prompts, length, vocabulary, seed):
    """(prompts, length) ids: a start, a text of 1 to length - 2 ids, an end, zeros."""
    ids = np.zeros((prompts, length), np.int64)
    words = vocabulary - 2
    stream = counter.name_hash("tokens")
    for p in range(prompts):
        values = counter.counter_hash(seed, stream, p * length + np.arange(length))
        text = 1 + int(values[0] % np.uint64(length - 2))
        ids[p, 0] = words
        ids[p, 1:text + 1] = values[1:text + 1] % np.uint64(words)
        ids[p, text + 1] = words + 1
    return torch.from_numpy(ids)
