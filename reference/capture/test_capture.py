# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the capture scripts: /usr/bin/python3 reference/capture/test_capture.py

Exits with 77 where h5py is missing. What needs PyTorch is skipped without it.
"""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
GOLDEN = ROOT / "reference/golden/captures"
PROGRAM = Path(os.environ.get("CLIP_PARITY", ROOT / "build/release/clip-parity"))
sys.path[:0] = [str(HERE), str(ROOT / "reference/pytorch")]

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(missing)
    sys.exit(77)
try:
    import torch
except ImportError:
    torch = None

import compare  # noqa: E402
import npz_import  # noqa: E402
import schema  # noqa: E402
import taps  # noqa: E402

if torch:
    import clip
    import clip_capture
    import hf_tree
    import recompute
    import seeded

CONFIG = GOLDEN / "model.json"
HALF = 2.0 ** -8  # of a bf16's last place, relative


def golden(name):
    """{tap: value} of a committed capture, in the file's order."""
    with h5py.File(GOLDEN / f"{name}.h5") as file:
        return {tap: group["value"][()] for tap, group in file["captures"][name].items()}


def recomputed(blocks=2):
    """The taps that a capture of open_clip's module tree recomputes."""
    parts = [f"attn.{part}" for part in ("q", "k", "v", "scores", "probs", "context")]
    return {*(taps.block_name(tower, n, part) for tower in ("visual", "text") for n in range(blocks) for part in parts),
            "visual.pooled", "pooled", "logits_per_image", "probs"}


def attention_lines(tower):
    return [rf"{tower}\.{n}\.attn: recomputed q, k, v, scores, probs, context do not give the attention's own output"
            for n in range(2)]


def marked(found):
    return {name for name, tap in found.items() if tap.recomputed}


def relative(x, y):
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return np.linalg.norm(x - y) / np.linalg.norm(y)


class Names(unittest.TestCase):
    def test_are_those_of_the_program(self):
        if not PROGRAM.exists():
            self.skipTest("not built")
        lines = subprocess.run([PROGRAM, "list", "taps"], capture_output=True, text=True, check=True).stdout
        theirs = {line.split("  ")[0].replace(".N", ".0"): line.split("  ")[1]
                  for line in lines.splitlines() if line and not line.startswith(" ")}
        for name, dims in theirs.items():
            if not name.startswith("class_"):
                self.assertEqual(f"({', '.join(taps.describe(name)[1])})", dims, name)
        self.assertEqual(set(taps.names(1, 1, optional=True)), {name for name in theirs if not name.startswith("class_")})

    def test_unknown_names(self):
        for name in ("visual.transformer.resblocks.0.attn.w", "visual.resblocks.0", "", "transformer.resblocks.x"):
            with self.assertRaises(KeyError):
                taps.describe(name)


