# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes token ids of many prompts, by the tokenizers of OpenAI and open_clip themselves.

Both are imported from a checkout, both with ftfy, and must agree with each other and with
reference/pytorch/tokenizer.py:

    prompts.tsv     a line for each prompt: the number of tokens with start and end, or "refuse" where cleaning
                    changes the text or the two disagree; the ids, cut to 77 as open_clip does; the prompt,
                    with \\t \\n \\f \\r \\xNN and \\\\ for control characters and the backslash
    PROVENANCE.txt  versions, and the SHA-256 of the sources

    /usr/bin/python3 reference/golden/tokenizer/make.py --openai clip/simple_tokenizer.py \\
        --open-clip src/open_clip/tokenizer.py --ftfy FOLDER_OF_THE_PACKAGE
"""

import argparse
import hashlib
import html
import importlib.util
import random
import sys
from html.entities import html5
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
VOCABULARY = ROOT / "data/vocab/bpe_simple_vocab_16e6.txt.gz"
CONTEXT = 77
ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}

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


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tokenizers(args):
    """Each as a function from a text to ids without start and end; and open_clip's, which cuts and fills."""
    sys.path.insert(0, str(args.ftfy.resolve().parent))
    sys.path.insert(0, str(ROOT / "reference/pytorch"))
    import gzip
    opened, gzip.open = gzip.open, lambda path, *rest, **more: opened(VOCABULARY, *rest, **more)
    openai, open_clip = load(args.openai, "openai"), load(args.open_clip, "open_clip")
    first, second = openai.SimpleTokenizer(str(VOCABULARY)), open_clip.SimpleTokenizer(str(VOCABULARY))
    gzip.open = opened  # open_clip's module opens its own copy of the vocabulary when it is imported
    from tokenizer import Tokenizer
    return first.encode, second.encode, Tokenizer(VOCABULARY).encode, second


def row(text, openai, open_clip, ours, cut):
    """The line's fields for one prompt."""
    import ftfy
    ids = openai(text)
    plain = ftfy.fix_text(text).replace("\n", "") == text.replace("\r", "").replace("\n", "")
    if not text.isascii() or not plain or html.unescape(html.unescape(text)) != text or ids != open_clip(text):
        return "refuse", ""
    if ours(text) != ids:
        raise SystemExit(f"reference/pytorch/tokenizer.py differs: {text!r}")
    full = cut([text], CONTEXT)[0].tolist()
    count = len(ids) + 2
    if full[1:min(count, CONTEXT) - 1] != ids[:CONTEXT - 2] or any(full[count:]):
        raise SystemExit(f"open_clip's call differs: {text!r}")
    return str(count), " ".join(map(str, full[:count]))


def provenance(args, rows):
    import ftfy
    import regex
    refused = sum(count == "refuse" for count, _, _ in rows)
    digest = lambda path: hashlib.sha256(path.read_bytes()).hexdigest()
    return "\n".join([
        "made by reference/golden/tokenizer/make.py",
        f"Python {sys.version.split()[0]}, regex {regex.__version__}, ftfy {ftfy.__version__}",
        f"{len(rows)} prompts, {refused} of them refused",
        "openai/CLIP and mlfoundations/open_clip agree on every other prompt, and so does"
        " reference/pytorch/tokenizer.py", "",
        f"{digest(args.openai)}  openai/CLIP {args.openai_commit} clip/simple_tokenizer.py",
        f"{digest(args.open_clip)}  mlfoundations/open_clip {args.open_clip_commit} src/open_clip/tokenizer.py",
        f"{digest(args.ftfy / 'fixes.py')}  rspeer/python-ftfy {args.ftfy_commit} ftfy/fixes.py",
        f"{digest(VOCABULARY)}  {VOCABULARY.relative_to(ROOT)}", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("openai", "open-clip", "ftfy"):
        parser.add_argument(f"--{name}", type=Path, required=True)
        parser.add_argument(f"--{name}-commit", default="(commit not given)")
    args = parser.parse_args()
    functions = tokenizers(args)
    rows = [(*row(text, *functions), text) for text in dict.fromkeys(prompts())]
    escape = str.maketrans({**ESCAPES, **{c: f"\\x{ord(c):02x}" for c in "\x08\x0b\x1b\x1c\x7f"}})
    with open(HERE / "prompts.tsv", "w", encoding="utf-8") as file:
        for count, ids, text in rows:
            file.write(f"{count}\t{ids}\t{text.translate(escape)}\n")
    (HERE / "PROVENANCE.txt").write_text(provenance(args, rows))


if __name__ == "__main__":
    main()
