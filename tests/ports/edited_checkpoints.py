#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edited copies of the demo model's checkpoint, each run under another summation order and compared with the model.

For each edit `clip-parity diff` must name every tensor that was edited as one of differing weights, and no other,
with the first element that differs and both values, and must not end with 0. Where the program can write causes
(diff --json FILE), one of them must be of the kind "weights" at the first tap that an edited tensor feeds.

    edited_checkpoints.py [--program clip-parity] [--json] [--keep FOLDER] [EDIT ...]

--json: fail where the program cannot write causes, instead of doing without them. Prints "N passed, N failed"; ends
with 1 if any failed. Run it from the project's folder.
"""
import argparse
import json
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

MODEL = Path("data/fashion-clip/open_clip_model.safetensors")
CONFIG = "data/fashion-clip/open_clip_config.json"
WIDTH, HEAD = 128, 64  # of the image tower
LINES = 8              # tensors that diff prints at most
DTYPES = {"F32": np.float32, "F16": np.float16}
BLOCK = "visual.transformer.resblocks.{}."

EXPERIMENT = """experiment: edited
model: {{checkpoint: {checkpoint}, config: {config}}}
inputs: {{images: [data/fashion-clip/images/00000-ankle-boot.png, data/fashion-clip/images/00001-pullover.png],
  prompts: [a photo of a bag, a photo of a dress]}}