class Goldens(unittest.TestCase):
    NAMES = {"quick-fp32": 16, "erf-fp32": 16, "quick-bf16": 16, "erf-bf16": 16, "openai-quick-fp32": 8,
             "hf-quick-fp32": 8}

    def test_hold_every_tap_in_order(self):
        for name, inputs in self.NAMES.items():
            values = golden(name)
            self.assertEqual(list(values), taps.names(2, 2), name)
            for tap, value in values.items():
                self.assertEqual(len(value), inputs, f"{name}: {tap}")
                self.assertTrue(np.isfinite(value).all(), f"{name}: {tap}")

    def test_agree_with_themselves(self):
        for name in self.NAMES:
            v, limit = golden(name), HALF if "bf16" in name else 1e-6
            for tower, norm in (("visual.", "visual.ln_post"), ("", "ln_final")):
                x = v["visual.ln_pre" if tower else "embed"]
                for n in range(2):
                    block = f"{tower}transformer.resblocks.{n}"
                    mid = v[f"{block}.resid_mid"]
                    self.assertLess(relative(x + v[f"{block}.attn"], mid), limit, block)
                    self.assertLess(relative(mid + v[f"{block}.mlp.c_proj"], v[block]), limit, block)
                    x = v[block]
                    self.attention(v, block, causal=not tower, limit=limit)
                self.assertEqual(v[norm].shape, x.shape)
            self.assertTrue(np.array_equal(v["visual.ln_post"][:, 0], v["visual.pooled"]))
            self.assertLess(abs(np.linalg.norm(v["image_features"], axis=1) - 1).max(), 4 * limit)

    def attention(self, v, block, causal, limit):
        def heads(part):
            x = v[f"{block}.attn.{part}"]
            count = v[f"{block}.attn.scores"].shape[1]
            return x.reshape(*x.shape[:2], count, -1).transpose(0, 2, 1, 3).astype(np.float64)
        q, k, value = heads("q"), heads("k"), heads("v")
        scores = q @ k.swapaxes(2, 3) / np.sqrt(q.shape[-1])
        self.assertLess(relative(v[f"{block}.attn.scores"], scores), limit, block)
        if causal:
            scores = np.where(np.tri(scores.shape[-1], dtype=bool), scores, -np.inf)
        probs = np.exp(scores - scores.max(axis=-1, keepdims=True))
        probs /= probs.sum(axis=-1, keepdims=True)
        self.assertLess(relative(v[f"{block}.attn.probs"], probs), 4 * limit, block)
        context = (probs @ value).transpose(0, 2, 1, 3)
        self.assertLess(relative(heads("context").transpose(0, 2, 1, 3), context), 4 * limit, block)

    def test_program_agrees(self):
        if not PROGRAM.exists():
            self.skipTest("not built")
        files = [str(GOLDEN / f"{name}.h5") for name in self.NAMES]
        with contextlib.chdir(ROOT):
            self.assertEqual(compare.main([*files, "--program", str(PROGRAM), "--worst", "1"]), 0)
            self.assertEqual(compare.main([files[0], "--program", str(PROGRAM), "--set", "activation: erf"]), 1)

    def test_systems_agree(self):
        quick = golden("quick-fp32")
        for name in ("openai-quick-fp32", "hf-quick-fp32"):
            for tap, value in golden(name).items():
                other = quick[tap][:8]
                other = other[:, :8] if tap == "logits_per_image" else other
                if tap != "probs":  # over fewer prompts
                    self.assertLess(relative(value, other), 1e-6, f"{name}: {tap}")


