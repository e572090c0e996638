#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies a worked example to a copy of the tree, builds it and runs the checks that it states.

    tests/examples/apply.py EXAMPLE.patch --tree FOLDER

An example is a patch with these lines before its first file:

    # most files: 2      files and places (hunks) that it may touch
    # most places: 2
    # target: NAME       built beside clip-parity; any number of lines
    # check: COMMAND     run by bash in the copy, with clip-parity in PATH; any number of lines, one at least

FOLDER is kept: the next example takes it back to this tree, so that only what differs is compiled again. Exits with 1 where the
example touches more than it states, does not apply, warns or fails a check, and with 77 (skipped) outside a git checkout."""

import argparse
import filecmp
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = "build"  # in the copy
SKIPPED = 77
# Portable kernels only and little optimisation: an example is about where code goes, and is to be built in seconds.
CONFIGURE = ("cmake", "-S", ".", "-B", BUILD, "-G", "Ninja", "-DCP_ISAS=scalar", "-DCMAKE_BUILD_TYPE=Example",
             "-DCMAKE_C_FLAGS_EXAMPLE=-O1")
FLOORS = f"{sys.executable} tests/floors/floors.py {BUILD} " \
         "Floors.test_every_folder_has_its_floor Floors.test_includes_point_down"


class Failed(Exception):
    """Why an example is none."""


class Example:
    """What a patch states and touches."""

    def __init__(self, text):
        head, body = (re.split(r"^(?=--- )", text, maxsplit=1, flags=re.M) + [""])[:2]
        stated = re.findall(r"^# (most files|most places|target|check): (.+)$", head, re.M)
        self.targets = ["clip-parity", *(value for name, value in stated if name == "target")]
        self.checks = [value for name, value in stated if name == "check"]
        self.most = {name: int(value) for name, value in stated if name.startswith("most ")}
        self.touched = {"most files": len(re.findall(r"^\+\+\+ ", body, re.M)),
                        "most places": len(re.findall(r"^@@ -", body, re.M))}

    def hold_to_its_word(self):
        if not self.checks:
            raise Failed("it states no check")
        for name, count in self.touched.items():
            if name not in self.most:
                raise Failed(f"it does not state `{name}`")
            if not 0 < count <= self.most[name]:
                raise Failed(f"it touches {count} {name.removeprefix('most ')}, and states {self.most[name]} at most")


def environment(tree):
    """GIT_DIR keeps the commit out of the build, which would change with each commit."""
    return {**os.environ, "GIT_DIR": os.devnull, "LC_ALL": "C.UTF-8", "PATH": f"{tree / BUILD}:{os.environ['PATH']}"}


def execute(tree, *command, **how):
    """The command's output; Failed where it does not succeed."""
    done = subprocess.run(command, cwd=tree, env=environment(tree), text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **how)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}\n{done.stdout[-4000:]}exit code {done.returncode}")
    return done.stdout


def listed():
    """The files of this tree that git tracks or does not ignore; None outside a checkout."""
    try:
        names = subprocess.run(("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"), cwd=ROOT, check=True,
                               capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return {name for name in names.split("\0") if (ROOT / name).is_file()}


def take_over(names, tree):
    """Makes `tree` a copy of this one. A file that is the same keeps its time, so it is not compiled again."""
    for top, folders, files in os.walk(tree):
        if Path(top) == tree:
            folders[:] = [folder for folder in folders if folder != BUILD]
        for file in (Path(top) / file for file in files):
            if file.relative_to(tree).as_posix() not in names:
                file.unlink()
    for name in names:
        if not (tree / name).is_file() or not filecmp.cmp(ROOT / name, tree / name, shallow=False):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tree / name)
            shutil.copymode(ROOT / name, tree / name)


def build(example, tree):
    execute(tree, *CONFIGURE)
    output = execute(tree, "cmake", "--build", BUILD, "--parallel", str(os.cpu_count()), "--target", *example.targets)
    if "warning: " in output:
        raise Failed(f"it builds with warnings\n{output[-4000:]}")


def prove(patch, names, tree):
    text = patch.read_text(encoding="utf-8")
    example = Example(text)
    example.hold_to_its_word()
    take_over(names, tree)
    execute(tree, "patch", "--strip=1", "--batch", "--forward", "--no-backup-if-mismatch", input=text)
    build(example, tree)
    for check in (FLOORS, *example.checks):
        execute(tree, "bash", "-euc", check)
    return example


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("patch", type=Path)
    parser.add_argument("--tree", type=Path, required=True, help="where the copy is kept")
    args = parser.parse_args()
    names, tree = listed(), args.tree.resolve()
    if names is None:
        print("apply.py: this is no git checkout")
        return SKIPPED
    tree.mkdir(parents=True, exist_ok=True)
    try:
        example = prove(args.patch, names, tree)
    except Failed as why:
        print(f"{args.patch}: {why}", file=sys.stderr)
        return 1
    print(f"{args.patch.name}: {example.touched['most files']} files, "
          f"{example.touched['most places']} places, {len(example.checks)} checks pass")
    return 0


if __name__ == "__main__":
    sys.exit(main())
