# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers, wrappers, prefixes and towers: wherever a model lies in a file, clip-parity finds the same bits.

    /usr/bin/python3 tests/containers/containers.py build/release/clip-parity

Each case is written by PyTorch or NumPy, converted by the program, and compared to the tensors that were saved.
"""

import argparse
import io
import json
import re
import subprocess
import sys
import tempfile
from collections import OrderedDict, defaultdict
from pathlib import Path

import models
import numpy as np
import torch
from models import safetensors

PREFIXES = ("", "module.", "_orig_mod.", "module._orig_mod.", "model.", "clip_model.", "base_model.model.",
            "model.module.clip.")
KEYS = ("state_dict", "model_state_dict", "model", "module", "ema", "net", "clip", "a_name_of_their_own")


# ---- containers ----

def save_safetensors(folder, state):
    safetensors.save(folder / "model.safetensors", state, {"format": "pt"})
    return folder / "model.safetensors"


def halves(state):
    names = sorted(state)
    return names[::2], names[1::2]


def save_sharded(folder, state, ending, write):
    weight_map = {}
    for number, half in enumerate(halves(state), 1):
        file = f"model-{number:05}-of-00002.{ending}"
        write({name: state[name] for name in half}, folder / file)
        weight_map.update({name: file for name in half})
    index = folder / f"model.{ending}.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))
    return index


def save_sharded_safetensors(folder, state):
    return save_sharded(folder, state, "safetensors", lambda part, path: safetensors.save(path, part))


def save_sharded_bin(folder, state):
    return save_sharded(folder, state, "bin", torch.save)


def save_torch(folder, what, protocol=2):
    torch.save(what, folder / "model.pt", pickle_protocol=protocol)
    return folder / "model.pt"


def save_npz(folder, state):
    np.savez(folder / "model.npz", **{name: value.numpy() for name, value in state.items()})
    return folder / "model.npz"


FLAT = {"safetensors": save_safetensors, "sharded safetensors": save_sharded_safetensors,
        "sharded bin": save_sharded_bin, "pt": save_torch, "pt, protocol 4": lambda f, s: save_torch(f, s, 4),
        "npz": save_npz}


# ---- what lies around a state dict in a pickle ----

class Settings:
    """Of a class that nobody else has."""

    def __init__(self):
        self.epochs, self.model = 3, "ViT"


def optimizer_state():
    parameter = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.AdamW([parameter])
    parameter.grad = torch.ones(3)
    optimizer.step()
    return optimizer.state_dict()


BESIDE = {
    "a loss": lambda: torch.tensor(0.5),
    "an optimizer": optimizer_state,
    "a NumPy scalar": lambda: np.float64(0.25),
    "a NumPy array": lambda: np.arange(4),
    "a namespace": lambda: argparse.Namespace(lr=1e-3, betas=(0.9, 0.98), name="x"),
    "a set": lambda: {"a", "b"},
    "a frozenset": lambda: frozenset((1, 2)),
    "bytes": lambda: b"abc",
    "a large integer": lambda: 2 ** 70,
    "an object": Settings,
    "a defaultdict": lambda: defaultdict(list, {"a": [1]}),
    "a random generator's state": torch.get_rng_state,
    "a device": lambda: torch.device("cpu"),
    "a dtype": lambda: torch.float16,
    "metrics": lambda: {"val/acc": torch.tensor(0.5), "..": torch.tensor(1.0)},
    "a complex number": lambda: torch.tensor(1j),
}


def module_of(state):
    """The nn.Module whose state dict it is, with what is in a module besides."""
    root = torch.nn.Module()
    for name, value in state.items():
        *path, last = name.split(".")
        at = root
        for part in path:
            if part not in at._modules:
                at.add_module(part, torch.nn.Module())
            at = at._modules[part]
        at.register_parameter(last, torch.nn.Parameter(value))
    root.register_buffer("attn_mask", torch.zeros(2, 2), persistent=False)
    root.mask = torch.zeros(3)  # no parameter, no buffer
    root.parent = [root]
    return root


class Scripted(torch.nn.Module):
    def __init__(self, module):
        super().__init__()
        for name, child in module.named_children():
            self.add_module(name, child)
        for name, value in module._parameters.items():
            self.register_parameter(name, value)

    def forward(self, x: torch.Tensor):
        return x


def save_script(folder, state):
    torch.jit.script(Scripted(module_of(state))).save(str(folder / "model.pt"))
    return folder / "model.pt"


# ---- cases: (name, function that writes it, what is expected) ----

class Case:
    def __init__(self, name, write, expected, key=None):
        self.name, self.write, self.expected, self.key = name, write, expected, key


def prefixed(state, prefix):
    return {prefix + name: value for name, value in state.items()}


def flat_cases():
    for tower, (state, lost) in models.towers().items():
        for prefix in PREFIXES:
            for container, write in FLAT.items():
                saved = prefixed(state, prefix)
                yield Case(f"{container}, {tower}, prefix '{prefix}'", lambda f, w=write, s=saved: w(f, s),
                           prefixed(state, lost))


def wrapped_cases():
    for tower, (state, lost) in models.towers().items():
        expected = prefixed(state, lost)
        for key in KEYS:
            for prefix in ("", "module."):
                what = {"epoch": 3, key: OrderedDict(prefixed(state, prefix)), "best": 0.5}
                yield Case(f"{tower} under {key}, prefix '{prefix}'", lambda f, w=what: save_torch(f, w), expected)
        deep = {"a": {"b": [0, {"c": prefixed(state, "module.")}]}, "loss": torch.tensor(1.0)}
        yield Case(f"{tower}, nested", lambda f, w=deep: save_torch(f, w), expected)
        yield Case(f"{tower} in a tuple", lambda f, s=state: save_torch(f, (s, 3)), expected)
        yield Case(f"{tower}, a module", lambda f, s=state: save_torch(f, module_of(s)), expected)
        yield Case(f"{tower}, a module under a key",
                   lambda f, s=state: save_torch(f, {"epoch": 1, "model": module_of(s)}, 4), expected)
        yield Case(f"{tower}, TorchScript", lambda f, s=state: save_script(f, s), expected)


def beside_cases():
    state = models.openai()
    for name, make in BESIDE.items():
        for protocol in (2, 4):
            for key in ("state_dict", "model"):
                yield Case(f"{name} beside {key}, protocol {protocol}",
                           lambda f, m=make, p=protocol, k=key: save_torch(f, {"other": m(), k: state, "more": m()}, p),
                           state)


# Keys that no tensor's name could hold, and how FILE#KEY names them.
ODD_KEYS = ((0, "0"), (True, "True"), (None, "None"), ("ema/0.999", "ema%2F0.999"), ("a\nb", "a%0Ab"), ("a..b", "a.%2Eb"), ("50%", "50%25"),
            ("ema#2", "ema#2"), ((1, 2), "key-1"), (0.5, "key-1"), ("größe", "größe"))


def chosen_cases():
    """Of two models in a file, each by its key."""
    for key, seed in (("model", 5), ("ema", 6)):
        both = {name: {"module." + n: v for n, v in models.openai(s).items()}
                for name, s in (("model", 5), ("ema", 6))}
        yield Case(f"#{key} of a pickle", lambda f, b=both: save_torch(f, b), models.openai(seed), key)
        flat = {**prefixed(models.openai(5), "model."), **prefixed(models.openai(6), "ema.")}
        yield Case(f"#{key} of a safetensors file", lambda f, b=flat: save_safetensors(f, b), models.openai(seed), key)
    for name, spelled in ODD_KEYS:
        odd = {"model": models.openai(5), name: models.openai(6)}
        yield Case(f"#{spelled} of a pickle", lambda f, b=odd: save_torch(f, b), models.openai(6), spelled)
    hashed = {**prefixed(models.openai(5), "model."), **prefixed(models.openai(6), "ema#2.")}
    yield Case("#ema#2 of a safetensors file", lambda f, b=hashed: save_safetensors(f, b), models.openai(6), "ema#2")
    beside = {**models.openai(5), **prefixed(models.openai(6), "ema.")}
    yield Case("# without a prefix", lambda f, b=beside: save_safetensors(f, b), models.openai(5), "")


def odd_cases():
    """Names and forms that are not the model's, and what is made of them."""
    whole, hugging = models.openai(), models.hugging_face(models.openai())
    turned = dict(hugging)
    patches = "vision_model.embeddings.patch_embedding.weight"
    turned[patches] = hugging[patches].permute(0, 2, 3, 1).contiguous()
    for container in ("safetensors", "pt"):
        yield Case(f"channels last, {container}", lambda f, c=container: FLAT[c](f, turned), hugging)
    for dtype in (torch.int64, torch.int32, torch.int16, torch.uint8, torch.bool, torch.float32, torch.float16):
        ids = torch.arange(10).to(dtype).unsqueeze(0)
        more = {**hugging, "vision_model.embeddings.position_ids": ids, "text_model.embeddings.position_ids": ids}
        yield Case(f"position_ids in {dtype}", lambda f, m=more: save_torch(f, m), hugging)
    inside = {name.replace("resblocks.", "resblocks._fsdp_wrapped_module.").replace("mlp.", "mlp._checkpoint_wrapped_module."):
              value for name, value in whole.items()}
    yield Case("wrappers inside", lambda f: save_torch(f, inside), whole)
    image = models.only(whole, "visual.")
    text = models.without(whole, *image)
    yield Case("a text tower that kept logit_scale", lambda f: save_torch(f, text), text)
    llava = {**prefixed(models.only(hugging, "vision_model."), "model.vision_tower.vision_tower."),
             "model.layers.0.self_attn.q_proj.weight": torch.zeros(2, 2), "lm_head.weight": torch.zeros(2, 2)}
    yield Case("LLaVA", lambda f: save_safetensors(f, llava), models.only(hugging, "vision_model."))
    diffusion = {**prefixed(models.only(hugging, "text_model."), "cond_stage_model.transformer."),
                 "model.diffusion_model.out.2.bias": torch.zeros(4), "first_stage_model.decoder.norm_out.bias": torch.zeros(4)}
    yield Case("Stable Diffusion", lambda f: save_torch(f, {"state_dict": diffusion}), models.only(hugging, "text_model."))


    yield Case("a loss beside the tensors", lambda f: save_torch(f, {**whole, "loss": torch.tensor(0.5)}), whole)
    averaged = {"n_averaged": torch.tensor(3), **prefixed(whole, "module.")}
    yield Case("torch.optim.swa_utils.AveragedModel", lambda f: save_torch(f, averaged), whole)
    named = {"model": whole, "optim": {"exp_avg": {name: value * 0 for name, value in whole.items()}}}
    yield Case("an optimizer's state by names", lambda f: save_torch(f, named), whole)
    for name, rows in (("positional_embedding", 4), ("token_embedding.weight", 20)):
        short = {**whole, name: whole[name][:rows].clone()}
        yield Case(f"{rows} rows of {name}", lambda f, s=short: save_safetensors(f, s), short)


