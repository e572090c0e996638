# SPDX-License-Identifier: GPL-3.0-or-later
"""CLIP's tokenizers on Python's own Unicode, the module regex and ftfy: what harness/model/tokenizer*.c must equal.

A text that the C program refuses raises Refused here: ftfy takes it for mojibake, a character's class depends on
the version of Unicode, or Python itself refuses it.
"""

import functools
import gzip
import html
import sys
import types
import unicodedata

import regex

MERGES = 49152 - 256 - 2
START, END = 49406, 49407
OPENAI = ("<|startoftext|>", "<|endoftext|>")
OPEN_CLIP = ("<start_of_text>", "<end_of_text>")
CONTRACTIONS = "'s|'t|'re|'ve|'m|'ll|'d"
WORDS = CONTRACTIONS + r"|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
GPT2 = CONTRACTIONS + r"| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
SETTINGS = {  # cleaning, special strings, pattern, the last byte with </w>
    "openai": ("ftfy html", OPENAI, WORDS, True),
    "open_clip": ("ftfy html", OPEN_CLIP, WORDS, True),
    "huggingface": ("nfc", OPENAI, WORDS, True),
    "no_ftfy": ("html", OPENAI, WORDS, True),
    "gpt2_pattern": ("ftfy html", OPENAI, GPT2, False),
}


class Refused(Exception):
    pass


def load_ftfy(folder):
    """The package in that folder; it must not repair an encoding."""
    sys.path.insert(0, str(folder.resolve().parent))
    sys.modules.setdefault("wcwidth", types.SimpleNamespace(wcwidth=None, wcswidth=None))  # for its formatting alone
    import ftfy
    is_bad = ftfy.is_bad

    def refuse(text):
        if is_bad(text):
            raise Refused
        return False
    ftfy.is_bad = refuse
    return ftfy


def read_classes(path):
    """Points that are letters, numbers or marks for a newer regex, and nothing for unicodedata."""
    varies = set()
    for line in path.read_text().splitlines()[1:]:
        first, last, name = line.split()
        if name in "LNM":
            varies.update(range(int(first, 16), int(last, 16) + 1))
    return frozenset(chr(c) for c in varies if unicodedata.category(chr(c)) == "Cn")


def byte_symbols():
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {**{byte: chr(byte) for byte in printable}, **{byte: chr(256 + i) for i, byte in enumerate(others)}}


class Tokenizer:
    def __init__(self, name, vocabulary, ftfy, varies):
        self.cleaning, self.special, pattern, self.word_end = SETTINGS[name]
        self.ftfy, self.varies = ftfy, varies
        self.fast = name == "huggingface"
        special = "|".join(map(regex.escape, self.special))
        self.any_special = regex.compile(special, regex.IGNORECASE)
        self.exact_special = regex.compile(f"({special})")
        if self.fast:
            self.pattern = regex.compile(pattern)
        elif name == "gpt2_pattern":
            self.pattern = regex.compile(f"(?i:{special})|{pattern}")
        else:
            self.pattern = regex.compile(f"{special}|{pattern}", regex.IGNORECASE)
        with gzip.open(vocabulary, "rt", encoding="utf-8") as file:
            merges = [tuple(line.split()) for line in file.read().split("\n")[1:MERGES + 1]]
        self.bytes = byte_symbols()
        symbols = [*self.bytes.values(), *(s + "</w>" for s in self.bytes.values()), *map("".join, merges)]
        self.ids = {symbol: i for i, symbol in enumerate(symbols)}
        self.ranks = {merge: i for i, merge in enumerate(merges)}
        self.word = functools.lru_cache(maxsize=200000)(self._word)

    def _word(self, text):
        """The ids of one word."""
        symbols = [self.bytes[byte] for byte in text.encode()]
        if self.word_end:
            symbols[-1] += "</w>"
        while len(symbols) > 1:
            best = min(zip(symbols, symbols[1:]), key=lambda pair: self.ranks.get(pair, MERGES))
            if best not in self.ranks:
                break
            merged, i = [], 0
            while i < len(symbols):
                here = tuple(symbols[i:i + 2]) == best
                merged.append("".join(best) if here else symbols[i])
                i += 1 + here
            symbols = merged
        return [self.ids[symbol] for symbol in symbols]

    def clean(self, text):
        if "ftfy" in self.cleaning:
            text = self.ftfy.fix_text(text)
        if "html" in self.cleaning:
            try:
                text = html.unescape(html.unescape(text)).strip()
            except ValueError as error:  # int() of too many digits
                raise Refused from error
        if self.fast:
            for match in self.any_special.finditer(text):
                if match[0] not in self.special or text[match.end():match.end() + 1] == "\u0338":
                    raise Refused
            text = unicodedata.normalize("NFC", text)
        if not self.varies.isdisjoint(text):
            raise Refused
        text = regex.sub(r"\s+", " ", text).strip(" ")
        return "".join(c.lower() for c in text) if self.fast else text.lower()

    def encode(self, text):
        """The ids of a text, without start and end."""
        text = self.clean(text)
        sections = self.exact_special.split(text) if self.fast else [text]
        ids = []
        for section in sections:
            if section in self.special:
                ids.append(START + self.special.index(section))
                continue
            for word in self.pattern.findall(section):
                ids += [START + self.special.index(word)] if word in self.special else self.word(word)
        return ids
