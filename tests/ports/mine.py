# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the program that ports are compared with, each made once."""

import glob
import subprocess
from pathlib import Path

import port

TESTS = Path(__file__).resolve().parent
PROMPTS = "a photo of a trouser", "a photo of an ankle boot", "a picture of a bag"


class Mine:
    """folder: where results are written; it exists and is empty."""

    def __init__(self, program, folder):
        self.program, self.folder, self.made = program, folder, {}

    def result(self, activation, precision, images, prompts):
        """The path of a result of the demo model, every tap in full."""
        key = f"{activation}-{precision}-{images}-{prompts}"
        if key not in self.made:
            self.made[key] = self.run(key, f"baseline={{activation: {activation}, precision: {precision}}}",
                                      f"inputs={inputs(images, prompts)}")
        return self.made[key]

    def run(self, name, *settings):
        """The path of a result of demo.yaml with some keys set."""
        path = self.folder / f"{name}.h5"
        done = subprocess.run([self.program, "run", "--force", TESTS / "demo.yaml", *settings, f"output={path}"], check=False,
                              cwd=port.ROOT, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        return path


def pictures():
    return sorted(glob.glob("data/fashion-clip/images/*.png", root_dir=port.ROOT))


def image_name(index):
    return Path(pictures()[index]).stem


def inputs(images, prompts):
    """In YAML: the first pictures of the demo, or, where there are not so many, synthetic ones."""
    found = pictures()
    if images > len(found):
        return f"{{synthetic: {{images: {images}, prompts: {min(prompts, len(PROMPTS))}, seed: 0}}}}"
    return f"{{images: [{', '.join(found[:images])}], prompts: [{', '.join(PROMPTS[:prompts])}]}}"
