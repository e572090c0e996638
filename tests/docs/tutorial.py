#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the commands of docs/tutorial.md in order, in an empty folder, and looks for the output that the page shows.

    /usr/bin/python3 tests/docs/tutorial.py CLIP_PARITY [--time]

Blocks marked `sh` are commands, unmarked blocks are excerpts of what the block before printed; `...` stands for any lines. Figures
may be off by a factor of two, since the port's last bits depend on NumPy's BLAS; counts below 20 may not.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")


def steps(page):
    """[(commands, excerpts shown after them)]"""
    found = []
    for kind, text in BLOCK.findall(page):
        if kind == "sh":
            found.append((text, []))
        elif kind == "":
            found[-1][1].append(text)
    return found


def near(shown, printed):
    """Whether two words are equal but for figures, which are at most twice one another; counts below 20 are equal."""
    if NUMBER.sub("#", shown) != NUMBER.sub("#", printed):
        return False
    return all(map(near_figures, NUMBER.findall(shown), NUMBER.findall(printed)))


def near_figures(shown, printed):
    if re.fullmatch(r"1?\d", shown):
        return shown == printed
    a, b = (float(figure.replace(",", "")) for figure in (shown, printed))
    return a / 2 <= b <= 2 * a


def missing(excerpt, output):
    """The first run of lines of an excerpt that is not in the output, in its order; None: all are there."""
    words, at = output.split(), 0
    for part in re.split(r"^\.\.\.$", excerpt, flags=re.MULTILINE):
        wanted = part.split()
        while at + len(wanted) <= len(words) and not all(map(near, wanted, words[at:])):
            at += 1
        if at + len(wanted) > len(words):
            return part
        at += len(wanted)
    return None


class Tutorial(unittest.TestCase):
    program = None

    def setUp(self):
        self.page = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)
        for name in ("data", "reference"):
            (self.folder / name).symlink_to(ROOT / name)
        (self.folder / "build/release").mkdir(parents=True)
        (self.folder / "build/release/clip-parity").symlink_to(self.program)

    def test_every_command_and_what_it_prints(self):
        todo = steps(self.page)
        self.assertGreater(len(todo), 7)
        script = "".join(f"echo '@@ {n}'\n{commands}" for n, (commands, _) in enumerate(todo))
        script = "set -e\n" + script.replace('; echo "exit code $?"', ' && echo "exit code 0" || echo "exit code $?"')
        started = time.monotonic()
        done = subprocess.run(["bash", "-c", script], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False, env={**os.environ, "PATH": "/usr/bin:/bin"})
        self.assertEqual(done.returncode, 0, done.stdout)
        print(f"{len(todo)} blocks of commands in {time.monotonic() - started:.0f} s", file=sys.stderr)
        outputs = re.split(r"^@@ \d+$", done.stdout, flags=re.MULTILINE)[1:]
        for (commands, excerpts), output in zip(todo, outputs, strict=True):
            for excerpt in excerpts:
                self.assertIsNone(missing(excerpt, output), f"\n{commands}\nprinted\n{output}")

    def test_the_excerpts_of_sources_are_in_them(self):
        sources = "".join((ROOT / f"reference/tutorial/{name}.yaml").read_text(encoding="utf-8") for name in ("map", "gate"))
        for kind, text in BLOCK.findall(self.page):
            for line in text.splitlines() if kind == "yaml" else ():
                self.assertIn(line, sources)

    def test_what_counts_as_the_same(self):
        for excerpt, output, found in (("a 1.0e-5\n...\nc\n", "x a 1.9e-5 b\nc", True), ("a 1.0e-5\n", "a 2.1e-5", False),
                                       ("c\n...\na\n", "a\nc", False), ("exit code 0\n", "exit code 1", False)):
            self.assertEqual(missing(excerpt, output) is None, found, excerpt)


if __name__ == "__main__":
    Tutorial.program = Path(sys.argv.pop(1)).resolve()
    unittest.main()
