#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every command line and every experiment of README and docs as it stands, in a clone's folder and from an installed prefix.

    /usr/bin/python3 tests/docs/command_lines.py CLIP_PARITY

The tutorial has a test of its own. What a line reads is made first (FILES), from the demo model. A line with words in capitals
for what a person has (`inspect FILE`) is compared with the command's --help. What needs other software is in ELSEWHERE, with what
runs it; a line that is new and fits nothing fails.
"""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted(page for page in (ROOT / "docs").glob("*.md") if page.name != "tutorial.md")]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^    ((?:\./build/release/)?clip-parity .*)$", re.MULTILINE)
INLINE = re.compile(r"`(clip-parity [a-z][^`]*)`")
TARGET = re.compile(r"`make ([a-z-]+)[^`]*`|^make ([a-z-]+)", re.MULTILINE)
STANDS_FOR = re.compile(r"(?<![\w.])[A-Z]{2,}[A-Z.|]*\b|\.\.\.|COMMAND|NAME\.yaml")
COMMANDS = {"run", "report", "diff", "check", "accept", "bisect", "classify", "inspect", "lint", "convert", "preprocess", "tokenize", "list",
            "completion", "capture"}
ELSEWHERE = {  # a line that begins so: what runs it
    "make ": "the test runs make; `make` itself is told by test_targets_exist",
    "export PATH=": "setUpClass",
    "C=reference/capture/": "golden.capture_scripts, where PyTorch is",
    "python3 $C ": "golden.capture_scripts, where PyTorch is",
    "docker ": "a machine with Docker",
    "cc activation.c": "cli.library",
}
BASE = """experiment: {name}
model: {{checkpoint: data/fashion-clip/open_clip_model.safetensors, config: data/fashion-clip/open_clip_config.json}}
inputs: {{images: data/fashion-clip/images/0000*.png, prompts: [a bag, a boot]}}
baseline: {{activation: {activation}}}
record: {{"*": full}}
"""


def lines():
    """(page, line) of all that a person would type."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for kind, block in FENCE.findall(text):
            if kind == "sh":
                yield from ((page, line) for line in block.splitlines() if line.strip())
        yield from ((page, line) for line in INDENTED.findall(text))
        for line in INLINE.findall(text):
            if line.split()[1] in COMMANDS and len(line.split()) > 2:
                yield page, " ".join(line.split())


def experiments():
    for page in PAGES:
        for kind, block in FENCE.findall(page.read_text(encoding="utf-8")):
            if kind == "yaml" and block.startswith("experiment:"):
                yield page, block


def bpe():
    """OpenAI's vocabulary as Hugging Face's tokenizers have it."""
    text = gzip.decompress((ROOT / "data/vocab/bpe_simple_vocab_16e6.txt.gz").read_bytes()).decode()
    merges = text.split("\n")[1:49152 - 256 - 2 + 1]
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters = [chr(byte) for byte in plain] + [chr(256 + n) for n in range(256 - len(plain))]
    words = [*letters, *(letter + "</w>" for letter in letters), *(merge.replace(" ", "") for merge in merges), "<|startoftext|>", "<|endoftext|>"]
    return {"type": "BPE", "end_of_word_suffix": "</w>", "vocab": {word: n for n, word in enumerate(words)}, "merges": merges}


