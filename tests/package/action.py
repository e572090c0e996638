# SPDX-License-Identifier: GPL-3.0-or-later
"""action.yml is a composite action as GitHub reads one, its steps are sound bash, and they do what they say on a gate's experiment:
each step is run here as a runner runs it, with the inputs in its environment.

    /usr/bin/python3 tests/package/action.py CLIP_PARITY
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

import yaml

ROOT = Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = ACTION["runs"]["steps"]
EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")
EXPERIMENT = "experiments/gate/quickgelu-vs-gelu.yaml"


def expand(text, inputs):
    known = {f"inputs.{name}": value for name, value in inputs.items()} | {"github.action_path": str(ROOT)}
    return EXPRESSION.sub(lambda found: known[found.group(1)], text)


class Action(unittest.TestCase):
    program = None

    def test_is_a_composite_action(self):
        self.assertLessEqual({"name", "description", "inputs", "outputs", "runs"}, set(ACTION))
        self.assertEqual(ACTION["runs"]["using"], "composite")
        for entry in (*ACTION["inputs"].values(), *ACTION["outputs"].values()):
            self.assertTrue(entry["description"])
            self.assertLessEqual(set(entry), {"description", "required", "default", "value"})
            self.assertTrue(entry.get("required", False) or isinstance(entry.get("default", entry.get("value")), str))
        for step in STEPS:
            self.assertEqual(step["shell"], "bash")
            self.assertLessEqual(set(step), {"name", "shell", "env", "run", "working-directory"})

    def test_inputs_are_declared_and_used(self):
        text = (ROOT / "action.yml").read_text(encoding="utf-8")
        used = {name.removeprefix("inputs.") for name in EXPRESSION.findall(text) if name.startswith("inputs.")}
        self.assertEqual(used, set(ACTION["inputs"]))
        for step in STEPS:  # text of a stranger's stays data
            self.assertNotRegex(step["run"], EXPRESSION)

    def test_page_shows_every_input(self):
        page = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
        self.assertEqual([name for name in ACTION["inputs"] if f"| `{name}` |" not in page], [])

    def test_steps_are_sound_bash(self):
        for step in STEPS:
            subprocess.run(["bash", "-n"], input=step["run"], text=True, check=True)
            if shutil.which("shellcheck"):
                subprocess.run(["shellcheck", "--shell=bash", "-"], input=step["run"], text=True, check=True)

    def steps(self, **given):
        """The exit code of the first step that fails, or 0, and what was printed."""
        inputs = {name: given.get(name.replace("-", "_"), entry.get("default")) for name, entry in ACTION["inputs"].items()}
        said = ""
        for step in STEPS:
            env = {name: expand(value, inputs) for name, value in step["env"].items()}
            done = subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], capture_output=True, text=True,
                                  check=False, cwd=ROOT / expand(step.get("working-directory", "."), inputs), env=os.environ | env | self.runner)
            said += done.stdout + done.stderr
            if done.returncode:
                return done.returncode, said
        return 0, said

    def setUp(self):
        owned = tempfile.TemporaryDirectory()
        self.addCleanup(owned.cleanup)
        self.folder = Path(owned.name)
        self.runner = {"PATH": f"{Path(self.program).parent}:{os.environ['PATH']}", "GITHUB_ACTIONS": "true",
                       "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md")}

    def test_passes(self):
        junit, arguments = self.folder / "p.xml", f"output={self.folder}/r.h5 threads=1"
        code, said = self.steps(experiment=EXPERIMENT, arguments=arguments, junit=str(junit))
        self.assertEqual(code, 0, said)
        self.assertEqual(ElementTree.parse(junit).getroot().get("failures", "0"), "0")
        self.assertNotIn("::error", said)
        self.assertTrue((self.folder / "summary.md").read_text(encoding="utf-8"))

    def test_fails_beside_the_changed_lines(self):
        junit = self.folder / "p.xml"
        arguments = f"output={self.folder}/r.h5 threads=1 --no-bits baseline.attention.softmax=fp16"
        code, said = self.steps(experiment=f"gate/{Path(EXPERIMENT).name}", working_directory="experiments", junit=str(junit),
                                arguments=arguments)
        self.assertEqual(code, 3, said)  # its files are seen from the root
        code, said = self.steps(experiment=EXPERIMENT, arguments=arguments, junit=str(junit),
                                baseline="results/baselines/gate-quickgelu-vs-gelu.yaml")
        self.assertEqual(code, 1, said)
        self.assertIn("::error", said)
        self.assertTrue(list(ElementTree.parse(junit).iter("failure")))


if __name__ == "__main__":
    Action.program = Path(sys.argv.pop()).resolve()
    unittest.main()
