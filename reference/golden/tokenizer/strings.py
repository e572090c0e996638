# SPDX-License-Identifier: GPL-3.0-or-later
"""The groups of strings whose ids make.py hashes. tests/golden/test_tokenizer.c makes the same strings."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "pytorch"))
from counter import counter_hash, name_hash  # noqa: E402

SEED, MIXED, FRAGMENTS, NUMBERS, LONG = 20, 20000, 20000, 2048, 300
LENGTH_MAX, PARTS_MAX, LONG_BYTES = 24, 12, 6000


def draws(group, index, count):
    """The numbers that string `index` of a group is made with."""
    return [int(h) for h in counter_hash(SEED, name_hash(group), [index * 1024 + k for k in range(count)])]


def alphabet():
    return [tuple(int(word, 16) for word in line.split()[:2])
            for line in (HERE / "alphabet.txt").read_text().splitlines()]


def fragments():
    """A line each, with \\xNN for bytes that do not show, and \\\\."""
    return [line.decode("unicode_escape").encode("latin-1").decode()
            for line in (HERE / "fragments.txt").read_bytes().split(b"\n")[:-1]]


def around(code):
    c = chr(code)
    return f"A{c} {c}{c}1"


def points():
    """Every point of the first two planes, each 61st beyond; (group, string)."""
    for code in [*range(1, 0xD800), *range(0xE000, 0x20000)]:
        yield f"points-{code >> 12:02x}", around(code)
    for code in range(0x20000, 0x110000, 61):
        yield "points-beyond", around(code)


def mixed():
    ranges = alphabet()
    for i in range(MIXED):
        numbers = draws("mixed", i, LENGTH_MAX + 1)
        text = ""
        for h in numbers[1:2 + numbers[0] % LENGTH_MAX]:
            first, last = ranges[h % len(ranges)]
            text += chr(first + (h >> 8) % (last - first + 1))
        yield "mixed", text


def joined():
    parts = fragments()
    for i in range(FRAGMENTS):
        numbers = draws("fragments", i, PARTS_MAX + 1)
        yield "fragments", "".join(parts[h % len(parts)] for h in numbers[1:2 + numbers[0] % PARTS_MAX])


def is_plain(fragment):
    """Not one that may be mojibake beside another."""
    return not any(byte in b"\xc2\xc3\xc5\xcc\xce\xcf\xd0\xd1\xe2\xef<&" for byte in fragment.encode())


def long_texts():
    parts = list(filter(is_plain, fragments()))
    for i in range(LONG):
        text = ""
        for h in draws("long", i, 1024):
            part = parts[h % len(parts)]
            if len((text + part).encode()) > LONG_BYTES:
                break
            text += part
        yield "long", text


def entities():
    for name in (HERE / "entities.txt").read_text().split():
        for form in ("&{};", "&{}", "a&{}b", "&amp;{};x", "<&{};", "é&{};"):
            yield "entities", form.format(name)
        yield "entities", f"&{name.upper()};"


def numbers():
    for i in range(NUMBERS):
        number = i if i < NUMBERS // 2 else draws("numbers", i, 1)[0] % 0x120000
        for form in (f"&#{number};", f"&#x{number:x};", f"a&#{number}b", f"&#X{number:X}", f"&amp;#{number};"):
            yield "numbers", form


def all_strings():
    for group in (points, mixed, joined, long_texts, entities, numbers):
        yield from group()
