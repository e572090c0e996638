# SPDX-License-Identifier: GPL-3.0-or-later
"""No result of other settings is lost: a default name carries on, a given one is refused with the key that differs.

    /usr/bin/python3 tests/cli/place.py CLIP_PARITY
"""

import shutil
import subprocess
import sys
import unittest
from pathlib import Path

import h5py
import numpy as np
from convert_round_trip import PROGRAM, ROOT
from small_folder import SmallFolder

OTHER = "inputs.synthetic.images=1"


class Places(SmallFolder):
    def setUp(self):
        super().setUp()
        self.out = self.folder / "out.h5"

    def program(self, *arguments):
        return subprocess.run((PROGRAM, *arguments), cwd=self.folder, capture_output=True, text=True, check=False)

    def runs(self, *arguments, code=0):
        done = self.program("run", "small.yaml", *arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def names(self):
        return sorted(path.name for path in (self.folder / "results/runs").iterdir())

    def test_a_given_name(self):
        output = f"output={self.out}"
        self.runs(output)
        before = self.out.read_bytes()
        for arguments, key in (((OTHER,), "inputs.synthetic.images is 2 there and 1 here"),
                               (("candidates.erf.activation=tanh",), "candidates.erf.activation is erf there and tanh here"),
                               (("candidates.more={activation: tanh}",), "candidates.more is nothing there and activation here"),
                               (("model.seed=5",), "model.seed is "), (("experiment=other",), "experiment is small there and other here"),
                               (("record={'*': full}",), "record.* is stats there and full here"), ((OTHER, "--resume"), "is 2 there and 1 here")):
            done = self.runs(output, *arguments, code=3)
            self.assertIn(f"{self.out}: holds a result of other settings: ", done.stderr)
            self.assertIn(key, done.stderr)
            self.assertTrue(done.stderr.endswith("(expected another output, or --force to replace it)\n"), done.stderr)
            self.assertEqual((done.stderr.count("\n"), self.out.read_bytes()), (1, before))
        self.runs(output, OTHER, "--force")
        self.assertNotEqual(self.out.read_bytes(), before)
        self.assertNotIn("complete already", self.runs(output, "--force", "--resume").stdout)
        self.assertIn("complete already", self.runs(output, "--force", "--resume").stdout)

    def test_the_same_settings_replace(self):
        output = f"output={self.out}"
        digest = self.runs(output).stdout.splitlines()[-1]
        for how in ("threads=1", "batch=1", "isa=scalar"):
            self.assertEqual(self.runs(output, how).stdout.splitlines()[-1], digest)
            self.assertIn("complete already", self.runs(output, how, "--resume").stdout)
        moved = self.folder / "moved.h5"
        self.out.rename(moved)
        self.runs(f"output={moved}")  # the name is no setting

    def test_default_names_carry_on(self):
        self.runs()
        for _ in range(2):  # the second time NAME-2 is its own
            said = self.runs(OTHER).stderr
            self.assertIn("results/runs/small.h5 holds a result of other settings: inputs.synthetic.images is 2 there and 1 here; this one "
                          "goes to results/runs/small-2.h5\n", said)
        self.runs("inputs.synthetic.images=3")
        self.runs()
        self.assertEqual(self.names(), ["small-2.h5", "small-3.h5", "small.h5"])
        self.assertIn("\nresult  results/runs/small-2.h5", self.runs(OTHER, "--resume").stdout)

    def test_too_large(self):
        output = f"output={self.out}"
        done = self.runs(output, "record.limit=1kB", code=3)
        self.assertRegex(done.stderr, r"^clip-parity: small.yaml: the result would be about \d+ MB, 0 MB of it tensors in full, and "
                                      r"record.limit is 0 MB \(expected fewer inputs, taps recorded as stats or digest, or record.limit=1GB\)\n$")
        self.assertEqual(list(self.folder.glob("out.h5*")), [])
        digest = self.runs(output, "record.limit=off").stdout.splitlines()[-1]
        self.assertIn("complete already", self.runs(output, "record.limit=1GB", "--resume").stdout)  # it is no setting
        self.assertEqual(self.runs(output).stdout.splitlines()[-1], digest)

    # ---- what a stopped run has done ----

    def stop(self, path, images=1):
        """Makes a result what a stopped run leaves, and returns its bytes."""
        with h5py.File(path, "r+") as file:
            for name in ("content_digest", "provenance_digest"):
                del file.attrs[name]
            file.attrs.modify("progress", np.uint64(images))
        partial = Path(f"{path}.partial")
        path.rename(partial)
        return partial, partial.read_bytes()

    def test_a_stopped_run_of_other_settings(self):
        output = f"output={self.out}"
        digest = self.runs(output).stdout.splitlines()[-1]
        partial, before = self.stop(self.out)
        for more in ((), ("--resume",)):
            done = self.runs(output, OTHER, *more, code=3)
            self.assertEqual(done.stderr, f"clip-parity: {partial}: holds 1 image of a run of other settings: inputs.synthetic.images "
                                          "is 2 there and 1 here (expected another output, or --force to replace it)\n")
            self.assertEqual(partial.read_bytes(), before)
        done = self.runs(output, "threads=1", "batch=1", "--resume")  # no bit depends on them
        self.assertIn("going on after 1 of 2 images", done.stderr)
        self.assertEqual(done.stdout.splitlines()[-1], digest)
        self.stop(self.out)
        self.runs(output, OTHER, "--force")
        self.assertFalse(partial.exists())

    def test_a_stopped_run_of_the_same_settings(self):
        output = f"output={self.out}"
        digest = self.runs(output).stdout.splitlines()[-1]
        partial, before = self.stop(self.out)
        done = self.runs(output, code=3)
        self.assertEqual(done.stderr, f"clip-parity: {partial}: holds 1 of 2 images of this run, which was stopped "
                                      "(expected --resume to go on with it, or --force to start afresh)\n")
        self.assertEqual(partial.read_bytes(), before)
        self.assertNotIn("going on", self.runs(output, "--force").stderr)
        self.stop(self.out, images=0)  # nothing was done, so nothing is lost
        self.assertEqual(self.runs(output).stdout.splitlines()[-1], digest)

    def test_default_names_of_stopped_runs(self):
        self.runs()
        self.stop(self.folder / "results/runs/small.h5")
        self.assertIn("results/runs/small.h5.partial holds 1 image of a run of other settings: inputs.synthetic.images is 2 there and 1 here; "
                      "this one goes to results/runs/small-2.h5\n", self.runs(OTHER).stderr)
        self.stop(self.folder / "results/runs/small-2.h5")
        self.assertIn("small-2.h5.partial: holds 1 of 1 image of this run", self.runs(OTHER, code=3).stderr)
        self.assertIn("going on after 1 of 1 images", self.runs(OTHER, "--resume").stderr)
        self.assertEqual(self.names(), ["small-2.h5", "small.h5.partial"])

    # ----

    def test_what_is_no_result_of_a_run(self):
        shutil.copy(ROOT / "reference/golden/captures/quick-fp32.h5", self.out)
        before = self.out.read_bytes()
        self.assertIn("exists, and is not the result of a run", self.runs(f"output={self.out}", code=3).stderr)
        self.assertEqual(self.out.read_bytes(), before)
        self.out.write_bytes(b"")  # as mktemp leaves it
        self.runs(f"output={self.out}")
        self.out.write_bytes(before[:2000])
        self.assertIn("--force to replace it", self.runs(f"output={self.out}", code=3).stderr)
        self.runs(f"output={self.out}", "--force")
        self.out.write_text("mine", encoding="utf-8")
        self.assertIn("exists, and is not a result", self.runs(f"output={self.out}", "--force", code=3).stderr)

    def test_every_command_that_writes_one(self):
        pairs = [("check", "small.yaml"), ("accept", "small.yaml")]
        self.assertEqual(self.program("accept", "small.yaml", "--baseline", "b.yaml", f"output={self.out}").returncode, 0)
        for command, path in pairs:
            done = self.program(command, path, "--baseline", "b.yaml", f"output={self.out}", OTHER)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (3, 1), done.stderr)
            self.assertIn("holds a result of other settings: inputs.synthetic.images", done.stderr)
        captures = [str(ROOT / f"reference/golden/captures/{name}-fp32.h5") for name in ("quick", "erf")]
        self.assertEqual(self.program("diff", *captures, "--no-oracle", "-o", "d.h5").returncode, 1)
        done = self.program("diff", captures[0], captures[0], "--no-oracle", "-o", "d.h5")
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (3, "", 1), done.stderr)
        self.assertIn("d.h5: holds a result of other settings", done.stderr)
        self.assertEqual(self.program("diff", captures[0], captures[0], "--no-oracle", "-o", "d.h5", "--force").returncode, 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
