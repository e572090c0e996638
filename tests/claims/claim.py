# SPDX-License-Identifier: GPL-3.0-or-later
"""What a claim is: a place in a text that states figures, where they come from, and when they hold."""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORDS = {w: str(n) for n, w in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())}
BREAK = re.compile(r"[ \n]+")


class Gone(Exception):
    """The text no longer has the sentence, or has it twice."""


@dataclass
class Failure:
    line: int
    stated: str
    found: str


# How a stated figure is held against what was found. Each takes the text and the value.

def number(stated):
    """1,028, 2.5e+03, inf and `four` as a number's text."""
    return WORDS.get(stated, stated.replace(",", ""))


def as_printed(stated, found):
    """Rounds to the digits that are stated. A text is equal but for its white space."""
    if isinstance(found, str):
        return stated.split() == found.split()
    text = number(stated)
    mantissa, _, exponent = text.partition("e")
    digits = len(mantissa.partition(".")[2])
    return float(f"{found:.{digits}{'e' if exponent else 'f'}}") == float(text)


def rounded(stated, found):
    """As printed, where zeros at the end of a whole number are no digits: 12,000 of 11,893."""
    digits = len(number(stated).partition("e")[0].replace(".", "").strip("0-")) or 1
    return float(f"{found:.{digits - 1}e}") == float(number(stated))


def at_most(stated, found):
    return found <= float(number(stated))


def at_least(stated, found):
    return found >= float(number(stated))


RANGE = at_least, at_most  # the figure stands between two groups


@dataclass
class Claim:
    """`text` is a regular expression that matches once in `file`; a space in it is any white space. `found` gives, of the
    runs, one value for each of its groups."""
    file: str
    text: str
    found: Callable
    how: Callable | tuple = as_printed  # one for all groups, or one for each
    needs: str = ""     # what kind of machine: see machine.py
    long: bool = False  # for `make claims-all` alone

    @property
    def title(self):
        return self.text

    @cached_property
    def place(self):
        content = (ROOT / self.file).read_text()
        places = list(re.finditer(BREAK.sub(r"\\s+", self.text), content, re.MULTILINE))
        if len(places) != 1:
            raise Gone(f"{self.file}: {len(places)} places, expected one, for: {self.text}")
        return places[0]

    def line_of(self, group=0):
        return self.place.string.count("\n", 0, self.place.start(group)) + 1

    def failures(self, runs):
        values = self.found(runs)
        values = list(values) if isinstance(values, (list, tuple)) else [values]
        stated = self.place.groups()
        if len(values) != len(stated):
            raise ValueError(f"{self.file}:{self.line_of()}: {len(stated)} figures are stated, {len(values)} were found")
        hows = self.how if isinstance(self.how, tuple) else (self.how,) * len(stated)
        for group, (said, value, holds) in enumerate(zip(stated, values, hows, strict=True), start=1):
            if not holds(said, value):
                yield Failure(self.line_of(group), said, value if isinstance(value, str) else f"{value:.6g}")


@dataclass
class Excerpt:
    """Lines of an output, from the one line that begins with `first` to the end of the code block, in the output's order. A line
    `...` stands for any, and so does the rest of a line that ends so. `skip`: lines that match it are not of the output."""
    file: str
    first: str
    found: Callable     # of the runs: the output
    skip: str = r"(?!)"
    needs: str = ""
    long: bool = False
    indent: str = ""    # of a code block without a fence

    @property
    def title(self):
        return self.first

    @cached_property
    def lines(self):
        text = (ROOT / self.file).read_text().splitlines()
        starts = [i for i, line in enumerate(text) if line.startswith(self.indent + self.first)]
        if len(starts) != 1:
            raise Gone(f"{self.file}: {len(starts)} lines, expected one: {self.first}")
        inside = lambda line: line.startswith(self.indent) if self.indent else line != "```"  # noqa: E731
        end = next(i for i in range(starts[0], len(text) + 1) if i == len(text) or not inside(text[i]))
        return [(i + 1, text[i].removeprefix(self.indent)) for i in range(starts[0], end)]

    def line_of(self):
        return self.lines[0][0]

    def failures(self, runs):
        output, at = [" ".join(line.split()) for line in self.found(runs).splitlines()], 0
        for number_, said in self.lines:
            wanted = " ".join(said.split())
            if not wanted or wanted == "..." or re.search(self.skip, said):
                continue
            same = (lambda line, w=wanted: line.startswith(w[:-3])) if wanted.endswith("...") else wanted.__eq__
            here = next((i for i in range(at, len(output)) if same(output[i])), None)
            if here is None:
                near = difflib.get_close_matches(wanted, output[at:], n=1, cutoff=0)
                yield Failure(number_, wanted, near[0] if near else "nothing")
            else:
                at = here + 1
