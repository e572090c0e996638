#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves that a refactoring moved not one bit: builds two versions, runs the same commands with both, and compares what they
print and write, and how they exit.

    tests/invariance/same_output.py BEFORE [AFTER] [--quick] [--keep FOLDER] [--only REGEX] [--allow FILE] [--instructions]

Each version runs in a copy of its own tree, on that tree's experiments, models and captures; where these differ, the end says
so. Both are built without a commit (version.cmake then says `unknown`), so nothing is normalised but progress lines ("32 of 92
inputs, 5 s, 9 s left"). A result is compared by its content digest; other bytes with the same content are noted.
Exits with 1 if anything differs, with 2 if a version does not build or runs nothing."""

import argparse
import re
import subprocess
import sys
import tempfile
import time

import same_commands
from same_trees import ROOT, Tree, commit_of, environment, git

INPUTS = ("experiments", "data", "results/baselines", "reference/golden", "tests/cli")
DEMO = ("run", "experiments/quickgelu-vs-gelu.yaml", "threads=1", "output=same-output.h5")
# Valgrind takes a hundred times as long, and knows no AVX-512.
SMALL_DEMO = (*DEMO, "inputs={images: data/fashion-clip/images/00000*.png, prompts: [a coat]}",
              "local=off", "floor=0", "oracle=off", "ledger=off", "isa=avx2")
MORE_INSTRUCTIONS = 0.02


def first_difference(before, after):
    """(line, before, after) around the first different character; None where there is none."""
    if before == after:
        return None
    a, b = before.split("\n"), after.split("\n")
    line = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    x, y = (s[line] if line < len(s) else "(ends)" for s in (a, b))
    at = next((i for i, (p, q) in enumerate(zip(x, y)) if p != q), min(len(x), len(y)))
    start = max(0, at - 50)
    return line + 1, x[start:start + 130], y[start:start + 130]


class Allowed:
    """Words renamed on purpose: `old => new`, a regular expression and its replacement, one a line."""

    def __init__(self, lines=()):
        self.rules, self.used = [], {}
        for line in lines:
            if line.strip() and not line.startswith("#"):
                old, arrow, new = line.rstrip("\n").partition(" => ")
                if not arrow:
                    sys.exit(f"same_output.py: '{line.strip()}' is not `old => new`")
                self.rules.append((re.compile(old, re.MULTILINE), new))

    def apply(self, text):
        for old, new in self.rules:
            text, count = old.subn(new, text)
            self.used[old.pattern] = self.used.get(old.pattern, 0) + count
        return text

    def summary(self):
        return [f"allowed: {old.pattern} => {new}: {self.used.get(old.pattern, 0)} times" for old, new in self.rules]


def compare(before, after, allowed):
    """The first different stream of one command, told in a few lines; [] where all are the same."""
    for stream in dict.fromkeys([*before, *after]):
        if stream == "result file":
            continue
        x, y = before.get(stream, "(none)"), after.get(stream, "(none)")
        found = first_difference(x, y) and first_difference(allowed.apply(x), y)
        if found:
            return [f"{stream}, line {found[0]}", f"  before: {found[1]}", f"  after:  {found[2]}"]
    return []


def printable(argv):
    return re.sub(r"[^\x20-\x7e]+", "?", " ".join(argv))[:110]


def show(lines):
    print("\n".join(re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", "?", line) for line in lines), flush=True)


class Tally:
    def __init__(self, allowed):
        self.allowed, self.same, self.different, self.notes = allowed, 0, 0, []

    def group(self, group, before, after):
        for case, x, y in zip(group.cases, before, after):
            lines = compare(x, y, self.allowed)
            self.same, self.different = self.same + (not lines), self.different + bool(lines)
            show([f"{'DIFFERENT' if lines else 'same     '} {printable(case.argv)}", *(f"          {line}" for line in lines)])
            if not lines and x.get("result file") != y.get("result file"):
                self.notes.append(f"note: {group.name}: same content, other bytes in the file: {printable(case.argv)}")


def different_inputs(before, after):
    ends = [before.commit, after.commit] if after.commit else [before.commit]
    names = git("diff", "--name-only", *ends, "--", *INPUTS).split()
    if not after.commit:
        names += git("ls-files", "--others", "--exclude-standard", "--", *INPUTS).split()
    return [f"note: the two trees differ in {name}" for name in names]


def counter():
    """How instructions can be counted here: its name, command and the pattern of its figure."""
    perf = ("perf", "stat", "-x,", "-e", "instructions:u")
    valgrind = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--branch-sim=no", "--cachegrind-out-file=/dev/null")
    for name, command, pattern, demo in (("perf", perf, r"^(\d+),,instructions", (*DEMO, "inputs.limit=16")),
                                         ("valgrind", valgrind, r"I +refs: +([\d,]+)", SMALL_DEMO)):
        try:
            probe = subprocess.run([*command, "true"], env=environment(), capture_output=True, text=True, check=False)
        except FileNotFoundError:
            continue
        if re.search(pattern, probe.stderr, re.MULTILINE):
            return name, command, pattern, demo
    return None


def instructions(tree, command, pattern, demo):
    done = tree.call(demo, before=command)
    (tree.path / "same-output.h5").unlink(missing_ok=True)
    found = re.search(pattern, done.stderr.decode(), re.MULTILINE)
    if done.returncode or not found:
        sys.exit(f"same_output.py: cannot count: {done.stderr.decode()[-500:]}")
    return int(found[1].replace(",", ""))


def more_instructions(before, after):
    """Counts both; True where the second has too many."""
    how = counter()
    if not how:
        print("instructions: cannot be counted here: perf has no counter, and valgrind is not installed")
        return False
    x, y = (instructions(tree, *how[1:]) for tree in (before, after))
    too_many = y > x * (1 + MORE_INSTRUCTIONS)
    print(f"{'DIFFERENT' if too_many else 'same     '} instructions ({how[0]}, {printable(how[3])}): "
          f"{x:,} before, {y:,} after: {100 * (y / x - 1):+.2f} %")
    return too_many


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("before", metavar="BEFORE", help="a git revision")
    p.add_argument("after", metavar="AFTER", nargs="?", help="another; else the working tree, with what git does not ignore")
    p.add_argument("--quick", action="store_true", help="12 images and 20 prompts in each experiment")
    p.add_argument("--keep", metavar="FOLDER", help="keep builds and outputs of commits there, for later calls")
    p.add_argument("--only", metavar="REGEX", default="", help="groups of commands whose name matches; --list names them")
    p.add_argument("--list", action="store_true", help="list the groups and their commands, and stop")
    p.add_argument("--allow", metavar="FILE", help="`old => new` a line: applied to what differs of BEFORE's output")
    p.add_argument("--instructions", action="store_true",
                   help="also count the instructions of the demo (perf on 16 images; valgrind on one image, forward passes only): "
                        "2 %% more fail")
    return p.parse_args()


def chosen(trees, args):
    return [g for g in same_commands.groups(trees, args.quick) if re.search(args.only, g.name)]


def listing(args):
    for group in chosen([ROOT], args):
        print(group.name, *(f"  {printable(c.argv)}" for c in group.cases), sep="\n")
    return 0


def prove(keep, args, allowed):
    trees = before, after = [Tree(keep, commit_of(args.before)), Tree(keep, commit_of(args.after) if args.after else None)]
    for tree, name in zip(trees, (args.before, args.after or "working tree")):
        print(f"built in {tree.make():.0f} s: {name}", flush=True)
    tally, started = Tally(allowed), time.monotonic()
    for group in chosen([t.path for t in trees], args):
        show([f"-- {group.name}, {time.monotonic() - started:.0f} s"])
        tally.group(group, before.outputs(group), after.outputs(group))
    slower = args.instructions and more_instructions(before, after)
    show([*tally.notes, *different_inputs(before, after), *allowed.summary(),
          f"{tally.same} same, {tally.different} different, in {time.monotonic() - started:.0f} s"])
    return 2 if not tally.same + tally.different else int(bool(tally.different or slower))


def main():
    args = arguments()
    if args.list:
        return listing(args)
    allowed = Allowed(open(args.allow, encoding="utf-8")) if args.allow else Allowed()
    if args.keep:
        return prove(args.keep, args, allowed)
    with tempfile.TemporaryDirectory(prefix="clip-parity-same-output-") as folder:
        return prove(folder, args, allowed)


if __name__ == "__main__":
    sys.exit(main())
