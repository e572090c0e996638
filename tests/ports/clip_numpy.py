# SPDX-License-Identifier: GPL-3.0-or-later
"""A second CLIP in NumPy, written apart from the program: what `clip-parity diff` is tried on.

Every operation is a method, so that a fault (faults.py) is a subclass that overrides one. Arrays are (input, token,
channel). Products are NumPy's, in its BLAS's order; in fp16 and bf16 each elementary operation is rounded, as PyTorch's
eager CPU kernels do, and linear weights are rounded on loading.
"""

import json

import numpy as np

FLOAT = np.float32
LINEAR = ("conv1", "in_proj", "out_proj", "c_fc", "c_proj", "proj", "text_projection")


def load_safetensors(path):
    """{name: float32 array}"""
    with open(path, "rb") as file:
        data = file.read()
    start = 8 + int.from_bytes(data[:8], "little")
    types = {"F32": "<f4", "F16": "<f2", "F64": "<f8"}
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    return {name: np.frombuffer(data[start:], types[entry["dtype"]],
                                (entry["data_offsets"][1] - entry["data_offsets"][0]) // int(types[entry["dtype"]][2]),
                                entry["data_offsets"][0]).reshape(entry["shape"]).astype(FLOAT)
            for name, entry in header.items()}


def to_fp16(x):
    with np.errstate(over="ignore"):
        return x.astype(np.float16).astype(FLOAT)


def keep_bits(x, dropped):
    """Float32 rounded to nearest even, its last `dropped` bits cleared."""
    bits = np.ascontiguousarray(x, FLOAT).view(np.uint32).astype(np.uint64)
    half = (1 << (dropped - 1)) - 1
    rounded = (bits + half + ((bits >> dropped) & 1)) >> dropped << dropped
    return np.where(np.isfinite(x), rounded.astype(np.uint32).view(FLOAT), x)


def to_bf16(x):
    return keep_bits(x, 16)


def to_tf32(x):
    return keep_bits(x, 13)


ROUND = {"fp32": lambda x: x.astype(FLOAT), "fp16": to_fp16, "bf16": to_bf16}


