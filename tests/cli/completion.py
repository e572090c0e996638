# SPDX-License-Identifier: GPL-3.0-or-later
"""What data/completion/clip-parity.bash offers for words typed so far.

    /usr/bin/python3 tests/cli/completion.py PROGRAM
"""

import subprocess
import sys
import unittest

PROGRAM = sys.argv.pop()


def complete(*words):
    """The words that bash would offer; the last of `words` is the one that is typed, as bash separates them."""
    script = ("source data/completion/clip-parity.bash; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _clip_parity; "
              "printf '%s\\n' \"${COMPREPLY[@]}\"")
    run = subprocess.run(["bash", "-c", script, "bash", PROGRAM, *words], capture_output=True, text=True, check=True)
    assert run.stderr == "", run.stderr
    return run.stdout.split()


class Completion(unittest.TestCase):
    def test_commands(self):
        self.assertEqual(complete("cl"), ["classify"])
        self.assertLessEqual({"run", "check", "list", "inspect"}, set(complete("")))

    def test_keys(self):
        self.assertEqual(complete("run", "e.yaml", "verdict.al"), ["verdict.alpha="])
        self.assertEqual(complete("check", "inputs.l"), ["inputs.labels=", "inputs.limit="])
        self.assertEqual(complete("run", "model"), ["model.checkpoint=", "model.config=", "model.init=", "model.seed=", "model.name=",
                                                    "model.load_as=", "model.pretrained=", "model.force_quick_gelu=",
                                                    "model.image_size="])

    def test_files_beside_keys(self):
        self.assertEqual(complete("run", "experiment"), ["experiment=", "experiments"])

    def test_values(self):
        self.assertEqual(complete("run", "isa", "=", "av"), ["avx2", "avx512"])
        self.assertEqual(complete("run", "ledger", "="), ["auto", "on", "off"])
        self.assertEqual(complete("run", "model.init", "="), ["counter", "open_clip"])
        self.assertEqual(complete("run", "threads", "=", "a"), ["auto"])
        self.assertEqual(complete("run", "inputs.truncate", "=", ""), ["on", "off"])
        self.assertEqual(complete("run", "verdict.alpha", "="), [])
        self.assertEqual(complete("run", "output", "=", "p"), [])

    def test_files_alone(self):
        self.assertEqual(complete("report", "verdict.al"), [])
        self.assertEqual(complete("run", "--f"), [])


unittest.main()
