# SPDX-License-Identifier: GPL-3.0-or-later
"""`oracle: auto` examines the first 16 images and prompts, and what goes much further than any of them: the bits of `oracle: on`
there, none elsewhere, whatever the batch, and wherever a stopped run goes on.

    /usr/bin/python3 tests/cli/oracle_auto.py CLIP_PARITY
"""

import json
import subprocess
import sys
import unittest
from pathlib import Path

import h5py
import numpy as np
from convert_round_trip import PROGRAM
from small_folder import EXPERIMENT, SmallFolder

EXAMINED, IMAGES, PROMPTS = 16, 24, 20
LOUD = (18, 23)  # images that go beyond the range of fp16
TOTAL, ROUNDING = 0, 2


class Auto(SmallFolder):
    def setUp(self):
        super().setUp()
        random = np.random.default_rng(5)
        pixels = random.normal(size=(IMAGES, 3, 4, 4))
        pixels[list(LOUD)] *= 1e6
        np.save(self.folder / "pixels.npy", pixels.astype(np.float32))
        tokens = random.integers(0, 98, size=(PROMPTS, 6))
        tokens[:, 0], tokens[:, 5] = 98, 99
        np.save(self.folder / "tokens.npy", tokens.astype(np.int32))
        experiment = EXPERIMENT | {"inputs": {"images": "pixels.npy", "prompts": "tokens.npy"}, "candidates": {"half": {"linear.compute": "fp16"}}}
        del experiment["oracle"]
        (self.folder / "small.yaml").write_text(json.dumps(experiment), encoding="utf-8")

    def run_it(self, name, *arguments, command="run"):
        done = subprocess.run((PROGRAM, command, "small.yaml", "--force", f"output={name}", *arguments), cwd=self.folder, capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def metrics(self, name, tap):
        with h5py.File(self.folder / name) as file:
            return file[f"metrics/half/{tap}/metrics"][()]

    def has_oracle(self, name, tap):
        return set(np.flatnonzero(~np.isnan(self.metrics(name, tap)[:, ROUNDING]).all(-1)).tolist())

    def test_the_first_and_the_far(self):
        self.run_it("on.h5", "oracle=on")
        said = self.run_it("auto.h5").stderr
        self.assertIn(f"small: {IMAGES} images, {PROMPTS} prompts, 2 passes, 1 oracle of 16 images and 16 prompts, none of the logits "
                      "(oracle=on: of all)", said)
        self.assertEqual(said.count(" as well, over 8 times as far as the first 16\n"), 1)
        self.assertIn(f"oracle of {len(LOUD)} more images as well", said)
        examined = set(range(EXAMINED)) | set(LOUD)
        for tap in ("visual.ln_pre", "visual.transformer.resblocks.0", "image_features"):
            self.assertEqual(self.has_oracle("auto.h5", tap), examined)
            rows = sorted(examined)
            self.assertEqual(self.metrics("auto.h5", tap)[rows].tobytes(), self.metrics("on.h5", tap)[rows].tobytes())
            self.assertEqual(self.metrics("auto.h5", tap)[:, TOTAL].tobytes(), self.metrics("on.h5", tap)[:, TOTAL].tobytes())
        self.assertEqual(self.has_oracle("auto.h5", "text_features"), set(range(EXAMINED)))
        self.assertEqual(self.has_oracle("auto.h5", "logits_per_image"), set())
        self.assertEqual(self.has_oracle("on.h5", "logits_per_image"), set(range(IMAGES)))

    def test_the_rule_by_itself(self):
        """As NumPy has it: relative L2 of image_features above 8 times the largest of the first 16; what is not finite is."""
        for scale, setting in ((1, "linear.compute=fp16"), (1e-4, "norm.stats=fp16")):  # an infinity, and a variance that is one
            self.assert_far(scale, setting)

    def assert_far(self, scale, setting):
        pixels = np.load(self.folder / "pixels.npy")
        pixels[list(LOUD)] *= np.float32(scale)
        np.save(self.folder / "pixels.npy", pixels)
        said = self.run_it("full.h5", "record={'*': full}", f"candidates.half={{{setting.replace('=', ': ')}}}").stderr
        self.assertIn("oracle of 2 more images as well", said)
        with h5py.File(self.folder / "full.h5") as file:
            baseline, candidate = (file[f"captures/{name}/image_features/value"][()].astype(np.float64) for name in ("baseline", "half"))
        far = np.nan_to_num(np.linalg.norm(candidate - baseline, axis=1) / np.linalg.norm(baseline, axis=1), nan=np.inf)
        self.assertEqual(np.isfinite(far).all(), scale < 1)
        self.assertEqual(set(np.flatnonzero(far > 8 * far[:EXAMINED].max()).tolist()), set(LOUD))

    def test_no_bit_depends_on_how(self):
        digest = self.run_it("a.h5").stdout.splitlines()[-1]
        for how in ("batch=1", "batch=5", "threads=1", "isa=scalar"):
            self.assertEqual(self.run_it("b.h5", how).stdout.splitlines()[-1], digest)
        for done in (7, EXAMINED, 19):  # images that a stopped run has done
            partial = Path(f"{self.folder}/a.h5.partial")
            self.run_it("a.h5", "batch=1")
            with h5py.File(self.folder / "a.h5", "r+") as file:
                for name in ("content_digest", "provenance_digest"):
                    del file.attrs[name]
                file.attrs.modify("progress", np.uint64(done))
            (self.folder / "a.h5").rename(partial)
            resumed = subprocess.run((PROGRAM, "run", "small.yaml", "output=a.h5", "--resume"), cwd=self.folder, capture_output=True, text=True, check=False)
            self.assertIn(f"going on after {done} of {IMAGES} images", resumed.stderr)
            self.assertEqual(resumed.stdout.splitlines()[-1], digest)

    def test_what_has_few_inputs_is_examined_whole(self):
        few = ("inputs={synthetic: {images: 16, prompts: 16}}",)
        auto, on = (self.run_it("a.h5", *few, *more) for more in ((), ("oracle=on",)))
        self.assertNotIn(" of 16 images", auto.stderr)
        self.assertEqual(self.metrics("a.h5", "logits_per_image").tobytes(), self.metrics("a.h5", "logits_per_image").tobytes())
        self.assertEqual(auto.stdout.splitlines()[-1], on.stdout.splitlines()[-1])

    def test_check_keeps_all(self):
        self.run_it("c.h5", "--baseline", "b.yaml", command="accept")
        self.assertEqual(self.has_oracle("c.h5", "image_features"), set(range(IMAGES)))
        self.assertEqual(self.has_oracle("c.h5", "logits_per_image"), set(range(IMAGES)))
        self.run_it("d.h5", "--baseline", "b.yaml", command="check")
        self.assertEqual(self.has_oracle("d.h5", "text_features"), set(range(PROMPTS)))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
