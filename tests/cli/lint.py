# SPDX-License-Identifier: GPL-3.0-or-later
"""lint on folders whose files agree, on the same with one contradiction planted, and on every tag of open_clip.

    /usr/bin/python3 tests/cli/lint.py CLIP_PARITY
"""

import copy
import csv
import json
import math
import random
import resource
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from convert_round_trip import PROGRAM, ROOT, shapes

OPENAI = ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])
WORDS = {(0.48145466, 0.4578275, 0.40821073): "OpenAI", (0.485, 0.456, 0.406): "ImageNet", (0.5, 0.5, 0.5): "0.5",
         (0.26862954, 0.26130258, 0.27577711): "OpenAI", (0.229, 0.224, 0.225): "ImageNet"}
MOST_SECONDS = 0.1
HF_NAMES = {"ln_1": "layer_norm1", "ln_2": "layer_norm2", "attn.out_proj": "self_attn.out_proj", "mlp.c_fc": "mlp.fc1",
            "mlp.c_proj": "mlp.fc2"}


def lint_text(*arguments):
    return subprocess.run((PROGRAM, "lint", *arguments), cwd=ROOT, capture_output=True, text=True, check=False)


def lint(*arguments):
    """And the processor time it took, which a busy machine does not change."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run((PROGRAM, "lint", *arguments, "--json"), cwd=ROOT, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


# ---- a folder whose files agree ----

def consistent(seed):
    """What the files of a folder hold, by name; "shapes" is the config that the weights have."""
    rng = random.Random(seed)
    side, act, eps = rng.choice([32, 48]), rng.choice(["quick_gelu", "gelu", "gelu_pytorch_tanh"]), rng.choice([1e-5, 1e-6])
    mean, std = rng.choice([OPENAI, ([0.5] * 3, [0.5] * 3)])
    bilinear, squash = rng.random() < 0.5, rng.random() < 0.5
    widths, layers = rng.choice([64, 128]), rng.choice([1, 2])
    extra = {"norm_kwargs": {"eps": eps}, **({"act_kwargs": {"approximate": "tanh"}} if act == "gelu_pytorch_tanh" else {})}
    open_clip = {
        "model_cfg": {
            "embed_dim": 32, "quick_gelu": act == "quick_gelu",
            "vision_cfg": {"image_size": side, "patch_size": 16, "layers": layers, "width": widths, "head_width": 64, "mlp_ratio": 4.0,
                           **extra},
            "text_cfg": {"context_length": 77, "vocab_size": 49408, "layers": layers, "width": 64, "heads": 1, "mlp_ratio": 4.0, **extra}},
        "preprocess_cfg": {"mean": mean, "std": std, "interpolation": "bilinear" if bilinear else "bicubic",
                           "resize_mode": "squash" if squash else "shortest"}}
    tower = {"num_hidden_layers": layers, "hidden_act": act, "layer_norm_eps": eps, "projection_dim": 32}
    hf = {"model_type": "clip", "projection_dim": 32,
          "vision_config": {**tower, "image_size": side, "patch_size": 16, "hidden_size": widths, "intermediate_size": 4 * widths,
                            "num_attention_heads": widths // 64},
          "text_config": {**tower, "hidden_size": 64, "intermediate_size": 256, "num_attention_heads": 1, "vocab_size": 49408,
                          "max_position_embeddings": 77, "eos_token_id": rng.choice([2, 49407])}}
    size = {"height": side, "width": side}
    processor = {"image_processor_type": "CLIPImageProcessor", "resample": 2 if bilinear else 3, "image_mean": mean, "image_std": std,
                 "size": size if squash else {"shortest_edge": side}, "crop_size": size, "do_center_crop": not squash}
    files = {"open_clip_config.json": open_clip, "config.json": hf, "preprocessor_config.json": processor,
             "tokenizer_config.json": {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "eos_token": "<|endoftext|>"},
             "tokenizer.json": {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}]},
                                "model": {"type": "BPE", "vocab": {f"t{i}": i for i in range(0, 49406, 997)}},
                                "added_tokens": [{"id": 49406, "content": "<|startoftext|>"}, {"id": 49407, "content": "<|endoftext|>"}]},
             "shapes": copy.deepcopy(open_clip), "metadata": {}}
    if seed % 4 == 1:
        files["processor_config.json"] = {"processor_class": "CLIPProcessor", "image_processor": processor}
    if seed % 4 == 2:
        files["metadata"] = {"clip_parity.activation": {"quick_gelu": "quick", "gelu": "erf"}.get(act, "tanh"),
                             "clip_parity.config": open_clip}
    if seed % 4 == 3:
        hf.update(text_config_dict=copy.deepcopy(hf["text_config"]), vision_config_dict=None)
    return files


def hf_tensors(config):
    """The same weights under transformers' names, q, k and v apart; (in, out) projections transposed."""
    for name, shape in shapes(config):
        tower = "vision_model" if name.startswith("visual.") else "text_model"
        tail = name.removeprefix("visual.")
        if tail.startswith("transformer.resblocks."):
            layer, _, tail = tail.removeprefix("transformer.resblocks.").partition(".")
            prefix = f"{tower}.encoder.layers.{layer}."
            if tail.startswith("attn.in_proj_"):
                yield from ((f"{prefix}self_attn.{part}_proj.{tail.removeprefix('attn.in_proj_')}", (shape[0] // 3, *shape[1:])) for part in "qkv")
            else:
                stem, _, kind = tail.rpartition(".")
                yield f"{prefix}{HF_NAMES[stem]}.{kind}", shape
        else:
            yield from hf_outer(tower, name, shape)


def hf_outer(tower, name, shape):
    plain = {"visual.class_embedding": "vision_model.embeddings.class_embedding",
             "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
             "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight", "visual.proj": "visual_projection.weight",
             "token_embedding.weight": "text_model.embeddings.token_embedding.weight", "text_projection": "text_projection.weight",
             "positional_embedding": "text_model.embeddings.position_embedding.weight", "logit_scale": "logit_scale"}
    norms = {"visual.ln_pre": "pre_layrnorm", "visual.ln_post": "post_layernorm", "ln_final": "final_layer_norm"}
    stem, _, kind = name.rpartition(".")
    if name in plain:
        yield plain[name], shape[::-1] if name.endswith("proj") or name == "text_projection" else shape
    else:
        yield f"{tower}.{norms[stem]}.{kind}", shape


def write_zeros(path, tensors, metadata, types=()):
    """safetensors whose data is a hole in the file: only names and shapes are looked at."""
    header, at = {"__metadata__": {key: value if isinstance(value, str) else json.dumps(value) for key, value in metadata.items()}}, 0
    for name, shape in tensors:
        size = 4 * math.prod(shape)
        header[name] = {"dtype": dict(types).get(name, "F32"), "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + at)


def write(folder, files):
    for name, content in files.items():
        if name.endswith(".json") and content is not None:
            (folder / name).write_text(json.dumps(content), encoding="utf-8")
    if "open_clip_config.json" in files:
        write_zeros(folder / "open_clip_model.safetensors", shapes(files["shapes"]), files["metadata"])
    else:
        write_zeros(folder / "model.safetensors", hf_tensors(files["shapes"]), files["metadata"])


# ---- what is planted ----

def put(*path):
    """Plants the last of path at the place that the others name."""
    *keys, value = path

    def plant(files):
        at = files
        for key in keys[:-1]:
            at = at[key]
        at[keys[-1]] = value(at.get(keys[-1])) if callable(value) else value
    return plant


OC, HF, PP, TC, TJ = "open_clip_config.json", "config.json", "preprocessor_config.json", "tokenizer_config.json", "tokenizer.json"
V, T = (OC, "model_cfg", "vision_cfg"), (OC, "model_cfg", "text_cfg")


def other_act(act):
    return "gelu" if act == "gelu_pytorch_tanh" else "gelu_pytorch_tanh"


def both_acts(files):
    act = {"quick_gelu": "gelu"}.get(files[HF]["text_config"]["hidden_act"], "quick_gelu")
    for section in ("vision_config", "text_config"):
        files[HF][section]["hidden_act"] = act


def one_act(section):
    def plant(files):
        for each in ("vision_config", "text_config"):  # quick_gelu in one tower alone is no config
            files[HF][each]["hidden_act"] = "gelu"
        files[HF][section]["hidden_act"] = "gelu_pytorch_tanh"
        files[OC]["model_cfg"]["quick_gelu"] = False
        for each in ("vision_cfg", "text_cfg"):
            files[OC]["model_cfg"][each].pop("act_kwargs", None)
    return plant


def metadata_config(change):
    def plant(files):
        config = copy.deepcopy(files[OC])
        change(config)
        files["metadata"] = {"clip_parity.config": config}
    return plant


def two_processors(files):
    files["processor_config.json"] = {"image_processor": {**files[PP], "image_mean": [0.1, 0.2, 0.3]}}


def older(section, key, value):
    def plant(files):
        files[HF][f"{section}_dict"] = {**files[HF][section], key: value}
        files.pop(OC)  # so that nothing but the two sections can disagree
    return plant


def published(files):
    quick = files[OC]["model_cfg"]["quick_gelu"] = False
    assert not quick
    for section in ("vision_cfg", "text_cfg"):
        files[OC]["model_cfg"][section].pop("act_kwargs", None)
    files.pop(HF)
    digests = json.loads((ROOT / "data/model_configs/published.json").read_text(encoding="utf-8"))
    files["metadata"] = {"clip_parity.source_sha256": next(iter(digests))}


def times(factor):
    return lambda value: value * factor


def plus(number):
    return lambda value: value + number


PLANTED = {
    "HF activation": both_acts, "HF image activation": one_act("vision_config"), "HF text activation": one_act("text_config"),
    "HF image eps": put(HF, "vision_config", "layer_norm_eps", times(10)), "HF text eps": put(HF, "text_config", "layer_norm_eps", times(10)),
    "HF image heads": put(HF, "vision_config", "num_attention_heads", times(2)),
    "HF text heads": put(HF, "text_config", "num_attention_heads", times(2)),
    "HF eos": put(HF, "text_config", "eos_token_id", 100), "HF image size": put(HF, "vision_config", "image_size", plus(16)),
    "HF patch": put(HF, "vision_config", "patch_size", 8), "HF image layers": put(HF, "vision_config", "num_hidden_layers", plus(1)),
    "HF text layers": put(HF, "text_config", "num_hidden_layers", plus(1)), "HF image width": put(HF, "vision_config", "hidden_size", times(2)),
    "HF text MLP": put(HF, "text_config", "intermediate_size", plus(4)), "HF vocabulary": put(HF, "text_config", "vocab_size", plus(2)),
    "HF context": put(HF, "text_config", "max_position_embeddings", 64), "HF projection": put(HF, "projection_dim", 64),
    "processor mean": put(PP, "image_mean", [0.485, 0.456, 0.406]), "processor std": put(PP, "image_std", [0.229, 0.224, 0.225]),
    "processor filter": put(PP, "resample", lambda value: 5 - value), "processor normalize": put(PP, "do_normalize", False),
    "processor size": put(PP, "size", {"shortest_edge": 40}), "processor crop": put(PP, "crop_size", {"height": 24, "width": 24}),
    "processor rescale": put(PP, "rescale_factor", 0.0078125), "two processors": two_processors,
    "tokenizer class": put(TC, "tokenizer_class", "XLMRobertaTokenizer"), "tokenizer length": put(TC, "model_max_length", 64),
    "tokenizer eos": put(TC, "eos_token", "<|startoftext|>"),
    "tokenizer ids": put(TJ, "added_tokens", lambda tokens: [*tokens, {"id": 49408, "content": "<new>"}]),
    "older text activation": older("text_config", "hidden_act", "gelu_new"), "older text eos": older("text_config", "eos_token_id", 7),
    "older image eps": older("vision_config", "layer_norm_eps", 1e-3), "older image heads": older("vision_config", "num_attention_heads", 4),
    "open_clip quick_gelu": lambda files: (put(OC, "model_cfg", "quick_gelu", lambda quick: not quick)(files),
                                           files[OC]["model_cfg"]["vision_cfg"].pop("act_kwargs", None),
                                           files[OC]["model_cfg"]["text_cfg"].pop("act_kwargs", None)),
    "open_clip mean": put(OC, "preprocess_cfg", "mean", [0.1] * 3), "open_clip std": put(OC, "preprocess_cfg", "std", [0.1] * 3),
    "open_clip filter": put(OC, "preprocess_cfg", "interpolation", lambda name: "bicubic" if name == "bilinear" else "bilinear"),
    "open_clip resize": put(OC, "preprocess_cfg", "resize_mode", "longest"),
    "open_clip eps": put(*V, "norm_kwargs", {"eps": 1e-3}), "open_clip head_width": put(*V, "head_width", 32),
    "open_clip text heads": put(*T, "heads", 2), "open_clip pooling": put(*T, "pool_type", "last"),
    "open_clip image pooling": put(*V, "pool_type", "avg"), "open_clip mask": put(*T, "no_causal_mask", True),
    "open_clip order": put(*V, "final_ln_after_pool", True), "open_clip context": put(*T, "context_length", 64),
    "open_clip vocabulary": put(*T, "vocab_size", 49409), "open_clip layers": put(*V, "layers", plus(1)),
    "open_clip MLP": put(*T, "mlp_ratio", 2.0), "open_clip embed_dim": put(OC, "model_cfg", "embed_dim", 64),
    "open_clip ln_pre": put(*V, "no_ln_pre", True), "open_clip LayerScale": put(*T, "ls_init_value", 0.1),
    "open_clip tokenizer": put(*T, "hf_tokenizer_name", "bert-base-uncased"), "open_clip logit_bias": put(OC, "model_cfg", "init_logit_bias", -10),
    "open_clip proj_bias": put(*T, "proj_bias", True), "open_clip patch": put(*V, "patch_size", 8),
    "metadata activation": put("metadata", {"clip_parity.activation": "tanh", "clip_parity.config": None}),
    "metadata eps": metadata_config(put("model_cfg", "vision_cfg", "norm_kwargs", {"eps": 1e-3})),
    "metadata mean": metadata_config(put("preprocess_cfg", "mean", [0.1] * 3)),
    "weights of another size": put("shapes", "model_cfg", "vision_cfg", "layers", plus(1)),
    "weights of another context": put("shapes", "model_cfg", "text_cfg", "context_length", 32),
    "published weights": published,
    "tokenizer eos of another": put(TC, "eos_token", "</s>"), "tokenizer bos of another": put(TC, "bos_token", "<s>"),
    "tokenizer model": put(TJ, "model", "type", "WordPiece"), "tokenizer truncation": put(TJ, "truncation", {"max_length": 32}),
    "tokenizer without lower case": put(TJ, "normalizer", None),
    "tokenizer eos without tokenizer.json": lambda files: (files.pop(TJ), put(HF, "text_config", "eos_token_id", 320)(files)),
    "processor of SigLIP": lambda files: files[PP].update(image_processor_type="SiglipImageProcessor", size={"shortest_edge": 32}),
    "open_clip size": put(OC, "preprocess_cfg", "size", [24, 24]),
}


class Folders(unittest.TestCase):
    def check(self, files, code, of):
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), files)
            done, seconds = lint(folder)
        self.assertEqual(done.returncode, code, f"{of}\n{done.stdout}{done.stderr}")
        self.assertEqual(bool(json.loads(done.stdout)["contradictions"]), code == 1, of)
        return seconds

    def test_consistent_folders_pass(self):
        took = []
        for seed in range(24):
            files = consistent(seed)
            if seed >= 16:  # transformers' files alone, or open_clip's
                files.pop(OC if seed % 2 else HF)
                files["metadata"] = {} if seed % 2 else files["metadata"]
            took.append(self.check(files, 0, f"seed {seed}"))
        self.assertLess(sorted(took)[len(took) // 2], MOST_SECONDS)

    def test_every_contradiction_is_found(self):
        self.assertGreaterEqual(len(PLANTED), 60)
        for i, (name, plant) in enumerate(PLANTED.items()):
            files = consistent(4 * i)
            plant(files)
            if name == "metadata activation":
                files["metadata"] = {"clip_parity.activation": "tanh"} if files[HF]["text_config"]["hidden_act"] != "gelu_pytorch_tanh" \
                    else {"clip_parity.activation": "erf"}
            self.check(files, 1, name)


    def one_contradiction(self, files, of, source, without=()):
        """A folder with one, of that name, that names that source."""
        for name in without:
            files.pop(name, None)
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), files)
            done, _ = lint(folder)
        self.assertEqual(done.returncode, 1, done.stderr)
        found = json.loads(done.stdout)["contradictions"]
        self.assertIn(of, [each["of"] for each in found], done.stdout)
        self.assertIn(source, [says["source"] for each in found for says in each["says"]])

    def test_processors_and_tokenizers_beside_any_config(self):
        for without in ((), (HF,), (OC,)):
            base = consistent(8)
            wide = [{"id": 30521, "content": "<|startoftext|>"}, {"id": 30522, "content": "<|endoftext|>"}]
            with self.subTest(without=without):
                self.one_contradiction({**base, PP: {**base[PP], "size": {"height": 16, "width": 16}, "crop_size": 16}}, "image size", PP, without)
                self.one_contradiction({**base, PP: [1]}, "pictures", PP, without)
                self.one_contradiction({**base, TC: {**base[TC], "model_max_length": 64}}, "context", TC, without)
                self.one_contradiction({**base, TC: [1]}, "tokenizer", TC, without)
                self.one_contradiction({**base, TC: "text"}, "tokenizer", TC, without)
                self.one_contradiction({**base, TJ: {"model": {"vocab": {}}, "added_tokens": wide}}, "vocabulary", TJ, without)
                self.one_contradiction({**base, TC: {**base[TC], "eos_token": "<|startoftext|>"}}, "the id that ends a text", TJ, without)
        self.one_contradiction({**consistent(8), PP: {**consistent(8)[PP], "image_mean": [0.1, 0.2, 0.3]}}, "mean", PP, (HF,))
        self.one_contradiction({**consistent(8), TC: {"tokenizer_class": "BertTokenizer"}}, "tokenizer", TC, (HF,))

    def test_what_is_no_contradiction(self):
        base = consistent(8)
        unlimited = {**base, TC: {**base[TC], "model_max_length": int(1e30)}}  # as transformers writes it
        self.check(unlimited, 0, "no limit")
        bert = {**base, TC: {"tokenizer_class": "BertTokenizer"}, OC: copy.deepcopy(base[OC])}
        bert[OC]["model_cfg"]["text_cfg"]["hf_tokenizer_name"] = "bert-base-uncased"
        bert["shapes"] = bert[OC]
        self.check(bert, 0, "one tokenizer by two names")

    def planted_tensors(self, change):
        tensors = dict(shapes(consistent(8)["shapes"]))
        types = {}
        change(tensors, types)
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / OC).write_text(json.dumps(consistent(8)[OC]), encoding="utf-8")
            for name in ("open_clip_model.safetensors", "alone.safetensors"):
                write_zeros(Path(folder) / name, tensors.items(), {}, types)
            with_config, alone = lint(folder)[0], lint(f"{folder}/alone.safetensors")[0]
        says = []
        for done in (with_config, alone):
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            says += [each["says"][0]["value"] for each in json.loads(done.stdout)["contradictions"] if each["of"] == "tensors"]
        self.assertEqual(len(says), 2, says)
        return says

    def test_tensors_that_make_no_model(self):
        first = "visual.transformer.resblocks.0."
        for change, line in (
                (lambda t, _: t.pop("ln_final.weight"), "tensor ln_final.weight: missing (expected shape (64), which {} calls for)"),
                (lambda t, _: (t.pop("ln_final.weight"), t.pop("ln_final.bias")),
                 "tensor ln_final.weight: missing, the first of 2 tensors that do not fit (expected shape (64), which {} calls for)"),
                (lambda t, _: t.update({"more.weight": (2,)}), "tensor more.weight: unexpected tensor"),
                (lambda t, _: t.update({first + "ln_1.bias": (3,)}), f"tensor {first}ln_1.bias: shape (3) does not match {{}} (expected ("),
                (lambda _, types: types.update({first + "ln_1.bias": "I32"}), f"tensor {first}ln_1.bias: int32 is not a dtype of weights"),
                (lambda t, _: t.pop("visual.conv1.weight"), "tensor visual.conv1.weight: missing")):
            for says, config in zip(self.planted_tensors(change), (OC, "a model of these shapes")):
                self.assertTrue(says.startswith(line.format(config)), says)

    def test_what_was_not_compared_is_said(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / OC).write_text(json.dumps(consistent(8)[OC]), encoding="utf-8")
            done = lint_text(folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("no weights are under the names", done.stdout)
            self.assertIn(f"PASS: nothing contradicts, as nothing but {OC} says anything", done.stdout)


class Links(unittest.TestCase):
    def test_a_link_to_nothing_is_no_absent_file(self):
        """A cache of which the blobs were removed."""
        for name in (OC, HF, PP, TC, TJ, "processor_config.json"):
            with tempfile.TemporaryDirectory() as folder:
                write(Path(folder), consistent(9))
                (Path(folder) / name).unlink()
                (Path(folder) / name).symlink_to("../blobs/gone")
                done, _ = lint(folder)
                self.assertEqual(done.returncode, 1, done.stderr)
                says = [each["says"][0] for each in json.loads(done.stdout)["contradictions"]]
                self.assertEqual([each["source"] for each in says], [name])
                self.assertIn("is a link to ../blobs/gone, which is not there", says[0]["value"])

    def test_a_name_that_nothing_gives(self):
        """Weights alone: the activation is by the name, which is not known."""
        done, _ = lint("data/fashion-clip/open_clip_model.safetensors")
        loaders = [each for each in json.loads(done.stdout)["loaders"] if not each["cannot"]]
        self.assertEqual([each["activation"] for each in loaders], ["by its name"] * 3)
        self.assertIn("open_clip takes the activation from the name that it is called with; fashion-clip has these shapes", done.stdout)
        with tempfile.TemporaryDirectory() as folder:
            write_zeros(Path(folder) / "w.safetensors", hf_tensors(consistent(8)["shapes"]), {})
            done, _ = lint(f"{folder}/w.safetensors")
        self.assertEqual([each["cannot"] for each in json.loads(done.stdout)["loaders"]][:3], ["the tensors have the names of Hugging Face CLIPModel"] * 3)


class Loaders(unittest.TestCase):
    """What a loader does not find it does not compute."""

    def ask(self, tensors, configs=(OC, HF), name="model.safetensors"):
        """Why each loader cannot."""
        with tempfile.TemporaryDirectory() as folder:
            for config in configs:
                (Path(folder) / config).write_text(json.dumps(consistent(8)[config]), encoding="utf-8")
            write_zeros(Path(folder) / name, tensors, {})
            done, _ = lint(folder)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return {each["name"]: each["cannot"] for each in json.loads(done.stdout)["loaders"]}, json.loads(done.stdout)["notes"]

    def test_names_and_prefixes(self):
        own, theirs = list(shapes(consistent(8)["shapes"])), list(hf_tensors(consistent(8)["shapes"]))
        for prefix, tensors, open_clip, transformers in (
                ("", own, None, "the tensors have the names of OpenAI CLIP"), ("", theirs, "the tensors have the names of Hugging Face CLIPModel", None),
                ("module.", own, None, "the tensors have the names of OpenAI CLIP"), ("model.", own, "the tensors are behind model.", ...),
                ("_orig_mod.", own, "the names have words of PyTorch's wrappers", ...), ("clip.", theirs, ..., None),
                ("model.", theirs, ..., "the tensors are behind model.")):
            cannot, notes = self.ask([(prefix + name, shape) for name, shape in tensors])
            for names, why in ((("open_clip 2.24", "open_clip 3.3", "open_clip 4.2"), open_clip), (("transformers",), transformers)):
                self.assertTrue(why is ... or all(cannot[name] == why for name in names), (prefix, cannot))
            self.assertEqual(any("no loader takes" in line for line in notes), all(cannot.values()))

    def test_one_file_of_two_is_enough(self):
        with tempfile.TemporaryDirectory() as folder:
            for config in (OC, HF):
                (Path(folder) / config).write_text(json.dumps(consistent(8)[config]), encoding="utf-8")
            write_zeros(Path(folder) / "open_clip_model.safetensors", shapes(consistent(8)["shapes"]), {})
            write_zeros(Path(folder) / "model.safetensors", hf_tensors(consistent(8)["shapes"]), {})
            done, _ = lint(folder)
        self.assertEqual([each["cannot"] for each in json.loads(done.stdout)["loaders"]][:4], [None] * 4)

    def test_files_that_cannot_be_read(self):
        for name, content, of, line in (
                (OC, "{", "config", "line 1, column 1"), (HF, "version https://git-lfs.github.com/spec/v1\noid", "config", "is a Git LFS pointer"),
                (HF, "\n<!DOCTYPE html>", "config", "is an HTML page"), (OC, "{}", "config", "embed_dim is missing"),
                ("open_clip_model.safetensors", "\n <html>", "tensors", "is an HTML page"), ("open_clip_model.safetensors", "", "tensors", "is empty")):
            with tempfile.TemporaryDirectory() as folder:
                write(Path(folder), consistent(8))
                (Path(folder) / name).write_text(content, encoding="utf-8")
                done, _ = lint(folder)
            self.assertEqual((done.returncode, done.stderr), (1, ""), done.stdout)
            found = json.loads(done.stdout)
            says = [each["says"] for each in found["contradictions"] if each["of"] == of]
            self.assertTrue(says and says[0][0]["source"] == name and says[0][0]["value"].startswith(line), says)
            self.assertTrue(all(each["cannot"] for each in found["loaders"] if each["name"].startswith("open_clip") == (name != HF)))


class Pictures(unittest.TestCase):
    """What transformers can do and this program cannot is no contradiction, but where another file says something else."""

    def test_legal_and_not_supported(self):
        side = consistent(8)[HF]["vision_config"]["image_size"]
        for change, facet, words in (({"resample": 1}, "filter", "lanczos"), ({"resample": 0}, "filter", "nearest"),
                                     ({"size": {"shortest_edge": side + 8}}, "resize", f"shortest to {side + 8}, cropped"),
                                     ({"size": {"height": side + 8, "width": side + 9}}, "resize", f"squash to {side + 8} x {side + 9}, cropped"),
                                     ({"do_resize": False}, "resize", "none, cropped"), ({"do_pad": True}, "resize", "shortest, padded")):
            processor = {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": side}, "crop_size": side, **change}
            files = {HF: consistent(8)[HF], PP: processor}
            with tempfile.TemporaryDirectory() as folder:
                for name, content in files.items():
                    (Path(folder) / name).write_text(json.dumps(content), encoding="utf-8")
                done, _ = lint(folder)
                self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
                found = json.loads(done.stdout)
                self.assertEqual([each[facet] for each in found["sources"] if each["name"] == PP], [words])
                self.assertIn(PP, found["loaders"][3]["cannot"])
                (Path(folder) / OC).write_text(json.dumps(consistent(8)[OC]), encoding="utf-8")
                done, _ = lint(folder)
                self.assertIn(facet, [each["of"] for each in json.loads(done.stdout)["contradictions"]])

    def test_pixels_that_are_not_scaled(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / HF).write_text(json.dumps(consistent(8)[HF]), encoding="utf-8")
            (Path(folder) / PP).write_text(json.dumps({"do_rescale": False, "image_mean": [127.5] * 3, "image_std": [127.5] * 3}), encoding="utf-8")
            source = json.loads(lint(folder)[0].stdout)["sources"][1]
        self.assertEqual((source["mean"], source["std"]), ("0.5", "0.5"))

    def test_another_class(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / HF).write_text(json.dumps(consistent(8)[HF]), encoding="utf-8")
            (Path(folder) / PP).write_text('{"image_processor_type": "BlipImageProcessor"}', encoding="utf-8")
            done, _ = lint(folder)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn(f"{PP} is of another class than those of CLIP, SigLIP and ViT: not compared", json.loads(done.stdout)["notes"])


class Tags(unittest.TestCase):
    def test_every_tag_as_open_clip_has_it(self):
        loaders = {version: f"open_clip {version}" for version in ("2.24", "3.3", "4.2")}
        found, rows = {}, 0
        with open(ROOT / "reference/golden/open_clip_tags/tags.csv", newline="", encoding="utf-8") as file:
            for version, name, tag, quick, *numbers, interpolation, mode in csv.reader(file):
                if version not in loaders:
                    continue
                if (name, tag) not in found:
                    found[name, tag] = json.loads(lint("--name", name, "--pretrained", tag)[0].stdout)
                loader = next(row for row in found[name, tag]["loaders"] if row["name"] == loaders[version])
                mean, std = (WORDS[tuple(float(x) for x in part)] for part in (numbers[:3], numbers[3:]))
                self.assertEqual([loader[key] for key in ("activation", "mean", "std", "filter", "resize")],
                                 ["quick" if quick == "1" else "erf", mean, std, interpolation, mode], f"{version} {name} {tag}")
                rows += 1
        self.assertEqual((len(found), rows), (73, 56 + 73 + 73))

    def test_the_founding_bug(self):
        done, _ = lint("--name", "ViT-H-14-378", "--pretrained", "dfn5b")
        self.assertEqual(done.returncode, 1)
        self.assertEqual([says["value"] for says in json.loads(done.stdout)["contradictions"][0]["says"]], ["erf", "quick"])
        self.assertEqual(lint("--name", "ViT-H-14-378-quickgelu", "--pretrained", "dfn5b")[0].returncode, 0)

    def test_the_demo_passes(self):
        self.assertEqual(lint("data/fashion-clip")[0].returncode, 0)


class Shapes(unittest.TestCase):
    """run without a config: all of the named config with the same shapes, and what is assumed is said."""

    def said(self, folder, config):
        write_zeros(Path(folder) / "w.safetensors", shapes(config), {})
        done = subprocess.run((PROGRAM, "run", "--dry-run", "-v", "experiments/quickgelu-vs-gelu.yaml",
                               f"model={{checkpoint: {folder}/w.safetensors}}", "inputs={synthetic: {images: 2}}", "candidates={same: {}}", "baseline.activation=quick"),
                              cwd=ROOT, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def test_a_named_config_is_taken_whole(self):
        named = json.loads((ROOT / "data/model_configs/ViT-M-32-alt.json").read_text(encoding="utf-8"))
        with tempfile.TemporaryDirectory() as folder:
            said = self.said(folder, {"model_cfg": {**named, "vision_cfg": {"mlp_ratio": 4.0, **named["vision_cfg"]},
                                                    "text_cfg": {"mlp_ratio": 4.0, **named["text_cfg"]}}})
        self.assertRegex(said, "has the shapes of ViT-M-32.*the rest is taken from there.*heads")

    def test_what_is_assumed_is_said(self):
        config = consistent(4)[OC]
        with tempfile.TemporaryDirectory() as folder:
            said = self.said(folder, config)
        self.assertRegex(said, "the rest is assumed .image tower: heads [12], eps 1e-05, pooling tok; pictures bicubic, shortest, mean "
                               "0.48.*text tower: heads 1, eps 1e-05, pooling argmax, causal mask")


class Refused(unittest.TestCase):
    def test_usage_and_input(self):
        loop = Path(tempfile.mkdtemp()) / "loop"
        loop.symlink_to(loop)
        self.addCleanup(lambda: (loop.unlink(), loop.parent.rmdir()))
        for arguments, code, said in (((str(loop),), 3, "cannot be opened: Too many levels of symbolic links"), ((), 4, "nothing to look at"), (("nowhere",), 3, "nowhere: cannot be opened"),
                                      (("docs",), 3, "the folder has no model"), (("a", "b"), 4, "a second path 'b'"),
                                      (("README.md",), 3, "README.md"), (("--pretrained", "openai"), 4, "--pretrained without --name"),
                                      (("--name", "ViT-B-33"), 3, "did you mean 'ViT-B-32'"), (("--names",), 4, "unknown option")):
            done, _ = lint(*arguments)
            self.assertEqual((done.returncode, done.stdout), (code, ""))
            self.assertIn(said, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
