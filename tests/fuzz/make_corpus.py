# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the seeds of the fuzz targets, tests/fuzz/corpus: small valid files. Needs Debian's python3-torch.

    /usr/bin/python3 tests/fuzz/make_corpus.py
"""

import io
import json
import pickle
import shutil
import struct
import tempfile
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def seed(target, name, data):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def without_sums(archive):
    """Checksums of 0 are taken as right, so that contents may be changed."""
    data = bytearray(archive)
    at = data.find(b"PK\1\2")
    while at >= 0:
        data[at + 16:at + 20] = bytes(4)
        at = data.find(b"PK\1\2", at + 4)
    return bytes(data)


def saved(value, **options):
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def data_pkl(archive):
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return next(file.read(name) for name in file.namelist() if name.endswith("/data.pkl"))


class Inner(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.arange(16.0).reshape(4, 4))


class Outer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Inner()
        self.bias = torch.nn.Parameter(torch.ones(3).half())
        self.sizes = [1, 2]

    def forward(self, x):
        return x


def scripted():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.pt"
        torch.jit.script(Outer()).save(str(path))
        return path.read_bytes()


def torch_seeds():
    wide, half = torch.arange(16.0), torch.ones(3).half()
    state = OrderedDict(a=wide.reshape(4, 4), b=wide.reshape(4, 4).t(), c=half, d=wide[2:8:2], e=wide[:1].expand(3))
    forms = {
        "state": saved(state), "state4": saved(state, pickle_protocol=4),
        "training": saved({"epoch": 1, "state_dict": state, "loss": 0.5, "lr": (1e-3, None, True)}),
        "module": saved(torch.nn.DataParallel(Inner()).state_dict()),
        "parameter": saved({"a": torch.nn.Parameter(wide), "n": [1, 2 ** 40, -3]}), "script": scripted(),
    }
    for name, archive in forms.items():
        seed("zip", f"{name}.pt", without_sums(archive))
        seed("pickle", name, bytes([name == "script"]) + data_pkl(archive))
    seed("zip", "sums.pt", forms["state"])
    for name, save in (("arrays", np.savez), ("packed", np.savez_compressed)):
        buffer = io.BytesIO()
        save(buffer, a=np.arange(6, dtype=np.float16).reshape(2, 3), b=np.asfortranarray(np.eye(3)), c=np.float32(1))
        seed("zip", f"{name}.npz", without_sums(buffer.getvalue()))
    seed("pickle", "containers", b"\0" + pickle.dumps({"a": [1, (2, 3, 4, 5), {}], "b": None}, 2))


def safetensors_seeds():
    def write(name, entries, data):
        header = json.dumps(entries).encode()
        seed("safetensors", name, struct.pack("<Q", len(header)) + header + data)
    write("two", {"__metadata__": {"format": "pt"}, "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
                  "b.c": {"dtype": "F16", "shape": [], "data_offsets": [8, 10]}}, bytes(10))
    write("kinds", {name: {"dtype": dtype, "shape": [1], "data_offsets": [at, at + size]} for name, dtype, at, size in (
        ("a", "F64", 0, 8), ("b", "BF16", 8, 2), ("c", "I64", 10, 8), ("d", "I32", 18, 4), ("e", "U8", 22, 1))},
        bytes(23))
    seed("safetensors", "index", json.dumps({"metadata": {"total_size": 4, "x": [1.5e3, True, None, {"y": "z"}]},
                                             "weight_map": {"a": "a.safetensors", "b": "b.safetensors"}}).encode())


def tokenizer_seeds():
    """Texts that a tokenizer does something to, for each of the seven in turn; the first byte names it."""
    lines = (ROOT / "reference/golden/tokenizer/fragments.txt").read_bytes().split(b"\n")[:-1]
    texts = [line.decode("unicode_escape").encode("latin-1") for line in lines]
    for variant in range(7):
        seed("tokenizer", f"fragments-{variant}", bytes([variant]) + b" ".join(texts[variant::7]))


def main():
    shutil.rmtree(HERE / "corpus", ignore_errors=True)
    torch_seeds()
    safetensors_seeds()
    tokenizer_seeds()
    for file in sorted((ROOT / "data/configs").glob("*.json")) + [ROOT / "reference/golden/captures/model.json",
                                                                 ROOT / "data/fashion-clip/open_clip_config.json"]:
        seed("config", file.name, file.read_bytes())
    for name in ("quickgelu-vs-gelu", "attention-precision", "injected-faults"):
        seed("yaml", f"{name}.yaml", (ROOT / f"experiments/{name}.yaml").read_bytes())
    seed("yaml", "forms.yaml", b"a: [1, {b: 'c', \"d\\n\": ~}]\ne: |\n  text\n- \nf: &x 1\ng: *x\n")


if __name__ == "__main__":
    main()
