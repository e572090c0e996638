# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that an experiment reads are found beside it, in the current directory and in the installation, and recorded as written.

    /usr/bin/python3 tests/cli/found.py CLIP_PARITY
"""

import json
import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

import h5py
import numpy as np
from convert_round_trip import PROGRAM, ROOT
from small_folder import CONFIG, EXPERIMENT, SmallFolder

FOUNDING = "experiments/quickgelu-vs-gelu.yaml"
FEW = ("inputs.limit=2", "inputs.prompts=[a bag, a dress]", "inputs.labels=off", "oracle=off", "local=off", "floor=0")


class Found(SmallFolder):
    """small.yaml needs small.json; paper/small.yaml has one of its own."""

    def setUp(self):
        super().setUp()
        self.paper = self.folder / "paper"
        self.paper.mkdir()
        np.save(self.paper / "pixels.npy", np.random.default_rng(1).normal(size=(2, 3, 4, 4)).astype(np.float32))
        np.save(self.paper / "tokens.npy", np.array([[98, 5, 99, 0, 0, 0]], np.int32))
        (self.paper / "own.json").write_text(json.dumps(CONFIG), encoding="utf-8")
        self.write(self.paper / "small.yaml", model={"config": "own.json", "init": "counter"}, inputs={"images": "*.npy", "prompts": "tokens.npy"})
        os.rename(self.paper / "tokens.npy", self.folder / "tokens.npy")

    def write(self, path, **keys):
        path.write_text(json.dumps(EXPERIMENT | keys), encoding="utf-8")

    def program(self, *arguments, folder=None, code=0, program=PROGRAM):
        done = subprocess.run((program, *map(str, arguments)), cwd=folder or self.folder, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, code, (arguments, done.stdout, done.stderr))
        return done

    def said(self, path):
        """What a result says of its experiment and files, apart from its own name."""
        with h5py.File(path) as file:
            plan = file["provenance/experiment"][()].decode()
            return [line for line in plan.splitlines() if not line.startswith("output:")], dict(file["provenance/files"].attrs)

    def test_beside_it_and_in_the_current_directory(self):
        shown = self.program("run", "--dry-run", "paper/small.yaml").stdout
        self.assertIn("found       own.json: paper/own.json\n            *.npy: paper/*.npy\n", shown)
        digest = self.program("run", "paper/small.yaml", "output=a.h5").stdout.splitlines()[-1]
        shutil.move(self.folder / "tokens.npy", self.paper / "tokens.npy")  # else it would be an image, too
        os.rename(self.paper / "pixels.npy", self.folder / "pixels.npy")
        self.write(self.paper / "small.yaml", model={"config": "own.json", "init": "counter"}, inputs={"images": "pix*.npy", "prompts": "tokens.npy"})
        there = self.program("run", "paper/small.yaml", "output=b.h5").stdout.splitlines()[-1]
        self.assertEqual(there, digest)
        with h5py.File(self.folder / "b.h5") as file:
            names = [text.split(" ", 1)[1] for text in file["provenance/files"].attrs.values()]
        self.assertEqual(sorted(names), ["own.json", "pixels.npy", "tokens.npy"])

    def test_the_same_wherever_it_runs(self):
        shutil.move(self.folder / "tokens.npy", self.paper / "tokens.npy")
        self.write(self.paper / "small.yaml", model={"config": "own.json", "init": "counter"}, inputs={"images": "pix*.npy", "prompts": "tokens.npy"})
        here = self.program("run", "small.yaml", f"output={self.folder / 'a.h5'}", folder=self.paper).stdout.splitlines()[-1]
        away = self.program("run", "paper/small.yaml", f"output={self.folder / 'b.h5'}").stdout.splitlines()[-1]
        self.assertEqual(here, away)
        self.assertEqual(self.said(self.folder / "a.h5"), self.said(self.folder / "b.h5"))
        self.program("accept", "small.yaml", "--force", "output=x.h5", "--baseline", self.folder / "b.yaml", folder=self.paper)
        self.program("check", "paper/small.yaml", "--force", "output=y.h5", "--baseline", "b.yaml")
        self.program("check", "a.h5", "--baseline", "b.yaml")
        self.program("run", "paper/small.yaml", "--resume", f"output={self.folder / 'a.h5'}")

    def test_its_own_comes_first_and_the_command_line_last(self):
        (self.folder / "own.json").write_text(json.dumps(CONFIG | {"embed_dim": 16}), encoding="utf-8")
        shutil.move(self.folder / "tokens.npy", self.paper / "tokens.npy")
        self.write(self.paper / "small.yaml", model={"config": "own.json", "init": "counter"}, inputs={"images": "pix*.npy", "prompts": "tokens.npy"})
        for override, width in ((), 8), (("model.config=own.json",), 16), (("model.config=paper/own.json",), 8):
            self.program("run", "paper/small.yaml", "--force", "output=a.h5", "record={'*': full}", *override)
            with h5py.File(self.folder / "a.h5") as file:
                self.assertEqual(file["captures/baseline/image_features/value"].shape[-1], width)

    def test_what_is_nowhere(self):
        self.write(self.paper / "small.yaml", model={"config": "none.json", "init": "counter"})
        done = self.program("run", "paper/small.yaml", code=3)
        self.assertEqual(done.stderr.count("\n"), 1)
        self.assertIn("none.json: cannot be opened", done.stderr)
        self.write(self.paper / "small.yaml", inputs={"images": "*.nothing"})
        done = self.program("run", "paper/small.yaml", code=3)
        self.assertIn("inputs.images: nothing matches '*.nothing' (expected files; paths are relative to the experiment's folder or the current directory)",
                      done.stderr)

    def test_no_vocabulary(self):
        (self.folder / "data").unlink()
        (self.paper / "data").symlink_to(ROOT / "data")
        self.write(self.paper / "small.yaml", model={"checkpoint": "data/fashion-clip/open_clip_model.safetensors", "config": "data/fashion-clip/open_clip_config.json"},
                   inputs={"prompts": ["a bag"]})
        done = self.program("run", "paper/small.yaml", code=3)
        self.assertEqual(done.stderr.count("\n"), 1)
        self.assertIn("bpe_simple_vocab_16e6.txt.gz: is not there (expected the tokenizer's vocabulary in ./data, in the folder that "
                      "CLIP_PARITY_DATA names, or in the installation)\n", done.stderr)

    def test_captures_and_candidates(self):
        self.program("run", "small.yaml", "record={'*': full}", "output=paper/c.h5")
        (self.paper / "of.yaml").write_text(json.dumps({"experiment": "of", "inputs": {"capture": "c.h5"}, "baseline": {"capture": "c.h5:baseline"},
                                                        "candidates": {"erf": {"capture": "c.h5:erf"}}, "oracle": False}), encoding="utf-8")
        self.program("run", "paper/of.yaml", "output=d.h5")
        with h5py.File(self.folder / "d.h5") as file:
            self.assertEqual([text.split(" ", 1)[1] for text in file["provenance/files"].attrs.values()], ["c.h5"])
            self.assertIn("capture: c.h5:erf", file["provenance/experiment"][()].decode().replace('"', ""))

    def test_a_part_of_a_checkpoint(self):
        shutil.copy(ROOT / "data/fashion-clip/open_clip_model.safetensors", self.paper / "w.safetensors")
        self.write(self.paper / "small.yaml", model={"checkpoint": "w.safetensors#ema", "config": "data/fashion-clip/open_clip_config.json"})
        done = self.program("run", "paper/small.yaml", code=3)
        self.assertRegex(done.stderr, r"^clip-parity: paper/w\.safetensors#?.*ema")

    def test_an_installation(self):
        prefix = self.folder / "prefix"
        share = prefix / "share/clip-parity"
        (prefix / "bin").mkdir(parents=True)
        share.mkdir(parents=True)
        program = prefix / "bin/clip-parity"
        shutil.copy(PROGRAM, program)
        for name in ("experiments", "data"):
            (share / name).symlink_to(ROOT / name)
        empty = self.folder / "empty"
        empty.mkdir()
        shown = self.program("run", "--dry-run", FOUNDING, *FEW, folder=empty, program=program).stdout
        self.assertIn(f"found       data/fashion-clip/open_clip_model.safetensors: {share}/data/fashion-clip/open_clip_model.safetensors\n", shown)
        installed = self.program("run", FOUNDING, *FEW, "output=a.h5", folder=empty, program=program).stdout.splitlines()[-1]
        own = self.program("run", FOUNDING, *FEW, f"output={self.folder / 'b.h5'}", folder=ROOT).stdout.splitlines()[-1]
        self.assertEqual(installed, own)
        self.assertEqual(self.said(empty / "a.h5"), self.said(self.folder / "b.h5"))
        self.assertEqual([path.name for path in empty.iterdir()], ["a.h5"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
