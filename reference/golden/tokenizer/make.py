# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes token ids of very many texts, by reference.py; where it is OpenAI's or open_clip's tokenizer, their own code
must give the same.

    digests.tsv     a line for each group of strings (strings.py) and tokenizer: the number of strings, of those
                    refused, and the SHA-256 of a line for each, its ids or "refused"
    prompts.tsv     a line for each prompt by openai, and for some by each tokenizer that differs: the tokenizer; the ids without
                    start and end, or "refused"; the prompt, with \\t \\n \\f \\r \\xNN and \\\\ for control characters
                    and the backslash
    PROVENANCE.txt  versions, and the SHA-256 of the sources

    NEWER_PYTHON harness/text/unicode/make.py --classes > classes.txt
    /usr/bin/python3 reference/golden/tokenizer/make.py --openai clip/simple_tokenizer.py \\
        --open-clip src/open_clip/tokenizer.py --ftfy FOLDER_OF_THE_PACKAGE --newer classes.txt
"""

import argparse
import gzip
import hashlib
import importlib.util
import itertools
import random
import sys
import unicodedata
from html.entities import html5
from pathlib import Path

from reference import Refused, SETTINGS, Tokenizer, load_ftfy, read_classes
from strings import all_strings, fragments, mixed

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
VOCABULARY = ROOT / "data/vocab/bpe_simple_vocab_16e6.txt.gz"
ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r",
           **{chr(c): f"\\x{c:02x}" for c in [*range(1, 9), 11, *range(14, 32), 127]}}

WORDS = ("a", "photo", "of", "the", "cat", "DOG", "Sneaker", "ankle-boot", "t-shirt", "don't", "I'LL", "they've",
         "we're", "it'd", "I'm", "y'all's", "'tis", "rock'n'roll", "2023", "3.14", "1e-5", "10,000", "x2", "b2b",
         "U.S.A.", "e.g.", "AT&T", "R&B", "&", "...", "!!!", "?!", "#hashtag", "@user", "$5.99", "100%", "50/50",
         "C++", "snake_case", "kebab-case", "CamelCase", "http://example.com/a?b=1&c=2", "<b>", "</b>", "<br/>",
         "(parenthesis)", "[bracket]", "{brace}", "\"quoted\"", "`tick`", "~", "^", "|", "\\", "*", "=", "+", ";",
         ":-)", "<3", "antidisestablishmentarianism", "qwertyuiop", "zzzzzz", "supercalifragilistic")
CONTRACTIONS = ("don't", "DON'T", "I'll", "I'LL", "we've", "WE'VE", "they're", "THEY'RE", "it's", "IT'S", "he'd",
                "HE'D", "I'm", "I'M", "'s", "''s", "'S's", "'sss", "'still", "'lllama", "'dd", "'mm", "'veve",
                "'revere", "'tt't", "!'s", "a''s", "1's", "'1s", "'' ''", "dogs'", "o'clock", "'90s", "x's'x",
                "can't've", "' s", "'", "''", "'ll'll", "'l", "'v", "'r", "'re", "'r'e")
SPACES = (" ", "  ", "\t", "\n", "\r\n", "\r", "\f", " \t \n ", "\n\n", " a", "a ", "  a  b  ", "\ta\tb\t",
          "\na\nb\n", "a\r\nb", "a\fb", "a\rb", "  a photo\n of a   FOX ", "a\t\t\tb   c\n\n\nd")
PUNCTUATION = ("...", "!!!", "?!?!", "--", "---", "----------", "***", "====", "::", ":::", "//", "\\\\", "##", "$$",
               "%%", "((", "))", "[[]]", "{}{}", "<>", "<<>>", "~~~", "^^", "__", "___", ".,;:!?", "!\"#$%&'()*+,-./",
               ":;<=>?@[\\]^_`{|}~", "a,b.c;d:e!f?g", "a--b", "a...b", "(a)", "a/b/c", "...a", "a...", ". . .", "*a*",
               ";&", "& ;", "a & b; c", "&&", "&;", "&&;", "& amp;", "# 1", "&_", "&1", "&-a", "a&b", "Q&A", "&zzz")
DIGITS = ("0", "00", "007", "123", "1234567890", "12:34:56", "2023-11-24", "1,000,000", "-1", "+1", "1.5", ".5", "1/2",
          "1st", "2nd", "a1b2c3", "1a2b", "4k", "v1.2.3", "0x1F", "1e10", "#1", "1 2 3", "1-2", "1_000")
MARKUP = ("<p>text</p>", "<a href=\"x\">y</a>", "<br>", "<br/>", "<!-- c -->", "<img src='a.png'/>", "<b><i>x</i></b>",
          "a < b > c", "1 < 2", "x <= y", "<", "</", "/>", "<|", "|>", "<|start", "start_of_text", "<start of text>",
          "<end_of_text", "endoftext", "<?xml?>", "$x$", "{{x}}", "%s", "%d%%", "C:\\dir\\n", "\\t", "\\n")
REFUSED = ("<|startoftext|>", "a <|endoftext|> b", "<|EndOfText|>", "<start_of_text>", "x<end_of_text>y", "&amp;",
           "&#65;", "&#65", "&#x41;", "&#X41", "a &lt; b", "&amp;amp;", "&eacute;", "caf&eacute", "&notit", "&copy2",
           "Black&White&ampx", "&AMP", "&frac12", "&hellip;", "a &rarr; b",
           "&CounterClockwiseContourIntegral;", "a\x0bb", "\x7f", "a\x1bb", "\x1b[1mx\x1b[0m", "\x1c",
           "a\x08b", "caf\u00e9", "don\u2019t", "\u00a0", "\ufb01")


def seeded(rng):
    """Sentences, runs of any printable character, words of random letters."""
    printable = [chr(c) for c in range(0x20, 0x7F)]
    for _ in range(90):
        yield " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 14)))
    for _ in range(60):
        yield "".join(rng.choice(printable) for _ in range(rng.randint(1, 24)))
    for _ in range(30):
        yield "".join(rng.choice("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ'") for _ in range(rng.randint(3, 40)))
    for _ in range(20):
        yield "".join(rng.choice(["'", "s", "T", "ll", " ", "re", "VE", "d", "1", "!"]) for _ in range(12))


def prompts():
    folder = ROOT / "data/fashion-clip"
    classes = (folder / "classes.txt").read_text().splitlines()
    templates = (folder / "templates.txt").read_text().splitlines()
    yield ""
    yield from (template.replace("{}", name) for name in classes for template in templates)
    yield from (chr(c) for c in range(0x20, 0x7F))
    for group in (CONTRACTIONS, SPACES, PUNCTUATION, DIGITS, MARKUP):
        yield from group
    for count in (1, 2, 73, 74, 75, 76, 77, 78, 100, 300):
        yield " ".join(["dog"] * count)
        yield "1" * count
    yield from ("a" * 200, "ab" * 300, "pneumonoultramicroscopicsilicovolcanoconiosis", "!" * 500, "x " * 511, "z" * 8191)
    yield from ("dog " * 74 + "supercalifragilisticexpialidocious", "dog " * 75 + "qzx", "A" * 77, "aB" * 39)
    yield from REFUSED
    yield from ("&" + name for name in html5 if not name.endswith(";"))
    yield from seeded(random.Random(20))
    yield from variety()


def variety():
    """What the tokenizers read in different ways."""
    yield from REFUSED
    yield from fragments()
    yield from (text for _, text in itertools.islice(mixed(), 150))


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def upstream(args):
    """The tokenizers of the libraries themselves."""
    opened, gzip.open = gzip.open, lambda path, *rest, **more: opened(VOCABULARY, *rest, **more)
    own = {"openai": load(args.openai, "openai"), "open_clip": load(args.open_clip, "open_clip")}
    own = {name: module.SimpleTokenizer(str(VOCABULARY)) for name, module in own.items()}
    gzip.open = opened  # open_clip's module opens its own copy of the vocabulary when it is imported
    return own


class Encoder:
    def __init__(self, args):
        ftfy, varies = load_ftfy(args.ftfy), read_classes(args.newer)
        self.upstream = upstream(args)
        self.tokenizers = {name: Tokenizer(name, VOCABULARY, ftfy, varies) for name in SETTINGS}

    def line(self, name, text):
        """The ids of a text, or "refused"."""
        try:
            ids = self.tokenizers[name].encode(text)
        except Refused:
            return "refused"
        if name in self.upstream and self.upstream[name].encode(text) != ids:
            raise SystemExit(f"{name}'s own code differs: {text!r}")
        return " ".join(map(str, ids))


def digests(encoder):
    groups = {}
    for group, text in all_strings():
        for name in SETTINGS:
            line = encoder.line(name, text)
            counts = groups.setdefault((group, name), [0, 0, hashlib.sha256()])
            counts[0] += 1
            counts[1] += line == "refused"
            counts[2].update(line.encode() + b"\n")
    return [(group, name, strings, refused, digest.hexdigest())
            for (group, name), (strings, refused, digest) in groups.items()]


def rows(encoder):
    others = frozenset(variety())
    for text in dict.fromkeys(prompts()):
        own = encoder.line("openai", text)
        lines = {name: encoder.line(name, text) for name in SETTINGS if text in others}
        for name, line in {"openai": own, **lines}.items():
            if name == "openai" or line != own:
                yield name, line, text.translate(str.maketrans(ESCAPES))


def write(path, table):
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in table), encoding="utf-8")
    return table


def provenance(args, table, literal):
    import ftfy
    import regex
    digest = lambda path: hashlib.sha256(path.read_bytes()).hexdigest()
    strings = sum(row[2] for row in table if row[1] == "openai")
    return "\n".join([
        "made by reference/golden/tokenizer/make.py",
        f"Python {sys.version.split()[0]}, Unicode {unicodedata.unidata_version}, regex {regex.__version__},"
        f" ftfy {ftfy.__version__}; newer classes from regex {args.newer.read_text().split()[0]}",
        f"digests.tsv: {strings} strings by {len(SETTINGS)} tokenizers; prompts.tsv: {len(literal)} lines",
        "the code of openai/CLIP and mlfoundations/open_clip gives the ids of openai and open_clip", "",
        f"{digest(args.openai)}  openai/CLIP {args.openai_commit} clip/simple_tokenizer.py",
        f"{digest(args.open_clip)}  mlfoundations/open_clip {args.open_clip_commit} src/open_clip/tokenizer.py",
        f"{digest(args.ftfy / 'fixes.py')}  rspeer/python-ftfy {args.ftfy_commit} ftfy/fixes.py",
        f"{digest(VOCABULARY)}  {VOCABULARY.relative_to(ROOT)}", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("openai", "open-clip", "ftfy"):
        parser.add_argument(f"--{name}", type=Path, required=True)
        parser.add_argument(f"--{name}-commit", default="(commit not given)")
    parser.add_argument("--newer", type=Path, required=True)
    args = parser.parse_args()
    encoder = Encoder(args)
    literal = write(HERE / "prompts.tsv", list(rows(encoder)))
    table = write(HERE / "digests.tsv", digests(encoder))
    (HERE / "PROVENANCE.txt").write_text(provenance(args, table, literal))


if __name__ == "__main__":
    main()
