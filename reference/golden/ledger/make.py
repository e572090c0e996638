# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the reference values of the ledger's operations: python3 make.py, in this folder.

Evaluated by mpmath with 50 decimal digits from the definitions, then rounded once to float64. README.md says what is in
the files; the shapes stand in tests/golden/test_ledger.c as well.
"""
import platform

import mpmath
import numpy
from mpmath import mpf

mpmath.mp.dps = 50
EPS = mpf("1e-05")
random = numpy.random.RandomState(20240607)


def draw(*shape, scale=1.0):
    """float32 values, as exact decimals."""
    values = (scale * random.standard_normal(shape)).astype(numpy.float32)
    return numpy.vectorize(lambda v: mpf(float(v)), otypes=[object])(values)


def save(name, operands, result):
    """operands: arrays in the order of README.md, one after another."""
    for suffix, arrays in (("in", operands), ("out", [result])):
        flat = [float(v) for a in arrays for v in numpy.asarray(a, dtype=object).ravel()]
        numpy.save(f"{name}.{suffix}.npy", numpy.array(flat, dtype=numpy.float64))


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


ACTIVATIONS = {
    "quick_gelu": lambda x: x * sigmoid(mpf("1.702") * x),
    "gelu_erf": lambda x: x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
    "gelu_tanh": lambda x: x * sigmoid(2 * mpmath.sqrt(2 / mpmath.pi) * (x + mpf("0.044715") * x**3)),
    "silu": lambda x: x * sigmoid(x),
}


def layer_norm(row, weight, bias, centred):
    mean = mpmath.fsum(row) / len(row) if centred else mpf(0)
    variance = mpmath.fsum((v - mean) ** 2 for v in row) / len(row)
    return [(v - mean) / mpmath.sqrt(variance + EPS) * w + b for v, w, b in zip(row, weight, bias)]


def softmax(row):
    powers = [mpmath.exp(v) for v in row]
    return [p / mpmath.fsum(powers) for p in powers]


def unit(row):
    return [v / mpmath.sqrt(mpmath.fsum(u**2 for u in row)) for v in row]


def elementwise():
    x, other, gain = draw(2, 3, 6, scale=2), draw(2, 3, 6), draw(6)
    for name, function in ACTIVATIONS.items():
        save(name, [x], numpy.vectorize(function, otypes=[object])(x))
    save("add", [x, other], x + other)
    save("gain", [x, gain], x * gain)


def rows():
    x, weight, bias = draw(2, 3, 6), draw(6), draw(6)
    for name, centred in (("layer_norm", True), ("rms_norm", False)):
        save(name, [x, weight, bias], [[layer_norm(r, weight, bias, centred) for r in n] for n in x])
    features = draw(2, 6)
    save("unit", [features], [unit(r) for r in features])
    texts = draw(2, 3, 6)
    save("classes", [texts], [unit(c.sum(axis=0) / 3) for c in texts])


def products():
    x, weight, bias = draw(2, 3, 5), draw(4, 5), draw(4)
    save("linear", [x, weight, bias], x.dot(weight.T) + bias)
    save("linear_in_out", [x, weight, bias], x.dot(weight.reshape(5, 4)) + bias)
    images, texts = draw(2, 5), draw(3, 5)
    save("logits", [images, texts], mpf(14.25) * images.dot(texts.T) + mpf(-1.5))


def heads():
    """Two heads of three channels, three tokens."""
    q, k, v = draw(2, 3, 6), draw(2, 3, 6), draw(2, 3, 6)
    probs = abs(draw(2, 2, 3, 3))
    split = lambda t: t.reshape(2, 3, 2, 3).transpose(0, 2, 1, 3)
    scores = [[mpf(0.625) * a.dot(b.T) for a, b in zip(qn, kn)] for qn, kn in zip(split(q), split(k))]
    save("scores", [q, k], scores)
    context = numpy.array([[p.dot(u) for p, u in zip(pn, vn)] for pn, vn in zip(probs, split(v))], dtype=object)
    save("context", [probs, v], context.transpose(0, 2, 1, 3))
    x = draw(2, 2, 3, 3, scale=3)
    save("softmax", [x], [[[softmax(r) for r in h] for h in n] for n in x])
    masked = [[[softmax(r[: i + 1]) + [mpf(0)] * (2 - i) for i, r in enumerate(h)] for h in n] for n in x]
    save("softmax_causal", [x], masked)


def ends():
    pixels = abs(draw(2, 3, 2, 4, scale=100))
    mean, std = [mpf(v) for v in (0.5, 0.375, 0.25)], [mpf(v) for v in (0.25, 0.28125, 0.3125)]
    save("normalize", [pixels], [[(p / 255 - m) / s for p, m, s in zip(n, mean, std)] for n in pixels])
    patches, positions, lead = draw(2, 2, 6), draw(3, 6), draw(6)
    save("embed", [patches, positions, lead], [[lead + positions[0], n[0] + positions[1], n[1] + positions[2]] for n in patches])
    table = draw(5, 6)
    save("gather", [table], table[numpy.array([[4, 0, 2], [1, 1, 3]])])
    tokens = draw(2, 4, 6)
    save("pool_at", [tokens], [tokens[0][3], tokens[1][1]])
    save("pool_mean", [tokens], [n[1:].sum(axis=0) / 3 for n in tokens])
    save("pool_mean_all", [tokens], [n.sum(axis=0) / 4 for n in tokens])


elementwise()
rows()
products()
heads()
ends()
with open("PROVENANCE.txt", "w") as file:
    file.write(f"Python {platform.python_version()}, NumPy {numpy.__version__}, mpmath {mpmath.__version__}, 50 digits\n")
