# SPDX-License-Identifier: GPL-3.0-or-later
"""One nasty alphabet as names of files, candidates and taps, as prompts and as provenance, through every writer.

    /usr/bin/python3 tests/syntax/test_syntax.py PROGRAM

What each writes is read back by a parser of its syntax (tests/syntax/parsers.py).
"""

import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

import h5py
import numpy as np
import yaml

sys.path.insert(0, str(Path(__file__).parent))
from parsers import (Page, cell_text, csv_rows, json_name, lines_for_people, markdown_tables,  # noqa: E402
                     shown, xml_texts)

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = None
DATA = ROOT / "data/fashion-clip"

# No / and no NUL: each can be the name of a file.
NASTY = [
    b"plain", b"a, \"b\", c", b"two\nlines\r\nthree", b"\x1b]0;owned\x07\x1b[31mred\x1b[2J", b"\x01\x08\x0b\x7f",
    b"::error file=x::owned", b"\n::error::owned", b"=cmd|' C'!A0", b"+1", b"-1+2", b"@SUM(1)", b"<script>alert(1)<",
    b"\"><img src=x onerror=alert(1)>", b"' onload='x", b"]]>&amp;<![CDATA[", b"a|b`c`*d*_e_", b"\\x1b\\", b"$(id)`id`",
    b"\xff\xfe\xc2", b"\xc2\x85\xc2\x9b31m", "\u202edlrow\u200f\u2066".encode(), "\u2028\u2029\ufeff".encode(),
    b"it's a long name " + b"::error::and on " * 12, b"##[error]x", b": - {a: b} # c", b"\xf4\x8f\x9e\x80",
    b"%0A::error::x", b"--><!--<pre><script>"]


TAPS = [name[:79] for name in NASTY]  # as long as a capture may have them


def run(*arguments, code=0, **more):
    ended = subprocess.run([PROGRAM, *arguments], capture_output=True, cwd=ROOT, timeout=300, check=False, **more)
    codes = code if isinstance(code, tuple) else (code,)
    assert ended.returncode in codes, (ended.returncode, ended.stderr[-1000:], arguments)
    lines_for_people(ended.stderr)
    return ended.stdout


