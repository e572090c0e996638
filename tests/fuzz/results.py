# SPDX-License-Identifier: GPL-3.0-or-later
"""Damages a small result and a small capture at random and passes each through `report --json`, `check` and `diff`.

    /usr/bin/python3 tests/fuzz/results.py PROGRAM [--mutants N] [--seconds S] [--seed N] [--keep FOLDER]

A mutant has damaged bytes, or it was edited with h5py and states the digest of what it has become, so that it gets to the readers
behind the checks. Every command must end within 10 s with one of its exit codes, and say in one line what it refuses; of a result
with damaged bytes it must say what it says of the valid file, or a line of its own. What does not is kept, and the exit code is 1.
"""

import argparse
import contextlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "malformed"))

import h5py  # noqa: E402
import numpy as np  # noqa: E402
from small_result import program, state_digest, write_capture, write_result  # noqa: E402

SECONDS = 10
CODES = (0, 1, 3, 5)

# ---- bytes ----


def damaged(whole, draw):
    """The bytes with up to eight of their places changed."""
    data = bytearray(whole)
    for _ in range(draw.randint(1, 8)):
        at, kind = draw.randrange(len(data) - 8), draw.randrange(5)
        if kind == 0:
            data[at] = draw.randrange(256)
        elif kind == 1:  # a length or an address gone wild
            data[at:at + 8] = draw.choice((b"\0", b"\xff", b"\x7f")) * 8
        elif kind == 2:  # one address in the place of another
            other = draw.randrange(len(whole) - 8)
            data[at:at + 8] = whole[other:other + 8]
        elif kind == 3:
            data[at] ^= 1 << draw.randrange(8)
        else:
            size = draw.randint(8, 64)
            data[at:at + size] = bytes(min(size, len(data) - at))
    return bytes(data[:draw.randrange(len(data))] if draw.random() < 0.02 else data)


# ---- edits ----


def members(file):
    """Paths of all objects, and of the datasets among them."""
    objects, datasets = [], []

    def visit(name, thing):
        objects.append(name)
        if isinstance(thing, h5py.Dataset):
            datasets.append(name)
    file.visititems(visit)
    return objects, datasets


def delete(file, draw):
    del file[draw.choice(members(file)[0])]


def move(file, draw):
    objects = members(file)[0]
    path = draw.choice(objects)
    file.move(path, f"{path.rpartition('/')[0] or '/'}/{draw.choice(('x', 'a' * 300, 'image', 'visual.transformer.resblocks.1023.mlp.gelu', '<b>'))}")


def reshape(file, draw):
    """Another shape, with the old dimensions where they fit."""
    old = file[draw.choice(members(file)[1])]
    shape = [max(0, n + draw.choice((-1, 0, 0, 1, 7))) for n in old.shape]
    if draw.random() < 0.2:
        shape.insert(draw.randint(0, len(shape)), draw.randint(0, 3))
    name, scales = old.name, [list(dim.values()) for dim in old.dims] if not h5py.h5ds.is_scale(old.id) else []
    values = np.resize(np.asarray(old[()]), shape) if shape else old[()]
    dtype = old.id.get_type()
    is_scale, dtype = h5py.h5ds.is_scale(old.id), h5py.string_dtype() if isinstance(dtype, h5py.h5t.TypeStringID) else old.dtype
    del file[name]
    new = file.create_dataset(name, data=values, dtype=dtype)
    if is_scale:
        new.make_scale(name.rpartition("/")[2])
    for dim, of_dim in enumerate(scales[:len(shape)]):
        for scale in of_dim:
            if scale and len(scale) == shape[dim]:
                new.dims[dim].attach_scale(scale)


def revalue(file, draw):
    data = file[draw.choice(members(file)[1])]
    if data.size == 0:
        return
    place = tuple(draw.randrange(n) for n in data.shape)
    if data.dtype.kind == "O":
        data[place] = draw.choice(("", "x" * 5000, "\x1b[31m", "</script>", "visual.transformer.resblocks.9.mlp.gelu", "é" * 100))
    elif data.dtype.kind == "f":
        data[place] = draw.choice((np.nan, np.inf, -np.inf, 1e300, -1, 0, 0.5, 1e18, 2.0**31, 2.0**53))
    else:
        limits = np.iinfo(data.dtype)
        data[place] = draw.choice((0, 1, limits.max, limits.min, 60000 % (limits.max + 1)))


def text(file, draw):
    """An attribute or the experiment."""
    path = draw.choice(members(file)[0])
    names = [n for n in file[path].attrs if n not in ("DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME")]
    if names:
        name, value = draw.choice(names), draw.choice(("", "x", "\n" * 50, "1e999", 7, 0.5, "quick" * 1000))
        file[path].attrs[name] = value
    else:
        lines = file["provenance/experiment"][()].decode().split("\n")
        lines[draw.randrange(len(lines))] = draw.choice(("", "x: y", "# baseline", "record: {}", "  " * 40, "models: [1, 2"))
        file["provenance/experiment"][()] = "\n".join(lines)


def edited(path, draw):
    """Edits a file in place. What h5py itself cannot write any more is a mutant like any other."""
    with contextlib.suppress(RuntimeError), h5py.File(path, "r+") as file:
        for _ in range(draw.randint(1, 3)):
            with contextlib.suppress(KeyError, ValueError, RuntimeError, TypeError):  # what is left of an edit before
                draw.choice((delete, move, reshape, revalue, revalue, text))(file, draw)
        with contextlib.suppress(RuntimeError):  # a dimension without a name has none
            state_digest(file)


