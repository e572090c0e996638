# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases without a port: what neither side computes, and real second systems. Each yields (what, faults of the answer)."""

import json
import re

import judge
import port
import taps
from answers import FAULTS

MODEL = "data/configs/vit-b-32-2-layers.json"
SYSTEMS = port.ROOT / "reference/golden/second_systems"
FULL = 300


def refused(diff, tap):
    """Both sides contradict the model that was given: exit code 3, one line with the first operation."""
    lines = [line for line in diff.err.splitlines() if line.startswith("clip-parity: ")]  # the others are progress
    faults = [] if diff.code == 3 else [f"exit code {diff.code}, not 3"]
    if len(lines) != 1:
        faults.append(f"{len(lines)} lines of errors")
    return faults + [f"{tap} is not named: {line}" for line in lines if not judge.lines_about(line, tap)]


def two_runs(mine, *settings):
    """Two faultless runs that differ in the order of their sums."""
    return mine.run("one-order", *settings), mine.run("another-order", "baseline={activation: quick, linear.permute: 1}",
                                                      *settings)


def wrong_model(program, mine):
    pair = two_runs(mine, "inputs.limit=2")
    diff = judge.run_diff(program, *pair, mine.folder, "--model", "data/fashion-clip-gelu/open_clip_model.safetensors")
    yield "another checkpoint", refused(diff, "visual.conv1")


def wrong_config(program, mine):
    config = json.loads((port.ROOT / port.CONFIG).read_text(encoding="utf-8"))
    config["model_cfg"]["vision_cfg"]["norm_kwargs"] = {"eps": 1e-3}
    path = mine.folder / "config.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    diff = judge.run_diff(program, *two_runs(mine, "inputs.limit=2"), mine.folder, "--config", path)
    wrong = refused(diff, "visual.ln_pre")
    if not re.search(r"1e-0?5", diff.err):
        wrong.append("the eps that explains it is not named")
    yield "another eps", wrong


def wrong_seed(program, mine):
    seeded = (f"model={{config: {MODEL}, init: counter, seed: 1}}",
              "inputs={synthetic: {images: 1, prompts: 1, seed: 0}}")
    pair = two_runs(mine, *seeded)
    yield "the right seed", judge.passes(judge.run_diff(program, *pair, mine.folder, "--seed", "1"))
    yield "another seed", refused(judge.run_diff(program, *pair, mine.folder, "--seed", "2"), "visual.conv1")


def declared_otherwise(program, mine):
    """A run of ours with another activation than is said of it."""
    for name, declared, computed in (("erf", "quick", "erf"), ("tanh_for_erf", "erf", "tanh")):
        fault = FAULTS[name]
        for precision in fault.precisions:
            ours, theirs = (mine.result(activation, precision, 2, 2) for activation in (declared, computed))
            diff = judge.run_diff(program, ours, theirs, mine.folder, "--spec-b",
                                  f"activation={declared},precision={precision}")
            yield f"{computed} for {declared} {precision}", judge.names_fault(
                diff, fault, "b", taps.names(6, 4), 2, precision != "fp32")


def second_systems(program, mine):
    """What PyTorch and ONNX Runtime computed of the first pictures of the demo."""
    ours = mine.result("quick", "fp32", 1, 1)
    for system in ("pytorch", "onnxruntime"):
        theirs = SYSTEMS / f"{system}.h5"
        yield system, judge.passes(judge.run_diff(program, ours, theirs, mine.folder), 45)
        yield f"{system} swapped", judge.passes(judge.run_diff(program, theirs, ours, mine.folder), 45)


CASES = {case.__name__: case for case in (declared_otherwise, wrong_model, wrong_config, wrong_seed, second_systems)}
