# SPDX-License-Identifier: GPL-3.0-or-later
"""One tower alone in every command, with the whole model's config, its own, the file's or none: it works, or one line says
why not.

    /usr/bin/python3 tests/containers/towers.py build/release/clip-parity
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import models
from models import safetensors

OWN = {"image": {"model_type": "clip_vision_model", "hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 2,
                 "num_attention_heads": 1, "image_size": 12, "patch_size": 4, "projection_dim": 8},
       "text": {"model_type": "clip_text_model", "hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 1,
                "num_attention_heads": 1, "projection_dim": 8, "vocab_size": 32, "max_position_embeddings": 6,
                "eos_token_id": 2}}
EXPERIMENT = """experiment: tower
model: {model}
inputs: {{synthetic: {{{what}s: 2}}}}
baseline: {{activation: quick}}
candidates: {{bf16: {{weights: bf16}}}}
oracle: 1
local: 1
floor: 1
output: {folder}/result.h5
"""
WHAT = {"image": "image", "text": "prompt"}


def run(program, *arguments):
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


def wrong(made, code, words=""):
    """None, or what is wrong: another exit code, or no line of its own that says these words."""
    lines = [line for line in made.stderr.splitlines() if line.startswith("clip-parity: ")]
    if made.returncode == code and (code == 0 or (len(lines) == 1 and words in lines[0])):
        return None
    return f"exit code {made.returncode}, not {code}: {made.stderr.strip()[-300:]}"


def in_every_command(program, folder, tower, checkpoint, config):
    """(command, what is wrong) of one file under one config, or None."""
    options = ["--config", config] if config else []
    model = {"checkpoint": str(checkpoint), **({"config": str(config)} if config else {})}
    for case, what in (("", WHAT[tower]), (" with the other tower's inputs", WHAT["text" if tower == "image" else "image"])):
        experiment = folder / "experiment.yaml"
        experiment.write_text(EXPERIMENT.format(model=json.dumps(model), what=what, folder=folder))
        expected = (3, f"are given, but the checkpoint has no {'vision' if what == 'image' else 'text'} tower") if case else (0,)
        for command in (("run", "--dry-run"), ("run",), ("bisect",)):
            (folder / "result.h5").unlink(missing_ok=True)
            yield " ".join(command) + case, wrong(run(program, command[0], experiment, *command[1:]), *expected)
    yield "inspect", wrong(run(program, "inspect", checkpoint, *options), 0)
    yield "inspect --json", wrong(run(program, "inspect", checkpoint, *options, "--json"), 0)
    picture = Path(__file__).resolve().parents[2] / "data/fashion-clip/images/00029-dress.png"
    yield "classify", wrong(run(program, "classify", "--model", checkpoint, *options, "--image", picture, "--prompt", "a",
                                "--prompt", "b"), 3, "tower")


def main():
    program = Path(sys.argv[1]).resolve()
    failures, count = [], 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = folder / "whole.json"
        whole.write_text(json.dumps(models.CONFIG))
        for tower, (state, _) in models.towers().items():
            kind = "image" if "image" in tower else "text"
            if "-" not in tower:
                continue
            own, checkpoint, converted = folder / "own.json", folder / "tower.safetensors", folder / "converted.safetensors"
            own.write_text(json.dumps(OWN[kind]))
            safetensors.save(checkpoint, state)
            for config in (whole, own, None):
                said = config.stem if config else "no config"
                made = wrong(run(program, "convert", checkpoint, converted, "--force", "--activation", "quick",
                                 *(["--config", config] if config else [])), 0)
                answers = [("convert", made), *in_every_command(program, folder, kind, checkpoint, config)]
                if not made:
                    answers += [("converted, " + command, what)
                                for command, what in in_every_command(program, folder, kind, converted, None)]
                count += len(answers)
                failures += [f"{tower}, {said}, {command}: {what}" for command, what in answers if what]
    print(*failures, sep="\n")
    print(f"{count} cases, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
