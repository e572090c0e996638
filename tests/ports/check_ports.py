#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tries `clip-parity diff` on ports of CLIP with undeclared faults, and judges what it says (answers.py).

    /usr/bin/python3 tests/ports/check_ports.py build/release/clip-parity [CASE ...] [--swap] [--inputs N] [--full]

CASE: a fault of answers.py, or a case of cases.py; `--list` names them. Everything is computed in a temporary folder, unless
it is to be kept (`--keep FOLDER`).
"""

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import port  # first: it sets the path to reference/capture
import cases
import judge
from answers import FAULTS
from mine import Mine

MANY = 40


def images_for(fault, args):
    """How many images a fault is tried on."""
    if fault.inputs == "one" and fault.kinds != ("nonfinite",):
        return cases.FULL if args.full else MANY
    return max(fault.least, args.inputs)


def try_fault(name, precision, mine, args):
    """[(case, faults of the answer)] of one port."""
    fault, images = FAULTS[name], images_for(FAULTS[name], args)
    ours = mine.result(fault.port.activation, precision, images, args.inputs)
    theirs, tokens = mine.folder / f"{name}-{precision}.h5", port.tokens_of(ours)
    capture = port.compute(name, port.pixels_of(ours), tokens, precision)
    port.write(theirs, capture, tokens)
    sides = {"b": (ours, theirs), **({"a": (theirs, ours)} if args.swap and precision == fault.precisions[0] else {})}
    with ThreadPoolExecutor() as pool:
        diffs = list(pool.map(lambda pair: judge.run_diff(args.program, *pair, mine.folder), sides.values()))
    if not args.keep:
        theirs.unlink()
    return [(f"{name} {precision}{' swapped' if side == 'a' else ''}",
             judge.names_fault(diff, fault, side, list(capture.taps), images, precision != "fp32") if fault.taps else
             judge.passes(diff)) for side, diff in zip(sides, diffs)]


def answers(args, mine):
    for name in args.cases or [*FAULTS, *cases.CASES]:
        if name in cases.CASES:
            yield from ((f"{name}: {what}", wrong) for what, wrong in cases.CASES[name](args.program, mine))
            continue
        for precision in FAULTS[name].precisions[:1 if args.first else None]:
            yield from try_fault(name, precision, mine, args)


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    p.add_argument("program", type=Path, metavar="clip-parity")
    p.add_argument("cases", nargs="*", metavar="CASE")
    p.add_argument("--swap", action="store_true", help="`diff THEIRS MINE` as well, in each fault's first precision")
    p.add_argument("--first", action="store_true", help="each fault in its first precision alone")
    p.add_argument("--inputs", type=int, default=2, help="images, and prompts up to three")
    p.add_argument("--full", action="store_true", help=f"one image in {cases.FULL} is wrong, not in {MANY}")
    p.add_argument("--keep", type=Path, metavar="FOLDER", help="write captures there, and keep them")
    p.add_argument("--list", action="store_true", help="name the cases")
    args = p.parse_intermixed_args(argv)
    if args.list:
        print("\n".join([*FAULTS, *cases.CASES]))
        return 0
    unknown = [name for name in args.cases if name not in FAULTS and name not in cases.CASES]
    if unknown:
        p.error(f"unknown case '{unknown[0]}'")
    args.program = args.program.resolve()
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        mine = Mine(args.program, args.keep.resolve() if args.keep else Path(folder))
        mine.folder.mkdir(parents=True, exist_ok=True)
        for case, wrong in answers(args, mine):
            passed, failed = passed + (not wrong), failed + bool(wrong)
            print(f"{'ok  ' if not wrong else 'FAIL'} {case}" + "".join(f"\n       {line}" for line in wrong), flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
