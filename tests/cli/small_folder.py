# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of its own for each test, with an experiment that takes no time: what the judges of written files share."""

import json
import tempfile
import unittest
from pathlib import Path

from convert_round_trip import ROOT

EXPERIMENT = {"experiment": "small", "model": {"config": "small.json", "init": "counter"},
              "inputs": {"synthetic": {"images": 2, "prompts": 2}}, "baseline": {"activation": "quick"},
              "candidates": {"erf": {"activation": "erf"}}, "oracle": False, "record": {"*": "stats"}}
CONFIG = {"embed_dim": 8, "vision_cfg": {"image_size": 4, "patch_size": 2, "layers": 1, "width": 8, "head_width": 4},
          "text_cfg": {"context_length": 6, "vocab_size": 100, "layers": 1, "width": 8, "heads": 2}}


class SmallFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "data").symlink_to(ROOT / "data")
        (self.folder / "small.json").write_text(json.dumps(CONFIG), encoding="utf-8")
        (self.folder / "small.yaml").write_text(json.dumps(EXPERIMENT), encoding="utf-8")
