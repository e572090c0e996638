# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparisons of figures, and that every claim's sentence is in its text."""

import math
import tempfile
import unittest
from pathlib import Path

import claims
from claim import RANGE, Claim, Excerpt, Gone, as_printed, at_least, at_most, rounded

TEXT = """The error is
1.5e-2, at most 1,028 in three of 0.16 to 0.36 %.

```
begin  1
...
end 22 and so on
```
"""


class Figures(unittest.TestCase):
    def test_as_printed(self):
        for stated, holds, fails in (("1.5e-2", 0.0154, 0.0156), ("0.95", 0.954, 0.956), ("1,028", 1028, 1027),
                                     ("three", 3.4, 3.6), ("inf", math.inf, 1.0), ("a  b", "a b", "a c"), ("-0.6", -0.64, 0.6)):
            self.assertTrue(as_printed(stated, holds), stated)
            self.assertFalse(as_printed(stated, fails), stated)

    def test_other_comparisons(self):
        for how, stated, holds, fails in ((rounded, "12,000", 11893, 11499), (rounded, "3e-7", 2.97e-7, 3.6e-7),
                                          (at_most, "8", 8, 8.1), (at_least, "99", 99.5, 98.9)):
            self.assertTrue(how(stated, holds), stated)
            self.assertFalse(how(stated, fails), stated)


class Places(unittest.TestCase):
    def setUp(self):
        with tempfile.NamedTemporaryFile("w", suffix=".md", delete=False) as file:
            file.write(TEXT)
        self.path = file.name
        self.addCleanup(Path(file.name).unlink)

    def failures(self, text, found, **more):
        return [(f.line, f.stated, f.found) for f in Claim(self.path, text, lambda _: found, **more).failures(None)]

    def test_claim(self):
        self.assertEqual(self.failures(r"The error is (\S+),", 0.015), [])
        self.assertEqual(self.failures(r"error is (\S+), at most ([\d,]+) in", [0.02, 1027]),
                         [(2, "1.5e-2", "0.02"), (2, "1,028", "1027")])
        self.assertEqual(self.failures(r"of (\S+) to (\S+) %", [0.4, 0.4], how=RANGE), [(2, "0.36", "0.4")])
        for text in ("no such sentence", "e"):
            with self.assertRaises(Gone):
                self.failures(text, [])

    def test_excerpt(self):
        def failures(output):
            return [(f.line, f.found) for f in Excerpt(self.path, "begin  1", lambda _: output).failures(None)]
        self.assertEqual(failures("begin 1\nmore\nend 22 and so on\n"), [])
        self.assertEqual(failures("begin 1\nend 23 and so on\n"), [(7, "end 23 and so on")])
        self.assertEqual(failures("end 22 and so on\nbegin 1\n"), [(7, "nothing")])

    def test_every_sentence_is_there(self):
        self.assertEqual(list(claims.missing_places(claims.CLAIMS)), [])


if __name__ == "__main__":
    unittest.main()