class Syntax(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="clip-parity-syntax-"))
        pictures = sorted((DATA / "images").glob("*.png"))
        (cls.folder / "images").mkdir()
        for i, name in enumerate(NASTY):
            shutil.copy(pictures[i], os.fsencode(cls.folder / "images") + b"/" + name + b".png")
        cls.prompts = [json_name(name) for name in NASTY if name.isascii()] + ["</script></pre>", "\u202e\u2028"]
        cls.result = cls.folder / "nasty.h5"
        cls.experiment = cls.folder / "nasty.yaml"
        cls.experiment.write_text(json.dumps({
            "experiment": "nasty", "hypothesis": "".join(cls.prompts),
            "model": {"checkpoint": str(DATA / "open_clip_model.safetensors"), "config": str(DATA / "open_clip_config.json")},
            "inputs": {"images": f"{cls.folder}/images/*.png", "prompts": cls.prompts}, "baseline": {"activation": "quick"},
            "candidates": {"erf": {"activation": "erf"}, "half": {"precision": "bf16"}},
            "record": {"*": "off", "*_features": "stats", "*.mlp.gelu": "stats"}, "oracle": 12, "output": str(cls.result)}))
        lines_for_people(run("run", str(cls.experiment)))
        cls.images = [name + b".png" for name in NASTY]

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(os.fsencode(cls.folder))

    def report(self, result, form):
        return run("report", str(result), form, "-o", "-")

    # ---- names of files, prompts ----

    def test_every_file_is_found(self):
        report = json.loads(self.report(self.result, "--json"))
        self.assertEqual(sorted(os.path.basename(name) for name in report["inputs"]["images"]),
                         sorted(json_name(name) for name in self.images))
        self.assertEqual(report["inputs"]["prompts"], self.prompts)
        self.assertEqual(report["hypothesis"], "".join(self.prompts))

    def test_forms_of_a_report(self):
        rows = csv_rows(self.report(self.result, "--csv"))
        self.assertLessEqual({cell_text(row["worst_input"]) for row in rows} - {""},
                             {shown(name) for name in self.images} | {shown(p.encode()) for p in self.prompts})
        page = Page(self.report(self.result, "--html"))
        page.check()
        self.assertEqual(sorted(page.data["images"]), sorted(json_name(name) for name in self.images))
        self.assertEqual(page.data["prompts"], self.prompts)
        self.assertIn("Hypothesis: " + shown("".join(self.prompts).encode()).replace("\\x0a", "\n").replace("\\x09", "\t"),
                      "".join(page.texts))
        self.assertGreater(len(markdown_tables(self.report(self.result, "--md"))), 2)
        lines_for_people(self.report(self.result, "--term"))

    def test_cells_of_a_sweep(self):
        result = self.folder / "sweep.h5"
        run("run", str(self.experiment), f"output={result}", "inputs.limit=2", "oracle=off", "candidates={}",
            "sweep={activation: [quick, erf], norm.eps: [1e-5, 1e-6]}")
        rows = csv_rows(self.report(result, "--csv"))
        self.assertEqual({row["candidate"] for row in rows}, {f"activation={a},norm.eps={e}" for a in ("quick", "erf")
                                                              for e in ("1e-5", "1e-6")})

    def test_the_resolved_experiment_is_yaml(self):
        printed = run("run", str(self.experiment), "--dry-run", "-v")
        lines_for_people(printed)
        resolved = yaml.safe_load(printed)
        self.assertEqual((resolved["hypothesis"], resolved["inputs"]["prompts"]), ("".join(self.prompts), self.prompts))
        self.assertEqual(resolved["output"], str(self.result))

    def test_gate(self):
        accepted, summary = self.folder / "accepted.yaml", self.folder / "summary.md"
        run("accept", str(self.result), "--baseline", str(accepted), "--reason", "".join(self.prompts), code=(0, 3))
        lines_for_people(accepted.read_bytes())
        yaml.safe_load(accepted.read_bytes())
        other = ["check", str(self.experiment), f"output={self.folder}/other.h5", "baseline.norm.eps=1e-3",
                 "--baseline", str(accepted), "--all"]
        lines_for_people(run(*other, "--github", code=(1, 3), env={**os.environ, "GITHUB_STEP_SUMMARY": str(summary)}),
                         commands=True)
        markdown_tables(summary.read_bytes())
        other[1] = f"{self.folder}/other.h5"
        texts = xml_texts(run(*other[:2], *other[4:], "--junit", f"{self.folder}/junit.xml", code=1) and
                          (self.folder / "junit.xml").read_bytes())
        self.assertTrue(any(shown(name) in text for name in self.images for text in texts if len(name) < 100))
        judged = json.loads(run(*other[:2], *other[4:], "--json", "-", code=1))
        self.assertFalse(judged["passed"])

    # ---- candidates and taps of a result, of a capture ----

    def test_candidates_and_taps_of_a_result(self):
        for i, name in enumerate(NASTY):
            other = self.folder / "renamed.h5"
            shutil.copy(self.result, other)
            with h5py.File(other, "r+") as file:
                found = []
                file.visit(lambda path: found.append(path) if path.endswith(("/erf", "/image_features")) else None)
                for path in sorted(found, key=len, reverse=True):
                    if path.endswith("/erf") == (i % 2 == 0):
                        file.move(path, path[:path.rindex("/") + 1].encode() + name)
            for form in ("--csv", "--html", "--md", "--json", "--term"):
                written = run("report", str(other), form, "-o", "-", code=(0, 3))
                if written:
                    {"--csv": csv_rows, "--html": lambda w: Page(w).check(), "--md": markdown_tables,
                     "--json": json.loads, "--term": lines_for_people}[form](written)

    def capture(self, path, scale):
        with h5py.File(path, "w") as file:
            file.attrs["schema"] = "clip-parity/1"
            provenance = file.create_group("provenance")
            for i, name in enumerate(NASTY):
                provenance.attrs[name] = name + b" %d" % (i * scale)
            provenance.attrs["source"] = NASTY[3]
            for name in [b"image_features", *TAPS]:
                tap = file.create_group(b"captures/" + NASTY[1] + b"/" + name)
                tap["value"] = np.arange(16, dtype="<f4").reshape(2, 8) * np.float32(scale)
                tap["value"].attrs["arithmetic_dtype"] = "fp32"

    def test_diff(self):
        nasty = os.fsencode(self.folder) + b"/\xff\x1b a', \"b::error"
        a, b = nasty + b"a.h5", nasty + b"b.h5"
        self.capture(a, 1)
        self.capture(b, 1.5)
        lines_for_people(run("diff", a, b, "--environment"))
        result = os.fsencode(self.folder) + b"/diff\xff.h5"
        printed = run("diff", a, b, "-o", result, code=(0, 1, 3, 5))
        lines_for_people(printed)
        self.assertTrue(os.path.exists(result))
        verdict = json.loads(run("diff", a, b, "-o", result, "--json", "-", code=(0, 1, 3, 5)))
        self.assertLessEqual({json_name(name) for name in NASTY} - {"plain"},
                             {cause["tap"] for cause in verdict["causes"]} | set(verdict["unmatched"]) |
                             {json_name(name) for name in NASTY})
        self.assertIn("pass", verdict)
        rows = csv_rows(run("report", result, "--csv", "-o", "-"))
        self.assertLessEqual({cell_text(row["tap"]) for row in rows}, {shown(name) for name in TAPS} | {"image_features"})
        Page(run("report", result, "--html", "-o", "-")).check()

    def test_a_capture_chooses_no_other_section(self):
        source = ROOT / "reference/golden/captures/quick-fp32.h5"
        model = "model:\n  config: reference/golden/captures/model.json\n  init: counter\n  seed: 915"
        rows = [("provenance", "model", model + "\n%soutput: EVIL\n"), ("provenance", "model", model + "\r%soutput: EVIL\r"),
                ("captures", "settings", "activation: quick\routput: EVIL"),
                ("captures", "settings", "activation: quick\ncheckpoint: EVIL"),
                ("captures", "settings", "activation: quick\n\u2028output: EVIL")]
        for group, attribute, value in rows:
            path, evil = self.folder / "cr.h5", self.folder / "evil.h5"
            shutil.copy(source, path)
            with h5py.File(path, "r+") as file:
                at = file[group] if group == "provenance" else next(iter(file[group].values()))
                at.attrs[attribute] = value.replace("%s", "").replace("EVIL", str(evil))
            run("diff", str(path), str(ROOT / "reference/golden/captures/erf-fp32.h5"), "-o", f"{self.folder}/cr-out.h5",
                code=3)
            self.assertFalse(evil.exists())

    # ---- checkpoints, commands ----

    def test_names_of_tensors(self):
        safetensors, archive = self.folder / "t.safetensors", self.folder / "t.pt"
        names = [json_name(name) for name in NASTY]
        header = json.dumps({name: {"dtype": "F32", "shape": [1], "data_offsets": [4 * i, 4 * i + 4]}
                             for i, name in enumerate(names)}).encode()
        safetensors.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4 * len(names)))
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("t/data.pkl", pickle.dumps({name: len for name in names}, protocol=2))
        for path in (safetensors, archive):
            lines_for_people(run("inspect", str(path), code=(0, 3)))
            written = run("inspect", str(path), "--json", code=(0, 3))
            self.assertTrue(not written or json.loads(written))

    def test_names_on_the_command_line(self):
        for name in NASTY:
            path = os.fsencode(self.folder) + b"/" + name
            for words in ([path + b".yaml"], [b"x" + name]):
                for command in (b"run", b"check", b"report", b"inspect", b"bisect"):
                    run(command, *words, code=(3, 4))
            run(name, code=4)
            run("run", str(self.experiment), b"record." + name + b"=" + name, code=(3, 4))
            lines_for_people(run("preprocess", path.replace(self.folder.name.encode(), self.folder.name.encode() + b"/images")
                                 + b".png"))

    def test_classify_and_tokenize(self):
        prompts = [prompt for prompt in self.prompts if not prompt.startswith("-") and
                   all(c >= " " and c != "\x7f" or c in "\r\n" for c in prompt)]
        pictures = [os.fsencode(self.folder) + b"/images/" + name for name in self.images]
        words = [word for name in pictures for word in ("--image", name)] + [w for p in prompts for w in ("--prompt", p)]
        lines_for_people(run("classify", "--model", str(DATA), *words))
        told = json.loads(run("classify", "--model", str(DATA), *words, "--json"))
        self.assertEqual(told["prompts"], prompts)
        self.assertEqual([text["text"] for text in json.loads(run("tokenize", "--json", "--", *self.prompts))], self.prompts)
        lines_for_people(run("tokenize", "--", *self.prompts))

    def test_words_of_a_shell(self):
        nasty = os.fsencode(self.folder) + b"/it's \xff\x1b$(id) \"x\".yaml"
        shutil.copy(self.experiment, nasty)
        page = Page(run("report", self.run_of(nasty), "--html", "-o", "-")).data
        self.assertEqual(self.words(page["file"]), [nasty])
        self.assertEqual(self.words(page["output"]), [b"output=results/runs/nasty-tap.h5"])
        self.assertEqual([self.words(word) for word in page["records"]],
                         [[f"record.{tap}=full".encode()] for tap in page["taps"]])
        printed = run("bisect", nasty, "erf", f"output={self.folder}/bisect it's.h5", "inputs.limit=4", code=(0, 1, 5))
        lines_for_people(printed)
        command = next(line for line in printed.decode().splitlines() if line.startswith("run  "))
        words = self.words(command.removeprefix("run").strip())
        self.assertEqual(words[:3], [b"clip-parity", b"run", nasty])
        self.assertIn(f"output={self.folder}/bisect it's.h5".encode(), words)
        self.assertEqual(yaml.safe_load(words[-2].split(b"=", 1)[1])["bisected"],
                         {"activation@visual.5": "erf", "activation@text.0": "erf"})

    def run_of(self, experiment):
        result = self.folder / "shell.h5"
        run("run", experiment, f"output={result}", "inputs.limit=2", "oracle=off")
        return str(result)

    @staticmethod
    def words(command):
        return subprocess.run(["bash", "-c", f"printf '%s\\0' {command}"], capture_output=True, check=True).stdout.split(b"\0")[:-1]


if __name__ == "__main__":
    PROGRAM = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
