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
    yield "convert", ("convert", weights, folder / "out.safetensors", "--config", CONFIG, "--force"), "stderr"
    run = ("run", "experiments/quickgelu-vs-gelu.yaml", "--dry-run", "-v")
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

    def program(self, *arguments, code=0):
        done = subprocess.run((PROGRAM, *arguments), cwd=ROOT, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def test_decisions_of_nan_are_none(self):
        header, data = read()
        put(header, data, "visual.ln_pre.weight", float("nan"))
        weights, result = self.folder / "w.safetensors", self.folder / "r.h5"
        write(weights, header, data)
        done = self.program("run", "-v", "experiments/quickgelu-vs-gelu.yaml", "inputs.limit=2", "oracle=off", f"model.checkpoint={weights}",
                            f"output={result}")
        self.assertIn("nothing is decided for 2 of 2 images: NaN on both sides", done.stdout)
        self.assertNotIn("top-1 flips", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^erf  .* -  +-$")  # neither |dp| nor flips
        page = self.program("report", result, "--md", "-o", "-").stdout
        self.assertIn("Nothing is decided for 2 of 2 images, whose probabilities are NaN on both sides", " ".join(page.split()))
        self.assertNotIn("decisions change", page)
        counts = json.loads(self.program("report", result, "--json", "-o", "-").stdout)["candidates"][0]["decisions"]
        self.assertEqual((counts["count"], counts["decided"], counts["flips"], counts["flip_low"]), (2, 0, 0, None))

    def test_both_activations(self):
        config = json.loads(CONFIG.read_text(encoding="utf-8"))
        config["model_cfg"]["quick_gelu"] = False
        config["model_cfg"]["text_cfg"]["act_kwargs"] = {"approximate": "tanh"}
        (self.folder / "c.json").write_text(json.dumps(config), encoding="utf-8")
        ask = ("classify", "--model", DEMO / "open_clip_model.safetensors", "--image", IMAGE, "--prompt", "a", "--prompt", "b", "--config")
        self.assertIn("baseline: activation erf for images, tanh for texts, as its config says", self.program(*ask, self.folder / "c.json").stdout)
        self.assertIn("baseline: activation quick, as its config says", self.program(*ask, CONFIG).stdout)

    def test_prompts_without_the_token_that_is_pooled(self):
        config = json.loads(CONFIG.read_text(encoding="utf-8"))
        config["model_cfg"]["text_cfg"].update(pool_type="eos", eos_id=320)
        (self.folder / "c.json").write_text(json.dumps(config), encoding="utf-8")
        said = self.program("classify", "--model", DEMO / "open_clip_model.safetensors", "--image", IMAGE, "--prompt", "a bag", "--prompt",
                            "one bag", "--config", self.folder / "c.json").stderr  # 320 is "a"
        self.assertIn("warning: 1 of 2 prompts have no token 320", said)

    def test_a_converted_file_that_was_edited(self):
        import h5py  # pylint: disable=import-outside-toplevel
        out = self.folder / "w.h5"
        self.program("convert", DEMO / "open_clip_model.safetensors", out, "--config", CONFIG, "--force")
        with h5py.File(out, "r+") as file:
            file["tensors/ln_final.weight/value"][0] = 99
        for arguments in (("inspect", out), ("classify", "--model", out, "--image", IMAGE, "--prompt", "a", "--prompt", "b")):
            self.assertIn("was changed after the run", self.program(*arguments, code=3).stderr)

    def test_more_than_can_be_listed(self):
        header, data = read()
        whole = {f"model.{name}": t for name, t in header.items() if name != "__metadata__"}
        for name in ("aa", "bb", "cc", "dd", "ee"):
            whole[f"{name}.weight"] = {"dtype": "F32", "shape": [0], "data_offsets": [len(data), len(data)]}
        write(self.folder / "w.safetensors", whole, data)
        self.told(self.folder / "w.safetensors", "left alone: aa, bb, cc, dd, ...")
        whole.pop("ee.weight")
        write(self.folder / "w.safetensors", whole, data)
        self.assertIn("left alone: aa, bb, cc, dd\n", self.program("inspect", self.folder / "w.safetensors").stdout)

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
