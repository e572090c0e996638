#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people read: no spelling mistakes (codespell), no phrases that were replaced, no dead links.

    /usr/bin/python3 tests/docs/prose.py
"""

import re
import subprocess
import unittest
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IGNORE = "tests/docs/codespell-ignore.txt"
LITERALS = re.compile(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*')

# What was written, and what is written in its place. A space stands for any white space.
PHRASES = {
    r"do not say how (?:it|they) must be computed|what is known of its activation|says? how it must be computed":
        "which activation it was trained with; embed the config in the checkpoint",
    r"leaves? each other|where two captures leave": "where two captures first diverge",
    r"what the model gets of": "the model's actual inputs",
    r"other maths|another maths": "a different function",
    r"put down to": "attributed to",
    r"removal cures|which cures": "whose removal fixes it",
    r"is what was accepted": "still matches its baseline",
    r"where this is meant": "If intended, run ...",
    r"inputs do not show it": "inconclusive with N inputs",
    r"taps fail so\b": "N more taps fail the same way",
    r"nothing to go on with": "nothing to resume",
    r"no flip is possible": "provably cannot flip",
    r"rounding that was to be expected": "predicted rounding bounds",
    r"it does itself\b": "remaining differences originate there",
    r"a cause, by its semantic": "cause: different function",
    r"\bround [BC]\b(?!` are)": "cand. error, base error",
    r"\bby right\b": "legitimately",
    r"is a file that is read": "would overwrite an input",
    r"published file that is known|none that is known": "not a known published file",
    r"how it is known": "Verification",
    r"holds part of another run": "belongs to a different run",
    r"not to be had": "not available",
    r"seen from the current directory": "paths are relative to the current directory",
    r"known by (?:its|their) first bytes": "a known format, by its first bytes",
}
# Phrases that are left, each to go with the next change of its file.
SKIPPED = ("harness/text/unicode/", "harness/report/html/assets/uPlot")
MARKDOWN = "*.md", "docs/*.md", *(f"{folder}/**/*.md" for folder in ("data", "reference", "results/baselines", "tests"))
C = "harness/**/*.[ch]", "harness/**/*.def", "reference/oracle/*.[ch]"
PYTHON, OTHERS = "reference/**/*.py", ("experiments/**/*.yaml", "harness/**/*.js", "data/schema/*.json")


@cache
def files(*patterns):
    found = {path for pattern in patterns for path in ROOT.glob(pattern)}
    return [path for path in sorted(found) if not path.relative_to(ROOT).as_posix().startswith(SKIPPED)]


def shown(path):
    """What of a file a person reads: of C its strings, joined where they are in pieces."""
    text = path.read_text(encoding="utf-8")
    if path.suffix in (".c", ".h", ".def"):
        return "\n".join("".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', found)) for found in LITERALS.findall(text))
    return text


def anchors(page):
    """The anchors that GitHub gives a page's headings."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


class Prose(unittest.TestCase):
    def test_spelling(self):
        done = subprocess.run(["codespell", "--ignore-words", IGNORE, *files(*MARKDOWN, *C, PYTHON, *OTHERS, "Makefile")], cwd=ROOT, capture_output=True, text=True, check=False)
        self.assertEqual(done.stdout.splitlines(), [])
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_phrases(self):
        wrong = []
        for path in files(*MARKDOWN, *C, PYTHON, *OTHERS):
            text = shown(path)
            for phrase, better in PHRASES.items():
                found = re.search(phrase.replace(" ", r"\s+"), text, re.IGNORECASE)
                if found:
                    wrong.append(f"{path.relative_to(ROOT)}: {found[0]!r}: write {better!r}")
        self.assertEqual(wrong, [])

    def test_links(self):
        dead = []
        for page in files(*MARKDOWN):
            text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
            for target in re.findall(r"\]\(([^)\s]+)\)", text):
                path, _, anchor = target.partition("#")
                if "://" in target:
                    continue
                to = page.parent / path if path else page
                if not to.exists() or (anchor and anchor not in anchors(to)):
                    dead.append(f"{page.relative_to(ROOT)}: {target}")
        self.assertEqual(dead, [])

    def test_every_page_is_in_the_index(self):
        index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
        missing = [page.name for page in files("docs/*.md") if page.name != "README.md" and f"({page.name})" not in index]
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main()