class Schema(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = Path(self.folder.name) / "a.h5"

    def test_round_trip(self):
        tap = schema.Tap(np.arange(24, dtype=np.float32).reshape(2, 3, 4), "bf16", "imported", True)
        capture = schema.Capture("a-1", {"visual": schema.Tap(np.ones((2, 5), np.float32)), "visual.embed": tap},
                                 {"activation": "quick", "precision": "bf16"}, ["x.png", "caf\u00e9.png"])
        schema.write(self.path, [capture], {"source": "me", "seed": 3}, [CONFIG], np.array([[1, 2]]))
        with h5py.File(self.path) as file:
            self.assertEqual(file.attrs["schema"], "clip-parity/1")
            self.assertEqual(list(file["captures/a-1"]), ["visual.embed", "visual"])  # execution order
            self.assertEqual(file["captures/a-1"].attrs["settings"], "activation: quick\nprecision: bf16")
            value = file["captures/a-1/visual.embed/value"]
            self.assertTrue(np.array_equal(value, tap.value))
            self.assertEqual([dim.keys()[0] for dim in value.dims], ["image", "token", "channel"])
            self.assertEqual(list(file["captures/a-1/visual/image"].asstr()), ["x.png", "caf\u00e9.png"])
            self.assertEqual(value.attrs["arithmetic_dtype"], "bf16")
            self.assertTrue(value.attrs["long_name"].endswith("(imported, recomputed)"))
            self.assertEqual((value.attrs["recomputed"], value.attrs["recomputed"].dtype), (1, np.int64))
            self.assertNotIn("recomputed", file["captures/a-1/visual/value"].attrs)
            self.assertEqual(file["inputs/tokens"].dtype, np.int32)
            facts = file["provenance"].attrs
            self.assertEqual((facts["source"], facts["seed"], facts["commit"]), ("me", 3, "unknown"))
            digest, path = file["provenance/files"].attrs["000000"].split(" ", 1)
            self.assertEqual((len(digest), path), (64, str(CONFIG)))

    def test_equal_captures_equal_bytes(self):
        found = {"visual": schema.Tap(np.ones((2, 5), np.float32))}
        written = []
        for _ in range(2):
            schema.write(self.path, [schema.Capture("a", found)], {"time": "2026-01-01T00:00:00Z"})
            written.append(self.path.read_bytes())
            time.sleep(1.1)  # a time stamp would count seconds
        self.assertEqual(*written)

    def test_refuses(self):
        one = schema.Tap(np.ones((2, 3), np.float32))
        for name, found in (("a/b", {"visual": one}), ("a", {}), ("a", {"visual.x": one}),
                            ("a", {"visual.embed": one}),
                            ("a", {"visual": schema.Tap(one.value, "int8")}),
                            ("a", {"visual": one, "image_features": schema.Tap(np.ones((3, 3), np.float32))})):
            with self.assertRaises(ValueError):
                schema.write(self.path, [schema.Capture(name, found)], {})
            self.assertFalse(list(Path(self.folder.name).iterdir()))


class Import(unittest.TestCase):
    def test_layouts(self):
        x = np.random.default_rng(0).standard_normal((2, 4, 6)).astype(np.float32)  # (input, token, channel)
        heads = x.reshape(2, 4, 3, 2)
        tap = "visual.transformer.resblocks.0.attn.q"
        for layout, array in {"NLC": x, "LNC": x.transpose(1, 0, 2), "NCL": x.transpose(0, 2, 1),
                              "N1LC": x[:, None], "NHLD": heads.transpose(0, 2, 1, 3), "NLHD": heads,
                              "NCHW": x.transpose(0, 2, 1).reshape(2, 6, 2, 2),
                              "NHWC": x.reshape(2, 2, 2, 6)}.items():
            self.assertTrue(np.array_equal(npz_import.canonical(array, layout, tap), x), layout)
        self.assertTrue(np.array_equal(npz_import.canonical(x[0], "LC", tap), x[:1]))
        logits = np.arange(6).reshape(2, 3)
        self.assertTrue(np.array_equal(npz_import.canonical(logits.T, "PI", "logits_per_image"), logits))
        for layout in ("NLX", "NNC", "NL", "NHQK", 3):
            with self.assertRaises(npz_import.Refused):
                npz_import.canonical(x, layout, tap)

    def test_a_whole_file(self):
        quick = golden("quick-fp32")
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            arrays = {"pix": quick["pixels.normalized"], "ids": np.load(GOLDEN / "tokens.npy"),
                      "logits_t": quick["logits_per_image"].T}
            for n in range(2):
                block = f"visual.transformer.resblocks.{n}"
                arrays[f"v.{n}.out"] = quick[block].transpose(1, 0, 2)
                arrays[f"v.{n}.q"] = quick[f"{block}.attn.q"] / np.float32(2)
                arrays[f"v.{n}.bf16"] = (quick[f"{block}.ln_2"].view(np.uint32) >> 16).astype(np.uint16)
            np.savez(folder / "a.npz", **arrays)
            mapping = {"name": "ort", "settings": {"activation": "quick"}, "tokens": "ids",
                       "provenance": {"source": "ORT", "seed": 1},
                       "taps": {"pixels.normalized": {"array": "pix", "layout": "NCHW"},
                                "visual.transformer.resblocks.{n}": {"array": "v.{n}.out", "layout": "LNC"},
                                "visual.transformer.resblocks.{n}.attn.q":
                                    {"array": "v.{n}.q", "layout": "NLC", "scale": 2},
                                "visual.transformer.resblocks.{n}.ln_2":
                                    {"array": "v.{n}.bf16", "layout": "NLC", "dtype": "bf16"},
                                "visual.transformer.resblocks.{n}.attn.k":
                                    {"array": "v.{n}.q", "layout": "NLC", "recomputed": True},
                                "logits_per_image": {"array": "logits_t", "layout": "PI"}}}
            (folder / "m.json").write_text(json.dumps(mapping))
            self.assertEqual(npz_import.main([str(folder / "a.npz"), str(folder / "m.json"), "-o",
                                              str(folder / "a.h5")]), 0)
            with h5py.File(folder / "a.h5") as file:
                capture = file["captures/ort"]
                self.assertEqual(len(capture), 10)
                for tap, group in capture.items():
                    bf16, key = tap.endswith("ln_2"), tap.endswith("attn.k")
                    self.assertEqual(np.array_equal(group["value"], quick[tap]), not bf16 and not key, tap)
                    self.assertEqual(group["value"].attrs["arithmetic_dtype"], "bf16" if bf16 else "fp32")
                    self.assertEqual(group["value"].attrs.get("recomputed", 0), key, tap)
            for change in ({"taps": {"visual": {"array": "nil", "layout": "NC"}}}, {"tokens": "nil"}, {"x": 1},
                           {"taps": {"visual": {"array": "pix", "layout": "NC"}}},
                           {"taps": {"pixels.normalized": {"array": "pix", "layout": "NCHW", "recomputed": "yes"}}},
                           {"taps": {"visual": "pix"}}):
                (folder / "m.json").write_text(json.dumps({**mapping, **change}))
                self.assertEqual(npz_import.main([str(folder / "a.npz"), str(folder / "m.json"), "-o",
                                                  str(folder / "b.h5")]), 3)
            self.assertFalse((folder / "b.h5").exists())


@unittest.skipUnless(torch, "no PyTorch")
class Capturing(unittest.TestCase):
    @staticmethod
    @torch.no_grad() if torch else lambda f: f
    def model(activation="quick"):
        config = clip.with_activation(json.loads(CONFIG.read_text()), activation)
        return seeded.fill(clip.from_config(config), 915)

    @staticmethod
    def capture(model):
        pixels, tokens = (np.load(GOLDEN / f"{name}.npy") for name in ("pixels", "tokens"))
        return clip_capture.capture_model(model, pixels, tokens.astype(np.int64))

    def test_reproduces_the_goldens(self):
        for activation in ("quick", "erf"):
            capture, report = self.capture(self.model(activation))
            expected = golden(f"{activation}-fp32")
            self.assertEqual(list(capture.taps), list(expected))
            for tap, value in expected.items():
                self.assertLess(relative(capture.taps[tap].value, value), 2e-6, tap)
            self.assertTrue(report.checks[0].startswith("hooks do not change the result"))
            self.assertEqual(report.differs, [])
            self.assertEqual(marked(capture.taps), recomputed())

    def test_hugging_face_names(self):
        args = clip_capture.parser().parse_args(["--model", str(CONFIG), "--seed", "915", "--activation", "quick",
                                                 "-o", "unused"])
        capture, report = self.capture(hf_tree.build(args))
        for tap, value in golden("quick-fp32").items():
            self.assertLess(relative(capture.taps[tap].value, value), 3e-6, tap)
        self.assertEqual(report.differs, [])
        self.assertEqual(marked(capture.taps), {"visual.ln_post", "probs", *(
            tap for tap in recomputed() if tap.endswith(("attn.scores", "attn.probs")))})

    def test_as_many_inputs_as_tokens(self):
        pixels, tokens = (np.load(GOLDEN / f"{name}.npy")[:n] for name, n in (("pixels", 5), ("tokens", 8)))
        capture, _ = clip_capture.capture_model(self.model(), pixels, tokens.astype(np.int64))
        expected = golden("quick-fp32")
        for tap in ("visual.transformer.resblocks.1.attn.q", "transformer.resblocks.1", "visual.ln_post", "embed"):
            value = capture.taps[tap].value
            self.assertLess(relative(value, expected[tap][:len(value)]), 1e-6, tap)

    def test_openai_names(self):
        capture, report = self.capture(self.openai())
        self.assertEqual(report.differs, [])
        for tap, value in golden("quick-fp32").items():
            self.assertLess(relative(capture.taps[tap].value, value), 2e-6, tap)
        self.assertEqual(marked(capture.taps), recomputed() - {"visual.pooled", "logits_per_image"} |
                         {"visual.ln_post", "image_features", "text_features"})

    def openai(self, pooled=0, scale=1.0):
        """A model in OpenAI's tree: ln_post of the class token alone, and a forward() that returns logits."""
        model = self.model()
        visual = model.visual
        visual.input_resolution = 16
        visual.forward = lambda x: visual.ln_post(visual.transformer(visual.ln_pre(torch.cat(
            [visual.class_embedding.expand(len(x), 1, -1), visual.conv1(x).flatten(2).permute(0, 2, 1)], 1)
            + visual.positional_embedding))[:, pooled]) @ visual.proj

        def forward(pixels, tokens):
            image, text = (x / x.norm(dim=1, keepdim=True) for x in (visual(pixels), model.encode_text(tokens)))
            logits = scale * model.logit_scale.exp() * image @ text.T
            return logits, logits.T
        model.forward = forward
        return model

    def differs(self, model, *lines, lost=()):
        """The capture of a model that differs from its tree as the lines say, and lacks these taps alone."""
        capture, report = self.capture(model)
        self.assertEqual(len(report.differs), len(lines), report.differs)
        for got, line in zip(report.differs, lines):
            self.assertRegex(got, f"^{line}")
        self.assertEqual(list(capture.taps), [tap for tap in taps.names(2, 2) if tap not in lost])
        return capture.taps

    def test_another_attention_is_named(self):
        model = self.model()
        attention = model.visual.transformer.resblocks[1].attn
        forward = attention.forward
        attention.forward = lambda q, k, v, **more: forward(1.1 * q, k, v, **more)
        lost = {tap for tap in recomputed() if tap.startswith("visual.transformer.resblocks.1.attn.")}
        self.differs(model, attention_lines("visual")[1] + r" \(0\.\d+ apart\); they are left out$", lost=lost)

    def test_an_attention_of_other_names(self):
        model = self.model()
        for block in model.transformer.resblocks:
            block.attn.num_heads = 5  # does not divide the width
            block.attn.forward = lambda x, *_, **_more: (x, None)
        lost = {tap for tap in recomputed() if tap.startswith("transformer.")}
        lines = [rf"text\.{n}\.attn: q, k, v, scores, probs, context cannot be recomputed" for n in range(2)]
        self.differs(model, *lines, lost=lost)

    def test_hugging_face_without_a_mask(self):
        args = clip_capture.parser().parse_args(["--model", str(CONFIG), "--seed", "915", "-o", "unused"])
        model = hf_tree.build(args)
        forward = model.text_model.encoder.forward
        model.text_model.encoder.forward = lambda x, mask: forward(x)
        lost = [f"transformer.resblocks.{n}.attn.{part}" for n in range(2) for part in ("scores", "probs")]
        lines = [rf"text\.{n}\.attn: recomputed scores, probs do not give the attention's own context" for n in range(2)]
        self.differs(model, *lines, lost=lost)

    def test_hugging_face_pooled_otherwise(self):
        args = clip_capture.parser().parse_args(["--model", str(CONFIG), "--seed", "915", "-o", "unused"])
        model = hf_tree.build(args)
        forward = model.vision_model.forward
        model.vision_model.forward = lambda pixels: 2 * forward(pixels)
        capture = self.differs(model, r"visual\.pooled: differs from the output of visual\.ln_post \(1 apart\)$")
        self.assertTrue(np.array_equal(capture["visual.pooled"].value, 2 * capture["visual.ln_post"].value[:, 0]))
        self.assertFalse(capture["visual.pooled"].recomputed)

    def test_openai_heads(self):
        capture = self.differs(self.openai(scale=1.1),
                               r"logits_per_image: .* does not give what forward\(\) returns \(0\.09\d* apart",
                               "image_features, text_features: cannot be verified and are left out",
                               lost=("image_features", "text_features"))
        self.assertLess(relative(capture["logits_per_image"].value, 1.1 * golden("quick-fp32")["logits_per_image"]), 2e-6)
        capture = self.differs(self.openai(pooled=1), r"visual\.ln_post: the norm of the last block's pooled token",
                               lost=("visual.ln_post",))
        self.assertLess(relative(capture["visual.pooled"].value, golden("quick-fp32")["visual.ln_post"][:, 1]), 2e-6)

    def test_forward_that_differs(self):
        model = self.model()
        model.forward = lambda pixels, tokens: (model.encode_image(pixels), model.encode_text(tokens, True))
        capture = self.differs(model, r"image_features: normalising visual does not give what forward\(\) returns")
        self.assertTrue(np.array_equal(capture["image_features"].value, capture["visual"].value))
        model.forward = lambda pixels, tokens: (model.encode_image(pixels, True),
                                                model.encode_text(tokens.clamp(max=60), True))
        self.differs(model, r"text_projection: encode_text\(\) gives a different text\.1 than forward\(\); left out$",
                     "pooled: projecting the expected token", lost=("text_projection", "pooled"))
        model.forward = lambda pixels, tokens: [logits := model.encode_image(pixels) @ model.encode_text(tokens).T,
                                                logits.T]
        with self.assertRaisesRegex(ValueError, "forward.. returns no features"):
            self.capture(model)
        model.forward = lambda pixels, tokens: (model.encode_image(pixels) @ model.encode_text(tokens).T,
                                                model.encode_text(tokens, True))
        capture = self.differs(model, r"image_features: forward\(\) returns a tensor of shape \(16, 16\) instead, which is")
        self.assertTrue(capture["image_features"].recomputed)

    def test_forward_without_a_tower(self):
        """What encode_text() alone would compute is no tap of the pass."""
        model = self.model()
        model.forward = lambda pixels, tokens: (model.encode_image(pixels, True), torch.ones(len(tokens), 24))
        capture, report = self.capture(model)
        self.assertEqual([tap for tap in capture.taps if taps.describe(tap)[0][0] == 1], ["text_features"])
        self.assertIn("text.0.ln_1: the forward pass does not call transformer.resblocks.0.ln_1; left out, likewise in 1 "
                      "more block(s)", report.differs)

    def test_float64(self):
        capture, report = self.capture(self.model().double())
        self.assertEqual(report.differs, [])
        for tap, value in golden("quick-fp32").items():
            self.assertLess(relative(capture.taps[tap].value, value), 2e-6, tap)

    def test_a_hook_that_changes_is_noticed(self):
        model = self.model()
        calls = []

        def second(module, inputs, output):
            calls.append(1)
            return output * 1.0001 if len(calls) > 1 else output
        model.visual.transformer.resblocks[0].mlp.gelu.register_forward_hook(second)
        with self.assertRaisesRegex(RuntimeError, "the hooks changed the result"):
            self.capture(model)

    def test_command_line_refuses(self):
        with tempfile.TemporaryDirectory() as folder:
            out = f"{folder}/a.h5"
            inputs = ["--pixels", str(GOLDEN / "pixels.npy"), "--tokens", str(GOLDEN / "tokens.npy"), "-o", out]
            tree = ["--library", str(HERE / "hf_tree.py:build"), "--model", str(CONFIG)]
            for wrong in (inputs, ["-o", out], [*tree, *inputs], [*tree, *inputs, "--setting", "x", "--seed", "1"],
                          ["--library", "nil", *inputs], [*tree, "--inputs", str(CONFIG), "-o", out],
                          ["--library", "openai", "--activation", "erf", *inputs]):
                self.assertEqual(clip_capture.main(wrong), 3, wrong)
            self.assertEqual(clip_capture.main([*tree, *inputs, "--seed", "1", "--limit", "2"]), 0)
            with h5py.File(out) as file:
                self.assertEqual(file["captures/auto-fp32/visual/value"].shape, (2, 24))
                self.assertEqual(file["provenance"].attrs["init"], "counter")

    def test_same_bits(self):
        nan, zero = torch.tensor([float("nan")]), torch.zeros(1)
        self.assertTrue(recompute.same_bits(nan, nan))
        self.assertFalse(recompute.same_bits(zero, -zero))


@unittest.skipUnless(torch, "no PyTorch")
class Faults(unittest.TestCase):
    """faulty_clip.py: what is captured of each, and what is said of it."""
    # Fault: the lines on stderr; the taps that are left out; the first observed tap that has other values.
    CASES = {
        "build": ([], "", None),
        "no_causal": (attention_lines("text"), r"transformer\..*", "transformer.resblocks.0.attn"),
        "no_ln_post": ([r"visual\.ln_post: the forward pass does not call visual\.ln_post; left out",
                        r"visual\.pooled: unknown without visual\.ln_post; left out"],
                       r"visual\.ln_post|visual\.pooled", "visual"),
        "identity_ln_post": ([], "", "visual.ln_post"),
        "positions_before_class": ([], "", "visual.embed"),
        "first_token": (["pooled: projecting the expected token does not give the model's own text_projection"],
                        "pooled", "text_projection"),
        "scale_by_width": (attention_lines("visual") + attention_lines("text"), r"(visual\.)?transformer\..*",
                           "visual.transformer.resblocks.0.attn"),
    }

    def capture(self, fault, *options):
        """(lines, {tap: (value, recomputed)}) of the command line's capture."""
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()) as said:
            path = f"{folder}/a.h5"
            options = options or ("--model", str(CONFIG), "--seed", "915", "--tokens", str(GOLDEN / "tokens.npy"))
            self.assertEqual(clip_capture.main(["--library", f"{HERE / 'faulty_clip.py'}:{fault}", "--activation", "quick",
                                                "--pixels", str(GOLDEN / "pixels.npy"), *options, "-o", path]), 0)
            with h5py.File(path) as file:
                found = {tap: (group["value"][()], group["value"].attrs.get("recomputed", 0))
                         for tap, group in file["captures/quick-fp32"].items()}
        return said.getvalue().splitlines(), found

    def test_each(self):
        expected = golden("quick-fp32")
        for fault, (lines, lost, first) in self.CASES.items():
            with self.subTest(fault):
                said, found = self.capture(fault)
                self.assertEqual(len(said), len(lines), said)
                for line, pattern in zip(said, lines):
                    self.assertRegex(line, f"^{pattern}")
                left = {tap for tap in recomputed() | {"visual.ln_post"} if lost and re.fullmatch(lost, tap)}
                self.assertEqual(list(found), [tap for tap in expected if tap not in left])
                self.assertEqual({tap for tap, (_, mark) in found.items() if mark}, recomputed() - left)
                wrong = [tap for tap, (value, mark) in found.items() if not mark and relative(value, expected[tap]) > 1e-5]
                self.assertEqual(wrong[0] if wrong else None, first)

    def test_the_class_token_alone_lacks_its_position(self):
        value, _ = self.capture("positions_before_class")[1]["visual.embed"]
        expected = golden("quick-fp32")["visual.embed"]
        self.assertLess(relative(value[:, 1:], expected[:, 1:]), 1e-6)
        self.assertGreater(relative(value[:, 0], expected[:, 0]), 1e-3)

    def test_ids_that_are_equal_in_fp16(self):
        config = json.loads(CONFIG.read_text())
        config["text_cfg"]["vocab_size"] = 49408
        with tempfile.TemporaryDirectory() as folder:
            Path(f"{folder}/model.json").write_text(json.dumps(config))
            np.save(f"{folder}/tokens.npy", np.array([[49406, 320, 49407, 0, 0, 0, 0, 0]], np.int32))
            options = "--model", f"{folder}/model.json", "--seed", "915", "--tokens", f"{folder}/tokens.npy"
            said, found = self.capture("argmax_fp16", *options)
            self.assertRegex("\n".join(said), r"^pooled: .*left out$")
            self.assertNotIn("pooled", found)
            self.assertTrue(np.array_equal(found["text_projection"][0],
                                           self.capture("first_token", *options)[1]["text_projection"][0]))


if __name__ == "__main__":
    unittest.main()
