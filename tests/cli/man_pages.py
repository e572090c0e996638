# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual pages: mandoc and groff find nothing wrong with them, and each has all that --help has.

    /usr/bin/python3 tests/cli/man_pages.py PROGRAM
"""

import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM = sys.argv.pop()


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def words_of(page):
    """A page's text without its markup."""
    return re.sub(r"\\f[BIR]|\\&", "", page.read_text(encoding="utf-8")).replace("\\-", "-").replace("\\e", "\\")


class ManPages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        run(PROGRAM, "man", "--into", cls.folder.name)
        cls.pages = sorted(Path(cls.folder.name).iterdir())

    def test_every_command_has_one(self):
        commands = re.findall(r"^  ([a-z]+)  .*", run(PROGRAM, "--help"), re.M)
        self.assertGreater(len(commands), 10)
        self.assertEqual({page.name for page in self.pages}, {"clip-parity.1", *(f"clip-parity-{c}.1" for c in commands)})
        overview = words_of(self.pages[-1])
        for command in commands:
            self.assertIn(f".BR clip-parity-{command} (1)", overview)

    def test_nothing_is_wrong(self):
        checkers = [command for command in (("mandoc", "-T", "lint", "-W", "warning"), ("groff", "-man", "-ww", "-z", "-Tutf8"))
                    if shutil.which(command[0])]
        self.assertTrue(checkers, "neither mandoc nor groff is installed")
        for page in self.pages:
            for checker in checkers:
                done = subprocess.run([*checker, str(page)], capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""), (checker[0], page.name))

    def test_every_option_is_there(self):
        for page in self.pages[:-1]:
            command, text = page.stem.removeprefix("clip-parity-"), words_of(page)
            shown = run(PROGRAM, command, "--help")
            options = re.findall(r"^  (?:-., |    )(--[a-z-]+)", shown, re.M)
            self.assertIn("--help", options)
            for option in options:
                self.assertRegex(text, rf"(?m)^(-., )?{option}( |$)", page.name)

    def test_examples_are_there(self):
        for page in self.pages[:-1]:
            shown = run(PROGRAM, page.stem.removeprefix("clip-parity-"), "--help")
            for example in re.findall(r"^  (clip-parity .*)", shown, re.M):
                self.assertIn(example, words_of(page))

    def test_the_date_can_be_fixed(self):
        page = subprocess.run([PROGRAM, "man", "run"], capture_output=True, text=True, check=True,
                              env={"SOURCE_DATE_EPOCH": "1700000000"}).stdout
        self.assertTrue(page.startswith(".TH CLIP-PARITY-RUN 1 2023-11-14 "))


unittest.main()
