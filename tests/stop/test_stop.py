# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing waits for ever: FIFOs are refused, Ctrl-C and SIGTERM end every command within a second, and tear nothing.

    /usr/bin/python3 tests/stop/test_stop.py PROGRAM

Each command is stopped CP_STOPS times (twice where that is not set; `make stops` takes 100) at random moments of its run.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
STOPS = int(os.environ.get("CP_STOPS", "2"))
PROGRAM = None
DATA, CAPTURES = "data/fashion-clip", "reference/golden/captures"
MODEL, CONFIG = f"{DATA}/open_clip_model.safetensors", f"{DATA}/open_clip_config.json"


def start(arguments):
    return subprocess.Popen([PROGRAM, *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            start_new_session=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))


def whole(path):
    """Whether a file under its final name is complete."""
    content = path.read_bytes()
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            return bool(list(file))
    if path.suffix == ".json":
        return bool(json.loads(content))
    if path.suffix == ".safetensors":
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8:8 + length])
        return len(content) == 8 + length + max(t["data_offsets"][1] for n, t in header.items() if n != "__metadata__")
    ends = {".html": b"</html>\n", ".xml": b"</testsuites>\n", ".png": b"IEND\xaeB`\x82"}
    return content.endswith(ends.get(path.suffix, b"\n"))


