# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns arrays of any other system (ONNX Runtime, TensorRT, ggml callbacks, ...) into a capture for `clip-parity diff`.

    npz_import.py ARRAYS.npz MAPPING.yaml -o FILE.h5

MAPPING (YAML, or JSON) names the array of each tap and the order of its axes:

    name: ort-fp16
    settings: {activation: quick, precision: fp16}
    provenance: {source: ONNX Runtime 1.17, config: model.json, checkpoint: model.safetensors}
    tokens: input_ids
    taps:
      pixels.normalized: {array: pixel_values, layout: NCHW}
      visual.conv1: {array: conv_out, layout: NCHW}
      visual.transformer.resblocks.{n}.ln_1: {array: "/visual/{n}/ln_1", layout: LNC}
      visual.transformer.resblocks.{n}.attn.q: {array: "/visual/{n}/q", layout: NHLD, scale: 8}
      logits_per_image: {array: logits_per_text, layout: PI}

{n} stands for the number of every block that has such an array. Letters of a layout: N input, L token, C channel; H
and W of a grid of patches, in place of L; H head and D channel of a head, in place of C; Q query and K key; I image and
P prompt; 1 an axis of length one. Without N there is one input. `scale` multiplies the values (a system that scales q
first), `dtype` (fp32, fp16, bf16) says what type they were computed in, where the array's own does not: bf16 may be
float32 or the 16 bits as uint16. `recomputed: true` marks what was computed from other arrays afterwards, not observed.
"""

import argparse
import json
import re
import sys

import numpy as np

import schema
import taps

FIELDS = {"array", "layout", "scale", "dtype", "recomputed"}
KEYS = {"name", "settings", "provenance", "tokens", "taps"}
FLOATS = {"float32": "fp32", "float64": "fp32", "float16": "fp16"}
# The letters of the canonical layout, by a tap's dimensions after the first.
CANONICAL = {("token", "channel"): "NLC", ("channel",): "NC", ("head", "query", "key"): "NHQK",
             ("colour", "y", "x"): "NCHW", ("prompt",): "IP"}


class Refused(Exception):
    """One line about the mapping or an array."""


def load_mapping(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        if path.endswith(".json"):
            mapping = json.loads(text)
        else:
            import yaml
            mapping = yaml.safe_load(text)
    except ImportError:
        raise Refused(f"{path}: YAML needs python3-yaml; JSON does not") from None
    except ValueError as error:
        raise Refused(f"{path}: {error}") from None
    except Exception as error:  # yaml.YAMLError, which is no ValueError
        raise Refused(f"{path}: {error}") from None
    if not isinstance(mapping, dict) or not isinstance(mapping.get("taps"), dict) or not mapping["taps"]:
        raise Refused(f"{path}: no taps")
    if set(mapping) - KEYS:
        raise Refused(f"{path}: unknown key '{sorted(set(mapping) - KEYS)[0]}', not one of {', '.join(sorted(KEYS))}")
    return mapping


def convert(arrays, mapping):
    """(schema.Capture, tokens or None) of arrays {name: array}."""
    found = {}
    for pattern, entry in mapping["taps"].items():
        if not isinstance(entry, dict) or not {"array", "layout"} <= set(entry) or set(entry) - FIELDS:
            raise Refused(f"{pattern}: not {{array: NAME, layout: LETTERS}}, with scale, dtype and recomputed where needed")
        for tap, name in expand(pattern, entry["array"], arrays):
            if tap in found:
                raise Refused(f"{tap}: two arrays")
            found[tap] = one(tap, arrays[name], entry, name)
    tokens = mapping.get("tokens")
    if tokens is not None and tokens not in arrays:
        raise Refused(f"tokens: no array '{tokens}'")
    capture = schema.Capture(mapping.get("name", "imported"), found, mapping.get("settings") or {})
    schema.check(capture)
    return capture, None if tokens is None else np.asarray(arrays[tokens])


def expand(pattern, name, arrays):
    """(tap, array) of one entry: several where both have {n}."""
    if "{n}" not in pattern:
        if name not in arrays:
            raise Refused(f"{pattern}: no array '{name}'")
        return [(pattern, name)]
    matches = [re.fullmatch(re.escape(name).replace(r"\{n\}", r"(\d+)", 1), array) for array in arrays]
    numbers = sorted(int(match[1]) for match in matches if match)
    if "{n}" not in name or not numbers:
        raise Refused(f"{pattern}: no array '{name}'")
    return [(pattern.replace("{n}", str(n)), name.replace("{n}", str(n))) for n in numbers]


def one(tap, array, entry, name):
    value, kind = floats(array, entry.get("dtype"), f"{tap}: array '{name}'")
    try:
        value = canonical(value, entry["layout"], tap)
    except KeyError:
        raise Refused(f"'{tap}' is no tap: see `clip-parity list taps`") from None
    scale = entry.get("scale", 1)
    recomputed = entry.get("recomputed", False)
    if not isinstance(recomputed, bool):
        raise Refused(f"{tap}: recomputed '{recomputed}' is not true or false")
    note = f"imported, times {scale}" if scale != 1 else "imported"
    return schema.Tap((value * np.float32(scale)).astype(np.float32), kind, note, recomputed)


def floats(array, kind, what):
    """(float32 array, arithmetic type)."""
    own = FLOATS.get(array.dtype.name)
    if kind == "bf16" and array.dtype == np.uint16:
        return (array.astype(np.uint32) << 16).view(np.float32), kind
    if own is None or kind not in (None, *schema.TYPES):
        raise Refused(f"{what}: {array.dtype} as {kind or 'it is'}; "
                      "expected float32, float16, or uint16 with dtype: bf16")
    return array.astype(np.float32), kind or own


def canonical(value, layout, tap):
    """The array in the tap's canonical layout, from the letters of its axes."""
    what = f"{tap}: layout '{layout}'"
    if not isinstance(layout, str) or len(layout) != value.ndim:
        raise Refused(f"{what} for an array of shape {value.shape}")
    ones = [axis for axis, letter in enumerate(layout) if letter == "1"]
    if any(value.shape[axis] != 1 for axis in ones):
        raise Refused(f"{what}: an axis '1' is longer in shape {value.shape}")
    value, letters = value.squeeze(tuple(ones)), layout.replace("1", "")
    target = CANONICAL[taps.describe(tap)[1][1:]]
    if "N" in target and "N" not in letters:
        value, letters = value[None], "N" + letters
    order, merge = target, None
    if target == "NLC" and set(letters) == set("NCHW"):
        order, merge = "NHWC", 1
    elif target == "NLC" and set(letters) == set("NLHD"):
        order, merge = "NLHD", 2
    if len(set(letters)) != len(letters) or set(letters) != set(order):
        raise Refused(f"{what}: the tap has {target}")
    value = value.transpose([letters.index(letter) for letter in order])
    if merge:
        value = value.reshape(*value.shape[:merge], -1, *value.shape[merge + 2:])
    return np.ascontiguousarray(value)


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    p.add_argument("arrays", metavar="ARRAYS.npz")
    p.add_argument("mapping", metavar="MAPPING.yaml")
    p.add_argument("-o", "--output", required=True, help=".h5 to write")
    args = p.parse_args(argv)
    try:
        mapping = load_mapping(args.mapping)
        with np.load(args.arrays, allow_pickle=False) as arrays:
            capture, tokens = convert({name: arrays[name] for name in arrays.files}, mapping)
        own = {key: value if isinstance(value, int) else str(value)
               for key, value in (mapping.get("provenance") or {}).items()}
        schema.write(args.output, [capture], {"libraries": schema.libraries(), **own},
                     [args.arrays, args.mapping], tokens)
    except (Refused, ValueError, OSError, AttributeError) as error:
        print(f"npz_import.py: {' '.join(str(error).split())}", file=sys.stderr)
        return 3
    print(f"{args.output}: {capture.name}, {len(capture.taps)} taps")
    return 0


if __name__ == "__main__":
    sys.exit(main())
