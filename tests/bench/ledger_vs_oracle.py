#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger costs beside the oracle, and what `diff` costs beside reading its files and float64 passes.

    /usr/bin/python3 tests/bench/ledger_vs_oracle.py build/release/clip-parity [--inputs 32] [--big 8]

CPU seconds (user and system) of whole processes on one thread: a baseline and one candidate of another function, so two
oracles and two ledgers; with neither, with the oracle, with both. Then `diff` of two recordings of the ViT-B/32, which
differ in the order of summation. inputs: images and prompts of the demo model; big: of a ViT-B/32 with seeded weights.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py

ROOT = Path(__file__).resolve().parents[2]
DEMO = """\
experiment: demo
model:
  checkpoint: data/fashion-clip/open_clip_model.safetensors
  config: data/fashion-clip/open_clip_config.json
inputs: {{images: "data/fashion-clip/images/*.png", prompts: [{prompts}], limit: {count}}}
candidates: {{erf: {{activation: erf}}}}
record: {{"*": digest}}
"""
BIG = """\
experiment: vit-b-32
model: {{config: data/configs/vit-b-32.json, init: counter, seed: 1}}
inputs: {{synthetic: {{images: {count}, prompts: {count}, seed: 0}}}}
baseline: {{activation: quick}}
candidates: {{erf: {{activation: erf}}}}
record: {{"*": digest}}
"""
RECORDED = """\
experiment: recorded
model: {{config: data/configs/vit-b-32.json, init: counter, seed: 1}}
inputs: {{synthetic: {{images: {count}, prompts: {count}, seed: 0}}}}
baseline: {{activation: quick}}
candidates: {{reordered: {{linear.permute: 1}}}}
record: {{"*": full}}
oracle: off
"""


def cpu_of(*command):
    """CPU seconds of a process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def write(folder, name, text, count):
    path = folder / f"{name}.yaml"
    path.write_text(text.format(count=count, prompts=", ".join(f"a photo of item {i}" for i in range(count))))
    return path


def ledger(program, folder, name, text, count):
    """Prints the ratio; CPU seconds of one oracle."""
    experiment, result = write(folder, name, text, count), f"output={folder / name}.h5"
    neither, oracle, both = (cpu_of(program, "run", experiment, result, "threads=1", *settings) for settings in (
        ("oracle=off", "ledger=off"), ("oracle=on", "ledger=off"), ("oracle=on", "ledger=on")))
    print(f"{name}, {count} images and prompts: passes {neither:.1f} s, two oracles {oracle - neither:.1f} s, "
          f"two ledgers {both - oracle:.1f} s: {(both - oracle) / (oracle - neither):.2f} times the oracle", flush=True)
    return (oracle - neither) / 2


def read(path):
    def one(_, node):
        if isinstance(node, h5py.Dataset):
            node[()]
    before = resource.getrusage(resource.RUSAGE_SELF)
    with h5py.File(path) as file:
        file.visititems(one)
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def diff(program, folder, count, one):
    recorded = folder / "recorded.h5"
    cpu_of(program, "run", write(folder, "recorded", RECORDED, count), f"output={recorded}")
    spent = cpu_of(program, "diff", f"{recorded}:baseline", f"{recorded}:reordered", "-o", folder / "diff.h5")
    reading = read(recorded)
    print(f"diff of two ViT-B/32 recordings of {count} inputs: {spent:.1f} s; reading {reading:.1f} s and three float64 "
          f"passes {3 * one:.1f} s: {spent / (reading + 3 * one):.2f} times that")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    p.add_argument("program", type=Path, metavar="clip-parity")
    p.add_argument("--inputs", type=int, default=32)
    p.add_argument("--big", type=int, default=8)
    args = p.parse_args()
    program = args.program.resolve()
    with tempfile.TemporaryDirectory() as folder:
        ledger(program, Path(folder), "demo", DEMO, args.inputs)
        one = ledger(program, Path(folder), "vit-b-32", BIG, args.big)
        diff(program, Path(folder), args.big, one)


if __name__ == "__main__":
    main()
