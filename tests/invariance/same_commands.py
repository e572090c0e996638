# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands whose output same_output.py compares, in groups: a group's later commands read what its first wrote."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

COMMANDS = "run diff bisect report check accept classify inspect convert preprocess tokenize list".split()
ROWS = Path(__file__).resolve().parents[2] / "harness/report/forms/forms.def"
FORMS = [form for form in re.findall(r"^FORM\((\w+)\)", ROWS.read_text(encoding="utf-8"), re.M) if form != "term"]
MODELS = ("data/fashion-clip", "data/fashion-clip-gelu")
IMAGES = "data/fashion-clip/images"
CALIBRATION = ("--images", f"{IMAGES}/*.png", "--classes", "data/fashion-clip/classes.txt", "--templates",
               "data/fashion-clip/templates.txt", "--labels", "data/fashion-clip/labels.csv", "--limit", "12")
CAPTURES = "reference/golden/captures"
OUT = "same-output"
FEW = ("inputs.limit=12", 'inputs.prompts.templates=["a photo of a {}", "a {}"]')
DEMO = "experiments/quickgelu-vs-gelu.yaml"


@dataclass(frozen=True)
class Case:
    argv: tuple
    files: tuple = ()  # written by it, and compared
    result: str = ""  # a result: its content is compared, its bytes are noted


@dataclass(frozen=True)
class Group:
    name: str
    cases: tuple
    prepare: Callable | None = None

    def __repr__(self):
        return f"{self.name}: {self.cases}"


def reports(result):
    stem = result.removesuffix(".h5")
    return [Case(("report", result, "--term")),
            *(Case(("report", result, f"--{f}", "-o", f"{stem}.{f}"), (f"{stem}.{f}",)) for f in FORMS)]


def overrides(path, quick):
    """10,000 images of a package are too many for the full form, too."""
    if quick:
        return FEW
    return ("inputs.limit=100",) if path.is_file() and "/usr/share/datasets" in path.read_text() else ()


def experiment(tree, path, quick):
    name, result = path.rsplit("/", 1)[1].removesuffix(".yaml"), f"{OUT}/result.h5"
    run = Case(("run", path, *overrides(tree / path, quick), f"output={result}"), result=result)
    return Group(f"experiment {name}", (Case(("run", path, "--dry-run")), run, *reports(result)))


def gate(path, quick):
    """A quick check has fewer inputs than the baseline in the repository, so it passes against one of its own."""
    result, junit, own = f"{OUT}/gate.h5", f"{OUT}/gate.xml", f"{OUT}/accepted.yaml"
    accept = Case(("accept", path, *(FEW if quick else ()), "--baseline", own, f"output={result}"), (own,), result)
    checks = [Case(("check", result, *more, *form), files) for more in ((), ("--baseline", own), ("--no-bits", "--all"))
              for form, files in (((), ()), (("--junit", junit), (junit,)), (("--json", "-"), ()), (("--github",), ()))]
    return Group(f"gate {path.rsplit('/', 1)[1].removesuffix('.yaml')}", (accept, *checks))


def help_and_lists():
    return Group("help and lists", (Case(("--help",)), Case(("--version",)), Case(()), Case(("list",)), Case(("list", "taps")),
                                    *(Case((c, "--help")) for c in COMMANDS)))


def inspected():
    cases = []
    for folder in MODELS:
        file = f"{folder}/open_clip_model.safetensors"
        for more in ((), ("--config", f"{folder}/open_clip_config.json"), CALIBRATION):
            cases += [Case(("inspect", file, *more)), Case(("inspect", file, *more, "--json"))]
        for ending in ("safetensors", "h5"):
            out = f"{OUT}/converted.{ending}"
            cases += [Case(("convert", file, out, "--config", f"{folder}/open_clip_config.json"), (out,)), Case(("inspect", out))]
    golden = [f"reference/golden/checkpoints/{n}" for n in ("script.pt",)]
    return Group("inspect and convert", (*cases, *(Case(("inspect", g, *j)) for g in golden for j in ((), ("--json",)))))


def inputs():
    texts = ("a photo of a dog", "don’t  PANIC", "caf\u00e9 &amp; <b>", "\u4f60\u597d \U0001f600", "x" * 60)
    cases = [Case(("tokenize", *more, "--", *texts)) for more in ((), ("--json",), ("--truncate", "--pad"), ("--context", "9"))]
    for name in "openai open_clip huggingface no_ftfy gpt2_pattern drop_eot pad_eot".split():
        cases += [Case(("tokenize", "--tokenizer", name, "--context", "16", "--pad", "--truncate", *j, "--", *texts))
                  for j in ((), ("--json",))]
    for knob in "pillow pillow_float torch_antialias torch opencv clip_cpp".split():
        out = f"{OUT}/pixels.npy"
        cases.append(Case(("preprocess", "data/fashion-large/00013-dress.jpg", f"preprocess={knob}", "-o", out), (out,)))
    return Group("tokenize and preprocess", tuple(cases))