baseline: {{linear.permute: {permute}}}
record: {{"*": full}}
oracle: off
output: {output}
"""


# ---- checkpoints ----

class Checkpoint(dict):
    """The tensors of a safetensors file, each with its own dtype."""

    @classmethod
    def read(cls, path):
        data = Path(path).read_bytes()
        length = struct.unpack("<Q", data[:8])[0]
        header, body = json.loads(data[8:8 + length]), data[8 + length:]
        self = cls()
        for name, entry in header.items():
            if name != "__metadata__":
                begin, end = entry["data_offsets"]
                array = np.frombuffer(body[begin:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
                self[name] = array.copy()
        return self

    def write(self, path):
        names = {np.dtype(v): k for k, v in DTYPES.items()}
        header, body = {}, b""
        for name, array in self.items():
            header[name] = {"dtype": names[array.dtype], "shape": list(array.shape),
                            "data_offsets": [len(body), len(body) + array.nbytes]}
            body += array.tobytes()
        text = json.dumps(header).encode()
        Path(path).write_bytes(struct.pack("<Q", len(text)) + text + body)


# ---- edits: each changes tensors in place; its tap is the first that they feed ----

EDITS = []


def edit(tap):
    return lambda function: EDITS.append((function.__name__, tap, function)) or function


def flip(array, index, bit):
    bits = array.view(np.uint16 if array.dtype == np.float16 else np.uint32)
    bits[index] ^= bits.dtype.type(1 << bit)


@edit(BLOCK.format(2) + "mlp.c_fc")
def one_wrong_bias(t):
    t[BLOCK.format(2) + "mlp.c_fc.bias"][7] += np.float16(0.25)


@edit(BLOCK.format(1) + "attn")
def a_whole_wrong_bias(t):
    t[BLOCK.format(1) + "attn.out_proj.bias"][:] = t[BLOCK.format(3) + "attn.out_proj.bias"]


@edit(BLOCK.format(4) + "mlp.c_proj")
def bias_lost(t):
    t[BLOCK.format(4) + "mlp.c_proj.bias"][:] = 0


@edit(BLOCK.format(0) + "attn.q")
def swapped_heads(t):
    for name in ("attn.in_proj_weight", "attn.in_proj_bias"):
        rows = t[BLOCK.format(0) + name].reshape(3, WIDTH // HEAD, HEAD, -1)
        rows[:] = rows[:, ::-1].copy()


@edit(BLOCK.format(3) + "attn")
def transposed_square_matrix(t):
    name = BLOCK.format(3) + "attn.out_proj.weight"
    t[name] = t[name].T.copy()


@edit(BLOCK.format(2) + "attn.q")
def q_and_k_swapped(t):
    for name in ("attn.in_proj_weight", "attn.in_proj_bias"):
        rows = t[BLOCK.format(2) + name].reshape(3, WIDTH, -1)
        rows[[0, 1]] = rows[[1, 0]].copy()


@edit("transformer.resblocks.1.attn.k")
def k_and_v_swapped_in_the_text_tower(t):
    rows = t["transformer.resblocks.1.attn.in_proj_weight"].reshape(3, 64, -1)
    rows[[1, 2]] = rows[[2, 1]].copy()


@edit(BLOCK.format(5) + "ln_2")
def norm_weight_and_bias_swapped(t):
    weight, bias = (BLOCK.format(5) + "ln_2." + part for part in ("weight", "bias"))
    t[weight], t[bias] = t[bias], t[weight]


@edit("visual.ln_pre")
def norm_of_another_place(t):
    t["visual.ln_pre.weight"][:] = t["visual.ln_post.weight"]
    t["visual.ln_pre.bias"][:] = t["visual.ln_post.bias"]


@edit(BLOCK.format(3) + "ln_1")
def a_block_twice(t):
    for name in [name for name in t if name.startswith(BLOCK.format(3))]:
        t[name][...] = t[name.replace(".3.", ".2.")]


@edit("visual.embed")
def positions_off_by_one(t):
    t["visual.positional_embedding"][:] = np.roll(t["visual.positional_embedding"], 1, axis=0)


@edit("embed")
def text_positions_reversed(t):
    t["positional_embedding"][:] = t["positional_embedding"][::-1].copy()


@edit(BLOCK.format(1) + "mlp.c_fc")
def a_nan(t):
    t[BLOCK.format(1) + "mlp.c_fc.weight"][100, 3] = np.nan


@edit(BLOCK.format(4) + "attn.v")
def a_low_mantissa_bit(t):
    flip(t[BLOCK.format(4) + "attn.in_proj_weight"], (2 * WIDTH + 5, 11), 0)


@edit("visual.ln_post")
def a_low_mantissa_bit_of_float32(t):
    flip(t["visual.ln_post.weight"], 64, 0)


@edit(BLOCK.format(0) + "mlp.c_proj")
def a_high_exponent_bit(t):
    flip(t[BLOCK.format(0) + "mlp.c_proj.weight"], (9, 400), 14)


@edit(BLOCK.format(2) + "attn")
def a_sign_flip(t):
    flip(t[BLOCK.format(2) + "attn.out_proj.weight"], (31, 31), 15)


@edit(BLOCK.format(5) + "mlp.c_fc")
def a_zeroed_row(t):
    t[BLOCK.format(5) + "mlp.c_fc.weight"][200] = 0


@edit("transformer.resblocks.2.mlp.c_proj")
def a_scaled_matrix(t):
    t["transformer.resblocks.2.mlp.c_proj.weight"] *= np.float16(1.125)


@edit("visual.embed")
def class_embedding_zeroed(t):
    t["visual.class_embedding"][:] = 0


@edit("visual.conv1")
def channels_reversed(t):
    t["visual.conv1.weight"][:] = t["visual.conv1.weight"][:, ::-1].copy()


@edit("text_projection")
def text_projection_transposed(t):
    t["text_projection"] = t["text_projection"].T.copy()


@edit("token_embedding")
def token_rows_swapped(t):
    a, b = 320, 1125  # "a" and "photo"
    t["token_embedding.weight"][[a, b]] = t["token_embedding.weight"][[b, a]].copy()


@edit("logits_per_image")
def logit_scale_changed(t):
    t["logit_scale"] += np.float32(0.01)


@edit("visual")
def projection_rounded(t):
    name = "visual.proj"  # as if through bfloat16
    bits = t[name].astype(np.float32).view(np.uint32)
    t[name] = ((bits + 0x8000) & 0xFFFF0000).astype(np.uint32).view(np.float32).astype(np.float16)


# ---- what diff must say ----

def differing(before, after):
    """Per tensor that differs in bits: elements, the first one's index and both values, in float32."""
    found = {}
    for name, a in before.items():
        a, b = a.astype(np.float32), after[name].astype(np.float32)
        apart = np.flatnonzero(a.ravel().view(np.uint32) != b.ravel().view(np.uint32))
        if apart.size:
            first = apart[0]
            index = [int(i) for i in np.unravel_index(first, a.shape)] if a.ndim else []
            found[name] = (int(apart.size), index, a.ravel()[first], b.ravel()[first])
    return found


