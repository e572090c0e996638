# SPDX-License-Identifier: GPL-3.0-or-later
"""What bash, zsh and fish offer for words typed so far, by the scripts of `clip-parity completion`. A shell that is not
installed is left out.

    /usr/bin/python3 tests/cli/completion.py PROGRAM
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM = str(Path(sys.argv.pop()).resolve())
ENVIRONMENT = {**os.environ, "PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}"}

BASH = """source <(clip-parity completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _clip_parity
printf '%s\\n' "${COMPREPLY[@]}"
"""
# What zsh would insert, from compadd and _files, to which completions come down.
ZSH = """
compdef() { }
compset() { local head=${PREFIX%%=*}; [[ $PREFIX == *=* ]] && PREFIX=${PREFIX#*=} }
_files() { local file; for file in $PREFIX*(N); do print -r -- $file; done }
_describe() { local word; for word in ${(P)3}; do word=${word//\\\\:/$'\\1'}; print -r -- ${${word%%:*}//$'\\1'/:}; done }
source <(clip-parity completion zsh)
words=("$@"); CURRENT=$#; PREFIX=${words[-1]}; _clip-parity
"""
FISH = 'clip-parity completion fish | source; complete -C "$argv"'


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT, stdin=subprocess.DEVNULL)
    assert done.stderr == "", done.stderr
    return done.stdout.splitlines()


class Shell:
    """Words of a command line, the last of which is being typed, to what is offered for it."""
    name = None

    def complete(self, *words):
        raise NotImplementedError


class Bash(Shell):
    name = "bash"

    def complete(self, *words):
        """bash separates words at = and :, and offers what stands behind the last of these."""
        pieces = [piece for word in words for piece in split(word)]
        head = words[-1][:len(words[-1]) - len(pieces[-1].strip("=:"))]
        return {head + offered for offered in run("bash", "-c", BASH, "bash", "clip-parity", *pieces) if offered}


class Zsh(Shell):
    name = "zsh"

    def complete(self, *words):
        return set(run("zsh", "-f", "-c", ZSH, "zsh", "clip-parity", *words))


class Fish(Shell):
    name = "fish"

    def complete(self, *words):
        line = " ".join(["clip-parity", *words])
        return {offered.split("\t")[0] for offered in run("fish", "--no-config", "-c", FISH, "--", line)}


def split(word):
    """As bash has it in COMP_WORDS."""
    pieces, piece = [], ""
    for c in word:
        if c in "=:":
            pieces += [piece] * bool(piece) + [c]
            piece = ""
        else:
            piece += c
    return pieces + [piece] * bool(piece or not pieces)


SHELLS = [shell for shell in (Bash(), Zsh(), Fish()) if shutil.which(shell.name)]


class Completion(unittest.TestCase):
    def offers(self, words, expected):
        for shell in SHELLS:
            with self.subTest(shell=shell.name, words=words):
                self.assertEqual(shell.complete(*words), set(expected))

    def offers_at_least(self, words, expected):
        for shell in SHELLS:
            with self.subTest(shell=shell.name, words=words):
                self.assertLessEqual(set(expected), shell.complete(*words))

    def test_commands(self):
        self.offers(["cl"], ["classify"])
        self.offers_at_least([""], ["run", "check", "list", "inspect", "completion"])
        self.offers(["nosuch", "a"], [])

    def test_options(self):
        self.offers(["run", "--f"], ["--force", "--from"])
        self.offers(["diff", "a.h5", "--map"], ["--map", "--map-a"])
        self.offers(["run", "--", "--f"], [])
        self.offers(["report", "--ht"], ["--html"])

    def test_values_of_options(self):
        self.offers(["run", "--color", "a"], ["auto", "always"])
        self.offers(["run", "--color=n"], ["--color=never"])
        self.offers(["run", "--color", "auto", "--co"], ["--color"])
        self.offers(["convert", "--activation", ""], ["quick", "erf", "tanh"])
        self.offers(["inspect", "--name", "ViT-B-32-q"], ["ViT-B-32-quickgelu"])
        self.offers(["tokenize", "--tokenizer", "hug"], ["huggingface"])
        self.offers(["bisect", "e.yaml", "--at", "image"], ["image_features"])
        self.offers(["classify", "--compare", "activation=er"], ["activation=erf"])
        self.offers(["diff", "--spec-a", "activation=erf,attention.comp"], ["activation=erf,attention.compute="])

    def test_taps(self):
        self.offers(["run", "--at", "visual.3.mlp.c_"], ["visual.3.mlp.c_fc", "visual.3.mlp.c_proj"])
        self.offers(["run", "--at=text_f"], ["--at=text_features"])
        self.offers(["run", "e.yaml", "graft.at=image_"], ["graft.at=image_features"])

    def test_arguments(self):
        self.offers(["list", ""], ["components", "taps", "families", "keys"])
        self.offers(["list", "taps", ""], [])
        self.offers(["completion", ""], ["bash", "zsh", "fish"])

    def test_keys(self):
        self.offers(["run", "e.yaml", "verdict.al"], ["verdict.alpha="])
        self.offers(["check", "inputs.l"], ["inputs.labels=", "inputs.limit="])
        self.offers(["run", "model."], [f"model.{key}=" for key in ("checkpoint", "config", "init", "seed", "name", "load_as",
                                                                  "pretrained", "force_quick_gelu", "image_size")])

    def test_values_of_keys(self):
        self.offers(["run", "isa=av"], ["isa=avx2", "isa=avx512"])
        self.offers(["run", "ledger="], ["ledger=auto", "ledger=on", "ledger=off"])
        self.offers(["run", "model.init="], ["model.init=counter", "model.init=open_clip"])
        self.offers(["run", "threads=a"], ["threads=auto"])
        self.offers(["run", "inputs.truncate="], ["inputs.truncate=on", "inputs.truncate=off"])
        self.offers(["run", "verdict.alpha="], [])

    def test_settings(self):
        self.offers(["run", "baseline.activation=e"], ["baseline.activation=erf"])
        self.offers(["run", "candidates.mine.norm.e"], ["candidates.mine.norm.eps="])
        self.offers(["bisect", "e.yaml", "layerwise.precision=pure_"], ["layerwise.precision=pure_fp16",
                                                                       "layerwise.precision=pure_bf16"])
        self.offers(["run", "baseline.activation@visual.3=qui"], ["baseline.activation@visual.3=quick"])
        self.offers(["preprocess", "p.png", "preprocess.fil"], ["preprocess.filter="])
        self.offers(["preprocess", "p.png", "activ"], [])

    def test_files(self):
        here = os.getcwd()
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "experiment.yaml").touch()
            Path(folder, "other.yaml").touch()
            os.chdir(folder)
            try:
                for words, expected in ((("run", "exp"), {"experiment=", "experiment.yaml"}), (("report", "oth"), {"other.yaml"}),
                                        (("check", "--junit", "oth"), {"other.yaml"})):
                    for shell in SHELLS:
                        # Where files are all that there is, bash's own completion names them.
                        own = {"other.yaml"} if shell.name == "bash" and expected == {"other.yaml"} else set()
                        self.assertEqual(shell.complete(*words) | own, expected, (shell.name, words))
            finally:
                os.chdir(here)
        self.offers(["report", "verdict.al"], [])


unittest.main()
