# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the reference values of the ideal functions: python3 make.py, in this folder.

Evaluated by mpmath with 50 decimal digits from the definitions, then rounded once to float64. The constants are the exact
decimals (1.702, 0.044715, eps). README.md says what is in the files.
"""
import platform

import mpmath
import numpy
from mpmath import mpf

mpmath.mp.dps = 50
WIDTHS = (1, 7, 64, 128, 768)
EPSILONS = ("1e-05", "1e-06")


def quick_gelu(x):
    return x / (1 + mpmath.exp(-mpf("1.702") * x))


def gelu_erf(x):
    return x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def gelu_tanh(x):
    t = mpmath.sqrt(2 / mpmath.pi) * (x + mpf("0.044715") * x**3)
    return x / (1 + mpmath.exp(-2 * t))  # = x (1 + tanh(t)) / 2, which loses 61 digits at -12


def layer_norm(x, eps):
    mean = mpmath.fsum(x) / len(x)
    variance = mpmath.fsum((v - mean) ** 2 for v in x) / len(x)
    return [(v - mean) / mpmath.sqrt(variance + eps) for v in x]


def rms_norm(x, eps):
    mean_square = mpmath.fsum(v**2 for v in x) / len(x)
    return [v / mpmath.sqrt(mean_square + eps) for v in x]


def activation_inputs():
    grid = numpy.arange(-1536, 1537) / 128.0
    random = numpy.random.default_rng(20).uniform(-12, 12, 1024).astype(numpy.float32)
    return numpy.concatenate([grid, random.astype(numpy.float64)])


def norm_inputs(width):
    """weight, bias and four rows: standard; as small as eps; off centre; with one outlying channel, as in CLIP."""
    rng = numpy.random.default_rng(21 + width)
    z = rng.standard_normal((6, width))
    rows = [1 + 0.2 * z[0], 0.1 * z[1], z[2], 0.005 * z[3], 3 + 2 * z[4], 10 + 0.5 * z[5]]
    rows[5][width // 2] += 40
    return [row.astype(numpy.float32).astype(numpy.float64) for row in rows]


def main():
    for f in (quick_gelu, gelu_erf, gelu_tanh):
        values = [(x, float(f(mpf(float(x))))) for x in activation_inputs()]
        numpy.save(f"{f.__name__}.npy", numpy.array(values))
    for f in (layer_norm, rms_norm):
        for width in WIDTHS:
            weight, bias, *rows = norm_inputs(width)
            for eps in EPSILONS:
                lines = [weight, bias]
                for x in rows:
                    normalised = f([mpf(float(v)) for v in x], mpf(eps))
                    y = [float(v * mpf(float(w)) + mpf(float(b))) for v, w, b in zip(normalised, weight, bias)]
                    lines += [x, numpy.array(y)]
                numpy.save(f"{f.__name__}-{width}-{eps}.npy", numpy.array(lines))
    with open("PROVENANCE.txt", "w") as file:
        file.write(f"Python {platform.python_version()}, NumPy {numpy.__version__}, mpmath {mpmath.__version__}, "
                   f"{mpmath.mp.dps} digits\n")


if __name__ == "__main__":
    main()
