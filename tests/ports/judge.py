# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges answers of `clip-parity diff`: exit code, standard output, and the JSON of --json."""

import json
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import ledger
import taps
from answers import matches
from mine import image_name
from port import ROOT

KINDS = "settings", "weights", "inputs", "rounding", "contradicted", "nonfinite"
CAUSE = {"side", "tap", "kind", "verdict", "basis", "size", "bound", "inputs", "explained_by"}
LAST = re.compile(r"PASS \((\d+) of (\d+) taps compared\)|FAIL: .*")
FIRST = re.compile(r"FAIL: first difference at (\S+): (\w+)\b.*")


@dataclass
class Diff:
    """What one run of diff left."""
    code: int
    out: str
    err: str
    json: dict
    ledgers: dict  # of both sides, by their captures' names


def run_diff(program, a, b, folder, *more):
    """Runs `diff A B` with more options; folder is for its files."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        at, result = Path(own) / "answer.json", Path(own) / "answer.h5"
        done = subprocess.run([program, "diff", a, b, "--json", at, "--force", "-o", result, *more],
                              capture_output=True, cwd=ROOT, text=True, check=False)
        return Diff(done.returncode, done.stdout, done.stderr, json.loads(at.read_text()) if at.exists() else None,
                    ledger.read(result) if result.exists() else {})


def short(tap):
    """As the program prints it: visual.3.mlp.gelu, text.0.attn."""
    tower = "visual" if tap.startswith("visual.") else "text"
    return re.sub(r"^(visual\.)?transformer\.resblocks", tower, tap)


def lines_about(text, tap):
    names = "|".join(re.escape(name) for name in {tap, short(tap)})
    return [line for line in text.splitlines() if re.search(rf"(?<![\w.])({names})(?![\w.])", line)]


def form(diff):
    """What is wrong with an answer whatever was compared."""
    if diff.json is None:
        return [f"no JSON, exit code {diff.code}: {(diff.err or diff.out).strip().splitlines()[-1:]}"]
    faults, causes = [], diff.json.get("causes", [])
    if diff.json.get("schema") != "clip-parity/diff-1":
        faults.append(f"schema {diff.json.get('schema')}")
    if diff.code != (0 if diff.json.get("pass") else 1) or bool(causes) == diff.json.get("pass"):
        faults.append(f"exit code {diff.code}, pass {diff.json.get('pass')}, {len(causes)} causes")
    faults += [f"cause {cause} lacks {CAUSE - set(cause)}" for cause in causes if CAUSE - set(cause)]
    faults += [f"cause {cause['tap']}: {cause['side']}, {cause['kind']}" for cause in causes
               if cause["side"] not in ("a", "b", "both") or cause["kind"] not in KINDS]
    ranks = {}
    for cause in causes:
        rank = taps.describe(cause["tap"])[0]
        if rank < ranks.get(rank[0], rank):
            faults.append(f"{cause['tap']} stands behind what comes after it")
        ranks[rank[0]] = rank
    return faults + last_line(diff) + words(diff)


def last_line(diff):
    """PASS with the counts of the JSON, or FAIL with the first cause."""
    line = (diff.out.rstrip().splitlines() or [""])[-1]
    last = LAST.fullmatch(line)
    if not last or line.startswith("PASS") != diff.json["pass"]:
        return [f"last line '{line}'"]
    if line.startswith("PASS"):
        counts = diff.json["compared"], diff.json["taps"]
        return [] if (int(last[1]), int(last[2])) == counts else [f"last line '{line}', JSON {counts}"]
    if not diff.json["causes"]:
        return []
    first, said = diff.json["causes"][0], FIRST.fullmatch(line)
    right = said and said[1] in {first["tap"], first["address"]} and said[2] == first["kind"]
    return [] if right else [f"last line '{line}', first cause {first['tap']}: {first['kind']}"]


def words(diff):
    """Words that no answer has."""
    faults = [f"standard output says '{word}'" for word in ("same maths", "other maths") if word in diff.out.lower()]
    for cause in diff.json.get("causes", []):
        if cause["kind"] == "contradicted":
            faults += [f"'rounding' of the contradicted {cause['tap']}: {line.strip()}"
                       for line in lines_about(diff.out, cause["tap"]) if "rounding" in line.lower()
                       and "no rounding can be that large" not in line.lower()]
    ratios = re.findall(r"rounding\b[^\n]* up to ([\d,.]+) times", diff.out)
    return faults + [f"'rounding' of {ratio} times" for ratio in ratios if float(ratio.replace(",", "")) > 1000]


def passes(diff, compared=None):
    faults = form(diff)
    if not faults and diff.code != 0:
        first = diff.json["causes"][0]
        faults.append(f"not PASS: {first['side']} {first['tap']} {first['kind']}, {first['explained_by']}")
    if not faults and compared and diff.json["compared"] != compared:
        faults.append(f"{diff.json['compared']} taps compared, not {compared}")
    return faults


def names_fault(diff, fault, side, known, count, half):
    """What is wrong with an answer about a port with a fault.

    known: the taps of the port; count: its images; half: it declares fp16 or bf16.
    """
    faults = form(diff)
    if diff.json is None:
        return faults
    unsure = half and fault.unsure is not None
    if unsure and diff.code == 0:
        return faults + ([] if re.search(fault.unsure, diff.out) else [f"PASS without '{fault.unsure}'"])
    if not diff.json["causes"]:
        return [*faults, "no cause"]
    causes = diff.json["causes"]
    affected = [tap for tap in known if matches(tap, fault.taps)]
    listed = {cause["tap"] for cause in causes}
    missing = [] if half else [tap for tap in affected if tap not in listed]
    faults += [f"{len(missing)} of {len(affected)} taps are no cause, such as {missing[0]}"] if missing else []
    others = [cause["tap"] for cause in causes if not matches(cause["tap"], fault.taps + fault.may)]
    faults += [f"{len(others)} other causes, such as {others[0]}"] if others else []
    faults += first_cause(causes[0], fault, side, affected, half)
    return faults + which_inputs(diff, causes[0], fault, count) + nothing_equivalent(diff, causes[0], known)


def first_cause(cause, fault, side, affected, half):
    """In half precision rounding may hide the earliest, not all."""
    faults = []
    tower = taps.describe(cause["tap"])[0][0]
    earliest = min((tap for tap in affected if taps.describe(tap)[0][0] == tower), key=taps.describe, default=None)
    if cause["tap"] != earliest and not half:
        faults.append(f"first cause {cause['tap']}, not {earliest or affected[0]}")
    if cause["kind"] not in fault.kinds:
        faults.append(f"kind {cause['kind']}, not {' or '.join(fault.kinds)}")
    if cause["side"] != side and not (cause["kind"] == "inputs" and cause["side"] == "both"):
        faults.append(f"side {cause['side']}, not {side}")
    if fault.words and not re.search(fault.words, cause["explained_by"] or "", re.IGNORECASE):
        faults.append(f"explained by '{cause['explained_by']}', not /{fault.words}/")
    return faults


def which_inputs(diff, cause, fault, count):
    """Where some inputs are wrong alone: these are the cause's, and a single one is named in the text."""
    expected = fault.wrong_inputs(count)
    entry = cause["inputs"]
    if expected and (set(entry) != expected if isinstance(entry, list) else entry != len(expected)):
        return [f"inputs {entry}, not {sorted(expected)}"]
    if len(expected) == 1:
        index, = expected
        if not re.search(rf"\b(image|input)s? {index}\b|{re.escape(image_name(index))}", diff.out):
            return [f"image {index} is not named"]
    return []


def nothing_equivalent(diff, cause, known):
    """Behind what is wrong in a tower nothing is equivalent."""
    rank = taps.describe(cause["tap"])[0]
    behind = [tap for tap in known if taps.describe(tap)[0][0] == rank[0] and taps.describe(tap)[0] >= rank]
    return [f"'equivalent' behind it: {line.strip()}" for tap in behind for line in lines_about(diff.out, tap)
            if "equivalent" in line][:1]
