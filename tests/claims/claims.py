#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reruns the figures that README and docs state, and names each that no longer holds.

    /usr/bin/python3 tests/claims/claims.py [--all] [--only REGEX] [--keep FOLDER] [--places]

The tables in figures_*.py have a row for each claim. A claim whose sentence is gone from its text is an error, too. Needs
build/release/clip-parity (`make build`); tests that print figures are built here.
"""

import argparse
import collections
import re
import sys
import tempfile

import figures_checkpoints
import figures_demo
import figures_divergence
import figures_docs
import figures_found
import machine
from claim import Gone
from runs import Failed, Runs

CLAIMS = [c for module in (figures_demo, figures_found, figures_docs, figures_divergence, figures_checkpoints)
          for c in module.CLAIMS]


def check(claim, runs):
    """Lines about one claim: none where it holds."""
    try:
        where = f"{claim.file}:{claim.line_of()}"
        return [f"{claim.file}:{f.line}: stated {f.stated}, found {f.found}" for f in claim.failures(runs)]
    except Gone as gone:
        return [str(gone)]
    except (Failed, RuntimeError, KeyError, TypeError, ValueError, IndexError) as error:
        return [f"{where}: {type(error).__name__}: {error}"]


def missing_places(claims):
    """The sentences that are gone: nothing runs for this."""
    for claim in claims:
        try:
            claim.line_of()
        except Gone as gone:
            yield str(gone)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    p.add_argument("--all", action="store_true", help="the long ones as well")
    p.add_argument("--only", metavar="REGEX", default="", help="claims whose file or text matches")
    p.add_argument("--keep", metavar="FOLDER", help="keep outputs there, and use those of an earlier call")
    p.add_argument("--places", action="store_true", help="only look whether every sentence is in its text")
    args = p.parse_args()
    if args.places:
        gone = list(missing_places(CLAIMS))
        print("\n".join([*gone, f"{len(CLAIMS)} claims, {len(gone)} without a place"]))
        return 1 if gone else 0
    wrong, held = [], collections.Counter()
    with tempfile.TemporaryDirectory() as scratch:
        runs = Runs(args.keep or scratch, bool(args.keep))
        for claim in CLAIMS:
            if (claim.long and not args.all) or not re.search(args.only, f"{claim.file} {claim.title}"):
                continue
            if lacks := machine.lacks(claim.needs):
                print(f"{claim.file}:{claim.line_of()}: skipped: needs {', '.join(lacks)}")
                continue
            found = check(claim, runs)
            wrong += found
            held[claim.file] += not found
            for line in found:
                print(line, flush=True)
    for file, count in sorted(held.items()):
        print(f"{file}: {count} claims hold")
    print(f"{len(wrong)} stated figures do not hold" if wrong else "all hold")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
