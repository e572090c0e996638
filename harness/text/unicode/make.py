# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the tables beside it: characters.h (classes, lower case, NFC), html.h (names of characters), ftfy.h
(what ftfy replaces) and mojibake.h (what it takes for mojibake).

    NEWER_PYTHON make.py --classes > classes.txt          (its module `regex` knows a newer Unicode)
    /usr/bin/python3 make.py --ftfy CHECKOUT/ftfy --newer classes.txt

Everything is asked of Python itself: regex for classes, str.lower, str.upper and unicodedata for the rest. A
character whose class is not the same for both versions of regex, and that unicodedata does not know, is VARIES.
"""

import argparse
import html
import importlib.util
import re
import sys
import unicodedata
from html.entities import html5
from pathlib import Path

import regex

HERE = Path(__file__).resolve().parent
POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def classes():
    """A letter for each point: L, N, S, M or O for others."""
    kinds = [(name, regex.compile(pattern)) for name, pattern in
             (("L", r"\p{L}"), ("N", r"\p{N}"), ("S", r"\s"), ("M", r"\p{M}"))]
    return {c: next((name for name, pattern in kinds if pattern.match(chr(c))), "O") for c in POINTS}


def runs(values):
    """(first, last, value) of neighbouring points with one value; values that are false are left out."""
    found = []
    for c, value in sorted(values.items()):
        if not value:
            continue
        if found and found[-1][1] == c - 1 and found[-1][2] == value:
            found[-1][1] = c
        else:
            found.append([c, c, value])
    return found


def table(kind, name, rows):
    lines, line = [], "   "
    for row in rows:
        if len(line) + len(row) + 2 > 110:
            lines.append(line)
            line = "   "
        line += f" {row},"
    return f"static const {kind} {name}[] = {{\n" + "\n".join([*lines, line]) + "\n};\n"


def point(c):
    return f"0x{c:x}"


def text(characters):
    return "{" + ", ".join(point(ord(c)) for c in characters) + "}"


def write(name, what, *parts):
    head = (f"/* SPDX-License-Identifier: GPL-3.0-or-later\n * Written by make.py: {what} */\n"
            "/* clang-format off */\n\n")
    (HERE / name).write_text(head + "\n".join(parts))


# ---- characters.h ----

def class_table(newer):
    own = classes()
    varies = {c for c in POINTS if unicodedata.category(chr(c)) == "Cn" and {own[c], newer[c]} - {"O"}}
    assert all(own[c] == newer[c] for c in POINTS if c not in varies)
    named = {c: "VARIES" if c in varies else {"L": "LETTER", "N": "NUMBER", "S": "SPACE"}.get(own[c]) for c in POINTS}
    named.update((c, "DECIMAL") for c in POINTS if chr(c).isdecimal())
    return table("struct class_run", "class_runs", (f"{{{point(a)}, {point(b)}, CP_{n}}}" for a, b, n in runs(named)))


def lower_table():
    """Runs of points with one distance to their lower case, every one or every second of them."""
    pairs = [(c, ord(chr(c).lower()) - c) for c in POINTS if len(chr(c).lower()) == 1 and chr(c).lower() != chr(c)]
    assert [c for c in POINTS if len(chr(c).lower()) > 1] == [0x130]
    rows = []
    for c, delta in pairs:
        if rows and rows[-1][3] == delta and c - rows[-1][1] in (1, 2) and rows[-1][2] in (0, c - rows[-1][1]):
            rows[-1][2] = c - rows[-1][1]
            rows[-1][1] = c
        else:
            rows.append([c, c, 0, delta])
    return table("struct lower_run", "lower_runs",
                 (f"{{{point(a)}, {point(b)}, {step or 1}, {delta}}}" for a, b, step, delta in rows))


def sigma_table():
    """What str.lower looks for around a capital sigma: it skips SKIPPED, and a CASED one decides."""
    def kind(c):
        if (chr(c) + "\u03a3").lower().endswith("\u03c2"):
            return "SIGMA_CASED"
        return "SIGMA_SKIPPED" if ("a" + chr(c) + "\u03a3").lower().endswith("\u03c2") else None
    return table("struct sigma_run", "sigma_runs",
                 (f"{{{point(a)}, {point(b)}, {n}}}" for a, b, n in runs({c: kind(c) for c in POINTS})))


def ccc_table():
    return table("struct ccc_run", "ccc_runs", (f"{{{point(a)}, {point(b)}, {n}}}" for a, b, n in
                                               runs({c: unicodedata.combining(chr(c)) for c in POINTS})))


def decomposition_tables():
    """One step of the canonical decomposition of each point; and which of them compose again, by their parts."""
    rows = []
    for c in POINTS:
        parts = unicodedata.decomposition(chr(c)).split()
        if parts and not parts[0].startswith("<"):
            rows.append((c, *(int(p, 16) for p in parts), 0)[:3])
    composed = [(first, second, c) for c, first, second in rows
                if second and unicodedata.normalize("NFC", chr(first) + chr(second)) == chr(c)]
    return (table("struct decomposition", "decompositions",
                  (f"{{{point(c)}, {point(a)}, {point(b)}}}" for c, a, b in rows)),
            table("struct composition", "compositions",
                  (f"{{{point(a)}, {point(b)}, {point(c)}}}" for a, b, c in sorted(composed))))


# ---- html.h ----

def html_table():
    """html5's names; and those that ftfy adds, as its chardata.py makes them."""
    rows = {name: (value, "false") for name, value in html5.items()}
    for name, value in html5.items():
        upper = name.upper()
        if name.endswith(";") and name == name.lower() and html.unescape("&" + upper) == "&" + upper:
            rows[upper] = (value.upper(), "true")
    assert max(len(value) for value, _ in rows.values()) <= 3
    return table("struct html_name", "html_names",
                 (f'{{"{name}", {text(value)}, {added}}}' for name, (value, added) in sorted(rows.items())))


