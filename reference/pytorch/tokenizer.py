# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenAI's byte-pair tokenizer for CLIP, without ftfy.

ftfy repairs mojibake, curly quotes and the like before tokenizing.  It changes
nothing in printable ASCII text, and that is what this file is for.
"""

import gzip
import html
from functools import lru_cache

import regex
import torch

MERGE_COUNT = 49152 - 256 - 2
SOT, EOT = 49406, 49407
PATTERN = regex.compile(
    r"""<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+""",
    regex.IGNORECASE)


def byte_symbols():
    """A printable character for each byte, in the vocabulary's order."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    symbols = {byte: chr(byte) for byte in printable}
    symbols.update({byte: chr(256 + i) for i, byte in enumerate(others)})
    return symbols


class Tokenizer:
    def __init__(self, vocabulary_path):
        with gzip.open(vocabulary_path, "rt", encoding="utf-8") as file:
            lines = file.read().split("\n")
        merges = [tuple(line.split()) for line in lines[1:MERGE_COUNT + 1]]
        self.byte_symbols = byte_symbols()
        symbols = list(self.byte_symbols.values())
        symbols += [symbol + "</w>" for symbol in symbols]
        symbols += ["".join(merge) for merge in merges]
        symbols += ["<|startoftext|>", "<|endoftext|>"]
        self.ids = {symbol: i for i, symbol in enumerate(symbols)}
        self.ranks = {merge: i for i, merge in enumerate(merges)}
        self.bpe = lru_cache(maxsize=None)(self._bpe)

    def _bpe(self, token):
        """Merges the lowest-ranked adjacent pair until no pair is in the merge table."""
        if token in ("<|startoftext|>", "<|endoftext|>"):
            return [token]
        word = [*token[:-1], token[-1] + "</w>"]
        while len(word) > 1:
            best = min(zip(word, word[1:]), key=lambda pair: self.ranks.get(pair, MERGE_COUNT))
            if best not in self.ranks:
                break
            word = _merge(word, best)
        return word

    def encode(self, text):
        """The ids of a text, without SOT and EOT."""
        text = html.unescape(html.unescape(text)).strip()
        text = regex.sub(r"\s+", " ", text).strip().lower()
        ids = []
        for token in PATTERN.findall(text):
            token = "".join(self.byte_symbols[byte] for byte in token.encode("utf-8"))
            ids += [self.ids[symbol] for symbol in self.bpe(token)]
        return ids

    def __call__(self, texts, context_length=77):
        """(len(texts), context_length) ids: SOT, the text, EOT, zeros."""
        result = torch.zeros(len(texts), context_length, dtype=torch.int64)
        for row, text in zip(result, texts):
            ids = [SOT, *self.encode(text), EOT]
            if len(ids) > context_length:
                raise ValueError(f"{len(ids)} tokens, the context holds {context_length}: {text!r}")
            row[:len(ids)] = torch.tensor(ids)
        return result


def _merge(word, pair):
    """Every occurrence of the pair, left to right, becomes one symbol."""
    result = []
    i = 0
    while i < len(word):
        if tuple(word[i:i + 2]) == pair:
            result.append(word[i] + word[i + 1])
            i += 2
        else:
            result.append(word[i])
            i += 1
    return result
