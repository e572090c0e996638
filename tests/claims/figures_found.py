# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/findings.md, and docs/seeds.md and docs/preprocess.md, which show the same runs in tables."""

from claim import Claim, at_most, rounded
from runs import figures

FOUND_PAGE, SEEDS, PREPROCESS = "docs/findings.md", "docs/seeds.md", "docs/preprocess.md"
FEATURES = "image_features"


def norms(r):
    return r.experiment("norm-variants", "inputs.limit=30")


def attention(r):
    return r.experiment("attention-precision", "inputs.limit=20")


def noise(r):
    return r.experiment("noise-floor")


def seeds(r):
    return r.experiment("seeds-vs-implementations", "oracle=off")


def resizes(r):
    return r.experiment("resize-filters")


def factorial(r):
    return r.experiment("full-factorial")


# Over 10,000 images.

def tenk(r):
    return r.experiment("fashion-10k").decisions("erf")


def tenk_figures(r):
    d = tenk(r)
    return [d["flips"], 100 * d["flip_low"], 100 * d["flip_high"], 100 * d["accuracy_baseline"], 100 * d["accuracy"], d["max_dp"],
            r.experiment("fashion-10k").l2("erf", FEATURES, "rounding"), d["certified"], d["flips"]]


def certified_flips(r):
    return sum(bool(i["certified"]) and bool(i["flip"]) for i in tenk(r)["images"])


# Layers.

def layers(r):
    return r.experiment("which-layer").report["attribution"]["layers"]


def shapley(r):
    shares = [s for s in factorial(r).report["attribution"]["shapley"] if s["response"] == "squared_error"]
    return {s["factor"]: s for s in shares}


def share(r, name):
    s = shapley(r)[name]
    return [100 * s[k] for k in ("share", "share_low", "share_high")]


def effects(r):
    return [e for e in factorial(r).report["attribution"]["effects"] if e["response"] == "squared_error"]


def largest_interaction(r):
    """In percent of the activation's effect, at the end of the image tower; and that effect."""
    by_name = {e["effect"]: e["mean"] for e in effects(r)}
    activation = by_name["activation"]
    return [100 * max(abs(v) for k, v in by_name.items() if ":" in k or "*" in k or " x " in k) / abs(activation), activation]


def layer_harm(r):
    """The activation's, first and last block, then least and largest between them."""
    blocks = next(c for c in layers(r)["visual"] if c["component"] == "activation=erf")["relative_l2"]
    return [blocks[0], blocks[5], min(blocks[1:5]), max(blocks[1:5])]


def rmsnorm(r):
    return "thousand" if 500 <= norm_errors(r)[3] < 2000 else f"{norm_errors(r)[3]:.0f}"


def eps_places(r):
    """Where eps does most harm to the text features, and what `bisect` finds for the image features."""
    text = next(c for c in layers(r)["text"] if c["component"] == "norm.eps=1e-6")["relative_l2"]
    found = r.shell(FOUND_PAGE, "bisect experiments/full-factorial.yaml")
    outside = "\n  norm.eps@visual.outer: 1e-06\n" in found
    return ["first" if text[0] == max(text) else "another", "outside" if outside else "inside"]


def fp16_worse(r):
    fine, coarse = (attention(r).l2(c, "visual.5", "rounding") for c in ("fp16", "fp16-accumulate"))
    return coarse / fine


def times_floor(name):
    return lambda r: noise(r).tap(name, FEATURES)["times_floor"]


def mean_floor(r):
    return noise(r).tap("other-order", FEATURES)["floor"]


def growth(r, candidate):
    return next(s["times"] for s in resizes(r).candidate(candidate)["pixel_growth"]["steps"] if s["tap"] == "pixels.normalized")


def norm_errors(r):
    same = max(norms(r).l2(c, "visual.5") for c in ("welford", "one-pass"))
    eps = norms(r).l2("eps-1e-6", "visual.5")
    return [same, norms(r).l2("fp16-stats", "visual.5"), eps, norms(r).l2("rmsnorm", "visual.5") / eps]


