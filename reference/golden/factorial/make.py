# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the reference values of factorial designs: python3 make.py, in this folder.

Computed by NumPy and SciPy in float64 from the definitions in harness/num/factorial.h, by other means than the program:
effects as differences of means of the cells at either level, Shapley values as averages over all orders in which
factors can be swapped. README.md says what is in the files.
"""
import itertools
import platform

import numpy
import scipy
from scipy import stats


def effects(y, k):
    """(2^k, inputs): row T is the effect of the factors in T, row 0 the grand mean."""
    cells = numpy.arange(2**k)
    rows = [y.mean(axis=0)]
    for factors in range(1, 2**k):
        sign = numpy.prod([numpy.where(cells >> f & 1, 1, -1) for f in range(k) if factors >> f & 1], axis=0)
        rows.append(y[sign > 0].mean(axis=0) - y[sign < 0].mean(axis=0))
    return numpy.array(rows)


def shapley(v, k):
    """(k, inputs)."""
    phi = numpy.zeros((k, v.shape[1]))
    orders = list(itertools.permutations(range(k)))
    for order in orders:
        cell = 0
        for factor in order:
            phi[factor] += v[cell | 1 << factor] - v[cell]
            cell |= 1 << factor
    return phi / len(orders)


def quantile(n):
    """Student's, of a 95 % interval of a mean of n."""
    return stats.t.ppf(0.975, n - 1)


def interval(x):
    """mean, standard error, low, high of each row."""
    n = x.shape[1]
    mean, error = x.mean(axis=1), stats.sem(x, axis=1) if n > 1 else numpy.full(x.shape[0], numpy.nan)
    half = quantile(n) * error
    return numpy.column_stack([mean, error, mean - half, mean + half])


def shares(phi, total):
    """share, low, high of each row: a ratio of means, with the standard error of its residuals."""
    n = total.size
    share = phi.mean(axis=1) / total.mean()
    if n < 2:
        return numpy.column_stack([share, numpy.full((share.size, 2), numpy.nan)])
    error = (phi - numpy.outer(share, total)).std(axis=1, ddof=1) / numpy.sqrt(n) / abs(total.mean())
    half = quantile(n) * error
    return numpy.column_stack([share, share - half, share + half])


def squared_errors(rng, k, inputs, sizes, width=40):
    """Squared relative L2 of vectors that are sums of one error for each swap; the cell without a swap is 0."""
    scale = numpy.exp(0.3 * rng.standard_normal((k, inputs, 1)))
    errors = numpy.array(sizes)[:, None, None] * scale * rng.standard_normal((k, inputs, width)) / numpy.sqrt(width)
    swapped = numpy.arange(2**k)[:, None] >> numpy.arange(k) & 1
    return (numpy.tensordot(swapped, errors, axes=1) ** 2).sum(axis=2)


def cases():
    """k and responses (2^k, inputs)."""
    rng = numpy.random.default_rng(34)
    yield 1, rng.standard_normal((2, 2))
    yield 2, rng.standard_normal((4, 1))
    yield 2, 5 + rng.standard_normal((4, 12))
    yield 3, rng.exponential(size=(8, 50))
    yield 4, 1e-3 * rng.standard_normal((16, 7))
    yield 5, rng.exponential(size=(32, 20))
    yield 6, rng.standard_normal((64, 3))
    yield 7, rng.standard_normal((128, 30))
    yield 1, squared_errors(rng, 1, 5, [1e-3])
    yield 2, squared_errors(rng, 2, 1, [1e-2, 1e-7])
    yield 3, squared_errors(rng, 3, 16, [1e-2, 1e-3, 1e-3])
    yield 4, squared_errors(rng, 4, 50, [2e-2, 4e-5, 3e-3, 4e-3])
    yield 7, squared_errors(rng, 7, 12, [1e-3, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 0])


def main():
    layouts, responses, all_effects, all_values = [], [], [], []
    for k, y in cases():
        phi = shapley(y, k)
        layouts.append([k, y.shape[1]])
        responses.append(y.ravel())
        all_effects.append(interval(effects(y, k)))
        all_values.append(numpy.column_stack([interval(phi), shares(phi, y[-1] - y[0])]))
    numpy.save("layouts.npy", numpy.array(layouts, dtype=numpy.float64))
    numpy.save("responses.npy", numpy.concatenate(responses))
    numpy.save("effects.npy", numpy.concatenate(all_effects))
    numpy.save("shapley.npy", numpy.concatenate(all_values))
    with open("PROVENANCE.txt", "w") as file:
        file.write(f"Python {platform.python_version()}, NumPy {numpy.__version__}, SciPy {scipy.__version__}\n")


if __name__ == "__main__":
    main()
