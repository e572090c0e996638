# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/divergence.md: what the tests of the verdicts print."""

import numpy as np

from claim import RANGE, Claim, at_least, at_most
from figures_docs import second_system
from runs import BUILD, column, figures

DIVERGENCE, DIFF, FINDINGS = "docs/divergence.md", "docs/diff.md", "docs/findings.md"


def faults(r):
    """Found, of all; reruns; degraded before Holm, of all, percent; after."""
    text = r.ctest("calibration.faults")
    return [*figures(r"(\d+) of (\d+) faults found", text),
            *figures(r"(\d+) clean reruns: degraded at (\d+) of (\d+) taps before Holm \(([\d.]+) %\), at (\d+) after", text)]


def soundness(r):
    """The legitimate evaluations of all tests of this name; beyond a bound; coarse."""
    names = [f"calibration.ledger_soundness{n}" for n in ("", "_attention", "_elements", "_head", "_rows")]
    told = [figures(r"(\d+) legitimate evaluations in [\d.]+ s: (\d+) beyond their bound, (\d+) coarse", r.ctest(n))
            for n in names]
    return [sum(values) for values in zip(*told)]


def sharpness(r):
    """Operands in fp16, bf16 and int8 where fp32 is declared: called explained, of how many each."""
    text = r.ctest("calibration.ledger_sharpness")
    lines = [line for line in text.splitlines() if "in declared fp32" in line]
    found, each = (column(p, "\n".join(lines), int) for p in (r"\d+: (\d+) of \d+", r"\d+: \d+ of (\d+)"))
    return [sum(each) - sum(found), max(each)]


def own_passes(text, models):
    lines = "\n".join(line for line in text.splitlines() if any(f" {m} " in line for m in models))
    return [max(column(r"largest \|r\| / bound ([\d.]+)", lines)), max(column(r"coarseness ([\d.]+)", lines))]


def own_short(r):
    return own_passes(r.ctest("ports.own_passes"), ("quick", "erf"))


def own_big(r):
    return own_passes(r.python("tests/ports/own_passes.py", BUILD / "clip-parity", "--full"), ("vit-b-32",))


def eager(r, model):
    """Taps compared, largest r / bound, coarseness: of the demo models' two towers, or of a ViT-B/32's image tower."""
    text = r.python("tests/ports/eager.py", BUILD / "clip-parity", "--full")
    towers = ("PyTorch quick", "PyTorch erf") if model == "demo" else ("pytorch vit-b-32, image tower",)
    lines = "\n".join(line for line in text.splitlines() if line[5:].startswith(towers) and "taps compared" in line)
    return [max(column(p, lines)) for p in (r"(\d+) taps compared", r"largest \|r\| / bound ([\d.]+)", r"coarseness ([\d.]+)")]


def share_by_chance(m, k=2.0):
    """P(F(m, m) > k^2) in percent: x = F / (1 + F) is of a beta law with both parameters m / 2."""
    x = np.linspace(0, 1, 2_000_001)[1:-1]
    density = (x * (1 - x)) ** (m / 2 - 1)
    return 100 * density[x > k * k / (1 + k * k)].sum() / density.sum()


def injected(r):
    return figures(r"(\d+) of \d+ found", r.python("tests/ports/injected.py", BUILD / "clip-parity"))


def bench(r):
    text = r.python("tests/bench/ledger_vs_oracle.py", BUILD / "clip-parity", "--big", "32")
    return [*column(r"([\d.]+) times the oracle", text), *figures(r": ([\d.]+) times that", text)]


def levels(r):
    """Percent at a true ratio of k: degraded, equivalent."""
    text = r.ctest("calibration.verdict_levels")
    at_k = [line for line in text.splitlines() if "stated: 5 %" in line]
    degraded = column(r"degraded ([\d.]+) %", "\n".join(at_k))
    equivalent = column(r"equivalent ([\d.]+) %", "\n".join(at_k))
    return [max(degraded), max(equivalent)]


def limits_hold(r):
    """The worst of all laws and numbers of inputs."""
    return max(column(r"is beyond its limit in ([\d.]+) %", r.ctest("calibration.verdict_levels")))


def ten_times(r):
    return min(column(r"ten times k is degraded in ([\d.]+) %", r.ctest("calibration.verdict_levels")))


def prompts_level(r):
    text = "\n".join(line for line in r.ctest("calibration.verdict_levels").splitlines() if "effects of templates" in line)
    return max(column(r"degraded ([\d.]+) %", text) + column(r"equivalent ([\d.]+) %", text))


def deep(r):
    return figures(r"in 48 and 24 layers: degraded at \d+ of (\d+) taps", r.ctest("calibration.many_taps"))


