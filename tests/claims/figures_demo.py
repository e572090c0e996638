# SPDX-License-Identifier: GPL-3.0-or-later
"""README.md, docs/commands.md, docs/classify.md and docs/verification.md: excerpts of commands, and what tests print."""

import math

from claim import RANGE, Claim, Excerpt, at_most
from runs import Failed, column, figures

README, VERIFICATION = "README.md", "docs/verification.md"
CLASSIFY, COMMANDS = "docs/classify.md", "docs/commands.md"


def demo(r):
    return r.experiment("quickgelu-vs-gelu")


def orders_of_magnitude(r):
    part = max(demo(r).l2("erf", "image_features", p) for p in ("rounding", "rounding_baseline"))
    return round(math.log10(demo(r).l2("erf", "image_features") / part))


def first_tap_that_differs(r):
    return next(t for t in demo(r).candidate("erf")["taps"] if t["different"])["name"].rpartition("0.")[2]


def golden_taps(r):
    """The largest of the models."""
    text = r.ctest("golden.taps")
    return [max(column(r"oracle within (\S+) of PyTorch float64; our error", text)),
            max(column(r"times PyTorch float32's, ([\d.]+) times at the outputs", text))]


def golden_tap_counts(r):
    counts = {m: int(c) for m, c in zip(column(r"(\S+): \d+ taps\n", r.ctest("golden.taps"), str),
                                        column(r"\S+: (\d+) taps\n", r.ctest("golden.taps"), int))}
    demos, seeded = ({c for m, c in counts.items() if m.startswith(p)} for p in ("fashion", "vit"))
    if len(demos) != 1 or len(seeded) != 1:
        raise Failed(f"taps differ between models: {counts}")
    return [demos.pop(), seeded.pop()]


def all_predictions(r):
    """The test fails where one differs."""
    r.ctest("golden.zero_shot")
    return 10000


def bench(r):
    """Times as long, then without quantiles; peak of ours in GB."""
    text = r.python("tests/bench/lockstep_vs_pytorch.py", "--oracle")
    full, quick = figures(r"wall ratio ([\d.]+), without quantiles ([\d.]+);", text)
    return [full, full, quick, quick, max(column(r"clip-parity run.* peak (\d+) MB", text)) * 2**20 / 1e9]


CLAIMS = [
    Excerpt(README, "candidate  ", lambda r: demo(r).text),
    Claim(README, r"(\w+) orders of magnitude above the errors of either pass", orders_of_magnitude),
    Claim(README, r"Every tap before the first `(mlp\.gelu)` has identical bits", first_tap_that_differs),
    Excerpt(README, "what sets them apart, in order of execution:", lambda r: r.port_diff("no_causal")),
    Excerpt("docs/diff.md", "what sets them apart, in order of execution:", lambda r: r.port_diff("no_causal")),
    Excerpt(CLASSIFY, "data/fashion-clip/open_clip_model", lambda r: r.shell(CLASSIFY, "classify --model data/fashion-clip")),
    Excerpt(COMMANDS, "smallest set", lambda r: r.shell(COMMANDS, "bisect experiments/quickgelu-vs-gelu.yaml")),
    *(Claim(page, r"agrees with PyTorch float64 within (\S+) at all", lambda r: golden_taps(r)[0], at_most)
      for page in (README, VERIFICATION)),
    *(Claim(page, r"at all (\d+) compared taps of both demo models and at (\d+) of three seeded", golden_tap_counts)
      for page in (README, VERIFICATION)),
    Claim(VERIFICATION, r"The float32 outputs err at most ([\d.]+) times as much", lambda r: golden_taps(r)[1], at_most),
    Claim(VERIFICATION, r"takes ([\d.]+) to ([\d.]+) times as long \(([\d.]+) to ([\d.]+) times where it leaves out quantiles; "
          r"`make bench-pytorch`, medians of five on two cores of an AMD EPYC with AVX-512\), and this program ([\d.]+) GB at most",
          bench, (*RANGE, *RANGE, at_most), needs="AVX-512, PyTorch, libopenblas0-openmp", long=True),
    Claim(VERIFICATION, r"all ([\d,]+) zero-shot predictions equal PyTorch float32's", all_predictions, long=True),
]
