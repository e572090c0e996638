# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command writes replaces nothing of anybody's: no file that it reads, none of another kind, weights and pictures only by force.

    /usr/bin/python3 tests/cli/outputs.py CLIP_PARITY
"""

import json
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

from convert_round_trip import PROGRAM, ROOT
from jsonschema import validate
from small_folder import SmallFolder

WEIGHTS, PICTURE = ROOT / "data/fashion-clip/open_clip_model.safetensors", ROOT / "data/fashion-clip/images/00000-ankle-boot.png"
OVER_INPUT = "exists, and is not|is |would overwrite an input"
FOREIGN = {"x.json": '{"schema": "mine"}', "x.yaml": "mine: yes\n", "x.md": "# Mine\n", "x.html": "<!DOCTYPE html>\n<html><body>mine", "x.csv": "a,b\n",
           "x.xml": '<?xml version="1.0"?><mine/>', "x.bin": "\0\1"}


class Outputs(SmallFolder):
    def setUp(self):
        super().setUp()
        self.program("run", "small.yaml", "output=r.h5", code=0)
        self.program("accept", "r.h5", "--baseline", "b.yaml", code=0)

    def program(self, *arguments, code):
        done = subprocess.run((PROGRAM, *map(str, arguments)), cwd=self.folder, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, code, (arguments, done.stdout, done.stderr))
        return done

    def refused(self, path, says, *arguments):
        before = path.read_bytes()
        done = self.program(*arguments, code=3)
        self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1), done.stderr)
        self.assertRegex(done.stderr, rf"^clip-parity: {re.escape(str(arguments[-1]))}: (?:{says})")
        self.assertIn("(expected ", done.stderr)
        self.assertEqual(path.read_bytes(), before)

    def test_a_verdict_over_what_is_read(self):
        shutil.copy(WEIGHTS, self.folder / "w.safetensors")
        of_file = ["model={checkpoint: w.safetensors, name: fashion-clip}", "inputs.synthetic={images: 1, prompts: 1}"]
        for option in ("--junit", "--json"):
            for name in ("r.h5", "b.yaml"):
                self.refused(self.folder / name, OVER_INPUT, "check", "r.h5", "--baseline", "b.yaml", option, name)
            for name, more in (("small.yaml", ()), ("b.yaml", ()), ("small.json", ()), ("w.safetensors", of_file)):
                self.refused(self.folder / name, OVER_INPUT, "check", "small.yaml", "--baseline", "b.yaml", *more, option, name)

    def test_a_form_over_another_kind(self):
        for name, text in FOREIGN.items():
            path = self.folder / name
            path.write_text(text, encoding="utf-8")
            for option in ("--junit", "--json"):
                self.refused(path, "exists, and is not ", "check", "r.h5", "--baseline", "b.yaml", option, name)
            for form in ("--html", "--json", "--md", "--csv"):
                self.refused(path, "exists, and is not ", "report", "r.h5", form, "-o", name)
            capture = ROOT / "reference/golden/captures/quick-fp32.h5"
            self.refused(path, "exists, and is not ", "diff", capture, capture, "--no-oracle", "-o", "d.h5", "--json", name)

    def test_a_form_over_its_own(self):
        for form in ("html", "json", "md", "csv"):
            for _ in range(2):
                self.program("report", "r.h5", f"--{form}", "-o", f"p.{form}", code=0)
        for _ in range(2):
            self.program("check", "r.h5", "--baseline", "b.yaml", "--json", "c.json", "--junit", "c.xml", code=0)
        self.program("report", "r.h5", "--term", "-o", "p.txt", code=0)
        done = self.program("report", "r.h5", "--term", "-o", "p.txt", code=3)
        self.assertEqual(done.stderr, "clip-parity: p.txt: exists (expected a new name)\n")
        (self.folder / "empty.json").touch()  # as mktemp leaves it
        self.program("check", "r.h5", "--baseline", "b.yaml", "--json", "empty.json", code=0)
        self.assertTrue(json.loads((self.folder / "empty.json").read_text(encoding="utf-8")))

    def test_the_report_of_a_run(self):
        shutil.copy(self.folder / "small.yaml", self.folder / "again.yaml")
        run = ("run", "again.yaml", "output=again.h5", "--force", "--json")
        self.refused(self.folder / "small.json", "would overwrite an input", *run, "small.json")
        done = self.program(*run, "-", code=0)
        self.assertIn("\ncandidate ", done.stderr)
        self.program(*run, "again.json", code=0)
        self.assertEqual((self.folder / "again.json").read_text(encoding="utf-8"), self.program("report", "again.h5", "--json", code=0).stdout)
        self.assertEqual(json.loads(done.stdout)["schema"], json.loads((self.folder / "again.json").read_text(encoding="utf-8"))["schema"])
        self.refused(self.folder / "again.h5", "would overwrite the result", *run, "again.h5")
        self.program(*run, "x.json", "candidates={}", code=3)
        self.assertFalse((self.folder / "x.json").exists())
        self.program(*run, "x.json", "small.yaml", code=4)

    def test_what_accept_did(self):
        schema = json.loads((ROOT / "data/schema/accept-1.json").read_text(encoding="utf-8"))

        def accept(*arguments, code=0):
            done = self.program("accept", *arguments, "--json", "-", code=code)
            told = json.loads(done.stdout)
            validate(told, schema)
            self.assertEqual(told["specs"], ["baseline", "erf"])
            return done, told["outcome"], told

        done, outcome, told = accept("r.h5", "--baseline", "new.yaml")
        self.assertEqual((outcome, told["baseline"], "check" in told), ("accepted", "new.yaml", False))
        self.assertIn("accepted new.yaml: 2 specs, ", done.stderr)
        _, outcome, told = accept("r.h5", "--baseline", "new.yaml")
        self.assertEqual((outcome, told["check"]["passed"]), ("unchanged", True))
        other = ("small.yaml", "output=other.h5", "--force", "baseline.norm.eps=1e-3", "--baseline", "new.yaml")
        before = (self.folder / "new.yaml").read_bytes()
        _, outcome, told = accept(*other, code=1)
        self.assertEqual((outcome, told["check"]["passed"]), ("refused", False))
        self.assertEqual((self.folder / "new.yaml").read_bytes(), before)
        _, outcome, told = accept(*other, "--reason", "meant", code=0)
        self.assertEqual((outcome, told["reason"], told["check"]["passed"]), ("accepted", "meant", False))
        for name in ("r.h5", "b.yaml"):
            self.refused(self.folder / name, OVER_INPUT, "accept", "r.h5", "--baseline", "b.yaml", "--json", name)

    def test_weights_and_pictures(self):
        for arguments, name in ((("convert", WEIGHTS, "m.safetensors", "--name", "fashion-clip"), "m.safetensors"),
                                (("convert", WEIGHTS, "m.h5", "--name", "fashion-clip"), "m.h5"),
                                (("preprocess", PICTURE, "--png", "p.png"), "p.png"), (("preprocess", PICTURE, "-o", "p.npy"), "p.npy")):
            path = self.folder / name
            self.program(*arguments, code=0)
            whole = path.read_bytes()
            for text in (whole, b"mine"):
                path.write_bytes(text)
                done = self.program(*arguments, code=3)
                self.assertEqual(done.stderr, f"clip-parity: {name}: exists (expected another name, or --force to replace it)\n")
                self.assertEqual(path.read_bytes(), text)
            if name.endswith(".h5"):
                path.write_bytes(whole)  # what is no HDF5 at all is not replaced even by force
            self.program(*arguments, "--force", code=0)
            self.assertEqual(path.read_bytes(), whole)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