FOUND = [
    Claim(FOUND_PAGE, r"GELU in place of QuickGELU changes (\d+) decisions \(95 % interval ([\d.]+) to ([\d.]+) %\), accuracy "
          r"([\d.]+) to ([\d.]+) %, one probability by ([\d.]+); the rounding part stays at (\S+)\. For ([\d,]+) images the size "
          r"of the features' divergence alone proves that they cannot flip; none of the (\d+) is", tenk_figures, long=True),
    Claim(FOUND_PAGE, r"proves that they cannot flip; (\w+) of the \d+ is among them",
          lambda r: {0: "none"}.get(certified_flips(r), str(certified_flips(r))), long=True),
    Claim(FOUND_PAGE, r"in rounding alone \(([\d.e-]+)\); fp16 statistics cost ([\d.e-]+); eps 1e-6 is a different function "
          r"\(([\d.e-]+)\), RMSNorm a thousand times", lambda r: norm_errors(r)[:3]),
    Claim(FOUND_PAGE, r"RMSNorm a (thousand) times more", rmsnorm),
    Claim(FOUND_PAGE, r"fp16: semantic part exactly (\d+), rounding ([\d.e-]+) at the last block; accumulating in fp16 makes it (\w+) "
          r"times worse", lambda r: [*(attention(r).l2("fp16", "visual.5", part) for part in ("semantic", "rounding")), fp16_worse(r)]),
    Claim(FOUND_PAGE, r"image tower \((\S+), (\S+) against (\S+) to (\S+) between them\)", layer_harm),
    Claim(FOUND_PAGE, r"eps 1e-6 matters in the text tower's (first) block and (outside) the blocks", eps_places),
    Claim(FOUND_PAGE, r"no interaction exceeds ([\d.]+) % of the activation's effect", lambda r: largest_interaction(r)[0], at_most),
    Claim(FOUND_PAGE, r"activation's effect \((\S+) at the image features\)", lambda r: largest_interaction(r)[1]),
    Claim(FOUND_PAGE, r"the activation ([\d.]+) % \(95 % interval ([\d.]+) to ([\d.]+)\)", lambda r: share(r, "activation")),
    Claim(FOUND_PAGE, r"bf16 attention ([\d.]+) % \(([\d.]+) to ([\d.]+)\)", lambda r: share(r, "attention")),
    Claim(FOUND_PAGE, r"bf16 weights ([\d.]+) % \(([\d.]+) to ([\d.]+)\)", lambda r: share(r, "weights")),
    Claim(FOUND_PAGE, r"eps (-[\d.]+) % \((-[\d.]+) to (-[\d.]+): it takes back", lambda r: share(r, "eps")),
    Claim(FOUND_PAGE, r"over (\d+) images \(`full-factorial`\)", lambda r: len(factorial(r).report["inputs"]["images"])),
    Claim(FOUND_PAGE, r"in the whole model does \((\S+)\): (\S+) \(`torch_antialias`, `clip_cpp`\) to (\S+) \(`torch`",
          lambda r: [resizes(r).l2(c, FEATURES) for c in ("fp16", "torch-antialias", "torch")]),
    Claim(FOUND_PAGE, r"(\S+) \(`torch_antialias`, `clip_cpp`\)", lambda r: resizes(r).l2("clip-cpp", FEATURES)),
    Claim(FOUND_PAGE, r"to (\S+) \(`torch` not antialiased, `opencv`\)", lambda r: resizes(r).l2("opencv", FEATURES)),
    Claim(FOUND_PAGE, r"moves the image features by (\S+) times the noise floor \((\S+)\), fp16 attention by (\d+) times, bf16 "
          r"weights by ([\d,]+) times", lambda r: [times_floor("other-order")(r), mean_floor(r), times_floor("fp16-attention")(r),
                                           times_floor("bf16-weights")(r)], rounded),
    Claim(FOUND_PAGE, r"all (\d+) images provably cannot flip under fp16 attention",
          lambda r: noise(r).decisions("fp16-attention")["certified"]),
    Claim(FOUND_PAGE, r"half a grey level moves the image features by (\S+): as much as bf16 does \((\S+)\), (\w+) times as much as "
          r"fp16",
          lambda r: [noise_l2(r), seeds(r).l2("bf16", FEATURES), noise_l2(r) / seeds(r).l2("fp16", FEATURES)]),
    Claim(FOUND_PAGE, r"a (quarter) of what the wrong GELU does", lambda r: quarter(noise_l2(r) / seeds(r).l2("erf", FEATURES))),
]


def noise_l2(r):
    """Mean over the seeds."""
    return sum(each_seed(r, "noise", FEATURES)) / 3


def each_seed(r, kind, tap):
    return [seeds(r).l2(f"{kind}-{n}", tap) for n in (1, 2, 3)]


def quarter(x):
    return "quarter" if 0.2 <= x < 0.3 else f"{x:.2g} times"


def apart(r, tap, kinds=("noise", "dropout")):
    """How much more the seed of one kind that moves a tap most does than the one that moves it least, in percent."""
    return 100 * max(max(v) / min(v) - 1 for v in (each_seed(r, kind, tap) for kind in kinds))


def seed_row(cell, names):
    """A row of the table: features, probabilities, decisions, of one candidate or one for each seed."""
    figure = ", ".join([r"([\w.-]+)"] * len(names))
    return Claim(SEEDS, rf"^\| {cell} \| {figure} \| {figure} \| {figure} \|$", lambda r: [
        *(seeds(r).l2(n, FEATURES) for n in names), *(seeds(r).l2(n, "class_probs") for n in names),
        *(seeds(r).decisions(n)["flips"] for n in names)])


def three(kind):
    return [f"{kind}-{n}" for n in (1, 2, 3)]


def points_lost(r):
    lost = [100 * (d["accuracy_baseline"] - d["accuracy"]) for d in (seeds(r).decisions(n) for n in three("dropout"))]
    return [min(lost), max(lost)]


