# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the capture scripts: /usr/bin/python3 reference/capture/test_capture.py

Exits with 77 where h5py is missing. What needs PyTorch is skipped without it.
"""

import contextlib
import json
import os
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
    import hooks
    import seeded

CONFIG = GOLDEN / "model.json"
HALF = 2.0 ** -8  # of a bf16's last place, relative


def golden(name):
    """{tap: value} of a committed capture, in the file's order."""
    with h5py.File(GOLDEN / f"{name}.h5") as file:
        return {tap: group["value"][()] for tap, group in file["captures"][name].items()}


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
        tap = schema.Tap(np.arange(24, dtype=np.float32).reshape(2, 3, 4), "bf16", "recomputed")
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
            self.assertTrue(value.attrs["long_name"].endswith("(recomputed)"))
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
                                "logits_per_image": {"array": "logits_t", "layout": "PI"}}}
            (folder / "m.json").write_text(json.dumps(mapping))
            self.assertEqual(npz_import.main([str(folder / "a.npz"), str(folder / "m.json"), "-o",
                                              str(folder / "a.h5")]), 0)
            with h5py.File(folder / "a.h5") as file:
                capture = file["captures/ort"]
                self.assertEqual(len(capture), 8)
                for tap, group in capture.items():
                    same = not tap.endswith("ln_2")
                    self.assertEqual(np.array_equal(group["value"], quick[tap]), same, tap)
                    self.assertEqual(group["value"].attrs["arithmetic_dtype"], "fp32" if same else "bf16")
            for change in ({"taps": {"visual": {"array": "nil", "layout": "NC"}}}, {"tokens": "nil"}, {"x": 1},
                           {"taps": {"visual": {"array": "pix", "layout": "NC"}}}, {"taps": {"visual": "pix"}}):
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
            self.assertTrue(report[0].startswith("hooks do not change the result"))

    def test_hugging_face_names(self):
        args = clip_capture.parser().parse_args(["--model", str(CONFIG), "--seed", "915", "--activation", "quick",
                                                 "-o", "unused"])
        capture, _ = self.capture(hf_tree.build(args))
        for tap, value in golden("quick-fp32").items():
            self.assertLess(relative(capture.taps[tap].value, value), 3e-6, tap)

    def test_as_many_inputs_as_tokens(self):
        pixels, tokens = (np.load(GOLDEN / f"{name}.npy")[:n] for name, n in (("pixels", 5), ("tokens", 8)))
        capture, _ = clip_capture.capture_model(self.model(), pixels, tokens.astype(np.int64))
        expected = golden("quick-fp32")
        for tap in ("visual.transformer.resblocks.1.attn.q", "transformer.resblocks.1", "visual.ln_post", "embed"):
            value = capture.taps[tap].value
            self.assertLess(relative(value, expected[tap][:len(value)]), 1e-6, tap)

    def test_another_attention_is_noticed(self):
        model = self.model()
        for block in model.visual.transformer.resblocks:
            forward = block.attn.forward
            block.attn.forward = lambda q, k, v, f=forward, **more: f(1.1 * q, k, v, **more)
        with self.assertRaisesRegex(RuntimeError, "attn: what is recomputed"):
            self.capture(model)

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
        self.assertTrue(hooks.same_bits(nan, nan))
        self.assertFalse(hooks.same_bits(zero, -zero))


if __name__ == "__main__":
    unittest.main()
