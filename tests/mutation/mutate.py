#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the gate see what happens to the kernels? Precision changes made on purpose, by settings and by source
patches, must fail at the right tap; a refactoring must pass; seeded mutations that change any bit must be caught by
digest, and those that make an error more than 2 k times what it was also with digests off.

    python3 tests/mutation/mutate.py [--mutants 20] [--seed 1]

Works on a copy of the tree in a temporary folder, built for the scalar kernels and AVX2. The true error ratio is computed
here, from the two result files, by its definition and not by the program's gate."""
import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

import h5py
import numpy as np

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
EXPERIMENT = "tests/mutation/experiment.yaml"

# name, overrides of the run, the tap that must be named first, and the subject at which it is looked for
SETTINGS = [
    ("fp16 softmax", ["baseline.attention.softmax=fp16"], "visual.0.attn.probs"),
    ("eps 1e-6", ["baseline.norm.eps=1e-6"], "visual.ln_pre"),
    ("one-pass norm", ["baseline.norm=one_pass"], "visual.ln_pre"),
]
# name, file, what, by what, the tap that must be named first (None: the check must pass)
PATCHES = [
    ("FMA removed", "harness/ops/linear/simd.h", "return _mm256_fmadd_ps(a, b, c);",
     "return _mm256_add_ps(_mm256_mul_ps(a, b), c);", "visual.conv1"),
    ("erf with 4 ULP", "harness/ops/math.h", "return cp_from_bits(cp_bits((float)y) | (cp_bits(x) & 0x80000000u));\n}\n\n/* tanh",
     "return cp_from_bits(cp_bits((float)(y * (1.0 + 4 * 0x1p-24))) | (cp_bits(x) & 0x80000000u));\n}\n\n/* tanh",
     "visual.0.mlp.gelu"),
    ("another attention order", "harness/ops/softmax/softmax.c",
     "const float sum = cp_tree_sum(x, n, compute, cp_term_value, 0.0f);",
     "float sum = 0;\n    for (size_t i = n; i-- > 0;)\n        sum = cp_round_to(compute, sum + x[i]);", "visual.0.attn.probs"),
    ("a refactoring: rows of a tile stored backwards", "harness/ops/linear/tile.c",
     "    for (int r = 0; r < rows; r++)\n        for (int v = 0; v < TILE_VECS; v++)\n            store(",
     "    for (int r = rows; r-- > 0;)\n        for (int v = 0; v < TILE_VECS; v++)\n            store(", None),
    ("a refactoring: a maximum in another order", "harness/ops/softmax/softmax.c",
     "for (size_t j = 1; j < CP_TREE_LANES; j++)\n        max = lane[j] > max", "for (size_t j = CP_TREE_LANES; j-- > 1;)\n        max = lane[j] > max", None),
]

FILES = ["harness/ops/math.h", "harness/ops/tree.h", "harness/ops/softmax/softmax.c", "harness/ops/elementwise/elementwise.c",
         "harness/ops/activation/quick.c", "harness/ops/activation/erf.c", "harness/ops/activation/tanh.c",
         "harness/ops/norm/two_pass.c", "harness/ops/norm/welford.c", "harness/ops/norm/one_pass.c", "harness/ops/norm/rows.h",
         "harness/ops/linear/simd.h", "harness/ops/linear/tile.c", "harness/ops/linear/tree.c", "harness/model/attention.c",
         "harness/model/joint.c", "harness/model/steps.c", "harness/model/pooling.c", "harness/base/number.h"]


def constant(rng, text):
    """A constant a little off: by a relative 2^-4 to 2^-22."""
    value = float.fromhex(text) if "x" in text else float(text)
    return repr(value * (1 + rng.choice([-1, 1]) * 2.0 ** -rng.randint(4, 22)))


