#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the operation ledger accuse this program's own passes? Each computes what it declares, so it must not.

    /usr/bin/python3 tests/ports/own_passes.py build/release/clip-parity [--full]

Both demo models in each precision, from two images and prompts; --full: a seeded ViT-B/32 as well, from one. Fails where an
operation is coarse, contradicted or not finite, or where one is not checked.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import ledger
from mine import Mine
from models import MODELS

import taps  # from reference/capture, to which port.py sets the path

PRECISIONS = "fp32", "fp16", "bf16", "pure_fp16", "pure_bf16"


def passes(program, name, inputs, folder):
    """{precision: Ledger} of a model."""
    candidates = ", ".join(f"{precision}: {{precision: {precision}}}" for precision in PRECISIONS[1:])
    result = Mine(program, folder).run(f"own-{name}", *MODELS[name].settings(inputs), f"candidates={{{candidates}}}",
                                       'record={"*": digest}', "ledger=on")
    return dict(zip(PRECISIONS, map(ledger.read(result).get, ("baseline", *PRECISIONS[1:]))))


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    p.add_argument("program", type=Path, metavar="clip-parity")
    p.add_argument("--full", action="store_true", help="a seeded ViT-B/32 as well")
    args = p.parse_args(argv)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, inputs in (("quick", 2), ("erf", 2), *([("vit-b-32", 1)] if args.full else [])):
            for precision, found in passes(args.program.resolve(), name, inputs, Path(folder)).items():
                wrong = found.accusations() + found.not_checked(taps.names(*MODELS[name].layers))
                failed += bool(wrong)
                print(f"{'FAIL' if wrong else 'ok  '} {name} {precision}: {found.figures()}"
                      + "".join(f"\n       {line}" for line in wrong), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
