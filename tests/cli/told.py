# SPDX-License-Identifier: GPL-3.0-or-later
"""What a weights file is and was not expected to be is told by every command that reads one: values that are NaN or infinite, prefixes
that were stripped, tensors that were left alone.

    /usr/bin/python3 tests/cli/told.py CLIP_PARITY
"""

import json
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from convert_round_trip import PROGRAM, ROOT

DEMO = ROOT / "data/fashion-clip"
IMAGE = DEMO / "images/00000-ankle-boot.png"
CONFIG = DEMO / "open_clip_config.json"


def read():
    """Header and data of the demo's weights."""
    content = (DEMO / "open_clip_model.safetensors").read_bytes()
    size, = struct.unpack("<Q", content[:8])
    return json.loads(content[8:8 + size]), bytearray(content[8 + size:])


def write(path, header, data):
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def put(header, data, name, value):
    """The value in the place of a float32 tensor's first."""
    at = header[name]["data_offsets"][0]
    data[at:at + 4] = struct.pack("<f", value)


def commands(weights, folder):
    """Every command that reads weights, and where it tells what they are."""
    yield "classify", ("classify", "--model", weights, "--config", CONFIG, "--image", IMAGE, "--prompt", "a", "--prompt", "b"), "stderr"
    yield "convert", ("convert", weights, folder / "out.safetensors", "--config", CONFIG), "stderr"
    run = ("run", "experiments/quickgelu-vs-gelu.yaml", "--dry-run")
    yield "run", (*run, f"model={{checkpoint: '{weights}', config: {CONFIG}}}"), "stderr"
    yield "run, a candidate", (*run, f"candidates={{other: {{checkpoint: '{weights}'}}}}"), "stderr"
    yield "inspect", ("inspect", weights, "--config", CONFIG), "stdout"
    yield "lint", ("lint", weights), "stdout"


class Told(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def told(self, weights, words, without=()):
        """Every command says the words (the first line of a wrapped text is enough)."""
        for name, arguments, stream in commands(weights, self.folder):
            done = subprocess.run((PROGRAM, *arguments), cwd=ROOT, capture_output=True, text=True, check=False)
            said = " ".join(getattr(done, stream).split())
            self.assertEqual(done.returncode, 0, f"{name}: {done.stderr}")
            (self.assertNotIn if name in without else self.assertIn)(words, said, name)

    def test_values_that_are_not_finite(self):
        header, data = read()
        put(header, data, "ln_final.weight", float("nan"))
        write(self.folder / "w.safetensors", header, data)
        by_inspect = "not finite 1 value, the first in ln_final.weight"
        self.told(self.folder / "w.safetensors", "warning: 1 value of the weights is NaN or infinite, the first in ln_final.weight",
                  ("inspect", "lint"))  # lint reads no values
        self.assertIn(by_inspect, " ".join(subprocess.run((PROGRAM, "inspect", self.folder / "w.safetensors"), cwd=ROOT, capture_output=True,
                                                          text=True, check=True).stdout.split()))
        put(header, data, "ln_final.bias", float("inf"))
        write(self.folder / "w.safetensors", header, data)
        self.told(self.folder / "w.safetensors", "warning: 2 values of the weights are NaN or infinite, the first in ",
                  ("inspect", "lint"))

    def test_a_prefix(self):
        header, data = read()
        write(self.folder / "w.safetensors", {name if name == "__metadata__" else f"model.{name}": t for name, t in header.items()}, data)
        self.told(self.folder / "w.safetensors", "prefix model. stripped from every name")

    def test_what_is_left_alone(self):
        header, data = read()
        both = {f"{key}.{name}": t for key in ("model", "ema") for name, t in header.items() if name != "__metadata__"}
        whole = len(data)
        for name in both:
            if name.startswith("ema."):
                both[name] = {**both[name], "data_offsets": [whole + at for at in both[name]["data_offsets"]]}
        write(self.folder / "w.safetensors", both, data + data)
        self.told(f"{self.folder}/w.safetensors#ema", "tensors under ema.; left alone: model")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
