# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed library in another project's hands: docs/example/activation.c, built by CMake, by pkg-config and from the archive,
prints what `classify` and `run` say, to the bit.

    /usr/bin/python3 tests/package/library.py BUILD_FOLDER
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import h5py

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs/example"
MODEL, PICTURE = ROOT / "data/fashion-clip", ROOT / "data/fashion-clip/images/00029-dress.png"
MLP = "visual.transformer.resblocks.0.mlp"
PROMPTS = ("a photo of a dress", "a photo of a bag")


def output(*command, **more):
    done = subprocess.run(tuple(map(str, command)), capture_output=True, text=True, check=False, **more)
    if done.returncode:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Library(unittest.TestCase):
    build = None

    @classmethod
    def setUpClass(cls):
        cls.owned = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.owned.cleanup)
        cls.work = Path(cls.owned.name)
        cls.prefix = cls.work / "installed"
        output("cmake", "--install", cls.build, "--prefix", cls.prefix)
        cls.libraries = next(cls.prefix.glob("lib*/**/clip-parity.pc")).parent
        cls.expected = cls.from_the_program()

    @classmethod
    def program(cls, *arguments):
        return output(cls.prefix / "bin/clip-parity", *arguments, cwd=cls.work)

    @classmethod
    def from_the_program(cls):
        """What the example prints, made of the program's own output."""
        answer = json.loads(cls.program("classify", "--model", MODEL, "--image", PICTURE, "--prompt", *PROMPTS, "--baseline",
                                        "activation=quick", "--compare", "activation=erf", "--json"))
        experiment = {"experiment": "library", "model": {"checkpoint": str(MODEL / "open_clip_model.safetensors"),
                                                         "config": str(MODEL / "open_clip_config.json")},
                      "inputs": {"images": str(PICTURE), "prompts": list(PROMPTS)}, "baseline": {"activation": "quick"},
                      "candidates": {"erf": {"activation": "erf"}}, "local": False, "floor": 0}
        (cls.work / "library.yaml").write_text(json.dumps(experiment), encoding="utf-8")
        cls.program("run", "library.yaml", "output=r.h5")
        with h5py.File(cls.work / "r.h5") as result:
            def total(tap, metric):
                metrics = result[f"/metrics/erf/{tap}/metrics"]
                names = list(metrics.parent["metric"].asstr())
                return metrics[0, 0, names.index(metric)]
            assert total(f"{MLP}.c_fc", "different") == 0 < total(f"{MLP}.gelu", "different")
            lines = [f"first difference  {MLP}.gelu", f"image_features    {total('image_features', 'rel_l2'):.17g}"]
        for spec, name in zip(answer["specs"], ("activation=quick", "activation=erf")):
            lines.append(f"{name:16}  " + "  ".join(f"{p:.9g}" for p in spec["probabilities"][0]))
        return "\n".join(lines) + "\n"

    def pkg_config(self, *arguments):
        env = os.environ | {"PKG_CONFIG_PATH": str(self.libraries)}
        return output("pkg-config", *arguments, "clip-parity", env=env).split()

    def runs(self, program, **env):
        said = output(program, MODEL, PICTURE, *PROMPTS, cwd=self.work, env=os.environ | env)
        self.assertEqual(said, self.expected)

    def test_by_cmake(self):
        output("cmake", "-S", EXAMPLE, "-B", self.work / "cmake", f"-DCMAKE_PREFIX_PATH={self.prefix}")
        output("cmake", "--build", self.work / "cmake")
        self.runs(self.work / "cmake/activation")

    def test_by_pkg_config(self):
        program = self.work / "shared"
        output("cc", EXAMPLE / "activation.c", "-o", program, *self.pkg_config("--cflags", "--libs"))
        self.runs(program, LD_LIBRARY_PATH=str(self.libraries.parent))

    def test_from_the_archive(self):
        program = self.work / "static"
        output("cc", EXAMPLE / "activation.c", "-o", program, *self.pkg_config("--cflags"), *self.pkg_config("--variable=static"))
        self.assertNotIn("libclip-parity", output("ldd", program))
        self.runs(program, CLIP_PARITY_DATA=str(ROOT / "data"))

    def test_as_cxx(self):
        source = self.work / "header.cc"
        source.write_text("#include <clip-parity.h>\nint main() { return clip_parity_version()[0] == 0; }\n", encoding="utf-8")
        output("c++", "-Wall", "-Werror", source, "-o", self.work / "cxx", *self.pkg_config("--cflags", "--libs"))
        output(self.work / "cxx", env=os.environ | {"LD_LIBRARY_PATH": str(self.libraries.parent)})

    def test_exports_the_header_alone(self):
        names = {line.split()[-1] for line in output("nm", "-D", "--defined-only", self.libraries.parent / "libclip-parity.so").splitlines()}
        header = (self.prefix / "include/clip-parity.h").read_text(encoding="utf-8")
        self.assertEqual(names, set(re.findall(r"\b(clip_parity_\w+)\(", header)))

    def test_page_shows_the_example(self):
        page = (ROOT / "docs/library.md").read_text(encoding="utf-8")
        source = (EXAMPLE / "activation.c").read_text(encoding="utf-8")
        blocks = re.findall(r"```c\n(.*?)```", page, re.S)
        self.assertEqual([block for block in blocks if block not in source], [])
        self.assertTrue(blocks and self.expected in page)


if __name__ == "__main__":
    Library.build = Path(sys.argv.pop(1)).resolve()
    unittest.main()
