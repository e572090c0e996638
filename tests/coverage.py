# SPDX-License-Identifier: GPL-3.0-or-later
"""Branch coverage of the readers of checkpoints by their tests, from gcov: `make coverage`.

    python3 tests/coverage.py BUILD_FOLDER [--least PERCENT] [--lines]

Exits 1 below the least percentage, over all files together. --lines lists the branches that no test takes.
"""

import argparse
import gzip
import json
import subprocess
import sys
from pathlib import Path

READERS = ("checkpoint/checkpoint", "format/zip_archive", "checkpoint/torch_archive", "checkpoint/pickle",
           "checkpoint/pickle_plain", "checkpoint/pickle_container",
           "checkpoint/pickle_build", "checkpoint/safetensors", "checkpoint/safetensors_header",
           "checkpoint/safetensors_index", "checkpoint/npz", "format/npy", "format/json_pull")


def branches(build, reader):
    """(taken, all, lines with branches that were not taken) of one source file."""
    objects, name = (build / "CMakeFiles/clip_parity.dir/harness" / reader).parent, Path(reader).name
    subprocess.run(["gcov", "--json-format", "--branch-probabilities", f"{name}.c.gcno"], cwd=objects, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with gzip.open(objects / f"{name}.c.gcov.json.gz") as file:
        sources = json.load(file)["files"]
    lines = next(source["lines"] for source in sources if source["file"].endswith(f"harness/{reader}.c"))
    counts = [(line["line_number"], branch["count"]) for line in lines for branch in line["branches"]]
    missed = sorted({line for line, count in counts if not count})
    return sum(count > 0 for _, count in counts), len(counts), missed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--least", type=float, default=95)
    parser.add_argument("--lines", action="store_true")
    options = parser.parse_args()
    total_taken = total = 0
    for reader in READERS:
        taken, count, missed = branches(options.build, reader)
        total_taken, total = total_taken + taken, total + count
        print(f"{reader + '.c':32} {taken:5} of {count:5} branches {100 * taken / count:6.1f} %")
        if options.lines and missed:
            print("    untaken in lines", *missed)
    percent = 100 * total_taken / total
    print(f"{'all':32} {total_taken:5} of {total:5} branches {percent:6.1f} % (at least {options.least:g})")
    return percent < options.least


if __name__ == "__main__":
    sys.exit(main())
