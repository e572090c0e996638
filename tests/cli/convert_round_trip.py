#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes into `convert` comes out: seeded models of random configs give the same content, bit for bit, run from the file with its
config and run from what was converted, which has nothing beside it.

    tests/cli/convert_round_trip.py CLIP_PARITY [COUNT]
"""

import json
import math
import random
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(sys.argv[1]).resolve()
COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 12
MOST_TOKENS = 49408


def optional(rng, key, *values):
    """The key with one of the values, or nothing."""
    return {key: rng.choice(values)} if rng.random() < 0.5 else {}


def tower(rng, quick):
    act = {} if quick else optional(rng, "act_kwargs", {"approximate": "tanh"}, {"approximate": "none"})
    return {"layers": rng.choice([1, 2]), "width": rng.choice([16, 32]), "mlp_ratio": rng.choice([2.0, 4.0, 3.7362]), **act,
            **optional(rng, "norm_kwargs", {"eps": 1e-6}), **optional(rng, "ls_init_value", 0.1),
            **optional(rng, "final_ln_after_pool", True)}


def random_config(rng):
    quick = rng.random() < 0.4
    text_pool = rng.choice([{}, {"pool_type": "last"}, {"pool_type": "first"}, {"pool_type": "eos", "eos_id": 49407}])
    preprocess = {**optional(rng, "mean", [0.5, 0.5, 0.5], [0.485, 0.456, 0.406]), **optional(rng, "std", [0.229, 0.224, 0.225]),
                  **optional(rng, "interpolation", "bilinear", "bicubic"), **optional(rng, "fill_color", 127),
                  **optional(rng, "resize_mode", "squash", "longest", "shortest")}
    return {"model_cfg": {
        "embed_dim": 8, "quick_gelu": quick, **optional(rng, "init_logit_bias", -10),
        "vision_cfg": {"image_size": 16, "patch_size": 8, "head_width": rng.choice([4, 8, 16]), **tower(rng, quick),
                       **optional(rng, "no_ln_pre", True), **optional(rng, "pool_type", "avg")},
        "text_cfg": {"context_length": 12, "vocab_size": MOST_TOKENS, "heads": rng.choice([2, 4]), **tower(rng, quick), **text_pool,
                     **optional(rng, "no_causal_mask", True), **optional(rng, "proj_bias", True)},
    }, "preprocess_cfg": preprocess}


def block_shapes(prefix, cfg):
    width, mlp = cfg["width"], int(cfg["width"] * cfg["mlp_ratio"])
    for layer in range(cfg["layers"]):
        p = f"{prefix}transformer.resblocks.{layer}."
        yield from ((p + name, shape) for name, shape in {
            "ln_1.weight": (width,), "ln_1.bias": (width,), "ln_2.weight": (width,), "ln_2.bias": (width,),
            "attn.in_proj_weight": (3 * width, width), "attn.in_proj_bias": (3 * width,), "attn.out_proj.weight": (width, width),
            "attn.out_proj.bias": (width,), "mlp.c_fc.weight": (mlp, width), "mlp.c_fc.bias": (mlp,),
            "mlp.c_proj.weight": (width, mlp), "mlp.c_proj.bias": (width,)}.items())
        if "ls_init_value" in cfg:
            yield from ((p + f"ls_{i}.gamma", (width,)) for i in (1, 2))


def shapes(config):
    """open_clip's tensors of class CLIP."""
    model = config["model_cfg"]
    v, t = model["vision_cfg"], model["text_cfg"]
    yield "visual.class_embedding", (v["width"],)
    yield "visual.positional_embedding", ((v["image_size"] // v["patch_size"]) ** 2 + 1, v["width"])
    yield "visual.conv1.weight", (v["width"], 3, v["patch_size"], v["patch_size"])
    for name in ("ln_post",) if "no_ln_pre" in v else ("ln_pre", "ln_post"):
        yield from ((f"visual.{name}.{part}", (v["width"],)) for part in ("weight", "bias"))
    yield "visual.proj", (v["width"], model["embed_dim"])
    yield from block_shapes("visual.", v)
    yield "token_embedding.weight", (t["vocab_size"], t["width"])
    yield "positional_embedding", (t["context_length"], t["width"])
    yield from ((f"ln_final.{part}", (t["width"],)) for part in ("weight", "bias"))
    if t.get("proj_bias"):
        yield "text_projection.weight", (model["embed_dim"], t["width"])
        yield "text_projection.bias", (model["embed_dim"],)
    else:
        yield "text_projection", (t["width"], model["embed_dim"])
    yield from block_shapes("", t)
    yield "logit_scale", ()
    if "init_logit_bias" in model:
        yield "logit_bias", ()


def write_weights(path, config, rng, scalars=None):
    """Random weights of the config as safetensors; `scalars` are values of tensors without dimensions."""
    header, data = {}, bytearray()
    for name, shape in shapes(config):
        count = math.prod(shape)
        centre = 1.0 if name.endswith(("ln_1.weight", "ln_2.weight", "ln_pre.weight", "ln_post.weight", "ln_final.weight")) else 0.0
        values = struct.pack(f"<{count}f", *((scalars or {}).get(name, centre + rng.gauss(0, 0.2)) for _ in range(count)))
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def run_program(*arguments):
    """Its standard output; AssertionError with what it says where it fails."""
    done = subprocess.run((PROGRAM, *arguments), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return done.stdout


def content(folder, model):
    """The content digest of a run of the model, with every tap in full."""
    experiment = {"experiment": "round-trip", "model": model, "candidates": {"same": {}}, "record": {"*": "full"}, "output": str(folder / "a.h5"),
                  "oracle": True, "floor": 0, "local": False,
                  "inputs": {"images": "reference/golden/pictures/orientation-1.jpg", "prompts": ["a coat", "two of a kind"]}}
    (folder / "e.yaml").write_text(json.dumps(experiment), encoding="utf-8")
    return next(line.split()[1] for line in run_program("run", "--force", folder / "e.yaml").splitlines() if line.startswith("content "))


def round_trip(seed, folder):
    rng = random.Random(seed)
    config = random_config(rng)
    (folder / "c.json").write_text(json.dumps(config), encoding="utf-8")
    write_weights(folder / "w.safetensors", config, rng)
    before = content(folder, {"config": str(folder / "c.json"), "checkpoint": str(folder / "w.safetensors")})
    for out in ("o.safetensors", "o.h5"):
        run_program("convert", folder / "w.safetensors", folder / out, "--config", folder / "c.json", "--force")
        after = content(folder, {"checkpoint": str(folder / out)})
        if after != before:
            raise AssertionError(f"seed {seed}, {out}: {before} became {after}\n{json.dumps(config)}")
    return before


def main():
    with tempfile.TemporaryDirectory() as folder:
        contents = {round_trip(seed, Path(folder)) for seed in range(COUNT)}
    if len(contents) != COUNT:
        raise AssertionError(f"{COUNT} configs gave {len(contents)} contents")
    print(f"{COUNT} random configs: the same content from both forms of each")


if __name__ == "__main__":
    main()
