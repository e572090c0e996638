# SPDX-License-Identifier: GPL-3.0-or-later
"""In bf16 the logits are rounded once as a product and once more with logit_bias, which are two operations in open_clip's model.py.
From recorded features, in float64 with bf16's rounding written out here.

    /usr/bin/python3 tests/cli/logits.py CLIP_PARITY
"""

import json
import math
import random
import sys
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy

from convert_round_trip import ROOT, PROGRAM, random_config, run_program, write_weights

PROMPTS = [f"number {i} of many" for i in range(40)]


def bf16(x):
    """The nearest bf16, ties to even; of numbers that float32 holds exactly."""
    bits = numpy.atleast_1d(numpy.asarray(x, numpy.float32)).view(numpy.uint32).astype(numpy.int64)
    rounded = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000
    return rounded.astype(numpy.uint32).view(numpy.float32).astype(numpy.float64)


def recorded(folder):
    rng = random.Random(5)
    config = random_config(rng)
    config["model_cfg"].update(init_logit_bias=-10, embed_dim=32)
    (folder / "c.json").write_text(json.dumps(config), encoding="utf-8")
    write_weights(folder / "w.safetensors", config, rng, {"logit_scale": 2.3, "logit_bias": -10.3125})
    experiment = {"experiment": "e", "model": {"config": str(folder / "c.json"), "checkpoint": str(folder / "w.safetensors")},
                  "baseline": {"precision": "bf16"}, "candidates": {"same": {}}, "oracle": False, "floor": 0, "local": False,
                  "inputs": {"images": "data/fashion-clip/images/0000*.png", "limit": 8, "prompts": PROMPTS},
                  "record": {"*_features": "full", "logits_per_image": "full"}, "output": str(folder / "a.h5")}
    (folder / "e.yaml").write_text(json.dumps(experiment), encoding="utf-8")
    run_program("run", folder / "e.yaml")
    with h5py.File(folder / "a.h5") as file:
        taps = file["captures/baseline"]
        return [taps[f"{name}/value"][:].astype(numpy.float64) for name in ("image_features", "text_features", "logits_per_image")]


class Doubtful(unittest.TestCase):
    def test_a_stored_factor_is_doubted(self):
        rng = random.Random(5)
        config = random_config(rng)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "c.json").write_text(json.dumps(config), encoding="utf-8")
            for value, doubted in ((100.0, True), (14.29, True), (-20.0, True), (4.6052, False), (2.66, False)):
                write_weights(folder / "w.safetensors", config, rng, {"logit_scale": value})
                said = run_program("inspect", folder / "w.safetensors", "--config", folder / "c.json")
                self.assertEqual("warning: its exponential" in said, doubted, said)


class TwoRoundings(unittest.TestCase):
    def test_product_and_sum(self):
        with tempfile.TemporaryDirectory() as folder:
            image, text, logits = recorded(Path(folder))
        scaled = bf16(image * bf16(math.exp(numpy.float32(2.3))))
        product, bias = scaled @ text.T, bf16(-10.3125)
        twice, once = bf16(bf16(product) + bias), bf16(product + bias)
        self.assertGreater((twice != once).mean(), 0.02)
        self.assertGreater((logits == twice).mean(), 0.99)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
