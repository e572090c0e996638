# SPDX-License-Identifier: GPL-3.0-or-later
"""A small strict reader and writer of the safetensors format (F32, F16, BF16).

File: 8-byte little-endian length of the header, JSON header padded with spaces
to a multiple of 8 bytes, then the tensors' bytes, little-endian, row-major,
without holes.  Values are torch tensors; the writer takes numpy arrays too.
"""

import json
import math
import struct

import numpy as np
import torch

# The key order is the file order: wide types first keeps every tensor aligned.
DTYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
MAX_HEADER = 100_000_000


def save(path, tensors, metadata=None):
    """Writes {name: tensor}, ordered by type, then by name: equal input, equal bytes."""
    tensors = {name: _as_tensor(value) for name, value in tensors.items()}
    rank = list(DTYPES)
    order = sorted(tensors, key=lambda name: (rank.index(NAMES[tensors[name].dtype]), name))
    header = {"__metadata__": metadata} if metadata else {}
    offset = 0
    for name in order:
        tensor = tensors[name]
        end = offset + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for name in order:
            file.write(_to_bytes(tensors[name]))


def load(path):
    """Reads {name: tensor}; raises ValueError for anything out of the ordinary."""
    with open(path, "rb") as file:
        data = file.read()
    header, body = _split(data)
    header.pop("__metadata__", None)
    for name, entry in header.items():
        _check_entry(name, entry)
    tensors = {}
    expected = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        if begin != expected:
            raise ValueError(f"{name}: begins at {begin}, the previous tensor ends at {expected}")
        tensors[name] = _from_bytes(name, entry, body[begin:end])
        expected = end
    if expected != len(body):
        raise ValueError(f"{len(body) - expected} bytes after the last tensor")
    return tensors


def _split(data):
    if len(data) < 8:
        raise ValueError("shorter than the header's length field")
    (length,) = struct.unpack_from("<Q", data)
    if length > min(MAX_HEADER, len(data) - 8):
        raise ValueError(f"header length {length} does not fit in the file")
    if data[8:9] != b"{":
        raise ValueError("the header is not a JSON object")
    header = json.loads(data[8:8 + length], object_pairs_hook=_unique)
    return header, data[8 + length:]


def _check_entry(name, entry):
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{name}: not a tensor's description")
    if entry["dtype"] not in DTYPES:
        raise ValueError(f"{name}: unsupported type {entry['dtype']}")
    for field in ("shape", "data_offsets"):
        if not isinstance(entry[field], list) or any(
                type(value) is not int or value < 0 for value in entry[field]):
            raise ValueError(f"{name}: {field} is not a list of sizes")
    if len(entry["data_offsets"]) != 2:
        raise ValueError(f"{name}: data_offsets is not a pair")


def _unique(pairs):
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key occurs twice in the header")
    return result


def _as_tensor(value):
    tensor = torch.from_numpy(value) if isinstance(value, np.ndarray) else value.detach()
    if tensor.dtype not in NAMES:
        raise ValueError(f"unsupported type {tensor.dtype}")
    return tensor.contiguous()


def _to_bytes(tensor):
    # numpy has no bfloat16, so that type goes through its 16 bits.
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.view(torch.int16)
    array = tensor.numpy()
    return array.astype(array.dtype.newbyteorder("<")).tobytes()


def _from_bytes(name, entry, raw):
    dtype = DTYPES[entry["dtype"]]
    shape = entry["shape"]
    size = 4 if dtype == torch.float32 else 2
    if len(raw) != math.prod(shape) * size:
        raise ValueError(f"{name}: {len(raw)} bytes for shape {shape} of {entry['dtype']}")
    array = np.frombuffer(raw, dtype="<i4" if size == 4 else "<i2").reshape(shape)
    return torch.from_numpy(array.copy()).view(dtype)