def copies(r):
    return figures(r"(\d+) clean reruns over copies: degraded at 0 of", r.ctest("calibration.many_taps"))


EAGER = "PyTorch, AVX-512"  # whose kernels for bf16 are others without it
CLAIMS = [
    Claim(DIVERGENCE, r"^\| declared faults found at their own operation, in their own class, and nothing else blamed \| (\d+) of "
          r"(\d+) \|$",
          lambda r: faults(r)[:2]),
    Claim(DIVERGENCE, r"^\| clean reruns in another summation order \| (\d+) \|$", lambda r: faults(r)[2]),
    Claim(DIVERGENCE, r"before Holm's correction \(stated level 5 %\) \| (\d+) of ([\d,]+) \|$", lambda r: faults(r)[3:5]),
    Claim(DIVERGENCE, r"^\| after it \| (\d+) \|$", lambda r: faults(r)[6]),
    Claim(FINDINGS, r"(\d+) of (\d+) seeded faults are found at their own operation", lambda r: faults(r)[:2]),
    Claim(FINDINGS, r"with nothing else blamed; (\d+) clean reruns: (no) tap called degraded",
          lambda r: [faults(r)[2], {0: "no"}.get(faults(r)[6], "some")]),
    Claim(DIVERGENCE, r"([\d,]+) legitimate evaluations \(every operation", lambda r: soundness(r)[0]),
    Claim(DIVERGENCE, r"saturated operands\): (\d+) beyond a bound, (\d+) coarse", lambda r: soundness(r)[1:]),
    Claim(DIVERGENCE, r"explained (\d+) times of (\d+) each", sharpness),
    Claim(DIVERGENCE, r"nothing accused, largest r / bound ([\d.]+), coarseness ([\d.]+);", own_short),
    Claim(DIVERGENCE, r"coarseness [\d.]+; of a seeded ViT-B/32: ([\d.]+), ([\d.]+) \|", own_big, long=True),
    Claim(DIVERGENCE, r"32 images: PASS, (\d+) taps compared, largest r / bound ([\d.]+), coarseness ([\d.]+);",
          lambda r: eager(r, "demo"), needs=EAGER, long=True),
    Claim(DIVERGENCE, r"found at their operation (\d+) times, nothing else blamed \| `make ports`", injected, long=True),
    Claim(DIVERGENCE, r"EPYC with AVX-512, one thread, 32 images and prompts: ([\d.]+) to ([\d.]+) times the oracle's on the demo "
          r"model, ([\d.]+) to ([\d.]+) times on a ViT-B/32; `diff` of two recordings of that: ([\d.]+) to ([\d.]+) times",
          lambda r: [v for v in bench(r) for _ in RANGE], RANGE * 3, needs="AVX-512", long=True),
    Claim(DIVERGENCE, r"in PyTorch and ONNX Runtime, (\d+) taps compared: PASS", lambda r: eager(r, "vit-b-32")[0], needs=EAGER,
          long=True),
    Claim(DIFF, r"`make ports`\) \| ours \| PASS, (\d+) taps", lambda r: eager(r, "vit-b-32")[0], needs=EAGER, long=True),
    Claim(DIFF, r"ours, in the same precision \| PASS, (\d+) taps", lambda r: eager(r, "demo")[0], needs=EAGER, long=True),
    Claim(DIVERGENCE, r"at k = 2 (\d+) % at one element and (\d+) % at ten", lambda r: [share_by_chance(1), share_by_chance(10)]),
    Claim(DIVERGENCE, r"ONNX Runtime's module outputs: (\d+) taps compared, PASS", second_system("pytorch")),
    Claim(DIVERGENCE, r"^\| (\d+) undeclared faults injected", lambda r: figures(
        r"\d+ of (\d+) found", r.python("tests/ports/injected.py", BUILD / "clip-parity")), long=True),
    Claim(DIVERGENCE, r"at a true ratio of exactly k.*`degraded` at most (\d+) %, `equivalent` at most (\d+) %,",
          levels, at_most),
    Claim(DIVERGENCE, r"its limit of the share too low in (\d+) %", limits_hold),
    Claim(DIVERGENCE, r"at ten times k found in (\d+) % and more", ten_times, at_least),
    Claim(DIVERGENCE, r"16 templates and 10 classes with effects of their own: (\d+) %", prompts_level, at_most),
    Claim(DIVERGENCE, r"in 48 and 24 layers: no tap of ([\d,]+) inconclusive; (\d+) clean reruns", lambda r: [*deep(r), *copies(r)]),
    Claim(DIVERGENCE, r"^\| (\d+) edited checkpoints: `weights`", lambda r: figures(r"(\d+) passed, 0 failed",
                                                                                   r.ctest("cli.edited_checkpoints"))),
]