def classified():
    images = ("--image", f"{IMAGES}/00000-ankle-boot.png", f"{IMAGES}/00029-dress.png")
    prompts = ("--prompt", "a photo of a dress", "a photo of a sandal", "a photo of an ankle boot")
    compare = ("--compare", "activation=erf", "half:precision=fp16")
    return Group("classify", tuple(Case(("classify", "--model", m, *images, *prompts, *c, *j))
                                   for m in MODELS for c in ((), compare) for j in ((), ("--json",))))


def diffs():
    pairs = [("quick-fp32", other) for other in ("erf-fp32", "quick-bf16", "openai-quick-fp32", "hf-quick-fp32")]
    pairs += [("erf-fp32", "erf-bf16")]
    cases = []
    for a, b in pairs + [(b, a) for a, b in pairs]:
        sides, out, said = (f"{CAPTURES}/{a}.h5", f"{CAPTURES}/{b}.h5"), f"{OUT}/diff.h5", f"{OUT}/diff.json"
        cases.append(Case(("diff", *sides, "--json", said, "-o", out), (said,), out))
    cases += [Case(("diff", *sides, *more, "-o", out)) for more in
              (("--strict",), ("--rtol", "1e-3", "--atol", "1e-5"), ("--environment",), ("--spec-b", "activation=quick"))]
    return Group("diff", (*cases, *reports(f"{OUT}/diff.h5")))


def bisections():
    few = ("inputs.limit=2", 'inputs.prompts.templates=["a {}"]', f"output={OUT}/bisected.h5")
    return Group("bisect", tuple(Case(("bisect", DEMO, "erf", *more, *few)) for more in
                                 ((), ("--layers",), ("--settings",), ("--remove",), ("--at", "image_features"))))


def wrong_lines():
    run = [("baselin={}",), ("baseline.activation=quik",), ("baseline.norm.eps=-1",), ("baseline.activation@visual.9=erf",),
           ("record.nothing=full",), ("factorial.a.norm=rmsnrm",), ("inputs.images=/nowhere/*.png",), ("inputs.labels=no.csv",),
           ("model.config=no.json",), ("model.config=README.md",), ("model.checkpoint=README.md",), ("isa=avx1024",),
           ("inputs.limit=0",), ("threads=-1",), ("model.config=tests/cli/wrong_config.json",)]
    other = [("frobnicate",), ("inspet", "x"), ("run",), ("run", "--fast", "x.yaml"), ("run", "no.yaml"), ("diff", "a.h5"),
             ("diff", f"{CAPTURES}/quick-fp32.h5:other", f"{CAPTURES}/erf-fp32.h5"), ("report", "no.h5"), ("report", "README.md"),
             ("check", DEMO, "--baseline", "no.yaml", "--junit"), ("list", "tap"), ("tokenize", "--tokenizer", "bert", "a"),
             ("classify", "--model", "no"), ("preprocess", "README.md"), ("convert", "README.md", f"{OUT}/x.h5"),
             ("bisect", DEMO, "nobody"), ("bisect", DEMO, "erf", "--layers", "--settings"), ("accept", "no.yaml")]
    return [*(("run", DEMO, *r, f"output={OUT}/x.h5") for r in run), *other]


DAMAGED = {"model.safetensors": ("data/fashion-clip/open_clip_model.safetensors", "inspect"),
           "script.pt": ("reference/golden/checkpoints/script.pt", "inspect"),
           "capture.h5": (f"{CAPTURES}/quick-fp32.h5", "report"),
           "picture.png": (f"{IMAGES}/00029-dress.png", "preprocess"),
           "photo.jpg": ("data/fashion-large/00013-dress.jpg", "preprocess"),
           "demo.yaml": (DEMO, "run")}


def damage(tree, folder):
    """The first 60 % of each file; and all of it with one byte in three hundred turned round."""
    for name, (source, _) in DAMAGED.items():
        data = (tree / source).read_bytes()
        (folder / f"cut-{name}").write_bytes(data[: len(data) * 3 // 5])
        turned = bytearray(data)
        turned[7::300] = bytes(255 - b for b in data[7::300])
        (folder / f"turned-{name}").write_bytes(turned)
    shutil.copyfile(tree / "README.md", folder / "config.json")


def errors():
    bad = [Case((command, f"{OUT}/{how}-{name}")) for how in ("cut", "turned") for name, (_, command) in DAMAGED.items()]
    return Group("errors", (*(Case(line) for line in wrong_lines()), *bad,
                            Case(("inspect", "data/fashion-clip/open_clip_model.safetensors", "--config", f"{OUT}/config.json"))), damage)


def groups(trees, quick):
    """Cheap groups first. An experiment that one tree alone has is a difference."""
    def names(folder):
        return sorted({f"{folder}/{p.name}" for t in trees for p in (t / folder).glob("*.yaml")})
    yield from (help_and_lists(), errors(), inputs(), classified(), inspected(), diffs(), bisections())
    yield from (gate(p, quick) for p in names("experiments/gate"))
    yield from (experiment(trees[0], p, quick) for p in names("experiments"))
