# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/*.md but what has a file of its own here, and CHANGELOG.md."""

import json
import re
import struct
import sys
import zlib

import numpy as np

from claim import ROOT, Claim, Excerpt, at_most
from runs import BUILD, figures

sys.path.insert(0, str(ROOT / "tests/ports"))

CLASSIFY, DIFF, GATE, CAPTURE = "docs/classify.md", "docs/diff.md", "docs/gate.md", "docs/capture.md"
SEEDS, PREPROCESS, TOKENIZER = "docs/seeds.md", "docs/preprocess.md", "docs/tokenizer.md"


# docs/diff.md

def edited_checkpoints(r):
    return figures(r"(\d+) passed, 0 failed", r.ctest("cli.edited_checkpoints"))


def weights_differ(r):
    """One weight of block 2 doubled."""
    from edited_checkpoints import MODEL, Checkpoint, capture
    edited = Checkpoint((k, v.copy()) for k, v in Checkpoint.read(MODEL).items())
    edited["visual.transformer.resblocks.2.attn.in_proj_weight"][130, 17] *= 2
    edited.write(r.folder / "edited.safetensors")
    mine, theirs = (capture(BUILD / "clip-parity", r.folder, *of) for of in (
        ("unedited", MODEL, 0), ("edited", r.folder / "edited.safetensors", 3)))
    return r.program("diff", mine, theirs, "--model-a", MODEL, "--model-b", r.folder / "edited.safetensors",
                     "-o", r.folder / "weights.h5", code=1)


def many_faults(_):
    """In words: the tens."""
    from answers import FAULTS  # NumPy and h5py, of tests/ports
    return {4: "forty", 5: "fifty", 3: "thirty"}[round(sum(bool(f.taps) for f in FAULTS.values()) / 10)]


def captures(r, settings):
    """Equivalent or identical, of all, largest error ratio; in bf16 how many are identical as well."""
    activation, precision = settings.split(", ")
    if precision == "fp32":
        return figures(rf"open_clip (?:activation: )?{activation}\S* fp32: (\d+) of (\d+) taps equivalent or identical; largest "
                       rf"error ratio ([\d.]+)", r.ctest("golden.captures"))
    return figures(rf"open_clip activation: {activation}, precision: bf16: (\d+) of (\d+) taps equivalent or identical, (\d+) "
                   rf"identical; largest error ratio ([\d.]+)", r.ctest("golden.captures"))


def second_system(name):
    """Taps of its module outputs that `diff` compares with ours, and passes."""
    return lambda r: figures(r"PASS \((\d+) of \d+ taps compared\)",
                             r.program("diff", r.mine(), f"reference/golden/second_systems/{name}.h5", "-o", r.folder / "s.h5"))


# docs/gate.md

def softmax_check(r):
    return r.program("check", "experiments/gate/quickgelu-vs-gelu.yaml", "baseline.attention.softmax=fp16",
                     f"output={r.folder}/softmax.h5", code=1)


def softmax_errors(r):
    return figures(r"visual\.0\.attn\.probs: error (\S+) times the accepted \((\S+) to (\S+)\)",
                   softmax_check(r).split("FAIL  erf")[0], kind=None)


def reordered(r):
    """(kind, moved) of each tap, spec and order of sums: how many times what is accepted an error then is."""
    runs = [r.experiment("quickgelu-vs-gelu", "inputs.limit=16", "local=16", "floor=0", 'record={"*": digest}',
                         f"baseline.linear.permute={order}").path for order in range(7)]
    accepted = r.folder / "order-0.yaml"
    r.program("accept", runs[0], "--baseline", accepted)
    moved = {"worst_token": [], "ulp": []}
    for path in runs[1:]:
        told = r.text("sh", "-c", f"{BUILD}/clip-parity check {path} --baseline {accepted} --json - || test $? = 1")
        for spec in json.loads(told[told.index("{"):])["specs"]:
            for tap in spec["taps"]:
                for kind, least in (("worst_token", 2.0**-24), ("ulp", 0.5)):
                    m = tap["kinds"].get(kind)
                    if m and m.get("value") is not None and m.get("accepted") is not None:
                        moved[kind].append(max(m["value"], least) / max(m["accepted"], least))
    return {kind: np.array(values) for kind, values in moved.items()}


def worst_tokens_moved(r):
    moved = reordered(r)["worst_token"]
    return [float(np.quantile(moved, 0.99)), float(moved.max()), moved.size]


