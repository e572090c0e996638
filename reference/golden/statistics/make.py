# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the reference values of harness/num/mean_test.h: python3 make.py, in this folder. README.md says what is in the files.

By other means than the program: cluster sums as quadratic forms with a matrix of who belongs together, tails and limits
from SciPy, the skewed quantiles by drawing.
"""
import platform

import numpy
import scipy
from scipy import stats

RNG = numpy.random.default_rng(20)


def together(groups):
    return (groups[:, None] == groups[None, :]).astype(float)


def clustered_variance(x, groups):
    """(variance of the mean, degrees of freedom) with everything of a group correlated."""
    count = len(numpy.unique(groups))
    e = x - x.mean()
    return e @ together(groups) @ e / len(x)**2 * count / (count - 1), count - 1


def estimate(x, rows, columns):
    """(mean, error, df, independent values)."""
    apart = x.var(ddof=1) / len(x)
    ways = [clustered_variance(x, g) for g in (rows, columns) if len(numpy.unique(g)) > 1]
    if not ways:
        return x.mean(), apart**0.5, len(x) - 1, len(x)
    both = sum(v for v, _ in ways) - apart if len(ways) == 2 else 0
    variance = max([both] + [v for v, _ in ways])
    df = min(len(x) - 1, max(min(d for _, d in ways), variance**2 / sum(v**2 / d for v, d in ways)))
    return x.mean(), variance**0.5, df, min(len(x), len(x) * apart / variance)


def clusters():
    """Cases (rows, columns, scatter of rows, of columns): 60 values each, as (value, row, column), and what comes of them."""
    values, expected = [], []
    for rows, columns, a, b in ((1, 1, 0, 0), (12, 5, .4, .4), (5, 12, 1, 0), (60, 1, 0, 0), (1, 6, 0, .7), (6, 10, 0, 0), (30, 2, .2, .9)):
        i = numpy.arange(60)
        row, column = i % rows, i // rows % columns
        x = 0.3 + a * RNG.standard_normal(rows)[row] + b * RNG.standard_normal(columns)[column] + 0.3 * RNG.standard_normal(60)
        mean, error, df, independent = estimate(x, row, column)
        t = (mean - 0.1) / error
        values.append(numpy.stack([x, row, column], axis=1))
        expected.append([mean, error, df, independent, stats.t.sf(t, df), mean - stats.t.isf(1e-3, df) * error])
    return numpy.array(values).reshape(-1, 3), numpy.array(expected)


def shares():
    """x, n, low and high limits at 5 %, P(X >= x) of Binomial(n, 0.02)."""
    rows = []
    for n in (12, 30, 300):
        for x in (0, 1, 4, n // 2, n):
            interval = stats.binomtest(x, n).proportion_ci(0.90, method="exact")
            rows.append([x, n, interval.low, interval.high, stats.binom.sf(x - 1, n, 0.02)])
    return numpy.array(rows, dtype=float)


def lognormal(shape):
    return numpy.exp(RNG.standard_normal(shape)) - numpy.exp(0.5)


def contaminated(shape):
    """One in twenty is an outlier, ten deviations off the rest; of mean 0."""
    return RNG.standard_normal(shape) + numpy.where(RNG.random(shape) < 0.05, 9.5, -0.5)


def skewed():
    """n, p, and -t at that lower quantile of the t statistic of n values about their mean, for each of the two laws."""
    rows = []
    for n, draws in ((7, 4e6), (12, 4e6), (16, 4e6), (30, 3e6), (40, 2e6), (60, 2e6), (100, 2e6), (150, 2e6), (300, 4e5)):
        t = {lognormal: [], contaminated: []}
        for law in t:
            for _ in range(int(draws * n / 2.4e6)):
                x = law((2400000 // n, n))
                t[law].append(x.mean(1) / x.std(1, ddof=1) * n**0.5)
            t[law] = numpy.sort(numpy.concatenate(t[law]))
        for p in (0.05, 0.01, 1e-3, 0.05 / 163, 0.05 / 720):
            rows.append([n, p] + [-of[int(p * len(of))] for of in t.values()])
    return numpy.array(rows)


values, expected = clusters()
numpy.save("clusters.npy", values)
numpy.save("means.npy", expected)
numpy.save("shares.npy", shares())
numpy.save("skewed.npy", skewed())
with open("PROVENANCE.txt", "w", encoding="utf-8") as out:
    out.write(f"make.py, Python {platform.python_version()}, NumPy {numpy.__version__}, SciPy {scipy.__version__}\n")
