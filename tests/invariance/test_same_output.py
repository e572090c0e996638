# SPDX-License-Identifier: GPL-3.0-or-later
"""same_output.py's comparison: what counts as different, and what --allow lets pass."""

import unittest

from same_output import Allowed, compare, first_difference

BEFORE = {"exit code": "0\n", "stdout": "a\nthe rounding C\n", "stderr": "", "result file": "1"}


class Comparison(unittest.TestCase):
    def test_each_stream_counts(self):
        self.assertEqual(compare(BEFORE, dict(BEFORE), Allowed()), [])
        for stream in ("exit code", "stdout", "stderr"):
            found = compare(BEFORE, {**BEFORE, stream: BEFORE[stream] + "x"}, Allowed())
            self.assertTrue(found and found[0].startswith(stream), stream)
        self.assertTrue(compare(BEFORE, {**BEFORE, "content": "content 1\n"}, Allowed()))

    def test_bytes_of_a_result_are_only_noted(self):
        self.assertEqual(compare(BEFORE, {**BEFORE, "result file": "2"}, Allowed()), [])

    def test_first_difference(self):
        self.assertIsNone(first_difference("a\n", "a\n"))
        self.assertEqual(first_difference("a\nb\n", "a\nc\n"), (2, "b", "c"))
        self.assertEqual(first_difference("a", "a\n"), (2, "(ends)", ""))

    def test_allowed_words(self):
        after = {**BEFORE, "stdout": "a\nthe cand. error\n"}
        allowed = Allowed(["# renamed\n", "rounding C => cand. error\n", "never => used\n"])
        self.assertEqual(compare(BEFORE, after, allowed), [])
        self.assertEqual(allowed.summary(), ["allowed: rounding C => cand. error: 1 times", "allowed: never => used: 0 times"])
        self.assertTrue(compare(BEFORE, {**after, "stderr": "x"}, allowed))


if __name__ == "__main__":
    unittest.main()
