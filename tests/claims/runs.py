# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs whose figures the texts state: each command runs once, when the first claim asks for it."""

import functools
import hashlib
import json
import math
import re
import subprocess
import sys
import time
from pathlib import Path

from claim import ROOT

BUILD = ROOT / "build/release"
SCRIPTS = {"cli.edited_checkpoints", "golden.capture_scripts", "ports.answers", "ports.own_passes", "ports.eager"}


class Failed(Exception):
    """A command that did not end as expected, or whose output lacks a figure."""


def full_name(tap):
    """A tap's name of the short form that tables have: visual.0.mlp.gelu, visual.5, text.2."""
    short = re.fullmatch(r"(visual|text)\.(\d+|outer)(.*)", tap)
    return f"{'visual.' if short[1] == 'visual' else ''}transformer.resblocks.{short[2]}{short[3]}" if short else tap


class Result:
    """What a run printed, and its result as `clip-parity report --json` tells it."""

    def __init__(self, runs, path, text):
        self.runs, self.path, self.text = runs, path, text

    @functools.cached_property
    def report(self):
        return json.loads(self.runs.program("report", self.path, "--json", "-o", "-"))

    def candidate(self, name):
        return next(c for c in self.report["candidates"] if c["name"] == name)

    def tap(self, candidate, tap):
        return next(t for t in self.candidate(candidate)["taps"] if t["name"] == full_name(tap))

    def l2(self, candidate, tap, part="total"):
        """Mean over inputs of the relative L2; inf (null) where pictures differ in size."""
        value = self.tap(candidate, tap)["relative_l2"][part]
        return math.inf if value is None else value

    def decisions(self, candidate):
        return self.candidate(candidate)["decisions"]


class Runs:
    def __init__(self, folder, keep):
        self.folder, self.keep, self.done = Path(folder), keep, {}

    def text(self, *argv, code=0):
        """Standard output and error of a command, run in the project's root."""
        key = " ".join(map(str, argv))
        if key not in self.done:
            self.done[key] = self._run(argv, key, code)
        if isinstance(self.done[key], Failed):
            raise self.done[key]
        return self.done[key]

    def _run(self, argv, key, code):
        log = self.folder / (hashlib.sha256(key.replace(str(self.folder), "").encode()).hexdigest()[:16] + ".txt")
        if self.keep and log.exists():
            return log.read_text()
        started = time.monotonic()
        done = subprocess.run(argv, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        shown = " ".join(key.replace(str(ROOT) + "/", "").replace(str(self.folder), "TMP").split())
        shown = shown if len(shown) < 150 else f"{shown[:150]}..."
        print(f"{time.monotonic() - started:6.1f} s  {shown}", file=sys.stderr, flush=True)
        if done.returncode != code:
            print(done.stdout[-2000:], file=sys.stderr, flush=True)
            return Failed(f"`{shown}` ended with {done.returncode}, expected {code}")
        log.write_text(done.stdout)
        return done.stdout

    def program(self, *argv, code=0):
        return self.text(BUILD / "clip-parity", *argv, code=code)

    def experiment(self, name, *settings):
        """`clip-parity run experiments/NAME.yaml SETTINGS`"""
        path = self.folder / (re.sub(r"[^\w.-]+", "-", "-".join([name, *settings]))[:100] + ".h5")
        return Result(self, path, self.program("run", "--force", f"experiments/{name}.yaml", *settings, f"output={path}"))

    def shell(self, file, words, code=0):
        """The command that the text shows behind `$ `, with its continuation lines, or in backquotes."""
        text = (ROOT / file).read_text()
        words = re.escape(words).replace(r"\ ", r"\s+")
        found = re.findall(rf"^\$ clip-parity ({words}(?:.*\\\n)*.*)$", text, re.MULTILINE) or re.findall(
            rf"`clip-parity\s+({words}[^`]*)`", text)
        if len(found) != 1:
            raise Failed(f"{len(found)} commands, expected one: $ clip-parity {words}")
        return self.text("sh", "-c", f"{BUILD}/clip-parity " + " ".join(found[0].replace("\\\n", " ").split()), code=code)

    def ctest(self, name):
        """What `ctest -R NAME -V` prints."""
        if name not in SCRIPTS:
            self.build(f"test_{name.replace('.', '_')}")
        return self.text("ctest", "--test-dir", BUILD, "-R", f"^{re.escape(name)}$", "-V")

    def build(self, target):
        self.text("cmake", "--build", BUILD, "--target", target)

    def python(self, script, *argv, code=0):
        return self.text("/usr/bin/python3", ROOT / script, *argv, code=code)

    def mine(self):
        """A result of the demo model, one image and prompt, every tap in full."""
        path = self.folder / "mine.h5"
        self.program("run", "--force", "tests/ports/demo.yaml", "inputs.limit=1", "inputs.prompts=[a photo of a trouser]", "inputs.labels=off", f"output={path}")
        return path

    def port_diff(self, fault):
        """What `diff` says of a NumPy port of the demo model with an undeclared fault, from one image and prompt."""
        mine, theirs = self.mine(), self.folder / f"{fault}.h5"
        self.python("tests/ports/port.py", mine, fault, "-o", theirs)
        return self.program("diff", mine, theirs, "--force", "-o", self.folder / "diff.h5", code=1)


def figures(pattern, text, kind=float):
    """The groups of the one place that matches; a space is any white space. kind None: as text."""
    places = list(re.finditer(pattern.replace(" ", r"\s+"), text))
    if len(places) != 1:
        raise Failed(f"{len(places)} places of the output, expected one, match {pattern}")
    return [kind(g.replace(",", "")) if kind else g for g in places[0].groups()]


def column(pattern, text, kind=float):
    """The one group of every place that matches."""
    found = [kind(m[1].replace(",", "")) for m in re.finditer(pattern.replace(" ", r"\s+"), text)]
    if not found:
        raise Failed(f"no place of the output matches {pattern}")
    return found
