# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes captures in the schema clip-parity/1: an HDF5 file that `clip-parity diff` reads beside its own results.

Needs NumPy and h5py; no PyTorch.
"""

import hashlib
import os
import platform
import re
import subprocess
import time
from dataclasses import dataclass, field

import h5py
import numpy as np

import taps

TEXT = h5py.string_dtype("utf-8")
CAPTURE_NAME = re.compile(r"[A-Za-z0-9_.+-]+")
TYPES = "fp32", "fp16", "bf16"
CHUNK_BYTES = 1 << 20


@dataclass
class Tap:
    """value: canonical layout. dtype: the type that the system computed it in. note: how, where that needs saying.

    recomputed: computed by the capture tool from other taps, not observed in the system.
    """
    value: np.ndarray
    dtype: str = "fp32"
    note: str = ""
    recomputed: bool = False


@dataclass
class Capture:
    """One forward pass. settings: what the specification differs in from the config's default, {address: value}."""
    name: str
    taps: dict
    settings: dict = field(default_factory=dict)
    images: list = None   # names of the images and prompts; None: their numbers
    prompts: list = None


def write(path, captures, provenance, files=(), tokens=None):
    """Writes PATH in one step: it is absent, as before, or complete.

    provenance: attributes of /provenance beside those that are found out here. files: paths of the inputs, or
    pairs (path, name to store). tokens: int (prompt, token).
    """
    for capture in captures:
        check(capture)
    partial = f"{path}.partial"
    try:
        with _create(partial) as file:
            _text(file, "schema", "clip-parity/1")
            _provenance(_group(file, "provenance"), provenance, files)
            if tokens is not None:
                _tokens(_group(file, "inputs"), np.asarray(tokens), captures[0].prompts)
            parent = _group(file, "captures")
            for capture in captures:
                _capture(_group(parent, capture.name), capture)
        os.replace(partial, path)
    except BaseException:
        if os.path.exists(partial):
            os.unlink(partial)
        raise


def check(capture):
    """ValueError where a capture does not fit the schema."""
    if not CAPTURE_NAME.fullmatch(capture.name):
        raise ValueError(f"capture '{capture.name}': a name has letters, digits, _ - . + alone")
    if not capture.taps:
        raise ValueError(f"capture '{capture.name}': no tap")
    lengths = {"image": capture.images and len(capture.images), "prompt": capture.prompts and len(capture.prompts)}
    for name, tap in capture.taps.items():
        dims = dimensions(name, tap.value.ndim)
        if tap.dtype not in TYPES:
            raise ValueError(f"{name}: arithmetic type '{tap.dtype}', not one of {', '.join(TYPES)}")
        for dim, length in zip(dims, tap.value.shape):
            if dim in lengths and (lengths[dim] or length) != length:
                raise ValueError(f"{name}: {length} {dim}s, elsewhere {lengths[dim]}")
            if dim in lengths:
                lengths[dim] = length