def accepted_line(_):
    text = (ROOT / "results/baselines/gate-quickgelu-vs-gelu.yaml").read_text()
    return re.search(r"- visual\.ln_pre: \{bits: (\w+), worst_token: (\S+), error: (\S+) .*?, oracle: (\S+) ", text).groups()


def mutations(r):
    text = r.text("make", "mutations")
    return figures(r"(\d+) of (\d+) mutations change bits: (\d+) caught by digest; (\d+) make an error more than 2 k times what it "
                   r"was: (\d+) caught with digests off", text)


# docs/capture.md

def compared(r):
    text = r.python("reference/capture/compare.py", *sorted((ROOT / "reference/golden/captures").glob("*fp32.h5")))
    rows = re.findall(r"^  (\S+) +(\d\.\d\de[+-]\d\d) ", text, re.MULTILINE)
    return [max(float(d) for tap, d in rows if tap != "probs"), max(float(d) for tap, d in rows if tap == "probs")]


def faulty_captures(r):
    """What the capture script says of the demo model without its mask, and without its last norm."""
    demo = "data/fashion-clip/open_clip_"
    return "".join(r.python(
        "reference/capture/clip_capture.py", "--library", f"reference/capture/faulty_clip.py:{fault}", "--model", f"{demo}config.json",
        "--checkpoint", f"{demo}model.safetensors", "--inputs", r.mine(), "-o", r.folder / f"capture-{fault}.h5")
        for fault in ("no_causal", "no_ln_post"))


# docs/preprocess.md

def other_ulps(_):
    """Bytes that `reciprocal` makes another float32 of than `divide`."""
    x = np.arange(256, dtype=np.float32)
    return int((x / np.float32(255) != x * np.float32(1 / 255)).sum())


def grey_ramp(folder):
    """A PNG of the model's size, ViT-B/32's, that has every byte."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes((y * 224 + x) % 256 for x in range(224)) for y in range(224))
    path = folder / "ramp.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 224, 224, 8, 0, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return path


def fused(r):
    """Of the normalised values of all bytes in each colour: largest distance, how many differ, of how many."""
    values = []
    for how in ("two_steps", "fused"):
        r.program("preprocess", grey_ramp(r.folder), f"preprocess.normalize={how}", "-o", r.folder / f"{how}.npy")
        values.append(np.load(r.folder / f"{how}.npy").reshape(3, -1)[:, :256].astype(np.float64))
    return [float(abs(values[0] - values[1]).max()), int((values[0] != values[1]).sum()), values[0].size]


def rows_of(path, skip=1):
    return len((ROOT / path).read_text(encoding="utf-8").strip("\n").split("\n")) - skip


# docs/tokenizer.md

def tokenizer_strings(_):
    rows = [line.split("\t") for line in (ROOT / "reference/golden/tokenizer/digests.tsv").read_text().splitlines()]
    return [sum(int(row[2]) for row in rows if row[1] == "openai"), len({row[1] for row in rows})]


# CHANGELOG.md

BF16 = """
import torch
x, w = torch.randn(64, 512).bfloat16(), torch.randn(512, 256).bfloat16()
with torch.backends.mkldnn.flags(enabled=False):  # what PyTorch 1.13 does without AVX-512
    y, f = (x @ w).double(), x.double() @ w.double()
