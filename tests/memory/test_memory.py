# SPDX-License-Identifier: GPL-3.0-or-later
"""An allocation that fails, whose ever it is, is one line and exit code 2: no crash, and no answer that lacks something.

    /usr/bin/python3 tests/memory/test_memory.py PROGRAM FAILING_MALLOC

Of each command one allocation fails, in a run of its own, at each of CP_FAILURES places in the code that make one: 12 of them
where that is not set, 0 is all. PROGRAM is the one whose arenas ask malloc each time.
"""

import collections
import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FAILURES = int(os.environ.get("CP_FAILURES", "12"))
DATA, CAPTURES = "data/fashion-clip", "reference/golden/captures"
MODEL, CONFIG = f"{DATA}/open_clip_model.safetensors", f"{DATA}/open_clip_config.json"
PROGRAM = PRELOAD = None


class Memory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="clip-parity-memory-"))
        tiny = ["experiments/quickgelu-vs-gelu.yaml", "inputs.limit=2", "batch=2", "floor=0", "local=off", "oracle=off",
                "candidates={erf: {activation: erf}}", 'record={"*": "off", "*_features": stats}']
        kept = f"{cls.folder}/kept.h5"
        subprocess.run([PROGRAM, "run", *tiny, f"output={kept}"], cwd=ROOT, check=True, capture_output=True)
        o = cls.out = cls.folder / "out"
        cls.commands = {
            "report --json": ["report", kept, "--json", "-o", "-"], "report --csv": ["report", kept, "--csv", "-o", "-"],
            "report --md": ["report", kept, "--md", "-o", "-"], "report --html": ["report", kept, "-o", f"{o}/r.html"],
            "inspect": ["inspect", MODEL, "--config", CONFIG, "--json"],
            "lint": ["lint", DATA, "--json"], "lint --name": ["lint", "--name", "ViT-H-14-378", "--pretrained", "dfn5b", "--json"],
            "convert": ["convert", MODEL, f"{o}/m.safetensors", "--config", CONFIG],
            "diff": ["diff", f"{CAPTURES}/quick-fp32.h5", f"{CAPTURES}/erf-fp32.h5", "--no-oracle", "-o", f"{o}/d.h5",
                     "--json", f"{o}/d.json"],
            "run": ["run", *tiny, f"output={o}/r.h5"],
            "preprocess": ["preprocess", f"{DATA}/images/00000-ankle-boot.png"], "tokenize": ["tokenize", "--json", "a cat"]}

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def end(self, arguments, **environment):
        """Exit code, what was written, and what was said."""
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()
        ended = subprocess.run([PROGRAM, *arguments], cwd=ROOT, capture_output=True, check=False,
                               env={**os.environ, **environment})
        files = {path.name: path.read_bytes() for path in self.out.iterdir() if path.suffix != ".h5"}
        return ended.returncode, (ended.stdout, files), ended.stderr

    def test_each_failure_is_told(self):
        random.seed(7)
        for name, arguments in self.commands.items():
            found = self.folder / "places"
            code, answer, _ = self.end(arguments, LD_PRELOAD=PRELOAD, CP_FAIL_PLACES=str(found))
            self.assertIn(code, (0, 1))
            places, kinds = sorted({int(line) for line in found.read_text().split()}), collections.Counter()
            for at in random.sample(places, min(FAILURES or len(places), len(places))):
                ended = self.end(arguments, LD_PRELOAD=PRELOAD, CP_FAIL_AT=str(at))
                with self.subTest(command=name, failing=at):
                    if ended[0] == code:
                        self.assertEqual(ended[1], answer)
                        kinds["the same answer"] += 1
                    else:
                        self.assertEqual((ended[0], ended[2].count(b"clip-parity: ")), (2, 1), ended[2][-400:])
                        kinds["one line"] += 1
            print(f"{name}: {len(places)} places, {dict(kinds)}", file=sys.stderr)

    def test_a_limit_is_one_line(self):
        for name, arguments in self.commands.items():
            for kilobytes in (60_000, 100_000, 200_000):
                shutil.rmtree(self.out, ignore_errors=True)
                self.out.mkdir()
                ended = subprocess.run(["bash", "-c", f'ulimit -v {kilobytes}; exec "$@"', "-", PROGRAM, *arguments], cwd=ROOT,
                                       capture_output=True, check=False)
                with self.subTest(command=name, kilobytes=kilobytes):
                    told = [line for line in ended.stderr.splitlines() if b"clip-parity: " in line or b"error while loading" in line]
                    self.assertTrue(ended.returncode in (0, 1) and not told or ended.returncode in (2, 127) and len(told) == 1,
                                    (ended.returncode, ended.stderr[-400:]))


if __name__ == "__main__":
    PRELOAD = sys.argv.pop(2)
    PROGRAM = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
