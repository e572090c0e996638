# SPDX-License-Identifier: GPL-3.0-or-later
"""rtol and atol of `check` are assert_close's: what NumPy's isclose counts over the recorded tensors.

    /usr/bin/python3 tests/cli/tolerance.py CLIP_PARITY
"""

import json
import subprocess
import sys
import unittest
from xml.etree import ElementTree

import h5py
import numpy as np
from convert_round_trip import PROGRAM
from small_folder import EXPERIMENT, SmallFolder

RULES = {"image_features": (0.05, 0.01), "*.mlp.gelu": (0.02, 0.0), "*.attn.q": (0.0, 1e-4), "text_features": (0.0, 1e-9), "*.ln_2": (1e-5, 1e-6)}


def counted(baseline, candidate, rtol, atol):
    """Inputs with elements beyond, inputs, the largest share of an input's that are, and the largest distance."""
    baseline, candidate = (np.asarray(side, np.float64).reshape(len(side), -1) for side in (baseline, candidate))
    beyond = ~np.isclose(candidate, baseline, rtol=rtol, atol=atol)
    return int(beyond.any(1).sum()), len(beyond), beyond.mean(1).max(), np.abs(candidate - baseline).max()


class Tolerance(SmallFolder):
    def setUp(self):
        super().setUp()
        experiment = EXPERIMENT | {"record": {"*": "full"}, "inputs": {"synthetic": {"images": 12, "prompts": 12}}, "oracle": True}
        (self.folder / "small.yaml").write_text(json.dumps(experiment), encoding="utf-8")
        self.program("accept", "small.yaml", "--baseline", "b.yaml", "output=accepted.h5")

    def program(self, *arguments, code=0):
        done = subprocess.run((PROGRAM, *map(str, arguments)), cwd=self.folder, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, code, (arguments, done.stdout, done.stderr))
        return done

    def check(self, *rules, code, more=()):
        done = self.program("check", "small.yaml", "--baseline", "b.yaml", "--force", "output=r.h5", "--json", "c.json", "--junit", "c.xml",
                            *more, *(f"check.{rule}" for rule in rules), code=code)
        with open(self.folder / "c.json", encoding="utf-8") as file:
            return done, {spec["name"]: {tap["tap"]: tap["kinds"] for tap in spec["taps"]} for spec in json.load(file)["specs"]}

    def assert_counted(self, kinds, file, tap, rule):
        rtol, atol = RULES[rule]
        inputs, of, share, apart = counted(file[f"captures/baseline/{tap}/value"], file[f"captures/erf/{tap}/value"], rtol, atol)
        said = kinds[tap]["tolerance"]
        self.assertEqual((said["rtol"], said["atol"], said["rule"]), (rtol, atol, f"*/{rule}"))
        self.assertAlmostEqual(said["value"], share, places=12)
        self.assertEqual(said["outcome"], "fail" if inputs else "pass")
        if inputs:
            self.assertEqual(said["reason"], f"elements of {inputs} of {of} inputs are beyond rtol {rtol:g}, atol {atol:g} of the baseline's "
                                             f"(check '*/{rule}'): up to {100 * share:.3g} % of an input's, up to {apart:.3g} apart")
        return inputs > 0

    def test_what_numpy_counts(self):
        done, specs = self.check(*(f"{name}={{rtol: {rtol}, atol: {atol}}}" for name, (rtol, atol) in RULES.items()), code=1)
        outcomes = set()
        with h5py.File(self.folder / "r.h5") as file:
            for rule in RULES:
                for tap in (t for t in specs["erf"] if t == rule or t.endswith(rule.lstrip("*"))):
                    if "transformer" in tap or tap == rule:
                        if not tap.startswith("transformer"):  # text has tokens behind its end, which count for nothing
                            outcomes.add(self.assert_counted(specs["erf"], file, tap, rule))
        self.assertEqual(outcomes, {True, False})
        self.assertFalse([tap for tap, kinds in specs["baseline"].items() if "tolerance" in kinds])
        self.assertNotIn("tolerance", specs["erf"]["visual.ln_pre"])
        self.assertIn("A tolerance is the experiment's: `clip-parity accept` does not change it.\n", done.stdout)
        self.assertNotIn("Only bits", done.stdout)

    def test_one_failure_for_one_cause(self):
        self.check("*={rtol: 1e-5, atol: 1e-6}", code=1)
        root = ElementTree.parse(self.folder / "c.xml").getroot()  # noqa: S314 (our own)
        failed = [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None]
        skipped = {case.get("name"): case.find("skipped").get("message") for case in root.iter("testcase") if case.find("skipped") is not None}
        self.assertEqual([name.rpartition(".mlp.")[2] for name in failed[:2]], ["gelu", "gelu"])
        self.assertLessEqual(len(failed), 3)  # where each tower begins, and the logits of both
        self.assertEqual(skipped["visual.proj" if "visual.proj" in skipped else "image_features"], f"fails behind {failed[0]}")
        self.assertEqual(int(root.get("failures")), len(failed))
        self.assertEqual(sum(int(suite.get("skipped")) for suite in root), len(skipped))
        self.assertGreater(float(root.get("time")), 0)

    def test_wide_enough(self):
        done, specs = self.check("*={rtol: 1, atol: 10}", code=0)
        self.assertEqual({kinds["tolerance"]["outcome"] for tap, kinds in specs["erf"].items() if tap != "decisions"}, {"pass"})
        self.assertNotIn("tolerance", done.stdout)

    def test_what_is_wider_needs_a_reason(self):
        done, _ = self.check("*={rtol: 1, atol: 10}", "*.mlp.gelu={rtol: 2, atol: 10}", code=1)
        self.assertIn("check */*.mlp.gelu: rtol 2 is looser than '*' (1), without reason", " ".join(done.stdout.split()))
        self.check("*={rtol: 1, atol: 10}", "*.mlp.gelu={rtol: 2, atol: 10, reason: known}", code=0)
        done, _ = self.check("*={rtol: 1, atol: 10}", "*.mlp.gelu={rtol: off}", code=1)
        self.assertIn("rtol off is looser than", " ".join(done.stdout.split()))
        _, specs = self.check("*={rtol: 1, atol: 10}", "*.mlp.gelu={rtol: off, reason: known}", code=0)
        self.assertEqual({tap.endswith("mlp.gelu") for tap, kinds in specs["erf"].items() if "tolerance" not in kinds and tap != "decisions"}, {True})

    def test_refused(self):
        for rule, says in (("*={rtol: -1}", "rtol: '-1' is out of range (expected at least 0)"),
                           ("*={rtol: auto}", "(expected off or a number of 0 or more)"), ("*={rtol: x}", "(expected off or a number of 0 or more)"),
                           ("baseline/*={atol: 1}", "check: nothing matches 'baseline/*' (expected a tap of a candidate, which rtol and atol compare"),
                           ("decisions={rtol: 1}", "unknown key 'rtol'")):
            done = self.program("check", "small.yaml", "--baseline", "b.yaml", "--force", "output=r.h5", f"check.{rule}", code=3)
            self.assertEqual(done.stderr.count("\nclip-parity: ") + done.stderr.startswith("clip-parity: "), 1, done.stderr)
            self.assertIn(says, done.stderr)

    def test_a_result_has_the_tolerance_of_its_run(self):
        self.check("*={rtol: 1e-5, atol: 1e-6}", code=1)
        self.program("check", "r.h5", "--baseline", "b.yaml", code=1)
        done = self.program("check", "r.h5", "--baseline", "b.yaml", "check.*={rtol: 1, atol: 1e-6}", code=3)
        self.assertIn("r.h5: was not compared by the tolerance of '*' (expected the experiment in place of its result, which is run with it)",
                      done.stderr)
        self.program("check", "r.h5", "--baseline", "b.yaml", "check.*={rtol: 1e-5, atol: 1e-6}", code=1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