def legacy(folder, what):
    torch.save(what, folder / "model.pt", _use_new_zipfile_serialization=False)
    return folder / "model.pt"


def text_file(content):
    def write(folder, _=None):
        (folder / "model.pt").write_bytes(content)
        return folder / "model.pt"
    return write


class Shell:
    def __reduce__(self):
        return (__import__("os").system, ("touch /tmp/clip-parity-was-executed",))


def lines():
    """Files without a model that can be computed, each with the line that says so."""
    whole, hugging = models.openai(), models.hugging_face(models.openai())
    one = torch.zeros(2, 2)
    two = {"model": whole, "ema": whole}
    yield "two models", lambda f: save_torch(f, two), \
        r"holds 2 models: model \(50 tensors\) and ema \(50 tensors\) \(expected one of them, chosen by its key: \S+model\.pt#ema\)"
    for name, spelled in ODD_KEYS:
        yield f"a model under {name!r} beside one", lambda f, n=name: save_torch(f, {"model": whole, n: whole}), \
            rf"holds 2 models: .*{re.escape(spelled)} \(50 tensors\)"
    yield "two models by number", lambda f: save_torch(f, {0: whole, 1: whole}), r"holds 2 models: 0 \(50 tensors\) and 1 \(50 tensors\)"
    encoders = {**prefixed(hugging, "conditioner.embedders.0.transformer."), **prefixed(whole, "conditioner.embedders.1.model.")}
    yield "two text encoders", lambda f: save_torch(f, encoders), \
        r"holds 2 models: conditioner\.embedders\.0\.transformer \(62 tensors\) and conditioner\.embedders\.1\.model"
    yield "a key that no model has", lambda f: str(save_torch(f, two)) + "#emma", \
        r"has no model of that key, but 2: model \(50 tensors\) and ema"
    yield "a vocabulary without its end", lambda f: save_torch(f, {**whole, "token_embedding.weight": one[:0]}), \
        r"token_embedding\.weight: shape \(0, 2\) does not match the config"
    yield "legacy", lambda f: legacy(f, whole), r"PyTorch's format before 1\.6 \(expected torch\.save\(torch\.load"
    yield "Git LFS", text_file(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"), r"is a Git LFS pointer.*git lfs pull"
    yield "HTML", text_file(b"<!DOCTYPE html>\n<html><body>Sign in</body></html>"), r"is an HTML page.*direct link"
    yield "a server's words", text_file(b"Entry not found"), r"is a text that begins with 'Entry not found'"
    yield "GGUF", text_file(b"GGUF\x03\0\0\0" + bytes(64)), r"is a GGUF file"
    yield "code", lambda f: save_torch(f, {"state_dict": whole, "hook": Shell()}), r"the name posix\.system is not allowed"
    named = {
        "timm": ({"visual.trunk.blocks.0.attn.qkv.weight": one, "text.token_embedding.weight": one}, r"timm"),
        "EVA": ({"visual.blocks.0.attn.q_bias": one, "visual.cls_token": one, "token_embedding.weight": one}, r"EVA"),
        "ResNet": ({**models.without(whole, *models.only(whole, "visual.")), "visual.conv1.weight": one,
                    "visual.layer1.0.conv1.weight": one}, r"ResNet"),
        "CoCa": ({**whole, "text_decoder.resblocks.0.ln_1.weight": one}, r"CoCa"),
        "SigLIP": ({**hugging, "vision_model.head.probe": one}, r"SigLIP"),
        "SigLIP in timm": ({"visual.trunk.attn_pool.latent": one, "text.token_embedding.weight": one}, r"SigLIP"),
        "BERT": ({"bert.embeddings.word_embeddings.weight": one}, r"BERT"),
        "a BERT beside a ViT": ({**models.only(whole, "visual."), "bert.embeddings.word_embeddings.weight": one}, r"BERT"),
        "LoRA": ({"base_model.model.text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight": one}, r"LoRA"),
        "LoRA of kohya": ({"lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": one}, r"LoRA"),
        "LoRA that is not merged": ({**hugging, "text_model.encoder.layers.0.self_attn.q_proj.lora_A.default.weight": one}, r"LoRA.*merge_and_unload"),
        "GmP": ({**whole, "visual.transformer.resblocks.0.mlp.c_fc.theta": one}, r"GmP"),
        "Long-CLIP": ({**whole, "positional_embedding_res": one}, r"Long-CLIP"),
        "bitsandbytes": ({**hugging, "text_model.encoder.layers.0.mlp.fc1.weight.absmax": one}, r"quantised"),
        "a ViT alone": ({"patch_embed.proj.weight": one, "blocks.0.norm1.weight": one}, r"timm"),
        "torch.ao": ({**whole, "transformer.resblocks.0.mlp.c_fc._packed_params._packed_params": one}, r"quantised"),
        "FSDP": ({"_flat_param": one}, r"FSDP"),
        "something else": ({"fc.weight": one}, r"no tensor of a CLIP among its 1, the first of which is fc\.weight"),
    }
    for name, (state, words) in named.items():
        for container in ("safetensors", "pt"):
            yield f"{name}, {container}", lambda f, c=container, s=state: FLAT[c](f, s), words
    for dtype, word in ((torch.int8, "int8"), (torch.qint8, "qint8")):
        quantised = dict(whole)
        weight = quantised["visual.proj"]
        quantised["visual.proj"] = (torch.quantize_per_tensor(weight, 0.1, 0, dtype) if dtype == torch.qint8
                                    else weight.to(dtype))
        yield f"weights in {word}", lambda f, s=quantised: save_torch(f, s), rf"{word} is not a dtype of weights.*dequantised"


# ---- judging ----

def convert(program, path, config, out):
    return subprocess.run([program, "convert", path, out, "--config", config, "--force"], capture_output=True, text=True, check=False)


def judge(case, program, folder, config):
    """What is wrong, or None."""
    path = str(case.write(folder)) + ("" if case.key is None else "#" + case.key)
    out = folder / "out.safetensors"
    made = convert(program, path, config, out)
    if made.returncode != 0:
        return f"exit code {made.returncode}: {made.stderr.strip()}"
    got = safetensors.load(out)
    out.unlink()
    if set(got) != set(case.expected):
        return f"names: {sorted(set(got) ^ set(case.expected))[:4]}"
    wrong = [name for name, value in case.expected.items() if not torch.equal(got[name], value)]
    return f"other bits in {wrong[:4]}" if wrong else None


def judge_line(write, words, program, folder, config):
    made = convert(program, str(write(folder)), config, folder / "out.safetensors")
    said = made.stderr.strip()
    if made.returncode != 3 or "\n" in said:
        return f"exit code {made.returncode}: {said}"
    return None if re.search(words, said) else f"says: {said}"


def main():
    program = Path(sys.argv[1]).resolve()
    failures, count = [], 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = folder / "config.json"
        config.write_text(json.dumps(models.CONFIG))
        for cases in (flat_cases, wrapped_cases, beside_cases, chosen_cases, odd_cases):
            for case in cases():
                count += 1
                wrong = judge(case, program, folder, config)
                if wrong:
                    failures.append(f"{case.name}: {wrong}")
        for what, write, words in lines():
            count += 1
            wrong = judge_line(write, words, program, folder, config)
            if wrong:
                failures.append(f"{what}: {wrong}")
    print(*failures, sep="\n")
    print(f"{count} cases, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
