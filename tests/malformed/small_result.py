# SPDX-License-Identifier: GPL-3.0-or-later
"""A small result and a small capture to damage, and both digests once more, so that a damaged file can state its own.

The digests follow docs/result.md, in h5py: objects and attributes in order of names.
"""

import hashlib
import subprocess
from pathlib import Path

import h5py
import numpy as np

CONFIG = """{"embed_dim": 8,
 "vision_cfg": {"image_size": 8, "layers": 1, "width": 8, "head_width": 4, "patch_size": 4},
 "text_cfg": {"context_length": 6, "vocab_size": 49408, "width": 8, "heads": 2, "layers": 1}}
"""
EXPERIMENT = """experiment: small
model: {config: %s/small.json, init: counter, seed: 1}
inputs: {synthetic: {images: 2, prompts: 2, seed: 0}}
baseline: {activation: quick}
candidates: {erf: {activation: erf}}
record: {"*": off, "*.mlp.gelu": stats, "*_features": full, probs: full, visual.conv1: full}
oracle: on
local: 2
floor: 1
threads: 1
batch: 2
"""


def program(binary, *arguments, seconds=60):
    return subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True, errors="replace", timeout=seconds, check=False)


def write_result(binary, folder):
    """The path of a result that the program wrote there."""
    folder = Path(folder)
    (folder / "small.json").write_text(CONFIG, encoding="utf-8")
    (folder / "small.yaml").write_text(EXPERIMENT % folder, encoding="utf-8")
    path = folder / "small.h5"
    done = program(binary, "run", folder / "small.yaml", f"output={path}")
    assert done.returncode == 0, done.stderr
    return path


def write_capture(path, prompts=4, tokens=6, tokens_of=4, seed=0, rows=None):
    """A capture of a text tower: the taps have `prompts` inputs, /inputs/tokens is of `tokens_of`."""
    random = np.random.default_rng(seed)
    shapes = {"token_embedding": (prompts, tokens, 8), "transformer.resblocks.0": (prompts, rows or tokens, 8),
              "text_features": (prompts, 8), "image_features": (prompts, 8)}
    with h5py.File(path, "w") as file:
        file.attrs["schema"] = "clip-parity/1"
        for name, shape in shapes.items():
            value = file.create_dataset(f"captures/baseline/{name}/value", data=random.normal(size=shape).astype("<f4"))
            value.attrs["arithmetic_dtype"] = "fp32"
        file["inputs/tokens"] = random.integers(1, 1000, (tokens_of, tokens)).astype("<i4")
    return path


# ---- the digests ----

RUN, DIGESTS = {"fingerprint", "progress"}, {"content_digest", "provenance_digest"}
REFERENCES = {"DIMENSION_LIST", "REFERENCE_LIST"}


def _text(text):
    return (text if isinstance(text, bytes) else str(text).encode()) + b"\0"


def _type(type_id, shape):
    if isinstance(type_id, h5py.h5t.TypeStringID):
        head = _text("text")
    elif isinstance(type_id, h5py.h5t.TypeIntegerID):
        head = _text(f"{'signed' if type_id.get_sign() else 'unsigned'} {8 * type_id.get_size()}")
    else:
        head = _text(f"float {8 * type_id.get_size()}")
    return head + b"".join(_text(n) for n in shape) + _text("")


def _values(values):
    if isinstance(values, bytes):  # a scalar text
        return _text(values)
    values = np.asarray(values)
    if values.dtype.kind in "OU":
        return b"".join(_text(v) for v in values.ravel())
    return values.tobytes()


def _attributes(thing, root, provenance):
    for name in sorted(thing.attrs):
        if name in REFERENCES or (root and (name in DIGESTS or (name in RUN) != provenance)):
            continue
        attribute = thing.attrs.get_id(name)
        yield _text("attribute") + _text(name) + _type(attribute.get_type(), attribute.shape)
        value = thing.attrs[name]
        fixed = attribute.get_type().get_size() if value.__class__ is np.bytes_ else 0
        yield bytes(value).ljust(fixed, b"\0") if fixed else _values(value)


def _object(thing, path, provenance):
    dataset = isinstance(thing, h5py.Dataset)
    yield _text("dataset" if dataset else "group") + _text(path)
    if dataset:
        yield _type(thing.id.get_type(), thing.shape)
        if not h5py.h5ds.is_scale(thing.id):
            for dim in thing.dims:
                for scale in dim.values():
                    yield _text(h5py.h5ds.get_scale_name(scale.id))
        yield _values(thing[()])
    yield from _attributes(thing, path == "", provenance)
    if not dataset:
        for name in sorted(thing, key=str.encode):
            if path or (name == "provenance") == provenance:
                yield from _object(thing[name], f"{path}/{name}", provenance)


def _digest(file, provenance):
    digest = hashlib.sha256()
    for part in _object(file, "", provenance):
        digest.update(part)
    return digest.hexdigest()


def content_digest(file):
    return _digest(file, False)


def provenance_digest(file):
    return _digest(file, True)


def state_digest(file):
    """Has the file say what it holds now."""
    file.attrs.modify("content_digest", content_digest(file))
    file.attrs.modify("provenance_digest", provenance_digest(file))
