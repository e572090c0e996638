# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/checkpoints.md."""

import math

import numpy as np

from claim import ROOT, Claim, at_most
from runs import figures

CHECKPOINTS, EXPERIMENT, FINDINGS = "docs/checkpoints.md", "docs/experiment.md", "docs/findings.md"


def named_configs(_):
    """Of open_clip: all but those of the demo models."""
    return len([p for p in (ROOT / "data/model_configs").glob("*.json")
                if p.stem not in ("pretrained", "published") and not p.stem.startswith("fashion")])


def calibration(kind):
    """Models; named wrongly, rightly, not."""
    return lambda r: figures(rf"(?<!un){kind}: (\d+) models, (\d+) named wrongly, (\d+) rightly, (\d+) not",
                             r.text("make", "calibration"))


def coverage(r):
    taken, count, percent = figures(r"\nall (\d+) of (\d+) branches ([\d.]+) %", r.text("make", "coverage"))
    return [percent, taken, count]


def positions(r):
    rows = [line.split(",") for line in (ROOT / "reference/golden/positions/tables.csv").read_text().splitlines()[1:]]
    return len({(row[0], row[1]) for row in rows})


def gelus_apart(_):
    x = np.linspace(-8, 8, 160_001)
    erf = x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2
    return float(abs(erf - x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2).max())


CLAIMS = [
    Claim(CHECKPOINTS, r"they differ by (\S+) at most, and `erf or tanh`", gelus_apart, at_most),
    Claim(CHECKPOINTS, r"These (\d+) answers are all right, which is a 95 % bound of (\d+) % on the share",
          lambda r: [n := sum(calibration(k)(r)[2] for k in ("perturbed", "unperturbed")), 100 * 0.05 ** (1 / n)], long=True),
    Claim(EXPERIMENT, r"or one of (\d+) named ones", named_configs),
    Claim(CHECKPOINTS, r"`data/model_configs`, the (\d+) plain ViTs", named_configs),
    Claim(CHECKPOINTS, r"positions` has both variants at (\d+) pairs of grids", positions),
    Claim(CHECKPOINTS, r"pictures of 56, 36 and 16 pixels, within (\S+)\.",
          lambda r: figures(r"at most (\S+) from PyTorch's", r.ctest("golden.positions")), at_most),
    Claim(CHECKPOINTS, r"fails below 95 %: ([\d.]+) %, ([\d,]+) of ([\d,]+)\.", coverage, long=True),
    Claim(CHECKPOINTS, r"^\| (\d+) perturbed: [^|]*\| (\d+) \| (\d+) \| (\d+) \|$", calibration("perturbed"), long=True),
    Claim(CHECKPOINTS, r"^\| (\d+) as they are, [^|]*\| (\d+) \| (\d+) \| (\d+) \|$", calibration("unperturbed"), long=True),
    Claim(FINDINGS, r"names it for each of (\d+) sets of images the demo models were trained on, and wrongly for (\d+) of (\d+) "
          r"models",
          lambda r: [calibration("unperturbed")(r)[2], *reversed(calibration("perturbed")(r)[:2])], long=True),
    Claim("CHANGELOG.md", r"`make calibration`: (\d+) of (\d+) perturbed models named wrongly, (\d+) of (\d+) unperturbed ones "
          r"rightly", lambda r: [calibration(k)(r)[i] for k, i in (("perturbed", 1), ("perturbed", 0), ("unperturbed", 2),
                                                                  ("unperturbed", 0))], long=True),
]
