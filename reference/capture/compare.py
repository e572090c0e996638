# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs clip-parity on a capture's model and inputs, and lists how far each tap is from the capture's.

    compare.py CAPTURE.h5... [--set ADDRESS:VALUE] [--program build/release/clip-parity] [--limit X]

The model, its weights and the settings come from the capture's provenance (run from the folder that its paths are
relative to), pixels and tokens from the capture itself. Exits with 1 where a tap is farther off than the limit.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np

# Relative L2. Right names and maths stay below some 1e-6 in fp32 (2e-6 at the logits of twelve layers); a wrong one
# gives 1e-3 and more.
LIMITS = {"fp32": 5e-6, "fp16": 4e-3, "bf16": 3e-2}


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    p.add_argument("captures", nargs="+", metavar="CAPTURE.h5")
    p.add_argument("--program", default="build/release/clip-parity")
    p.add_argument("--set", action="append", default=[], metavar="ADDRESS:VALUE",
                   help="a setting beside those that the capture notes")
    p.add_argument("--limit", type=float, help=f"relative L2 of every tap; default by the type: {LIMITS}")
    p.add_argument("--worst", type=int, metavar="N", help="list the N farthest taps alone")
    args = p.parse_args(argv)
    failed = False
    for path in args.captures:
        try:
            file = h5py.File(path)
        except OSError as error:
            sys.exit(f"compare.py: {error}")
        with file:
            for name in file["captures"]:
                failed |= compare(file, name, args)
    return 1 if failed else 0


def compare(file, name, args):
    """Prints one capture's table; whether a tap is beyond the limit."""
    capture = file["captures"][name]
    settings = dict(line.split(": ", 1) for line in capture.attrs["settings"].splitlines())
    settings.update((text.strip() for text in setting.split(":", 1)) for setting in args.set)
    print(f"{file.filename}: {name}, {file['provenance'].attrs['source']}; "
          f"clip-parity with {settings or 'its default'}")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        with h5py.File(run(file, capture, settings, args.program, folder)) as own:
            for tap in capture:
                rows.append(row(tap, capture[tap]["value"], own[f"captures/baseline/{tap}/value"]))
    width = max(len(tap) for tap, *_ in rows)
    print(f"  {'tap':{width}}  relative L2  same bits  types")
    shown = sorted(rows, key=lambda r: -r[1])[:args.worst] if args.worst else rows
    for tap, distance, same, types in shown:
        print(f"  {tap:{width}}  {distance:11.2e}  {same:8.2%}  {types[0]}, {types[1]}")
    beyond = [tap for tap, distance, _, types in rows
              if not distance <= (args.limit or max(LIMITS[kind] for kind in types))]
    equal = sum(same == 1 for _, _, same, _ in rows)
    print(f"  {len(rows)} taps, {equal} bit for bit, farthest {max(r[1] for r in rows):.2e}; "
          f"{len(beyond)} beyond the limit{': ' + ', '.join(beyond[:3]) if beyond else ''}")
    return bool(beyond)


def run(file, capture, settings, program, folder):
    """The result of clip-parity over the same model and inputs."""
    facts = file["provenance"].attrs
    model = {"config": facts["config"]}
    if "seed" in facts:
        model.update(init="counter", seed=int(facts["seed"]))
    else:
        model["checkpoint"] = facts["checkpoint"]
    pixels, tokens, result = (os.path.join(folder, name) for name in ("pixels.npy", "tokens.npy", "result.h5"))
    np.save(pixels, capture["pixels.normalized/value"][()])
    np.save(tokens, file["inputs/tokens"][()])
    experiment = {"experiment": "compare", "model": model, "inputs": {"images": pixels, "prompts": tokens},
                  "baseline": settings, "record": {"*": "full"}, "oracle": False,
                  "output": result}
    path = os.path.join(folder, "compare.yaml")
    with open(path, "w", encoding="utf-8") as text:
        json.dump(experiment, text)  # which is YAML too
    done = subprocess.run([program, "run", path], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{program} run: {done.stderr.strip()}")
    return result


def row(tap, theirs, ours):
    x, y = theirs[()].astype(np.float64), ours[()].astype(np.float64)
    if x.shape != y.shape:
        sys.exit(f"{tap}: shape {x.shape}, clip-parity's is {y.shape}")
    norm, distance = np.linalg.norm(y), np.linalg.norm(x - y)
    same = np.mean(theirs[()].view(np.uint32) == ours[()].view(np.uint32))
    types = theirs.attrs["arithmetic_dtype"], ours.attrs["arithmetic_dtype"]
    return tap, distance / norm if norm else (0.0 if distance == 0 else np.inf), same, types


if __name__ == "__main__":
    sys.exit(main())