def edited_apart(path, draw):
    """The same in a process of its own: what HDF5 does to h5py at a damaged file must not end the loop."""
    process = os.fork()
    if process == 0:
        try:
            edited(path, draw)
        finally:
            os._exit(0)
    os.waitpid(process, 0)


# ---- the loop ----


def without_progress(said):
    """Without what is about to be run, and seconds that went by, of which a busy machine needs more."""
    return re.sub(r"(?m)^(\d+ of \d+ inputs, |\S+: \d+ images?, \d+ prompts?, \d+ passes).*", "", said)


class Loop:
    def __init__(self, binary, folder, keep):
        self.binary, self.folder, self.keep = binary, folder, keep
        self.result = write_result(binary, folder)
        self.capture = write_capture(folder / "capture.h5")
        self.baseline = folder / "accepted.yaml"
        done = program(binary, "accept", self.result, "--baseline", self.baseline)
        assert done.returncode == 0, done.stderr
        self.whole = {path: path.read_bytes() for path in (self.result, self.capture)}
        self.mutant = folder / "mutant.h5"
        shutil.copy(self.result, self.mutant)
        self.answers = {arguments[0]: self.end(arguments) for arguments in self.commands(self.mutant, self.result)}
        self.counts, self.longest, self.failures = Counter(), 0.0, 0

    def commands(self, mutant, of):
        out = self.folder / "out.h5"
        if of == self.capture:
            return [("diff", self.capture, mutant, "--force", "-o", out)]
        return [("report", "--json", "-o", "-", mutant), ("check", mutant, "--baseline", self.baseline),
                ("diff", f"{mutant}:baseline", f"{mutant}:erf", "--force", "-o", out)]

    def end(self, arguments):
        return program(self.binary, *arguments, seconds=SECONDS)

    def fails(self, arguments, damaged_result):
        """How a command fails that should not; None."""
        start = time.monotonic()
        try:
            done = self.end(arguments)
        except subprocess.TimeoutExpired:  # once more: a machine that stands still is no program that does
            try:
                start = time.monotonic()
                done = self.end(arguments)
            except subprocess.TimeoutExpired:
                return "hangs"
        self.longest = max(self.longest, time.monotonic() - start)
        self.counts[f"{arguments[0]} {done.returncode}"] += 1
        if done.returncode < 0:
            return f"ends with signal {-done.returncode}"
        if done.returncode not in CODES:
            return f"ends with {done.returncode}: {done.stderr[-300:]}"
        told = [line for line in done.stderr.splitlines() if line.startswith("clip-parity: ")]
        if done.returncode == 3:  # one line in all: a library that aborts in a child has nothing to say beside it
            lines = [line for line in without_progress(done.stderr).splitlines()
                     if line and not line.startswith(("no oracle", "note: "))]
            return None if len(lines) == len(told) == 1 else f"says {len(lines)} lines: {done.stderr[-300:]}"
        whole = self.answers[arguments[0]]
        same = (done.returncode, done.stdout, without_progress(done.stderr)) == \
            (whole.returncode, whole.stdout, without_progress(whole.stderr))
        return "says silently something else" if damaged_result and not told and not same else None

    def make(self, draw):
        """A mutant, what it was made of, and whether its bytes are damaged."""
        path, kind = self.mutant, draw.random()
        of = self.capture if kind < 0.15 else self.result
        path.unlink(missing_ok=True)  # which a command that hung may still have open
        if kind < 0.85:
            path.write_bytes(damaged(self.whole[of], draw))
        else:
            shutil.copy(of, path)
            edited_apart(path, draw)
        self.counts["damaged" if kind < 0.85 else "edited"] += 1
        return path, of, kind < 0.85

    def run(self, seed):
        mutant, of, bytes_damaged = self.make(random.Random(seed))
        for arguments in self.commands(mutant, of):
            why = self.fails(arguments, bytes_damaged and of == self.result)
            if why:
                self.failures += 1
                self.keep.mkdir(parents=True, exist_ok=True)
                kept = self.keep / f"{seed}.h5"
                shutil.copy(mutant, kept)
                print(f"{kept}: {' '.join(map(str, arguments))} {why}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=os.path.abspath)
    parser.add_argument("--mutants", type=int, default=20000)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after them")
    parser.add_argument("--seed", type=int, default=1, help="of the first mutant; the others count on")
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz-results"), help="where mutants go that fail")
    options = parser.parse_args()
    start, made = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder:
        loop = Loop(options.program, Path(folder), options.keep)
        while made < options.mutants and time.monotonic() - start < options.seconds:
            loop.run(options.seed + made)
            made += 1
            if made % 1000 == 0:
                print(f"{made} mutants, {loop.failures} failed", flush=True)
    counts = ", ".join(f"{name}: {count}" for name, count in sorted(loop.counts.items()))
    print(f"{made} mutants in {time.monotonic() - start:.0f} s ({counts}); the longest command took {loop.longest:.1f} s; "
          f"{loop.failures} failed")
    return loop.failures > 0


if __name__ == "__main__":
    sys.exit(main())
