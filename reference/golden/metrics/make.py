# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the reference values of metrics, statistics and decisions: python3 make.py, in this folder.

Computed by NumPy and SciPy in float64 from the definitions in harness/num/metrics.h. README.md says what is in the files.
"""
import platform
import warnings

import numpy
import scipy
from numpy import inf, nan
from scipy import special, stats

FP32, FP16, BF16, FP64 = 0, 1, 2, 3  # the codes in the files
# torch.testing.assert_close's rtol and atol for each type
TOLERANCES = {FP32: (1.3e-6, 1e-5), FP16: (1e-3, 1e-5), BF16: (1.6e-2, 1e-5)}
warnings.simplefilter("ignore")
numpy.seterr(all="ignore")


def ordinal(values, code):
    """The place of each value among all values of its type; both zeros are 0."""
    if code == FP16:
        bits, sign = values.astype(numpy.float16).view(numpy.uint16).astype(numpy.int64), 1 << 15
    else:
        bits, sign = values.astype(numpy.float32).view(numpy.uint32).astype(numpy.int64), 1 << 31
        if code == BF16:  # to nearest, ties to even
            bits, sign = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16, 1 << 15
    return numpy.where(bits >= sign, sign - bits, bits)


def ulp_distances(x, y, code):
    distances = numpy.abs(ordinal(x, code) - ordinal(y, code))
    distances[numpy.isnan(x) != numpy.isnan(y)] = 2**32 - 1
    distances[numpy.isnan(x) & numpy.isnan(y)] = 0
    return distances


def ulp_error(x, y, code):
    """The largest |x - y| in units of last place of y in the type; infinite where one side alone is finite."""
    precision, least = {FP32: (24, -126), FP16: (11, -14), BF16: (8, -126)}[code]
    finite = numpy.isfinite(x) & numpy.isfinite(y)
    same = (numpy.isnan(x) & numpy.isnan(y)) | (x == y)
    if (~finite & ~same).any():
        return inf
    x, y = x[finite], y[finite]
    exponent = numpy.maximum(numpy.frexp(y)[1] - 1, least)
    exponent[y == 0] = least
    return float(numpy.ldexp(numpy.abs(x - y), precision - 1 - exponent).max(initial=0))


def bucket_end(distance):
    """The largest distance of the bucket: 0, then powers of two to the next; NaN against a number alone."""
    if distance in (0, 2**32 - 1):
        return float(distance)
    return float(2 ** int(distance).bit_length() - 1)


def relative(x, y):
    return 0.0 if numpy.array_equal(x, y) else numpy.linalg.norm(x - y) / numpy.linalg.norm(y)


def ulp_histogram(distances):
    """Bin 0: 0; b: [2^(b-1), 2^b); 33: 2^32 - 1."""
    bins = [0 if d == 0 else 33 if d == 2**32 - 1 else int(d).bit_length() for d in distances]
    return numpy.bincount(bins, minlength=34)


def worst_line(table_x, table_y):
    """Of the rows: the largest relative L2, its index, and the two values with the largest difference in it."""
    found = []
    for u, v in zip(table_x, table_y):
        ok = numpy.isfinite(u) & numpy.isfinite(v)
        found.append(relative(u[ok], v[ok]) if ok.any() else -1.0)
    line = int(numpy.argmax(found))  # the first; NaN is the largest
    u, v = table_x[line], table_y[line]
    at = int(numpy.nanargmax(numpy.where(numpy.isfinite(u) & numpy.isfinite(v), numpy.abs(u - v), nan)))
    return found[line], line, u[at], v[at]


def metrics(x, y, codes, judged):
    """x, y: (groups, group_rows, stride); judged: rows and columns of each group that count."""
    rows, width = judged
    index = numpy.arange(x.size).reshape(x.shape)[:, :rows, :width].ravel()
    places = numpy.arange(x.shape[0] * x.shape[1]).reshape(x.shape[:2])[:, :rows].ravel()
    table_x, table_y = (v[:, :rows, :width].reshape(-1, width) for v in (x, y))
    flat_x, flat_y = table_x.ravel(), table_y.ravel()
    same = (numpy.isnan(flat_x) & numpy.isnan(flat_y)) | (
        (flat_x == flat_y) & (numpy.signbit(flat_x) == numpy.signbit(flat_y)))
    finite = numpy.isfinite(flat_x) & numpy.isfinite(flat_y)
    ulp = float(ulp_distances(flat_x, flat_y, codes[2]).max()) if codes[:2] == (FP32, FP32) else nan
    if codes[:2] == (FP32, FP64):
        ulp = ulp_error(flat_x, flat_y, codes[2])
    ends = [float((~same & ~finite).sum()), float((~same).sum())]
    quantiles, histogram = [nan] * 3, numpy.zeros(34)
    if codes[:2] == (FP32, FP32):
        ordered = numpy.sort(ulp_distances(flat_x, flat_y, codes[2]))
        quantiles = [bucket_end(ordered[int(numpy.ceil(q * ordered.size)) - 1]) for q in (0.5, 0.99, 0.999)]
        histogram = ulp_histogram(ordered)
    if not finite.any():
        return [nan] * 7 + [ulp] + [nan] * 5 + quantiles + [nan] * 7 + ends, histogram
    a, b = flat_x[finite], flat_y[finite]
    d = numpy.abs(a - b)
    rel = relative(a, b)
    cosine = 1.0 if rel == 0 else numpy.dot(a, b) / (numpy.linalg.norm(a) * numpy.linalg.norm(b))
    row_rel, row, row_x, row_y = worst_line(table_x, table_y)
    worst = int(numpy.argmax(d))
    rtol, atol = TOLERANCES[codes[2]]
    return [d.max(), d.mean(), numpy.sqrt(numpy.mean(d**2)), numpy.sqrt(numpy.mean(b**2)), rel, cosine,
            -20 * numpy.log10(rel), ulp, row_rel, float(places[row]), float(index[finite][worst]), a[worst],
            b[worst]] + quantiles + [float(numpy.mean(d > atol + rtol * numpy.abs(b))), row_x, row_y,
            *worst_line(table_x.T, table_y.T)] + ends, histogram


def metric_cases():
    rng = numpy.random.default_rng(30)

    def single(x):
        return numpy.asarray(x, dtype=numpy.float32).astype(numpy.float64)

    def case(x, y, codes=(FP32, FP32, FP32), judged=None):
        x, y = (numpy.asarray(v, dtype=numpy.float64) for v in (x, y))
        while x.ndim < 3:
            x, y = x[None], y[None]
        if FP32 in codes[:2] and codes[0] == FP32:
            x = single(x)
        if codes[1] == FP32:
            y = single(y)
        return x, y, codes, judged or x.shape[1:]

    def near(shape, scale=1.0, error=1e-4):
        y = scale * rng.standard_normal(shape)
        return y * (1 + error * rng.standard_normal(shape)), y

    half_x, half_y = (v.astype(numpy.float16).astype(numpy.float64) for v in near((3, 16), error=1e-2))
    brain = numpy.float32(half_y).view(numpy.uint32) & numpy.uint32(0xFFFF0000)
    brain_x = (brain + numpy.uint32(0x30000)).view(numpy.float32)
    x, y = near((2, 5, 8))
    x[:, 3:], y[:, :, 6:] = nan, 1e30  # outside the rows and columns that count
    worst_x, worst_y = near((4, 10))
    worst_x[2, 7] += 3

    def spoiled(shape, share):
        x, y = near(shape, error=1e-6)
        for v in (x, y):
            for value in (nan, inf, -inf, 0.0):
                v[rng.random(shape) < share] = value
        return x, y


    def damaged(shape, share, error):
        """Random magnitudes with zeros, NaN and infinities among them, some on both sides."""
        y = rng.standard_normal(shape) * 10 ** rng.uniform(-3, 3, shape)
        x = y * (1 + error * rng.standard_normal(shape))
        for value in (0.0, -0.0, nan, inf, -inf):
            for side in (x, y):
                side[rng.random(shape) < share] = value
        both = rng.random(shape) < share
        x[both] = y[both]
        return x, y

    channel_x, channel_y = near((2, 3, 40, 17))  # one column of all groups
    channel_x[..., 11] *= 1.5
    channel_x, channel_y = (v.reshape(6, 40, 17) for v in (channel_x, channel_y))
    dead_x, dead_y = near((9, 12))
    dead_x[:, 3] = dead_y[:, 3] = 0  # a channel that is off
    dead_x[:, 4] = nan  # one without a finite pair
    far_x, far_y = near((3, 700), scale=1e3, error=2.0)  # signs differ: distances up to 2^32
    return [
        case(*near((6, 20))),
        case(*near((3, 40, 65), error=1e-7)),  # more columns than a whole number of vectors
        case(*near((1, 7, 3072), error=3e-8)),
        case(*spoiled((2, 30, 33), 0.02)),
        case(*spoiled((2, 30, 33), 0.02), codes=(FP32, FP32, FP16)),
        case(*spoiled((12, 9), 0.3)),
        case(*spoiled((12, 9), 0.3), codes=(FP32, FP64, FP32)),
        case(*near((4, 11), error=1e-2), codes=(FP32, FP32, BF16)),
        case([[0.0, 1.0], [0.0, 2.0]], [[1.0, 1.0], [0.0, 2.0]]),  # a column whose reference is not zero in one row
        case([[1.0, 1.0], [2.0, 2.0]], [[0.0, 1.0], [0.0, 2.0]]),  # a column whose reference is zero
        case(*near((6, 20)), codes=(FP32, FP64, FP32)),
        case(*near((6, 20), error=1e-13), codes=(FP64, FP64, FP32)),
        case(*near((2, 3, 4))),
        case(x, y, judged=(3, 6)),
        case(worst_x, worst_y),
        case(half_x, half_y, codes=(FP32, FP32, FP16)),
        case(brain_x, brain.view(numpy.float32), codes=(FP32, FP32, BF16)),
        case([1.5], [1.5]),  # one element, the same
        case([1.5], [1.25]),
        case([2.0], [-2.0]),  # opposite
        case([0.0, 0.0], [0.0, 0.0]),  # zero reference
        case([1.0, -1.0], [0.0, 0.0]),
        case([0.0, 0.0], [3.0, 4.0]),
        case([0.0], [-0.0]),  # two values, no distance
        case([nan, 1.0, 2.0], [nan, 1.0, 2.5]),
        case([nan, 1.0, 2.0], [0.0, 1.0, 2.5]),
        case([inf, -inf, inf, 1.0], [inf, inf, 4.0, 2.0]),
        case([nan, inf], [1.0, -inf]),  # nothing to judge
        case([[nan, nan], [1.0, 2.0]], [[1.0, 2.0], [1.0, 2.5]]),  # a row without a finite pair
        case([3e38, -3e38, 1.0], [3e38, 3e38, 1.0]),  # huge, small and subnormal
        case([1e-38, 3e-39, 1e-45], [1e-38, 1e-39, 0.0]),
        case([3e38, 1e-45], [1.5e38, 3e-45]),
        case([1e150, -2e150, 1.0], [1e150, 2e150, -1.0], codes=(FP64, FP64, FP32)),
        case([1e-150, 2e-150], [1e-150, 3e-150], codes=(FP64, FP64, FP32)),
        case([1e-200], [2e-200], codes=(FP64, FP64, FP32)),  # squares underflow: unknown, not alike
        case([[1e-200, 1.0], [1e-200, 2.0]], [[2e-200, 1.0], [1e-200, 2.0]], codes=(FP64, FP64, FP32)),
        case([[1e-200], [1e-210]], [[2e-200], [2e-210]], codes=(FP64, FP64, FP32)),  # the first unknown row
        case(channel_x, channel_y),
        case(channel_x, channel_y, judged=(7, 12)),
        case(dead_x, dead_y),
        case(far_x, far_y),
        case(*near((5, 1500), error=1e-6)),  # more than a block of columns, and no whole number of vectors
        case(*near((3, 1025), error=1e-6), codes=(FP32, FP64, FP32)),
        case(*damaged((7, 33), 0.02, 1e-5)),
        case(*damaged((3, 1100), 0.001, 1e-5)),
        case(*damaged((3, 4, 9), 0.1, 1e-2), judged=(2, 7)),
        case(*damaged((7, 33), 0.02, 1e-3), codes=(FP32, FP32, FP16)),
        case(*damaged((7, 33), 0.02, 1e-2), codes=(FP32, FP32, BF16)),
        case(*near((4, 600), scale=1e-5, error=0.3), codes=(FP32, FP32, FP16)),  # fp16's subnormals
        case(*near((4, 600), scale=1e5, error=0.3), codes=(FP32, FP32, FP16)),  # and its overflow
        case(*damaged((7, 33), 0.02, 1e-9), codes=(FP32, FP64, FP32)),
        case(*damaged((7, 33), 0.02, 1e-13), codes=(FP64, FP64, FP16)),
        case(far_x, far_x),  # the same bits
        case(dead_x, dead_x),
        case([[nan, 2.0], [nan, 3.0]], [[nan, 2.0], [nan, 3.0]]),
        case(0 * far_y, 0 * far_y),
        case(*near((6, 70), error=1e-7), codes=(FP32, FP64, FP32)),
        case(*near((5, 33), error=1e-3), codes=(FP32, FP64, FP16)),
        case(*near((5, 33), scale=1e-5, error=1e-2), codes=(FP32, FP64, FP16)),  # fp16's subnormals
        case(*near((5, 33), error=1e-2), codes=(FP32, FP64, BF16)),
        case([0.0, 1e-45, -3e-39, 2.0], [1e-46, 0.0, -2e-39, 2.0 + 2**-24], codes=(FP32, FP64, FP32)),
        case([nan, inf, 1.0], [nan, inf, 1.0 + 2**-25], codes=(FP32, FP64, FP32)),  # only the number is judged
        case(*damaged((3, 4, 9), 0.05, 1e-6), codes=(FP32, FP64, FP32), judged=(2, 7)),
    ]


def statistics(x):
    ok = x[numpy.isfinite(x)]
    bins = numpy.zeros(50)
    for v in ok:  # bin 0: zeros; bin 1: below 2^-39; then one for each exponent; the last: from 2^8 on
        exponent = numpy.frexp(v)[1] - 1
        bins[0 if v == 0 else min(max(exponent + 41, 1), 49)] += 1
    if not ok.size:
        return [nan] * 6 + [float(x.size)], bins
    return [ok.mean(), ok.var(), stats.skew(ok), stats.kurtosis(ok, fisher=False), ok.min(), ok.max(),
            float(x.size - ok.size)], bins


def statistics_cases():
    rng = numpy.random.default_rng(31)
    powers = 2.0 ** numpy.arange(-50, 20)
    return [
        rng.standard_normal(1000),
        5 + rng.exponential(size=300),
        numpy.concatenate([powers, -powers, numpy.nextafter(powers, 0)]),
        numpy.array([0.0, -0.0, 1e-45, 1.0]),
        numpy.array([nan, inf, -inf, 1.0, 2.0, 4.0]),
        numpy.array([nan, inf]),
        numpy.array([2.5]),
        numpy.full(7, 0.1),
        numpy.array([3e38, -3e38, 2e38]),
        numpy.array([1e-30, 2e-30, 5e-30]),
    ]


def decision(p, q):
    n = len(p)

    def top(v):
        return nan if numpy.isnan(v).all() else float(numpy.nanargmax(v))

    order = numpy.sort(numpy.where(numpy.isnan(q), -inf, q))[::-1]
    p_sum, q_sum = p / p.sum(), q / q.sum()
    rank = stats.spearmanr(p, q).statistic if n > 1 else 1.0
    middle = (p_sum + q_sum) / 2
    js = (special.kl_div(p_sum, middle).sum() + special.kl_div(q_sum, middle).sum()) / 2
    margin = nan if numpy.isnan(q).all() else order[0] - (order[1] if n > 1 and order[1] > 0 else 0)
    dp_top1 = nan if numpy.isnan(q).all() else (p - q)[numpy.nanargmax(q)]
    return [top(q), top(p), float(top(p) != top(q)), numpy.abs(p - q).max(), special.kl_div(q_sum, p_sum).sum(), js,
            margin, rank, dp_top1]


def decision_cases():
    rng = numpy.random.default_rng(32)

    def softmax(logits):
        return special.softmax(logits)

    def half(p):
        return p.astype(numpy.float16)

    z = rng.standard_normal(10)
    p = softmax(z)
    swapped = p.copy()
    swapped[[int(p.argmax()), 0]] = swapped[[0, int(p.argmax())]]
    return [(numpy.asarray(a, numpy.float32), numpy.asarray(b, numpy.float32)) for a, b in [
        (softmax(z + 0.1 * rng.standard_normal(10)), p),
        (softmax(5 * rng.standard_normal(100)), softmax(5 * rng.standard_normal(100))),
        (p, p),
        (swapped, p),
        (half(softmax(30 * z)), softmax(30 * z)),  # sums to 1 only roughly
        (half(softmax(z)), softmax(z)),
        (softmax(z + 1e-3 * rng.standard_normal(10)), p),
        ([1.0], [1.0]),  # one column
        ([0.0, 1.0], [1.0, 0.0]),  # certain and opposite
        ([0.5, 0.5], [1.0, 0.0]),
        ([1.0, 0.0], [0.5, 0.5]),  # KL infinite
        ([0.25, 0.25, 0.5], [0.25, 0.25, 0.5]),
        ([0.4, 0.4, 0.2], [0.2, 0.4, 0.4]),  # ties: the first wins
        ([0.25, 0.25, 0.25, 0.25], [0.1, 0.2, 0.3, 0.4]),  # no order: no rank correlation
        ([nan, nan, nan], [0.2, 0.3, 0.5]),  # an overflow in half precision: never agreement
        ([nan, nan, nan], [0.5, 0.3, 0.2]),
        ([0.5, 0.3, 0.2], [nan, nan, nan]),
        ([0.5, nan, 0.2], [0.5, 0.3, 0.2]),
        ([0.5, 0.3, 0.2], [nan, 0.3, 0.2]),
        ([1e-45, 1.0], [1e-38, 1.0]),
    ]]


def wilson():
    lines = []
    for n in (1, 2, 10, 100, 10000):
        for k in sorted({0, 1, n // 3, n // 2, n - 1, n}):
            interval = stats.binomtest(k, n).proportion_ci(method="wilson")
            lines.append([k, n, interval.low, interval.high])
    return numpy.array(lines)


def save(name, values):
    numpy.save(f"{name}.npy", numpy.asarray(values, dtype=numpy.float64))


def main():
    cases = metric_cases()
    save("metrics.layouts", [[*codes, *x.shape[:2], judged[0], judged[1], x.shape[2]] for x, _, codes, judged in cases])
    save("metrics.x", numpy.concatenate([x.ravel() for x, *_ in cases]))
    save("metrics.y", numpy.concatenate([y.ravel() for _, y, *_ in cases]))
    expected = [metrics(*case) for case in cases]
    save("metrics.expected", [values for values, _ in expected])
    save("metrics.histograms", [histogram for _, histogram in expected])
    cases = [x.astype(numpy.float32).astype(numpy.float64) for x in statistics_cases()]
    expected = [statistics(x) for x in cases]
    save("statistics.lengths", [[len(x)] for x in cases])
    save("statistics.x", numpy.concatenate(cases))
    save("statistics.expected", [moments for moments, _ in expected])
    save("statistics.histograms", [bins for _, bins in expected])
    cases = [(p.astype(numpy.float64), q.astype(numpy.float64)) for p, q in decision_cases()]
    save("decisions.lengths", [[len(p)] for p, _ in cases])
    save("decisions.p", numpy.concatenate([p for p, _ in cases]))
    save("decisions.q", numpy.concatenate([q for _, q in cases]))
    save("decisions.expected", [decision(p, q) for p, q in cases])
    save("wilson", wilson())
    with open("PROVENANCE.txt", "w") as file:
        file.write(f"Python {platform.python_version()}, NumPy {numpy.__version__}, SciPy {scipy.__version__}\n")


if __name__ == "__main__":
    main()