# pattern of a place, and what becomes of it
OPERATORS = [
    (r"(?<![\w.])(0x[0-9a-f]\.[0-9a-f]+p[-+]?\d+|\d+\.\d+)(?=f?\b)", lambda rng, m: constant(rng, m.group(1))),
    (r"cp_round_to\((compute|dtype|output|type), ", lambda rng, m: f"cp_round_to({rng.choice(['CP_BF16', 'CP_FP16'])}, "),
    (r"_mm256_fmadd_ps\((\w+), (\w+), (\w+)\)", lambda rng, m: f"_mm256_add_ps(_mm256_mul_ps({m[1]}, {m[2]}), {m[3]})"),
    (r"(?<=[\w\])]) \+ (?=[\w(])", lambda rng, m: " - "),
    (r"(?<=[\w\])]) - (?=[\w(])", lambda rng, m: " + "),
    (r"(?<=[\w\])]) \* (?=[\w(])", lambda rng, m: " / "),
    (r"CP_FP32, cp_term", lambda rng, m: rng.choice(["CP_BF16", "CP_FP16"]) + ", cp_term"),
    (r"half = CP_TREE_LANES / 2; half > 0; half /= 2", lambda rng, m: "half = CP_TREE_LANES / 2; half > 1; half /= 2"),
]
# Lines whose arithmetic is on places, not on numbers, would only crash.
NOT_NUMBERS = re.compile(r"size_t|for \(|while|memcpy|memmove|enum|\bint\b|#|/\*|^ \*|stride|->ld|ws->|uint|bits|sizeof|\.width|rows \*|\+ at\b|_bound|error")


class Tree:
    def __init__(self, folder):
        self.path = folder
        for name in subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0"):
            if name and not name.startswith(("reference/golden", "docs/", "results/")):
                os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
                shutil.copy2(os.path.join(ROOT, name), os.path.join(folder, name))
        self.run("cmake", "-S", ".", "-B", "build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DCP_ISAS=scalar;avx2")
        if not self.build():
            sys.exit("the tree does not build")

    def run(self, *command, **options):
        return subprocess.run(command, cwd=self.path, capture_output=True, text=True, **options)

    def build(self):
        return self.run("cmake", "--build", "build", "--target", "clip-parity").returncode == 0

    def parity(self, *arguments):
        return self.run("build/clip-parity", *arguments, timeout=300)

    def read(self, name):
        with open(os.path.join(self.path, name), encoding="utf-8") as file:
            return file.read()

    def write(self, name, text):
        with open(os.path.join(self.path, name), "w", encoding="utf-8") as file:
            file.write(text)


def errors(path):
    """(subject, tap) -> RMS error of each input against the oracle, and the oracle's RMS."""
    found = {}
    with h5py.File(path) as file:
        first = True
        for candidate, group in file["metrics"].items():
            for tap, node in group.items():
                if not isinstance(node, h5py.Group):
                    continue
                names = [n.decode() if isinstance(n, bytes) else n for n in node["metric"][:]]
                rms, reference = names.index("rms"), names.index("rms_ref")
                metrics = node["metrics"][:]
                found[candidate, tap] = metrics[:, 2, rms], metrics[:, 2, reference]
                if first:
                    found["baseline", tap] = metrics[:, 3, rms], metrics[:, 3, reference]
            first = False
    return found


def largest_ratio(before, after):
    worst = 0, ""
    for key, (error, oracle) in before.items():
        now = after[key][0]
        floor = 2.0 ** -24 * oracle
        with np.errstate(all="ignore"):
            ratio = float(np.exp(np.mean(np.log((now + floor) / (error + floor)))))
        ratio = float("inf") if np.isnan(ratio) else ratio
        worst = max(worst, (ratio, "/".join(key)))
    return worst


def first_tap(output):
    """The first failing tap that the summary names."""
    names = r"(?:visual|text|image|class|probs|logits|embed|token|pixels|pooled|ln_)"
    found = re.search(rf"^    ({names}[\w.]*): ", output, re.M)
    return found.group(1) if found else ""


def candidates(tree):
    for name in FILES:
        for number, line in enumerate(tree.read(name).split("\n")):
            if NOT_NUMBERS.search(line):
                continue
            for operator, (pattern, _) in enumerate(OPERATORS):
                for match in re.finditer(pattern, line):
                    yield name, number, operator, match.start()