class CommandLines(unittest.TestCase):
    program = None

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = Path(scratch.name) / "clone"
        prefix = Path(scratch.name) / "prefix"
        for folder in (cls.folder / "build/release", cls.folder / "results/runs", cls.folder / "path/to", prefix / "bin", prefix / "share/clip-parity"):
            folder.mkdir(parents=True)
        (cls.folder / "build/release/clip-parity").symlink_to(cls.program)
        shutil.copy(cls.program, prefix / "bin/clip-parity")
        for name in ("data", "experiments"):
            (cls.folder / name).symlink_to(ROOT / name)
            (prefix / "share/clip-parity" / name).symlink_to(ROOT / name)
        (cls.folder / "reference").symlink_to(ROOT / "reference")
        shutil.copytree(ROOT / "results/baselines", cls.folder / "results/baselines")
        (prefix / "bin/python3").symlink_to("/usr/bin/python3")
        cls.environment = os.environ | {"PATH": f"{prefix / 'bin'}:{os.environ['PATH']}"}
        cls.make_files()

    @classmethod
    def shell(cls, command):
        return subprocess.run(("bash", "-c", command), cwd=cls.folder, env=cls.environment, capture_output=True, text=True, check=False)

    @classmethod
    def make_files(cls):
        """What the pages' lines read."""
        for name, activation in (("A", "quick"), ("B", "erf"), ("theirs", "quick"), ("ours", "quick")):
            (cls.folder / "make.yaml").write_text(BASE.format(name=name, activation=activation), encoding="utf-8")
            done = cls.shell(f"clip-parity run make.yaml oracle=off output={name}.h5")
            assert done.returncode == 0, done.stderr
        (cls.folder / "make.yaml").rename(cls.folder / "my.yaml")
        (cls.folder / "port.yaml").write_text(BASE.format(name="port", activation="quick").replace(
            "{images: data/fashion-clip/images/0000*.png, prompts: [a bag, a boot]}", "{capture: theirs.h5}"), encoding="utf-8")
        done = cls.shell("clip-parity run experiments/quickgelu-vs-gelu.yaml inputs.limit=4 'inputs.prompts=[a bag]' inputs.labels=off")
        assert done.returncode == 0, done.stderr
        for name in ("model", "mine", "theirs"):
            (cls.folder / f"{name}.safetensors").symlink_to(ROOT / "data/fashion-clip/open_clip_model.safetensors")
        (cls.folder / "config.json").symlink_to(ROOT / "data/fashion-clip/open_clip_config.json")
        (cls.folder / "theirs.yaml").write_text("taps: {image_features: {dataset: captures/baseline/image_features/value}}\n", encoding="utf-8")
        Image.new("RGB", (80, 50), (9, 99, 200)).save(cls.folder / "photo.jpg")
        (cls.folder / "path/to/tokenizer.json").write_text(json.dumps({"model": bpe()}), encoding="utf-8")

    def test_every_line_runs(self):
        ran = set()
        for page, line in lines():
            if line in ran or STANDS_FOR.search(line.partition("#")[0]) or any(line.startswith(start) for start in ELSEWHERE):
                continue
            ran.add(line)
            with self.subTest(page=page.name, line=line):
                done = self.shell(f"set -o pipefail\n{line}")
                self.assertIn(done.returncode, (0, 1), done.stderr)
                self.assertTrue(done.stdout, done.stderr)
        self.assertGreater(len(ran), 15)

    def test_what_stands_for_something_is_of_the_command(self):
        seen = set()
        for page, line in lines():
            if not STANDS_FOR.search(line.partition("#")[0]) or "clip-parity" not in line or any(line.startswith(start) for start in ELSEWHERE):
                continue
            words = [word for word in re.split(r"[\s\[\]|,]+", line.partition("#")[0].partition(" | ")[0]) if word]
            at = next(n for n, word in enumerate(words) if word.endswith("clip-parity"))
            with self.subTest(page=page.name, line=line):
                if words[at + 1] not in COMMANDS:
                    self.assertIn(words[at + 1], ("COMMAND", "--help"))
                    continue
                shown = self.shell(f"clip-parity {words[at + 1]} --help")
                self.assertEqual(shown.returncode, 0, shown.stderr)
                for option in (word.partition("=")[0] for word in words if word.startswith("--")):
                    self.assertRegex(shown.stdout, rf"(?m)^ .*{re.escape(option)}\b")
                seen.add(words[at + 1])
        self.assertGreater(len(seen), 4)

    def test_every_experiment_can_be_planned(self):
        count = 0
        for page, text in experiments():
            with self.subTest(page=page.name, text=text):
                (self.folder / "page.yaml").write_text(text, encoding="utf-8")
                done = self.shell("clip-parity run --dry-run page.yaml")
                self.assertEqual(done.returncode, 0, done.stderr)
            count += 1
        self.assertGreater(count, 2)

    def test_targets_exist(self):
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        for page in PAGES:
            for words in TARGET.findall(page.read_text(encoding="utf-8")):
                target = words[0] or words[1]
                self.assertRegex(makefile, rf"(?m)^{re.escape(target)}:", page.name)


if __name__ == "__main__":
    CommandLines.program = os.path.abspath(sys.argv[1])
    unittest.main(argv=sys.argv[:1])