class Clip:
    """taps: what a forward pass leaves, {full tap name: array}."""

    activation = "quick"   # declared; `act` computes it
    declared = {}          # settings beside activation and precision
    wide = FLOAT           # the type of everything that is not rounded to the precision

    def __init__(self, weights, config, precision="fp32"):
        self.config, self.precision, self.taps = config["model_cfg"], precision, {}
        self.rounded = ROUND[precision]
        self.weights = {name: self.load(name, value) for name, value in weights.items()}

    # ---- what faults override ----

    def load(self, name, value):
        return self.rounded(value) if any(part in LINEAR or part[:7] == "in_proj" for part in name.split(".")) else value

    def r(self, x):
        return self.rounded(x)

    def tap(self, name, value):
        self.taps[name] = value
        return value

    def pixels(self, x):
        return x

    def linear(self, x, weight, bias=None):
        product = np.matmul(x, weight.T)
        return self.r(product if bias is None else product + bias)

    def eps(self, name):
        return 1e-5

    def affine(self, name):
        return self.weights[name + ".weight"], self.weights[name + ".bias"]

    def norm(self, x, name):
        weight, bias = self.affine(name)
        centred = x - x.mean(-1, keepdims=True, dtype=self.wide)
        variance = (centred * centred).mean(-1, keepdims=True, dtype=self.wide)
        return self.r(centred / np.sqrt(variance + self.wide(self.eps(name))) * weight + bias)

    def in_proj(self, base):
        weight, bias = self.weights[base + ".attn.in_proj_weight"], self.weights[base + ".attn.in_proj_bias"]
        return zip("qkv", np.split(weight, 3), np.split(bias, 3))

    def out_proj(self, base):
        return self.weights[base + ".attn.out_proj.weight"], self.weights[base + ".attn.out_proj.bias"]

    def mlp(self, base, part):
        return self.weights[f"{base}.mlp.{part}.weight"], self.weights[f"{base}.mlp.{part}.bias"]

    def scale(self, width, heads):
        return (width // heads) ** -0.5

    def matmul(self, a, b):
        return np.matmul(a, b)

    def scores(self, q, k, scale):
        return self.r(self.matmul(self.r(q * self.wide(scale)), k.swapaxes(-1, -2)))

    def mask(self, length):
        """Added to the scores of the text tower."""
        return np.triu(np.full((length, length), -np.inf, self.wide), 1)

    def softmax(self, x, axis=-1):
        powers = np.exp(x - x.max(axis, keepdims=True))
        return self.r(powers / powers.sum(axis, keepdims=True, dtype=self.wide))

    def attention_softmax(self, x):
        return self.softmax(x)

    def act(self, x):
        inner = self.r(self.wide(1.702) * x)
        return self.r(x * self.r(1 / (1 + np.exp(-inner))))

    def residual(self, x, branch, name):
        return self.r(x + branch)

    def positions(self, prefix):
        return self.weights[prefix + "positional_embedding"]

    def embed_image(self, patches):
        first = np.broadcast_to(self.weights["visual.class_embedding"], (len(patches), 1, patches.shape[-1]))
        return self.r(np.concatenate([self.r(first), patches], 1) + self.r(self.positions("visual.")))

    def last_norm(self, x, name):
        return self.norm(x, name)

    def pooled_token(self, tokens):
        return tokens.argmax(-1)

    def normalize(self, x):
        length = np.sqrt((x * x).sum(-1, keepdims=True, dtype=self.wide))
        return self.r(x / self.r(length))

    def logit_scale(self):
        return np.exp(self.weights["logit_scale"])

    # ---- the forward pass ----

    def block(self, x, base, heads, causal):
        y = self.tap(f"{base}.ln_1", self.norm(x, f"{base}.ln_1"))
        parts = {name: self.tap(f"{base}.attn.{name}", self.linear(y, weight, bias))
                 for name, weight, bias in self.in_proj(base)}
        inputs, length, width = x.shape
        q, k, v = (parts[name].reshape(inputs, length, heads, -1).swapaxes(1, 2) for name in "qkv")
        scores = self.tap(f"{base}.attn.scores", self.scores(q, k, self.scale(width, heads)))
        masked = scores + self.mask(length) if causal else scores
        probs = self.tap(f"{base}.attn.probs", self.attention_softmax(masked))
        context = self.r(self.matmul(probs, v)).swapaxes(1, 2).reshape(inputs, length, width)
        context = self.tap(f"{base}.attn.context", context)
        branch = self.tap(f"{base}.attn", self.linear(context, *self.out_proj(base)))
        x = self.tap(f"{base}.resid_mid", self.residual(x, branch, f"{base}.resid_mid"))
        y = self.tap(f"{base}.ln_2", self.norm(x, f"{base}.ln_2"))
        y = self.tap(f"{base}.mlp.c_fc", self.linear(y, *self.mlp(base, "c_fc")))
        y = self.tap(f"{base}.mlp.gelu", self.act(y))
        y = self.tap(f"{base}.mlp.c_proj", self.linear(y, *self.mlp(base, "c_proj")))
        return self.tap(base, self.residual(x, y, base))

    def conv1(self, pixels):
        kernel = self.weights["visual.conv1.weight"]
        size, inputs = kernel.shape[-1], len(pixels)
        grid = pixels.shape[-1] // size
        x = pixels.reshape(inputs, 3, grid, size, grid, size).transpose(0, 2, 4, 1, 3, 5)
        return self.linear(self.r(x.reshape(inputs, grid * grid, -1)), kernel.reshape(len(kernel), -1))

    def image(self, pixels):
        cfg = self.config["vision_cfg"]
        pixels = self.tap("pixels.normalized", self.pixels(pixels).astype(self.wide))
        x = self.tap("visual.embed", self.embed_image(self.tap("visual.conv1", self.conv1(pixels))))
        x = self.tap("visual.ln_pre", self.norm(x, "visual.ln_pre"))
        for n in range(cfg["layers"]):
            x = self.block(x, f"visual.transformer.resblocks.{n}", cfg["width"] // cfg["head_width"], False)
        x = self.tap("visual.ln_post", self.last_norm(x, "visual.ln_post"))
        x = self.tap("visual.pooled", x[:, 0])
        x = self.tap("visual", self.linear(x, self.weights["visual.proj"].T))
        return self.tap("image_features", self.normalize(x))

    def text(self, tokens):
        cfg = self.config["text_cfg"]
        x = self.tap("token_embedding", self.weights["token_embedding.weight"][tokens].astype(self.wide))
        x = self.tap("embed", self.r(self.r(x) + self.r(self.positions("")[:tokens.shape[1]])))
        for n in range(cfg["layers"]):
            x = self.block(x, f"transformer.resblocks.{n}", cfg["heads"], True)
        x = self.tap("ln_final", self.last_norm(x, "ln_final"))
        x = self.tap("pooled", x[np.arange(len(tokens)), self.pooled_token(tokens)])
        x = self.tap("text_projection", self.linear(x, self.weights["text_projection"].T))
        return self.tap("text_features", self.normalize(x))

    def forward(self, pixels, tokens):
        with np.errstate(all="ignore"):  # what overflows is part of the answer
            images, texts = self.image(pixels), self.text(tokens)
            logits = self.r(self.matmul(self.r(self.logit_scale() * images), texts.T))
            self.tap("logits_per_image", logits)
            self.tap("probs", self.softmax(logits))
        return self.taps

    def settings(self):
        return {"activation": self.activation, **({} if self.precision == "fp32" else {"precision": self.precision}),
                **self.declared}