def two_seeds(r):
    results = []
    for seed in (1, 2):
        path = r.folder / f"init-{seed}.h5"
        r.program("run", "experiments/quickgelu-vs-gelu.yaml", "candidates={}", "inputs.limit=12", "local=off", "floor=0",
                  "oracle=off", f"model={{config: data/fashion-clip/open_clip_config.json, init: open_clip, seed: {seed}}}",
                  'record={"*": "off", "*_features": full}', f"output={path}")
        results.append(path)
    text = r.program("diff", *results, "-o", r.folder / "init.h5", code=1)
    return figures(r"\n  image_features (\S+)", text)


OF_SEEDS = [
    seed_row(r"another order of sums \(`linear\.permute: 1`\)", ["order-1"]),
    seed_row(r"`preprocess\.normalize: fused`", ["fused-pixels"]),
    seed_row(r"`norm\.eps: 1e-6`", ["eps"]),
    seed_row(r"`attention\.compute: fp16`", ["fp16-attention"]),
    seed_row(r"`precision: fp16`", ["fp16"]),
    seed_row(r"noise of half a grey level, seeds 1, 2, 3", three("noise")),
    seed_row(r"`precision: bf16`", ["bf16"]),
    Claim(SEEDS, r"^\| erf, tanh GELU on QuickGELU weights \| (\S+) \| (\S+), (\S+) \| (\d+) \|$", lambda r: [
        seeds(r).l2("erf", FEATURES), seeds(r).l2("erf", "class_probs"), seeds(r).l2("tanh", "class_probs"),
        seeds(r).decisions("erf")["flips"]]),
    seed_row(r"half of the patches dropped, seeds 1, 2, 3", three("dropout")),
    Claim(SEEDS, r"as much as bf16, (\w+) times as much as fp16, and ([\d,]+) times as much as another order of sums; the wrong "
          r"activation moves them by (\w+) times that", lambda r: [
              noise_l2(r) / seeds(r).l2("fp16", FEATURES), noise_l2(r) / seeds(r).l2("order-1", FEATURES),
              seeds(r).l2("erf", FEATURES) / noise_l2(r)], rounded),
    Claim(SEEDS, r"differs by (\d+) % at most at the features and by (\d+) % at most at the probabilities",
          lambda r: [apart(r, FEATURES), apart(r, "class_probs")]),
    Claim(FOUND_PAGE, r"other seeds as much, within (\d+) % \(", lambda r: apart(r, FEATURES, ["noise"])),
    Claim(SEEDS, r"loses (\d+) to (\d+) points of accuracy", points_lost),
    Claim(SEEDS, r"the image features are ([\d.]+) apart", two_seeds),
]


def resize_row(name, candidate, begins):
    tap = {"resized": "pixels.resized", "cropped": "pixels.cropped", "decoded": "pixels.decoded"}.get(begins)

    def found(r):
        decisions = resizes(r).decisions(candidate)
        cause = resizes(r).candidate(candidate)["causes"][0]["tap"]
        there = [cause.removeprefix("pixels."), resizes(r).l2(candidate, tap)] if tap else []
        times = [growth(r, candidate)] if tap else []
        after = [resizes(r).l2(candidate, tap) for tap in ("pixels.normalized", FEATURES)]
        return [*there, *after, *times, decisions["flips"], decisions["max_dp"]]
    first = r"(\w+) \| (\S+)" if tap else r"\(in the model\) \| 0"
    times = r"(\S+) " if tap else ""
    return Claim(PREPROCESS, rf"^\| {name} \| {first} \| (\S+) \| (\S+) \| {times}\| (\d+) \| (\S+) \|$", found)


def chance(r):
    return resizes(r).candidate("torch")["pixel_growth"]["chance"]


OF_RESIZES = [
    resize_row("`pillow_float`", "pillow-float", "resized"),
    resize_row("`torch_antialias`", "torch-antialias", "resized"),
    resize_row(r"`torch` \(not antialiased\)", "torch", "resized"),
    resize_row("`opencv`", "opencv", "resized"),
    resize_row("`clip_cpp`", "clip-cpp", "resized"),
    resize_row("`filter: bilinear`", "bilinear", "resized"),
    resize_row("`mode: squash`", "squash", "resized"),
    resize_row("`crop: floor`", "crop-floor", "cropped"),
    resize_row("`idct: ifast`", "idct-ifast", "decoded"),
    resize_row("`precision: fp16`", "fp16", ""),
    Claim(PREPROCESS, r"Random changes of the pixels grow ([\d.]+) times", chance),
    Claim(PREPROCESS, r"the model passes on (two) to (three) times as much of it", lambda r: [
        min(growth(r, c) for c in RESIZES) / chance(r), max(growth(r, c) for c in RESIZES) / chance(r)]),
]
RESIZES = "pillow-float", "torch-antialias", "torch", "opencv", "clip-cpp", "bilinear"
CLAIMS = [*FOUND, *OF_SEEDS, *OF_RESIZES]