print(((y - f).norm() / (f.bfloat16().double() - f).norm()).item())
"""


def bf16_sums(r):
    """Error of a product over that of one rounding."""
    return "less precisely" if float(r.text("/usr/bin/python3", "-c", BF16)) > 2 else "as precisely"


CLAIMS = [
    Claim(CLASSIFY, r"with both activations, are within (\S+) of PyTorch's probabilities",
          lambda r: figures(r"rows, at most (\S+) from PyTorch's", r.ctest("cli.classify")), at_most),
    Claim(DIFF, r"checks this with (\d+) edited checkpoints", edited_checkpoints),
    Excerpt(DIFF, "weights differ:", weights_differ),
    Claim(DIFF, r"one of some (\w+) undeclared faults", many_faults),
    Claim(DIFF, r"^\| PyTorch 1\.13, module outputs.*PASS, (\d+) taps compared \|$", second_system("pytorch")),
    Claim(DIFF, r"^\| ONNX Runtime, the same.*PASS, (\d+) taps compared \|$", second_system("onnxruntime")),
    Claim(DIFF, r"^\| quick, fp32 \| ours, quick \| (\d+) of (\d+) equivalent or identical \| ([\d.]+) \|$",
          lambda r: captures(r, "quick, fp32")),
    Claim(DIFF, r"^\| erf, fp32 \| ours, erf \| (\d+) of (\d+) equivalent or identical \| ([\d.]+) \|$",
          lambda r: captures(r, "erf, fp32")),
    Claim(DIFF, r"^\| quick, bf16 \| ours, quick, `precision: bf16` \| (\d+) of (\d+) equivalent \(k = 3\) or identical \| "
          r"([\d.]+) \|$",
          lambda r: [captures(r, "quick, bf16")[i] for i in (0, 1, 3)]),
    Claim(DIFF, r"^\| erf, bf16 \| ours, erf, `precision: bf16` \| (\d+) of (\d+) identical:",
          lambda r: [captures(r, "erf, bf16")[i] for i in (2, 1)]),
    Claim("CHANGELOG.md", r"is matched to the bit at (every) tap",
          lambda r: "every" if captures(r, "erf, bf16")[1] == captures(r, "erf, bf16")[2] else "not every"),
    Claim("CHANGELOG.md", r"without AVX-512 PyTorch adds (less precisely) in bf16", bf16_sums, needs="PyTorch"),
    Excerpt(GATE, "FAIL  gate-quickgelu-vs-gelu:", softmax_check, indent="    "),
    Claim(GATE, r"`(\S+) times \((\S+) to (\S+)\)` is the mean ratio", softmax_errors),
    Claim(GATE, r"- visual\.ln_pre: \{bits: (\w+), worst_token: (\S+), error: (\S+) \.\.\., oracle: (\S+) \.\.\.\}", accepted_line),
    Claim(GATE, r"moved it ([\d.]+) times in 1 of 100 taps and at most ([\d.]+) times in ([\d,]+)", worst_tokens_moved, long=True),
    Claim(GATE, r"The same reruns moved it at most ([\d.]+) times", lambda r: float(reordered(r)["ulp"].max()), long=True),
    Claim(GATE, r"of (\d+) tried with seed 1, (\d+) changed bits; (\d+) of (\d+) were caught by digest\. (\d+) of them made an error "
          r"more than 2 k times what it was, by a computation of its own from the two result files; (\d+) of (\d+) were caught",
          lambda r: [mutations(r)[i] for i in (1, 0, 2, 0, 3, 4, 3)], long=True),
    Excerpt(CAPTURE, "text.0.attn: recomputed", faulty_captures, needs="PyTorch"),
    Claim(CAPTURE, r"tap of the committed captures is within (\S+), `probs` within (\S+)\. In bf16", compared, at_most),
    Claim(CAPTURE, r"ours \*\*bit for bit\*\* at all (\d+) taps", lambda r: figures(
        r"\d+ taps, (\d+) bit for bit", r.python("reference/capture/compare.py", "reference/golden/captures/erf-bf16.h5"))),
    Claim(SEEDS, r"oracle's features are within (\S+) of PyTorch float64's with the patches taken out; our float32 error is ([\d.]+) "
          r"times PyTorch float32's", lambda r: figures(r"oracle within (\S+) of PyTorch float64; our error ([\d.]+) times",
                                                       r.ctest("golden.seeds"))),
    Claim(SEEDS, r"has ([\d,]+) digests of what PyTorch drew",
          lambda r: figures(r"(\d+) draws and \d+ models", r.ctest("golden.torch_random"))),
    Claim(PREPROCESS, r"another ulp for (\d+) of the 256 bytes", other_ulps),
    Claim(PREPROCESS, r"fused: up to (\S+) apart for (\d+) of (\d+) values", fused),
    Claim(PREPROCESS, r"golden/preprocess`: (\d+) pictures by rule",
          lambda r: figures(r"(\d+) cases equal", r.ctest("golden.preprocess"))),
    Claim(PREPROCESS, r"golden/pictures`: (\d+) files of every kind", lambda r: rows_of("reference/golden/pictures/pictures.csv")),
    Claim(TOKENIZER, r"ids of ([\d,]+) strings by (\w+) tokenizers", tokenizer_strings),
    Claim(TOKENIZER, r"the ids of ([\d,]+) single rows", lambda r: rows_of("reference/golden/tokenizer/prompts.tsv", 0)),
]
