#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person waits for: the first line, the first progress, and the answer to Ctrl-C.

    /usr/bin/python3 tests/bench/stopwatch.py build/release/clip-parity [--rounds 5]

Seconds, the median and the largest of some rounds, in a pseudo-terminal of 80 columns: the demo, and a ViT-B/32 with seeded weights,
200 images and the oracle of all. Ctrl-C comes a second after the first progress; it is answered by a line, and then the run ends.
"""

import argparse
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LARGE = """experiment: vit-b-32
model: {name: ViT-B-32, init: counter}
inputs: {synthetic: {images: 200, prompts: 10}}
baseline: {activation: quick}
candidates: {erf: {activation: erf}}
oracle: on
"""
COLUMNS = ("first line", "first progress", "answer to Ctrl-C", "end after Ctrl-C")


def start(command):
    """A process in a terminal of its own."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(ROOT)
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        os.execv(command[0], command)
    return process, terminal


def read(terminal, seconds):
    """What was written within that time; None: it ended."""
    if not select.select([terminal], [], [], seconds)[0]:
        return b""
    try:
        return os.read(terminal, 65536) or None
    except OSError:  # the process has closed it
        return None


def watch(command):
    process, terminal = start(command)
    begun, seen, at = time.monotonic(), b"", {}
    while (data := read(terminal, 0.005)) is not None:
        now, seen = time.monotonic() - begun, seen + data
        if seen.strip() and "line" not in at:
            at["line"] = now
        if b" inputs, " in seen and "progress" not in at:
            at["progress"] = now
        if "progress" in at and "sent" not in at and now > at["progress"] + 1:
            at["sent"], before = now, len(seen)
            os.kill(process, signal.SIGINT)
        if "sent" in at and "answer" not in at and b"stop" in seen[before:]:
            at["answer"] = now
    os.waitpid(process, 0)
    ended = time.monotonic() - begun
    return at["line"], at["progress"], at["answer"] - at["sent"], ended - at["sent"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=os.path.abspath)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "vit-b-32.yaml"
        large.write_text(LARGE, encoding="utf-8")
        print(f"{'':20s}" + "".join(f"{column:>24s}" for column in COLUMNS))
        for name, experiment in (("demo", "experiments/quickgelu-vs-gelu.yaml"), ("ViT-B/32, 200 images", str(large))):
            command = [options.program, "run", "--force", experiment, f"output={folder}/out.h5"]
            times = zip(*(watch(command) for _ in range(options.rounds)), strict=True)
            print(f"{name:20s}" + "".join(f"{statistics.median(column):14.2f} to {max(column):5.2f} s" for column in times))
    return 0


if __name__ == "__main__":
    sys.exit(main())