def mutate(tree, place, rng):
    name, number, operator, start = place
    pattern, change = OPERATORS[operator]
    whole = tree.read(name)
    lines = whole.split("\n")
    match = re.compile(pattern).search(lines[number], start)
    before = lines[number]
    lines[number] = before[:match.start()] + change(rng, match) + before[match.end():]
    tree.write(name, "\n".join(lines))
    return whole, lines[number].strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=20, help="that change bits")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="clip-parity-mutation-") as folder:
        return judge(Tree(folder), arguments)


def judge(tree, arguments):
    options = ["--baseline", "accepted.yaml"]
    accepted = tree.parity("accept", EXPERIMENT, *options, "output=before.h5")
    if accepted.returncode != 0:
        sys.exit(accepted.stderr)
    before = errors(os.path.join(tree.path, "before.h5"))
    wrong = 0

    def check(*more):
        return tree.parity("check", EXPERIMENT, *options, "output=after.h5", *more)

    print("Precision changes made on purpose")
    for name, overrides, tap in SETTINGS:
        done = check(*overrides)
        good = done.returncode == 1 and first_tap(done.stdout) == tap
        wrong += not good
        print(f"  {'ok ' if good else 'BAD'} {name}: exit {done.returncode}, first {first_tap(done.stdout)}")
    for name, file, what, by, tap in PATCHES:
        whole = tree.read(file)
        if whole.count(what) != 1:
            sys.exit(f"{name}: {file} has changed")
        tree.write(file, whole.replace(what, by))
        built = tree.build()
        done = check() if built else None
        tree.write(file, whole)
        good = built and (done.returncode == 0 if tap is None else done.returncode == 1 and first_tap(done.stdout) == tap)
        wrong += not good
        print(f"  {'ok ' if good else 'BAD'} {name}: " + (f"exit {done.returncode}, first {first_tap(done.stdout) or '-'}" if built else "does not build"))

    rng = random.Random(arguments.seed)
    places = list(candidates(tree))
    rng.shuffle(places)
    digest = ratio_seen = ratio_caught = changed = tried = 0
    print(f"Mutations, seed {arguments.seed}, of {len(places)} places")
    for place in places:
        if changed == arguments.mutants:
            break
        whole, line = mutate(tree, place, rng)
        tried += 1
        try:
            if not tree.build():
                continue
            done = check()
            if done.returncode not in (0, 1):
                continue  # it no longer runs
            after = os.path.join(tree.path, "after.h5")
            if not bits_differ(os.path.join(tree.path, "before.h5"), after):
                continue
            changed += 1
            digest += done.returncode == 1
            ratio, where = largest_ratio(before, errors(after))
            lenient = tree.parity("check", "after.h5", *options, "--no-bits")
            k = 3 if where.startswith("half") else 2
            if ratio > 2 * k:
                ratio_seen += 1
                ratio_caught += lenient.returncode == 1
            print(f"  {'caught' if done.returncode == 1 else 'MISSED'} {place[0]}:{place[1] + 1}  {line[:70]}\n"
                  f"         error x {ratio:.3g} at {where}; digests off: {'fails' if lenient.returncode == 1 else 'passes'}")
        except subprocess.TimeoutExpired:
            continue
        finally:
            tree.write(place[0], whole)
    print(f"{changed} of {tried} mutations change bits: {digest} caught by digest; "
          f"{ratio_seen} make an error more than 2 k times what it was: {ratio_caught} caught with digests off")
    wrong += changed < arguments.mutants or digest < changed or ratio_caught < ratio_seen
    return 1 if wrong else 0


def bits_differ(before, after):
    with h5py.File(before) as a, h5py.File(after) as b:
        for spec in a["captures"]:
            if spec.startswith("oracle"):
                continue
            for tap in a["captures"][spec]:
                if isinstance(a["captures"][spec][tap], h5py.Group) and "digest" in a["captures"][spec][tap]:
                    if not np.array_equal(a["captures"][spec][tap]["digest"][:], b["captures"][spec][tap]["digest"][:]):
                        return True
    return False


if __name__ == "__main__":
    sys.exit(main())
