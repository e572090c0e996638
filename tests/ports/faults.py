# SPDX-License-Identifier: GPL-3.0-or-later
"""Undeclared faults of ports of CLIP: how each computes. answers.py says which public report each is modelled on.

The settings of such a capture say what its author believes in, never the fault.
"""

import math

import numpy as np

from clip_numpy import FLOAT, Clip, to_fp16, to_tf32

MEAN = np.array([0.48145466, 0.4578275, 0.40821073], FLOAT)[:, None, None]
STD = np.array([0.26862954, 0.26130258, 0.27577711], FLOAT)[:, None, None]
ONE_NORM = "visual.transformer.resblocks.2.ln_2"
ONE_ACTIVATION = "visual.transformer.resblocks.2.mlp.gelu"
ONE_LINEAR = "visual.transformer.resblocks.2.mlp.c_fc"


def one_input(count):
    """The input that alone is wrong, where one is."""
    return min(17, count - 1)


# ---- inputs ----

class MeanTypo(Clip):
    def pixels(self, x):
        return (x * STD + MEAN - np.array([108.32 / 255, 0.4578275, 0.40821073], FLOAT)[:, None, None]) / STD


class Bgr(Clip):
    def pixels(self, x):
        return x[:, ::-1]


class NormalisedTwice(Clip):
    def pixels(self, x):
        return (x - MEAN) / STD


class NoisePixels(Clip):
    def pixels(self, x):
        x, at = x.copy(), one_input(len(x))
        x[at] = np.random.default_rng(0).standard_normal(x[at].shape)
        return x


# ---- embeddings ----

class Batch(Clip):
    def conv1(self, pixels):
        x = super().conv1(pixels)
        x[1:] = 0
        return x


class BatchRepeats(Clip):
    def conv1(self, pixels):
        x = super().conv1(pixels)
        x[1:] = x[:1]
        return x


class ColumnMajor(Clip):
    def conv1(self, pixels):
        x = super().conv1(pixels)
        grid = math.isqrt(x.shape[1])
        return x.reshape(len(x), grid, grid, -1).swapaxes(1, 2).reshape(x.shape)


class PositionsBeforeClass(Clip):
    def embed_image(self, patches):
        moved = super().embed_image(patches)
        moved[:, 0] = self.weights["visual.class_embedding"]
        return moved


class OnePosition(Clip):
    def positions(self, prefix):
        rows = super().positions(prefix)
        return np.broadcast_to(rows[:1], rows.shape) if prefix else rows


class PositionsOffByOne(Clip):
    def positions(self, prefix):
        rows = super().positions(prefix)
        return rows if prefix else np.concatenate([rows[1:], rows[-1:]])


# ---- attention ----

class NoCausal(Clip):
    def mask(self, length):
        return np.zeros((length, length), self.wide)


class MaskHidesDiagonal(Clip):
    def mask(self, length):
        return np.triu(np.full((length, length), np.finfo(FLOAT).min))


class ScaleByWidth(Clip):
    def scale(self, width, heads):
        return width ** -0.5


class ScaleByHeads(Clip):
    def scale(self, width, heads):
        return heads ** -0.5


class ScaleTwice(Clip):
    def scale(self, width, heads):
        return heads / width


class KeysFirst(Clip):
    order = "kqv"

    def in_proj(self, base):
        _, weights, biases = zip(*super().in_proj(base))
        return sorted(zip(self.order, weights, biases), key=lambda part: "qkv".index(part[0]))


class KeysValuesQueries(KeysFirst):
    order = "kvq"


class OutTransposed(Clip):
    def out_proj(self, base):
        weight, bias = super().out_proj(base)
        return weight.T, bias


class SoftmaxOverQueries(Clip):
    def attention_softmax(self, x):
        return self.softmax(x, axis=-2)


# ---- norms, MLP, residual ----

class NoLnPost(Clip):
    def last_norm(self, x, name):
        return x if name == "visual.ln_post" else super().last_norm(x, name)


class SharedNorm(Clip):
    def affine(self, name):
        return super().affine(name.replace("ln_2", "ln_1"))


