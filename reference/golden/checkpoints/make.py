# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes one small CLIP in every form that checkpoints come in, beside README.md.

Needs Debian's python3-torch. From the repository's root:

    /usr/bin/python3 reference/golden/checkpoints/make.py
"""

import json
import platform
import sys
from collections import OrderedDict
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "reference/pytorch"))

import numpy as np  # noqa: E402
import torch  # noqa: E402

import clip  # noqa: E402
import safetensors  # noqa: E402
import seeded  # noqa: E402

SEED = 915
# What OpenAI's convert_weights makes half precision: https://github.com/openai/CLIP, clip/model.py
HALVED = ("conv1.weight", "in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias", "c_fc.weight",
          "c_fc.bias", "c_proj.weight", "c_proj.bias", "visual.proj", "text_projection")


def narrow(value):
    """Weights that float16 and bfloat16 both hold: 8 bits, and none below 2^-24."""
    return (value.bfloat16().float() * 2 ** 24).round() / 2 ** 24


def model():
    config = json.loads((ROOT / "reference/golden/captures/model.json").read_text())
    made = seeded.fill(clip.from_config(config), SEED)
    with torch.no_grad():
        for value in made.state_dict().values():
            value.copy_(narrow(value))
            assert torch.equal(value, value.half().float()) and torch.equal(value, value.bfloat16().float())
    return made.eval()


def views(state):
    """Every tensor a part of one storage, from the end of it on."""
    total = sum(value.numel() for value in state.values())
    storage = torch.zeros(total + 5)
    result, at = OrderedDict(), total
    for name, value in state.items():
        at -= value.numel()
        part = storage[at:at + value.numel()].view(value.shape)
        part.copy_(value)
        result[name] = part
    return result


def strided(state):
    """The same values in other orders: columns first, every second element, one element repeated."""
    result = OrderedDict()
    for name, value in state.items():
        if value.dim() > 1:
            order = list(reversed(range(value.dim())))
            result[name] = value.permute(order).contiguous().permute(order)
        elif value.dim() == 1 and torch.equal(value, value[:1].expand_as(value)):
            result[name] = value[:1].clone().expand_as(value)
        else:
            wide = torch.stack([value, value + 1], dim=-1)
            result[name] = wide[..., 0]
    return result


def script(state):
    """A traced module with OpenAI's keys, their dtypes and their three scalars."""
    made = model()
    mask = made.attn_mask
    del made.attn_mask
    made.attn_mask = mask  # no buffer: tracing makes it a constant
    for name, value in (("input_resolution", 16), ("context_length", 8), ("vocab_size", 64)):
        if hasattr(made, name):
            delattr(made, name)
        made.register_buffer(name, torch.tensor(value))
    pixels, tokens = torch.zeros(2, 3, 16, 16), torch.ones(2, 8, dtype=torch.int64)
    traced = torch.jit.trace_module(made, {"encode_image": (pixels,), "encode_text": (tokens,)}, check_trace=False)
    with torch.no_grad():
        for name, value in traced.named_parameters():
            if name.endswith(HALVED):
                value.data = value.data.half()
    return traced


def training(made):
    """What open_clip's training program saves, the optimizer over a few of the parameters."""
    parameters = [value for name, value in made.named_parameters() if "ln_final" in name]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3)
    for value in parameters:
        value.grad = torch.ones_like(value)
    before = {name: value.clone() for name, value in made.state_dict().items()}
    optimizer.step()
    made.load_state_dict(before)
    return {"epoch": 3, "name": "tiny", "state_dict": made.state_dict(), "optimizer": optimizer.state_dict(),
            "scaler": None, "best": 0.5}


def shards(arrays):
    names = sorted(arrays)
    halves = names[::2], names[1::2]
    weight_map = {}
    for number, half in enumerate(halves, 1):
        file = f"model-{number:05}-of-00002.safetensors"
        safetensors.save(HERE / file, {name: arrays[name] for name in half}, {"format": "pt"})
        weight_map.update({name: file for name in half})
    size = sum(value.numel() * 4 for value in arrays.values())
    index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(weight_map.items()))}
    (HERE / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")


def main():
    made = model()
    state = made.state_dict()
    plain = OrderedDict((name, value.clone()) for name, value in state.items())
    torch.save(state, HERE / "state-fp32.pt")
    for dtype, name in ((torch.float16, "fp16"), (torch.bfloat16, "bf16"), (torch.float64, "fp64")):
        torch.save(OrderedDict((key, value.to(dtype)) for key, value in plain.items()), HERE / f"state-{name}.pt")
    torch.save(training(model()), HERE / "training.pt")
    torch.save(torch.nn.DataParallel(model()).state_dict(), HERE / "dataparallel.pt")
    torch.save(dict(model().named_parameters()), HERE / "parameters.pt")
    torch.save(views(plain), HERE / "views.pt", pickle_protocol=4)
    torch.save(strided(plain), HERE / "strided.pt")
    script(plain).save(str(HERE / "script.pt"))
    arrays = {name: value.numpy() for name, value in plain.items()}
    np.savez(HERE / "arrays.npz", **arrays)
    np.savez_compressed(HERE / "packed.npz", **{
        name: np.array(value, np.float16, order="F") for name, value in arrays.items()})
    safetensors.save(HERE / "single.safetensors", plain, {"format": "pt", "clip_parity.note": "caf\u00e9 \"1\""})
    shards(plain)
    (HERE / "PROVENANCE.txt").write_text(
        f"made by reference/golden/checkpoints/make.py\npython {platform.python_version()}\n"
        f"torch {torch.__version__}\nnumpy {np.__version__}\n")


if __name__ == "__main__":
    main()