LINE = re.compile(r"weights differ: (\S+?)(?: from element \[([\d, ]+)\] on)?: (\S+), (\S+) \((\d+) of \d+\)$")


def check_text(out, expected):
    """The problems of what diff printed."""
    named, more = {}, 0
    for line in out.splitlines():
        match = LINE.match(line)
        rest = re.match(r"weights differ: (\d+) more tensors?$", line)
        if match:
            name, index, a, b, count = match.groups()
            index = [int(i) for i in index.split(",")] if index else []
            named[name] = (int(count), index, np.float32(a), np.float32(b))
        elif rest:
            more = int(rest.group(1))
    problems = [f"{name} is named and was not edited" for name in named if name not in expected]
    if len(named) + more != len(expected) or len(named) < min(LINES, len(expected)):
        problems.append(f"{len(named)} tensors and {more} more, {len(expected)} were edited: {', '.join(expected)}")
    for name, (count, index, a, b) in named.items():
        if name in expected and not (expected[name][:2] == (count, index) and
                                     np.array_equal([a, b], expected[name][2:], equal_nan=True)):
            problems.append(f"{name}: {named[name]}, expected {expected[name]}")
    return problems


def check_causes(path, tap):
    causes = json.loads(Path(path).read_text(encoding="utf-8"))["causes"]
    taps = [cause["tap"] for cause in causes if cause["kind"] == "weights"]
    return [] if tap in taps else [f"no cause 'weights' at {tap}, but at {', '.join(taps) or 'no tap'}"]


# ---- running ----

def run(command, **more):
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True, check=False, **more)


def capture(program, folder, name, checkpoint, permute):
    experiment, output = folder / f"{name}.yaml", folder / f"{name}.h5"
    experiment.write_text(EXPERIMENT.format(checkpoint=json.dumps(str(checkpoint)), config=CONFIG, permute=permute,
                                            output=json.dumps(str(output))), encoding="utf-8")
    done = run([program, "run", experiment])
    if done.returncode:
        raise RuntimeError(f"run ends with {done.returncode}: {done.stderr.strip()}")
    return output


def check(args, folder, before, mine, case):
    name, tap, change = case
    after = Checkpoint((k, v.copy()) for k, v in before.items())
    change(after)
    checkpoint, causes = folder / f"{name}.safetensors", folder / f"{name}.json"
    after.write(checkpoint)
    theirs = capture(args.program, folder, name, checkpoint, 3)
    command = [args.program, "diff", mine, theirs, "--model-a", MODEL, "--model-b", checkpoint,
               "--force", "-o", folder / "diff.h5"]
    done = run(command + (["--json", causes] if args.json else []))
    problems = check_text(done.stdout, differing(before, after))
    if done.returncode != 1:
        problems.append(f"diff ends with {done.returncode}: {done.stderr.strip()[-300:]}")
    elif args.json:
        problems += check_causes(causes, tap)
    if not args.keep:
        for file in (checkpoint, theirs):
            file.unlink()
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="build/release/clip-parity")
    parser.add_argument("--json", action="store_true", help="causes must be written, too")
    parser.add_argument("--keep", metavar="FOLDER", help="where checkpoints and results stay")
    parser.add_argument("edits", nargs="*", metavar="EDIT")
    args = parser.parse_args()
    args.json = args.json or "unknown option '--json'" not in run([args.program, "diff", "--json", "x"]).stderr
    before, passed, failed = Checkpoint.read(MODEL), 0, 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(args.keep or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        mine = capture(args.program, folder, "mine", MODEL, 0)
        for case in EDITS:
            if args.edits and case[0] not in args.edits:
                continue
            problems = check(args, folder, before, mine, case)
            failed += bool(problems)
            passed += not problems
            for problem in problems:
                print(f"{case[0]}: {problem}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
