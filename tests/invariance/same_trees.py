# SPDX-License-Identifier: GPL-3.0-or-later
"""Two versions of the program, each built in a copy of its tree, and what their commands print and write."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "build/release/clip-parity"
OUTPUTS = "same-output"  # in each tree: where commands write
# How long a run took so far: the only output that the clock decides.
PROGRESS = re.compile(r"^\d+ of \d+ inputs, \d+ s, \d+ s left\n", re.MULTILINE)
FROM_OUTSIDE = ("NO_COLOR", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "CLIP_PARITY_DATA")


def environment():
    """GIT_DIR keeps the commit out of the builds: both say `unknown`, so that nothing has to be normalised."""
    kept = {k: v for k, v in os.environ.items() if k not in FROM_OUTSIDE and not k.startswith("GIT_")}
    return {**kept, "SOURCE_DATE_EPOCH": "0", "LC_ALL": "C.UTF-8", "TERM": "dumb", "GIT_DIR": os.devnull}


def git(*argv):
    return subprocess.run(["git", *argv], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def commit_of(revision):
    try:
        return git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
    except subprocess.CalledProcessError:
        sys.exit(f"same_output.py: {revision}: no such revision")


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def text_of(path):
    """A file that a command wrote; the digest of one that is not text."""
    if not path.is_file():
        return "(not written)\n"
    data = path.read_bytes()
    return f"sha256 {hashlib.sha256(data).hexdigest()}\n" if b"\0" in data else data.decode("utf-8", "surrogateescape")


class Tree:
    """One version. `commit` is None for the working tree, whose outputs are never reused."""

    def __init__(self, keep, commit):
        self.commit, self.folder = commit, Path(keep).resolve() / (commit or "working-tree")
        self.path = self.folder / "tree"

    def make(self):
        if not self.commit:
            self._copy_working_tree()
        elif not (self.folder / "unpacked").exists():
            self._unpack()
        started = time.monotonic()
        if not (self.path / "build/release/build.ninja").exists():
            self._build_step("cmake", "--preset", "release")
        self._build_step("cmake", "--build", "build/release", "--target", "clip-parity", "-j2")
        return time.monotonic() - started

    def _unpack(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.path.mkdir(parents=True)
        archive = subprocess.run(["git", "archive", self.commit], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x"], cwd=self.path, input=archive, check=True)
        (self.folder / "unpacked").touch()

    def _copy_working_tree(self):
        """Only what changed is written, so that only that is built again."""
        listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
        names = {n for n in listed if n and (ROOT / n).is_file()}
        for name in names:
            there = self.path / name
            if not there.exists() or there.read_bytes() != (ROOT / name).read_bytes():
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, there)
        for there in list(self.path.rglob("*")):
            name = there.relative_to(self.path)
            if there.is_file() and name.parts[0] not in ("build", OUTPUTS) and str(name) not in names:
                there.unlink()

    def _build_step(self, *argv):
        done = subprocess.run(["nice", *argv], cwd=self.path, env=environment(), text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            sys.exit(f"{done.stdout[-3000:]}\nsame_output.py: {self.commit or 'the working tree'}: `{' '.join(argv)}` failed")

    def call(self, argv, before=()):
        return subprocess.run(["nice", *before, PROGRAM, *argv], cwd=self.path, env=environment(), check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def outputs(self, group):
        """What each case of a group gives, by stream; a commit's is kept."""
        key = hashlib.sha256(repr(group).encode() + Path(__file__).with_name("same_commands.py").read_bytes()).hexdigest()[:16]
        kept = self.folder / "outputs" / f"{key}.json"
        if self.commit and kept.exists():
            return json.loads(kept.read_text())
        found = self._run(group)
        kept.parent.mkdir(exist_ok=True)
        if self.commit:
            kept.write_text(json.dumps(found))
        return found

    def _run(self, group):
        folder = self.path / OUTPUTS
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        if group.prepare:
            group.prepare(self.path, folder)
        found = [self._case(case) for case in group.cases]
        shutil.rmtree(folder)
        return found

    def _case(self, case):
        done = self.call(case.argv)
        out, err = (s.decode("utf-8", "surrogateescape") for s in (done.stdout, done.stderr))
        streams = {"exit code": f"{done.returncode}\n", "stdout": out, "stderr": PROGRESS.sub("", err)}
        if content := re.search(r"^content .*\n", out, re.MULTILINE):
            streams = {"content": content[0], **streams}
        streams.update({name: text_of(self.path / name) for name in case.files})
        if case.result:
            path = self.path / case.result
            streams["result file"] = sha256(path) if path.is_file() else "(not written)"
        return streams