def numeric_table():
    return (table("struct html_number", "html_numbers",
                  (f"{{{point(n)}, {point(ord(c))}}}" for n, c in sorted(html._invalid_charrefs.items()))),
            table("struct html_range", "html_dropped", (f"{{{point(a)}, {point(b)}}}" for a, b, _ in
                                                      runs({c: True for c in html._invalid_codepoints}))))


# ---- ftfy.h ----

def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def replacement_table(folder):
    """Ligatures, then widths, then quotes: character by character, so that one table does all three."""
    source = (folder / "chardata.py").read_text()
    chardata = {"re": re, "unicodedata": unicodedata, "html": html, "__name__": "chardata"}
    wanted = source[source.index("LIGATURES = {"):source.index("# Character classes that help us pinpoint")]
    exec(source[source.index("SINGLE_QUOTE_RE"):source.index("def _build_regexes")] + wanted, chardata)
    rows = []
    for c in POINTS:
        new = chr(c).translate(chardata["LIGATURES"]).translate(chardata["WIDTH_MAP"])
        new = chardata["SINGLE_QUOTE_RE"].sub("'", chardata["DOUBLE_QUOTE_RE"].sub('"', new))
        if new != chr(c):
            rows.append((c, new))
    assert max(len(new) for _, new in rows) <= 3
    return table("struct replacement", "replacements", (f"{{{point(c)}, {text(new)}}}" for c, new in rows))


def expand(parsed):
    """Every sequence of elements that a parsed pattern stands for."""
    sequences = [[]]
    for op, argument in parsed:
        name = str(op)
        if name == "BRANCH":
            choices = [s for branch in argument[1] for s in expand(branch)]
        elif name == "SUBPATTERN":
            choices = expand(argument[3])
        elif name == "MAX_REPEAT":
            low, high, inner = argument
            assert high <= 1
            choices = ([[]] if low == 0 else []) + expand(inner)
        elif name in ("LITERAL", "NOT_LITERAL"):
            choices = [[(frozenset([argument]), name == "NOT_LITERAL")]]
        elif name == "ANY":
            choices = [[(frozenset([10]), True)]]
        elif name == "AT":
            assert str(argument) == "AT_BEGINNING"
            choices = [["start"]]
        else:
            assert name == "IN", name
            choices = [[members(argument)]]
        sequences = [a + b for a in sequences for b in choices]
    return sequences


def members(items):
    points, negated = set(), False
    for op, argument in items:
        name = str(op)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            points.add(argument)
        elif name == "RANGE":
            points.update(range(argument[0], argument[1] + 1))
        elif str(argument) == "CATEGORY_SPACE":
            points.update(c for c in POINTS if chr(c).isspace())
        else:
            assert str(argument) == "CATEGORY_WORD" and len(items) == 1, items
            return "word"
    return frozenset(points), negated


def mojibake_tables(folder):
    """The sequences of ftfy's BADNESS_RE. An element is a set's number from 1 on, below 0 for what is not in it."""
    pattern = load(folder / "badness.py", "badness").BADNESS_RE
    sequences = expand(re._parser.parse(pattern.pattern, pattern.flags & re.VERBOSE))
    sets, rows = [], []
    for sequence in sequences:
        start = sequence[0] == "start"
        row = []
        for element in sequence[start:]:
            if element == "word":
                row.append("MOJIBAKE_WORD")
                continue
            points, negated = element
            if points not in sets:
                sets.append(points)
            row.append(str((sets.index(points) + 1) * (-1 if negated else 1)))
        rows.append(f"{{{'true' if start else 'false'}, {{{', '.join(row)}}}}}")
    assert len(sets) <= 128
    masks = {c: sum(1 << i for i, points in enumerate(sets) if c in points) for c in set().union(*sets)}
    return (table("struct mojibake_run", "mojibake_runs",
                  (f"{{{point(a)}, {point(b)}, {{0x{m % 2**64:x}, 0x{m >> 64:x}}}}}" for a, b, m in runs(masks))),
            table("struct mojibake_rule", "mojibake_rules", rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", action="store_true", help="print this Python's classes and stop")
    parser.add_argument("--newer", type=Path)
    parser.add_argument("--ftfy", type=Path)
    args = parser.parse_args()
    if args.classes:
        print(regex.__version__)
        for first, last, name in runs(classes()):
            print(f"{first:x} {last:x} {name}")
        return
    version, *lines = args.newer.read_text().splitlines()
    newer = {c: "O" for c in POINTS}
    for first, last, name in map(str.split, lines):
        newer.update((c, name) for c in range(int(first, 16), int(last, 16) + 1))
    asked = (f"Python {sys.version.split()[0]} (Unicode {unicodedata.unidata_version}), "
             f"regex {regex.__version__} and {version}.")
    write("characters.h", asked, class_table(newer), lower_table(), sigma_table(), ccc_table(),
          *decomposition_tables())
    write("html.h", f"html.entities of Python {sys.version.split()[0]}, and what ftfy 6.3.1 adds.", html_table(),
          *numeric_table())
    write("ftfy.h", "from chardata.py of ftfy 6.3.1 (Robyn Speer; Apache License 2.0).", replacement_table(args.ftfy))
    write("mojibake.h", "from badness.py of ftfy 6.3.1 (Robyn Speer; Apache License 2.0).",
          *mojibake_tables(args.ftfy))


if __name__ == "__main__":
    main()