class Stop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # In memory, if that is there: a process that waits for a disk ends when the disk has answered.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        cls.folder = Path(tempfile.mkdtemp(prefix="clip-parity-stop-", dir=memory))
        cls.out = cls.folder / "out"
        small = ["inputs.limit=4", 'inputs.prompts.templates=["a {}"]', "batch=2", "floor=0", "local=off", "candidates={erf: {activation: erf}}"]
        cls.small = ["run", "experiments/quickgelu-vs-gelu.yaml", *small]
        start([*cls.small, f"output={cls.folder}/kept.h5"]).communicate()
        result, accepted = cls.folder / "kept.h5", cls.folder / "accepted.yaml"
        subprocess.run([PROGRAM, "accept", result, "--baseline", accepted], cwd=ROOT, check=True, capture_output=True)
        o = cls.out
        cls.commands = {
            "run": [*cls.small, f"output={o}/r.h5"],
            "run with a long batch": ["run", "experiments/quickgelu-vs-gelu.yaml", "inputs.limit=100", "batch=100",
                                      "oracle=on", f"output={o}/r.h5"],
            "diff": ["diff", f"{CAPTURES}/quick-fp32.h5", f"{CAPTURES}/erf-fp32.h5", "-o", f"{o}/d.h5", "--json", f"{o}/d.json"],
            "bisect": ["bisect", *cls.small[1:], "erf", f"output={o}/b.h5"],
            "report": ["report", result, "-o", f"{o}/r.html"],
            "check": ["check", *cls.small[1:], f"output={o}/c.h5", "--baseline", accepted, "--junit", f"{o}/c.xml",
                      "--json", f"{o}/c.json"],
            "accept": ["accept", *cls.small[1:], f"output={o}/a.h5", "--baseline", f"{o}/a.yaml"],
            "classify": ["classify", "--model", DATA, "--image", f"{DATA}/images/00000-ankle-boot.png", "--prompt", "a", "b"],
            "inspect": ["inspect", MODEL, "--config", CONFIG, "--images", f"{DATA}/images/*.png", "--classes",
                        f"{DATA}/classes.txt", "--templates", f"{DATA}/templates.txt", "--labels", f"{DATA}/labels.csv", "--limit", "8"],
            "convert": ["convert", MODEL, f"{o}/m.safetensors", "--config", CONFIG],
            "preprocess": ["preprocess", f"{DATA}/images/00000-ankle-boot.png", "--png", f"{o}/p.png"],
            "tokenize": ["tokenize", "a photo of a cat"],
        }

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def fresh(self):
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()

    def stop(self, arguments, after, number, twice=False):
        """Seconds from a signal to the end; None: it was done before."""
        self.fresh()
        process = start(arguments)
        time.sleep(after)
        ended = process.poll() is not None
        sent = time.monotonic()
        if not ended:  # Ctrl-C reaches all that the terminal runs
            (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
            if twice:
                time.sleep(0.02)
                process.send_signal(number)
        out, err = process.communicate(timeout=20)
        seconds = time.monotonic() - sent
        self.assertIn(process.returncode, {0, 1, 3, 4} if ended else {0, 1, -number, 128 + number}, (arguments, err))
        self.assertLessEqual(err.count(b"clip-parity: "), 1, err)
        for path in self.out.iterdir():
            self.assertTrue(path.name.endswith(".partial") or whole(path), path)
        # Nothing is left that nobody can go on with, and what is left is said.
        left = [path.name for path in self.out.iterdir() if path.name.endswith(".partial")]
        self.assertEqual(bool(left), b"; --resume continues from here" in err, (arguments, left, err))
        deadline = time.monotonic() + 1
        while not ended and self.group_lives(process.pid):
            self.assertLess(time.monotonic(), deadline, "a child outlives its parent")
            time.sleep(0.005)
        return None if ended else seconds

    @staticmethod
    def group_lives(group):
        """Whether any process of it is there, and no zombie that the first process leaves lying."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _, of = stat.read_text().rsplit(")", 1)[1].split()[:3]
            except OSError:
                continue
            if int(of) == group and state != "Z":
                return True
        return False

    def test_every_command_stops(self):
        random.seed(20)
        for name, arguments in self.commands.items():
            self.fresh()
            began = time.monotonic()
            if "long" not in name:
                start(arguments).communicate()
            whole_time = time.monotonic() - began if "long" not in name else 8
            seconds = [self.stop(arguments, random.uniform(0, whole_time), number)
                       for number in (signal.SIGINT, signal.SIGTERM) * (STOPS // 2)]
            within = [s for s in seconds if s is not None]
            print(f"{name}: {len(within)} of {len(seconds)} times in its midst, {max(within, default=0):.2f} s at most",
                  file=sys.stderr)
            self.assertLess(max(within, default=0), 1, name)

    def test_the_second_ends_at_once(self):
        self.assertLess(self.stop(self.commands["run with a long batch"], 3, signal.SIGINT, twice=True), 0.4)

    def test_an_ignored_signal_stays_ignored(self):
        """As under nohup, or for a job in the background."""
        self.fresh()
        process = subprocess.Popen(["sh", "-c", "trap '' INT; exec \"$@\"", "sh", PROGRAM, *self.commands["run"]], cwd=ROOT,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 0)

    def test_fifos_are_refused(self):
        fifo, yaml = self.folder / "fifo", self.folder / "fifo.yaml"
        for path in (fifo, yaml, self.folder / "fifo.h5", self.folder / "fifo.json", self.folder / "fifo.safetensors"):
            os.mkfifo(path)
        experiment, capture = self.small[1], f"{CAPTURES}/erf-fp32.h5"
        rows = [["run", yaml], ["check", yaml], ["check", fifo], ["bisect", yaml], ["accept", yaml], ["report", fifo],
                ["report", self.folder / "fifo.h5"], ["diff", fifo, capture], ["diff", capture, fifo],
                ["diff", capture, capture, "--map", fifo], ["diff", capture, capture, "--config", fifo, "--seed", "1"],
                ["diff", capture, capture, "--model", fifo, "--config", f"{CAPTURES}/model.json"],
                ["check", self.small[1], "--baseline", fifo], ["inspect", fifo], ["inspect", MODEL, "--config", fifo],
                ["inspect", self.folder / "fifo.safetensors"], ["convert", fifo, self.folder / "o.safetensors"],
                ["preprocess", fifo], ["preprocess", f"{DATA}/images/00000-ankle-boot.png", "--model-config", fifo],
                ["tokenize", "--vocabulary", fifo, "a"], ["classify", "--model", fifo, "--image", fifo, "--prompt", "a"],
                ["classify", "--model", DATA, "--image", fifo, "--prompt", "a"]]
        rows += [["run", experiment, f"{key}={fifo}"] for key in
                 ("model.checkpoint", "model.config", "inputs.images", "inputs.labels", "inputs.prompts.classes",
                  "inputs.prompts.templates", "baseline.capture", "inputs.capture", "output")]
        for arguments in rows:
            with self.subTest(arguments=arguments):
                process = start(arguments)
                try:
                    _, err = process.communicate(timeout=5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    self.fail("waits")
                self.assertEqual((process.returncode, err.count(b"\n")), (3, 1), err)

    def test_a_reply_beyond_its_limit(self):
        """More labels than are taken: the child does not wait for them to be read, nor the parent for the child."""
        path = self.folder / "labels.h5"
        with h5py.File(path, "w") as file:
            file.attrs["schema"] = "clip-parity/1"
            value = file.create_dataset("captures/x/image_features/value", data=np.ones((2, 8), "<f4"))
            value.attrs["arithmetic_dtype"] = "fp32"
            names = file.create_dataset("names", (2,), h5py.string_dtype())
            names[0] = "x" * (80 << 20)
            names.make_scale("names")
            value.dims[0].attach_scale(names)
        process = start(["diff", path, path, "-o", self.folder / "l.h5"])
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 3, err)


if __name__ == "__main__":
    PROGRAM = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
