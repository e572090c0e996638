#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""CLIP in NumPy, with a planted bug: the port of docs/tutorial.md.

    port.py OURS.h5 -o ARRAYS.npz [--half]

OURS.h5: a result of `clip-parity run`, for its pixels and token ids. --half: attention in float16.
"""

import argparse
import json

import h5py
import numpy as np

MODEL = "data/fashion-clip/open_clip_model.safetensors"
EPS = 1e-6
LAYERS, HEADS = {"visual": 6, "text": 4}, {"visual": 2, "text": 1}
saved = {}  # every intermediate tensor, by a name of our own: map.yaml says which tap each is


def save(name, value):
    saved[name] = value
    return value


def load_weights(path):
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header, data = json.loads(file.read(size)), file.read()
    types = {"F32": np.float32, "F16": np.float16}
    return {name: np.frombuffer(data[slice(*t["data_offsets"])], types[t["dtype"]]).reshape(t["shape"]).astype(np.float32)
            for name, t in header.items() if name != "__metadata__"}


def norm(x, name):
    centred = x - x.mean(-1, keepdims=True)
    variance = (centred * centred).mean(-1, keepdims=True)
    return centred / np.sqrt(variance + np.float32(EPS)) * W[f"{name}.weight"] + W[f"{name}.bias"]


def softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def quick_gelu(x):
    return x / (1 + np.exp(np.float32(-1.702) * x))


def linear(x, name):
    return x @ W[f"{name}.weight"].T + W[f"{name}.bias"]


def attention(x, name, base, heads, mask, half):
    qkv = x @ W[f"{base}.attn.in_proj_weight"].T + W[f"{base}.attn.in_proj_bias"]
    q, k, v = (save(f"{name}/{n}", part) for n, part in zip("qkv", np.split(qkv, 3, -1)))
    q, k, v = (a.reshape(*a.shape[:2], heads, -1).swapaxes(1, 2) for a in (q, k, v))
    if half:
        q, k, v = (a.astype(np.float16) for a in (q, k, v))
    scores = save(f"{name}/scores", q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1]).astype(q.dtype))
    probs = save(f"{name}/probs", softmax(scores if mask is None else scores + mask.astype(q.dtype)))
    context = save(f"{name}/context", (probs @ v).swapaxes(1, 2).reshape(x.shape))
    return save(f"{name}/attn", linear(context.astype(np.float32), f"{base}.attn.out_proj"))


def blocks(x, tower, prefix, mask, half):
    for n in range(LAYERS[tower]):
        name, base = f"{tower}/{n}", f"{prefix}transformer.resblocks.{n}"
        y = save(f"{name}/ln_1", norm(x, f"{base}.ln_1"))
        x = save(f"{name}/mid", x + attention(y, name, base, HEADS[tower], mask, half))
        y = save(f"{name}/ln_2", norm(x, f"{base}.ln_2"))
        y = save(f"{name}/gelu", quick_gelu(save(f"{name}/c_fc", linear(y, f"{base}.mlp.c_fc"))))
        x = save(f"{name}/out", x + save(f"{name}/c_proj", linear(y, f"{base}.mlp.c_proj")))
    return x


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def image(pixels, half):
    kernel = W["visual.conv1.weight"]
    size, grid = kernel.shape[-1], pixels.shape[-1] // kernel.shape[-1]
    patches = pixels.reshape(-1, 3, grid, size, grid, size).transpose(0, 2, 4, 1, 3, 5).reshape(-1, grid * grid, 3 * size * size)
    x = save("visual/conv1", patches @ kernel.reshape(len(kernel), -1).T)
    first = np.broadcast_to(W["visual.class_embedding"], (len(x), 1, x.shape[-1]))
    x = save("visual/embed", np.concatenate([first, x], 1) + W["visual.positional_embedding"])
    x = blocks(save("visual/ln_pre", norm(x, "visual.ln_pre")), "visual", "visual.", None, half)
    pooled = save("visual/pooled", save("visual/ln_post", norm(x, "visual.ln_post"))[:, 0])
    return save("visual/features", unit(save("visual/proj", pooled @ W["visual.proj"])))


def text(tokens, half):
    length = tokens.shape[1]
    x = save("text/tokens", W["token_embedding.weight"][tokens])
    x = save("text/embed", x + W["positional_embedding"][:length])
    mask = np.triu(np.full((length, length), -np.inf, np.float32), 1)
    x = save("text/ln_final", norm(blocks(x, "text", "", mask, half), "ln_final"))
    pooled = save("text/pooled", x[np.arange(len(x)), tokens.argmax(-1)])
    return save("text/features", unit(save("text/proj", pooled @ W["text_projection"])))


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    p.add_argument("ours", metavar="OURS.h5")
    p.add_argument("-o", "--output", required=True)
    p.add_argument("--half", action="store_true", help="attention in float16")
    args = p.parse_args()
    with h5py.File(args.ours) as file:
        ours = file["captures/baseline"]
        pixels, tokens = save("pixels", ours["pixels.normalized/value"][:]), save("tokens", file["inputs/tokens"][:])
        theirs = ours["probs/value"][:]
    logits = save("logits", np.exp(W["logit_scale"]) * image(pixels, args.half) @ text(tokens, args.half).T)
    probs = save("probs", softmax(logits))
    np.savez(args.output, **saved)
    same = (probs.argmax(-1) == theirs.argmax(-1)).sum()
    print(f"top-1 equal for {same} of {len(probs)} images; largest difference of a probability {abs(probs - theirs).max():.1e}")


W = load_weights(MODEL)
if __name__ == "__main__":
    main()