def dimensions(name, rank):
    """The names of a tap's dimensions; a norm after pooling has no tokens."""
    try:
        dims = taps.describe(name)[1]
    except KeyError:
        raise ValueError(f"'{name}' is no tap: see `clip-parity list taps`") from None
    if name in ("visual.ln_post", "ln_final") and rank == 2:
        return dims[0], dims[2]
    if rank != len(dims):
        raise ValueError(f"{name}: {rank} dimensions, not ({', '.join(dims)})")
    return dims


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def tool_version():
    """The project's, from its CMakeLists.txt."""
    try:
        with open(os.path.join(os.path.dirname(__file__), "../../CMakeLists.txt"), encoding="utf-8") as file:
            found = re.search(r"^project\(\S+ VERSION (\S+)", file.read(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else "unknown"


def commit_of(folder):
    """The commit of a source tree, or "unknown"."""
    try:
        found = subprocess.run(["git", "-C", folder, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return found.stdout.strip() if found.returncode == 0 else "unknown"


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def utc_time():
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(seconds) if seconds else time.time()))


# ---- HDF5 ----

def _ordered(kind):
    """A creation list of groups in order of creation, without time stamps: equal captures, equal bytes."""
    # h5py's track_order also orders attributes, which fails in groups of more than eight.
    plist = h5py.h5p.create(kind)
    plist.set_link_creation_order(h5py.h5p.CRT_ORDER_TRACKED | h5py.h5p.CRT_ORDER_INDEXED)
    plist.set_obj_track_times(False)
    return plist


def _create(path):
    # The format of HDF5 1.10: most taps are one chunk, which before had an index of 3 KB.
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(h5py.h5f.LIBVER_V110, h5py.h5f.LIBVER_V110)
    return h5py.File(h5py.h5f.create(os.fsencode(path), h5py.h5f.ACC_TRUNC, _ordered(h5py.h5p.FILE_CREATE), access))


def _group(parent, name):
    return h5py.Group(h5py.h5g.create(parent.id, name.encode(), gcpl=_ordered(h5py.h5p.GROUP_CREATE)))


def _text(item, name, value):
    item.attrs.create(name, value, dtype=TEXT)


def _provenance(group, own, files):
    facts = {"tool": "reference/capture", "version": tool_version(), "source": "unknown", "libraries": libraries(),
             "processor": processor(), "time": utc_time(), "threads": 1, "checkpoint": "", "config": "",
             "commit": "unknown", "compiler": "unknown", "flags": "unknown", "instruction_set": "unknown", **own}
    for name, value in facts.items():
        if isinstance(value, int):
            group.attrs[name] = np.int64(value)
        else:
            _text(group, name, value)
    listed = _group(group, "files")
    for number, entry in enumerate(files):
        path, stored = entry if isinstance(entry, tuple) else (entry, entry)
        _text(listed, f"{number:06d}", f"{sha256(path)} {stored}")


def libraries(*more):
    return ", ".join([*more, f"numpy {np.__version__}", f"h5py {h5py.__version__}"])


def _tokens(group, tokens, prompts):
    if tokens.ndim != 2 or tokens.dtype.kind not in "iu":
        raise ValueError("tokens: not integers (prompt, token)")
    if tokens.min(initial=0) < 0 or tokens.max(initial=0) >= 1 << 31:
        raise ValueError("tokens: an id is negative or does not fit in 32 bits")
    data = _dataset(group, "tokens", tokens.astype("<i4"), "token ids of each prompt")
    _scale(group, data, 0, "prompt", prompts)
    _scale(group, data, 1, "token", None)


def _capture(group, capture):
    _text(group, "settings", "\n".join(f"{address}: {value}" for address, value in capture.settings.items()))
    labels = {"image": capture.images, "prompt": capture.prompts}
    for name in sorted(capture.taps, key=lambda tap: taps.describe(tap)[0]):
        tap = capture.taps[name]
        own = _group(group, name)
        notes = ", ".join(note for note in (tap.note, "recomputed" if tap.recomputed else "") if note)
        long_name = taps.describe(name)[2] + (f" ({notes})" if notes else "")
        data = _dataset(own, "value", np.asarray(tap.value, "<f4"), long_name)
        _text(data, "arithmetic_dtype", tap.dtype)
        if tap.recomputed:
            data.attrs["recomputed"] = np.int64(1)
        for axis, dim in enumerate(dimensions(name, tap.value.ndim)):
            _scale(own, data, axis, dim, labels.get(dim))


def _dataset(group, name, value, long_name):
    rows = max(1, CHUNK_BYTES // max(1, value[:1].nbytes))
    chunks = (min(rows, len(value)), *value.shape[1:]) if value.size else None
    level = 9 if value.nbytes < CHUNK_BYTES else 1  # beyond the first, levels gain a percent and cost minutes
    filters = {"compression": "gzip", "compression_opts": level, "shuffle": True, "fletcher32": True} if chunks else {}
    data = group.create_dataset(name, data=value, chunks=chunks, track_times=False, **filters)
    _text(data, "long_name", long_name)
    _text(data, "units", "1")
    return data


def _scale(group, data, axis, name, labels):
    length = data.shape[axis]
    if name not in group:
        if labels:
            scale = group.create_dataset(name, data=list(labels), dtype=TEXT, track_times=False)
        else:
            scale = group.create_dataset(name, data=np.arange(length, dtype="<i4"), track_times=False)
        scale.make_scale(name)
    data.dims[axis].attach_scale(group[name])