class OneEps(Clip):
    def eps(self, name):
        return 1e-6 if name == ONE_NORM else super().eps(name)


class NormInFp16(Clip):
    def norm(self, x, name):
        weight, bias = (to_fp16(part) for part in self.affine(name))
        centred = to_fp16(x - to_fp16(x.mean(-1, keepdims=True)))
        variance = to_fp16(to_fp16(centred * centred).mean(-1, keepdims=True))
        normed = to_fp16(centred / to_fp16(np.sqrt(to_fp16(variance + to_fp16(FLOAT(self.eps(name)))))))
        return to_fp16(to_fp16(normed * weight) + bias)


class Erf(Clip):
    def act(self, x):
        return self.r(FLOAT(0.5) * x * (1 + np.frompyfunc(math.erf, 1, 1)(x * FLOAT(0.5 ** 0.5)).astype(FLOAT)))


class DeclaredErf(Erf):
    activation = "erf"


class TanhForErf(Clip):
    activation = "erf"

    def act(self, x):
        inner = FLOAT((2 / math.pi) ** 0.5) * (x + FLOAT(0.044715) * x * x * x)
        return self.r(FLOAT(0.5) * x * (1 + np.tanh(inner)))


class NoHiddenBias(Clip):
    def mlp(self, base, part):
        weight, bias = super().mlp(base, part)
        return weight, None if part == "c_fc" else bias


class OneBias(Clip):
    def mlp(self, base, part):
        weight, bias = super().mlp(base, part)
        return weight, super().mlp(base[:-1] + "1", part)[1] if f"{base}.mlp.{part}" == ONE_LINEAR else bias


class ResidualOfNorm(Clip):
    def residual(self, x, branch, name):
        at = "visual.transformer.resblocks.3"
        return super().residual(self.taps[f"{at}.ln_1"] if name == f"{at}.resid_mid" else x, branch, name)


class BranchTwice(Clip):
    def residual(self, x, branch, name):
        return super().residual(branch if name == "transformer.resblocks.1.resid_mid" else x, branch, name)


class Nan(Clip):
    def tap(self, name, value):
        if name == ONE_LINEAR:
            value = value.copy()
            value[one_input(len(value)), 5, 7] = np.nan
        return super().tap(name, value)


class NoiseActivation(Clip):
    def tap(self, name, value):
        if name == ONE_ACTIVATION:
            value, at = value.copy(), one_input(len(value))
            value[at] = np.random.default_rng(0).standard_normal(value[at].shape) * value[at].std()
        return super().tap(name, value)


# ---- outputs ----

class ArgmaxInFp16(Clip):
    def pooled_token(self, tokens):
        return tokens.astype(np.float16).argmax(-1)


class NotNormalised(Clip):
    def normalize(self, x):
        return x


class ScaleNotExponentiated(Clip):
    def logit_scale(self):
        return self.weights["logit_scale"]


# ---- arithmetic ----

class Float64(Clip):
    wide = np.float64

    def load(self, name, value):
        return value.astype(np.float64)

    def r(self, x):
        return x


class HiddenBf16(Clip):
    """Computes in bf16 throughout, and says nothing of it."""

    def __init__(self, weights, config, precision):
        super().__init__(weights, config, "bf16")
        self.precision = precision


class Tf32(Clip):
    def matmul(self, a, b):
        return np.matmul(to_tf32(a), to_tf32(b))

    def linear(self, x, weight, bias=None):
        return super().linear(to_tf32(x), to_tf32(weight), bias)


def to_uint8(x):
    """Asymmetric, one scale for the tensor, as ONNX Runtime's dynamic quantisation of weights."""
    low, high = min(x.min(), 0), max(x.max(), 0)
    step = (high - low) / 255 or 1
    zero = np.round(-low / step)
    return ((np.clip(np.round(x / step) + zero, 0, 255) - zero) * step).astype(FLOAT)


class Int8Weights(Clip):
    def linear(self, x, weight, bias=None):
        return super().linear(x, to_uint8(weight), bias)


class Int8Activations(Clip):
    def linear(self, x, weight, bias=None):
        step = np.abs(x).max() / FLOAT(127)
        return super().linear(np.round(x / step) * step, weight, bias)
