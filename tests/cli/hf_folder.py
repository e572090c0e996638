# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands beside a config.json of Hugging Face is honoured, or refused in one line. Pixels are held against Pillow's.

    /usr/bin/python3 tests/cli/hf_folder.py CLIP_PARITY
"""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(sys.argv.pop()).resolve()
SIDE = 48
PICTURE = "reference/golden/pictures/orientation-1.jpg"
OPENAI = {"mean": (0.48145466, 0.4578275, 0.40821073), "std": (0.26862954, 0.26130258, 0.27577711)}
CONFIG = {"model_type": "clip", "projection_dim": 8,
          "vision_config": {"image_size": SIDE, "patch_size": 16, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
                            "num_attention_heads": 2},
          "text_config": {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}}
CLIP = {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": SIDE}, "crop_size": {"height": SIDE, "width": SIDE}}
HALF = {"image_mean": [0.5] * 3, "image_std": [0.25, 0.5, 0.75]}


def program(folder, *arguments):
    return subprocess.run((PROGRAM, *arguments), cwd=ROOT, capture_output=True, text=True, check=False, env={"TMPDIR": str(folder)})


def run(folder, files):
    for name, content in {"config.json": CONFIG, **files}.items():
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    experiment = {"experiment": "e", "model": {"config": str(folder / "config.json"), "init": "counter"}, "oracle": False, "floor": 0,
                  "local": False, "inputs": {"images": PICTURE, "prompts": ["a coat"]}, "candidates": {"same": {}},
                  "record": {"pixels.normalized": "full"}, "output": str(folder / "a.h5")}
    (folder / "e.yaml").write_text(json.dumps(experiment), encoding="utf-8")
    return program(folder, "run", folder / "e.yaml")


def pixels_of_pillow(resample, squash, mean, std):
    picture = Image.open(ROOT / PICTURE).convert("RGB")
    short = min(picture.size)
    sides = (SIDE, SIDE) if squash else tuple(int(SIDE * side / short) for side in picture.size)
    picture = picture.resize(sides, resample)
    left, top = (round((side - SIDE) / 2) for side in sides)
    levels = numpy.asarray(picture.crop((left, top, left + SIDE, top + SIDE)), numpy.float64) / 255
    return ((levels - mean) / std).transpose(2, 0, 1)


class Honoured(unittest.TestCase):
    def check(self, files, resample=Image.BICUBIC, squash=False, mean=OPENAI["mean"], std=OPENAI["std"]):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            done = run(folder, files)
            self.assertEqual(done.returncode, 0, done.stderr)
            with h5py.File(folder / "a.h5") as file:
                found = file["captures/baseline/pixels.normalized/value"][0]
        self.assertLess(numpy.abs(found - pixels_of_pillow(resample, squash, mean, std)).max(), 1e-5)
        return done.stderr

    def test_nothing_beside(self):
        self.assertNotIn("pictures", self.check({}))

    def test_clip(self):
        said = self.check({"preprocessor_config.json": {**CLIP, **HALF, "resample": 2}}, Image.BILINEAR, False, HALF["image_mean"],
                          HALF["image_std"])
        self.assertIn("pictures become pixels as preprocessor_config.json beside it says", said)

    def test_old_names_and_whole_numbers(self):
        self.check({"preprocessor_config.json": {"feature_extractor_type": "CLIPFeatureExtractor", "size": SIDE, "crop_size": SIDE,
                                                 "do_normalize": False}}, mean=0, std=1)

    def test_both_sides(self):
        self.check({"preprocessor_config.json": {"image_processor_type": "SiglipImageProcessor", "size": {"height": SIDE, "width": SIDE}}},
                   Image.BICUBIC, True, 0.5, 0.5)
        self.check({"preprocessor_config.json": {"image_processor_type": "ViTImageProcessor", "size": SIDE}}, Image.BILINEAR, True, 0.5, 0.5)

    def test_the_nested_processor_wins(self):
        said = self.check({"preprocessor_config.json": {**CLIP, "resample": 2},
                           "processor_config.json": {"processor_class": "CLIPProcessor", "image_processor": {**CLIP, **HALF}}},
                          mean=HALF["image_mean"], std=HALF["image_std"])
        self.assertIn("processor_config.json beside it", said)
        self.check({"preprocessor_config.json": {**CLIP, "resample": 2}, "processor_config.json": {"processor_class": "CLIPProcessor"}},
                   Image.BILINEAR)


class Refused(unittest.TestCase):
    def refused(self, files, *said):
        with tempfile.TemporaryDirectory() as folder:
            done = run(Path(folder), files)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            for text in said:
                self.assertIn(text, done.stderr)
            self.assertFalse((Path(folder) / "a.h5").exists())

    def test_what_a_config_cannot_say(self):
        for change, said in (({"size": {"shortest_edge": 64}}, "size is not the model's image_size"),
                             ({"size": 224, "crop_size": SIDE}, "size is not the model's image_size"),
                             ({"crop_size": 32}, "crop_size is not the model's image_size"),
                             ({"do_center_crop": False}, "do_center_crop is false"), ({"do_resize": False}, "do_resize is false"),
                             ({"do_pad": True}, "do_pad is true"), ({"resample": 1}, "resample is not supported"),
                             ({"do_rescale": False}, "do_rescale does not bring pixels"),
                             ({"rescale_factor": 0.0078125}, "rescale_factor does not bring pixels"),
                             ({"image_std": [0, 1, 1]}, "image_std"), ({"image_mean": [0.5]}, "image_mean"),
                             ({"do_normalise": False}, "did you mean 'do_normalize'"),
                             ({"size": {"longest_edge": SIDE}}, "longest_edge"), ({"size": "48"}, "size is not a size"),
                             ({"image_processor_type": "BlipImageProcessor"}, "image_processor_type is not supported")):
            self.refused({"preprocessor_config.json": {**CLIP, **change}}, "preprocessor_config.json: ", said)

    def test_what_is_no_json(self):
        self.refused({"preprocessor_config.json": "{"}, "preprocessor_config.json: line 1")
        self.refused({"processor_config.json": "[]"}, "processor_config.json: is not an object")

    def test_another_tokenizer(self):
        self.refused({"tokenizer_config.json": {"tokenizer_class": "XLMRobertaTokenizer"}}, "XLMRobertaTokenizer")


if __name__ == "__main__":
    unittest.main()
