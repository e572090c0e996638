# SPDX-License-Identifier: GPL-3.0-or-later
"""What an example states is held against what it touches, before anything is built."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from apply import ROOT, Example, Failed, take_over

HEAD = "# most files: 2\n# most places: 2\n# target: other\n# check: true\n# check: clip-parity list | grep -q a\n\n"


def new_file(name):
    return f"--- /dev/null\n+++ b/{name}\n@@ -0,0 +1 @@\n+text\n"


class Stated(unittest.TestCase):
    def test_the_head_is_read(self):
        example = Example(HEAD + new_file("a") + new_file("b"))
        self.assertEqual(example.checks, ["true", "clip-parity list | grep -q a"])
        self.assertEqual(example.targets, ["clip-parity", "other"])
        self.assertEqual(example.touched, {"most files": 2, "most places": 2})
        example.hold_to_its_word()

    def test_more_than_stated_is_refused(self):
        three = HEAD + new_file("a") + new_file("b") + new_file("c")
        places = HEAD + new_file("a") + "@@ -9 +9 @@\n-a\n+b\n@@ -19 +19 @@\n-a\n+b\n"
        for text, why in ((three, "touches 3 files"), (places, "touches 3 places"), (HEAD, "touches 0 files"),
                          (new_file("a"), "states no check"), ("# check: true\n" + new_file("a"), "does not state `most files`")):
            with self.assertRaisesRegex(Failed, why):
                Example(text).hold_to_its_word()

    def test_a_third_file_fails_the_program(self):
        with tempfile.TemporaryDirectory() as folder:
            patch = Path(folder) / "three.patch"
            patch.write_text(HEAD + new_file("a") + new_file("b") + new_file("c"), encoding="utf-8")
            done = subprocess.run((sys.executable, str(ROOT / "tests/examples/apply.py"), str(patch), "--tree", folder + "/tree"),
                                  capture_output=True, text=True, check=False)
        self.assertIn(done.returncode, (1, 77))
        if done.returncode == 1:
            self.assertIn("touches 3 files, and states 2 at most", done.stderr)

    def test_every_example_keeps_its_word(self):
        patches = list((ROOT / "tests/examples").glob("*.patch"))
        self.assertGreater(len(patches), 1)
        for patch in patches:
            Example(patch.read_text(encoding="utf-8")).hold_to_its_word()


class Copy(unittest.TestCase):
    def test_it_goes_back_to_the_tree(self):
        with tempfile.TemporaryDirectory() as folder:
            tree = Path(folder).resolve()
            take_over({"LICENSE", "tests/coverage.py"}, tree)
            kept = (tree / "LICENSE").stat().st_mtime_ns
            (tree / "tests/coverage.py").write_text("changed", encoding="utf-8")
            for name in ("extra.c", "tests/extra.c", "build/object.o"):
                (tree / name).parent.mkdir(exist_ok=True)
                (tree / name).write_text("", encoding="utf-8")
            take_over({"LICENSE", "tests/coverage.py"}, tree)
            left = {path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()}
            self.assertEqual(left, {"LICENSE", "tests/coverage.py", "build/object.o"})
            self.assertEqual((tree / "tests/coverage.py").read_bytes(), (ROOT / "tests/coverage.py").read_bytes())
            self.assertEqual((tree / "LICENSE").stat().st_mtime_ns, kept)


if __name__ == "__main__":
    unittest.main()
