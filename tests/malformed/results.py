# SPDX-License-Identifier: GPL-3.0-or-later
"""Results and captures that are made to hurt: each is refused in one line with exit code 3, by every command that reads it.

    /usr/bin/python3 tests/malformed/results.py PROGRAM

Where a file states the digest of what it has become, it gets past that check, and the others have to hold.
"""

import fcntl
import os
import resource
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np
from small_result import content_digest, program, provenance_digest, state_digest, write_capture, write_result

TEXT = h5py.string_dtype()


def replace(file, path, **options):
    """A dataset made anew, without dimensions."""
    del file[path]
    return file.create_dataset(path, **options)


def without(path):
    def edit(file):
        del file[path]
    return edit


def extents_that_wrap(rows):
    def edit(file):
        replace(file, "metrics/erf/visual.conv1/metrics", shape=(rows, 4, 1 << 33), dtype="<f8", chunks=(1, 4, 8))
    return edit


def data_elsewhere(file):
    replace(file, "inputs/thumbnail", shape=(2, 8, 8, 3), dtype="u1", external=[("/etc/passwd", 0, 384)])


def virtual(file):
    layout = h5py.VirtualLayout((2, 8, 8, 3), "u1")
    layout[:] = h5py.VirtualSource("elsewhere.h5", "x", (2, 8, 8, 3))
    del file["inputs/thumbnail"]
    file.create_virtual_dataset("inputs/thumbnail", layout)


def external_link(file):
    file["metrics/erf/more"] = h5py.ExternalLink("/tmp/elsewhere.h5", "/x")


def soft_link(file):
    file["metrics/erf/more"] = h5py.SoftLink("/metrics/erf/visual.conv1")


def loop(file):
    file["metrics/erf/again"] = file["metrics"]


def filtered(file):
    replace(file, "floor/probs/rel_l2", data=np.zeros((2, 2)), compression="gzip")


def other_type(file):
    replace(file, "floor/probs/rel_l2", data=np.zeros((2, 2), "<f2"))


def integers(file):
    replace(file, "floor/probs/rel_l2", data=np.zeros((2, 2), "<i4"))


def several_texts(file):
    file["provenance"].attrs["version"] = np.array(["0.1"] * 500, dtype=TEXT)


def values_of_nothing(file):
    replace(file, "floor/probs/rel_l2", shape=(2, 1 << 27), dtype="<f8", chunks=(1, 1 << 20))


def unnamed_dimension(file):
    """A dimension that no link leads to, with its data elsewhere."""
    value = replace(file, "floor/probs/rel_l2", data=np.zeros((2, 2)))
    scale = file.create_dataset("hidden", shape=(2,), dtype="<i4", external=[("/etc/passwd", 0, 8)])
    scale.make_scale("image")
    value.dims[0].attach_scale(scale)
    del file["hidden"]


def shorter_dimension(file):
    value = file["ledger/erf/operations"]
    scale = file.create_dataset("short", data=np.arange(2, dtype="<i4"))
    scale.make_scale("tap")
    value.dims[0].detach_scale(value.dims[0][0])
    value.dims[0].attach_scale(scale)


def more_images(file):
    value = replace(file, "floor/probs/image", data=np.array(["a", "b", "c"], dtype=object), dtype=TEXT)
    value.make_scale("image")


def rank(file):
    replace(file, "metrics/erf/verdicts", data=np.zeros((6, 2, 3)))


def parts(file):
    """Fewer parts than are read of each input."""
    for name in ("local", "metrics"):
        old = file[f"metrics/erf/visual.conv1/{name}"]
        labels = old.dims[2][0]
        value = replace(file, f"metrics/erf/visual.conv1/{name}", data=np.zeros((2, 1, old.shape[2])))
        value.dims[2].attach_scale(labels)


def patches(file):
    replace(file, "inputs/patch_grid", data=np.int32(60000))


def value(file):
    file["metrics/erf/verdicts"][0, 5] = 0.5


# What is wrong, how it is made, whether the digest is stated anew, and what is said of it.
RESULTS = [
    ("extents that wrap, read", extents_that_wrap(1 << 29), False, "/metrics/erf/visual.conv1/metrics: has extents of"),
    ("extents that wrap, written", extents_that_wrap((1 << 29) + 1), False, "/metrics/erf/visual.conv1/metrics: has extents of"),
    ("no verdicts of single operations", without("metrics/erf/local_verdicts"), True, "/metrics/erf/local_verdicts: is not there"),
    ("no verdicts", without("metrics/erf/verdicts"), True, "/metrics/erf/verdicts: is not there"),
    ("no metrics", without("metrics/erf/probs/metrics"), True, "/metrics/erf/probs/metrics: is not there"),
    ("no names of taps", without("metrics/erf/tap"), True, "/metrics/erf/"),
    ("no experiment", without("provenance/experiment"), True, "is not the result of a run"),
    ("data elsewhere", data_elsewhere, False, "/inputs/thumbnail: has its data in another file"),
    ("virtual", virtual, False, "/inputs/thumbnail: has its data in another file"),
    ("external link", external_link, False, "/metrics/erf/more: is a link to another file"),
    ("soft link", soft_link, False, "/metrics/erf/more: is a soft link"),
    ("loop", loop, False, "is an object that has another name, too"),
    ("filter", filtered, True, "/floor/probs/rel_l2: is stored with a filter"),
    ("type", other_type, True, "/floor/probs/rel_l2: holds values of another type"),
    ("integers", integers, True, "/floor/probs/rel_l2: holds values of another type (expected floating point)"),
    ("several texts", several_texts, True, "/provenance: has an attribute version of another type"),
    ("values of nothing", values_of_nothing, False, "/floor/probs/rel_l2: is of more values than the file can hold"),
    ("unnamed dimension", unnamed_dimension, False, "/floor/probs/rel_l2: has a dimension that is not a dataset of the file"),
    ("shorter dimension", shorter_dimension, True, "/ledger/erf/operations: has 6 places on an axis, and its dimension 2"),
    ("more images", more_images, True, "is 3 long, where another is 2"),
    ("rank", rank, True, "/metrics/erf/verdicts: has 3 dimensions instead of 2"),
    ("parts", parts, True, "has another shape (expected (input, part, metric))"),
    ("patches", patches, True, "/inputs/patch_grid: has another shape"),
    ("a value", value, False, "was changed after the run: its content has another SHA-256"),
    ("a text", lambda file: file["metrics/erf"].attrs.__setitem__("note", "fine"), False, "was changed after the run"),
    ("provenance", lambda file: file["provenance"].attrs.__setitem__("compiler", "Clang"), False,
     "was changed after the run: its provenance has another SHA-256"),
    ("fingerprint", lambda file: file.attrs.__setitem__("fingerprint", "0" * 64), False, "its provenance has another SHA-256"),
    ("no digest", lambda file: file.attrs.__delitem__("content_digest"), False, "has no content_digest, which a run writes last: it is unfinished, or was changed (expected a finished result;"),
]


def write_heap_bomb(path):
    """Each of many texts is the same long one."""
    with h5py.File(path, "r+") as file:
        bomb = file.create_dataset("bomb", data=np.array(["x" * 60000] + ["y"] * 20000, dtype=object), dtype=TEXT)
        offset = bomb.id.get_offset()
    data = bytearray(path.read_bytes())
    data[offset:offset + 16 * 20001] = data[offset:offset + 16] * 20001
    path.write_bytes(data)


class Results(unittest.TestCase):
    binary = None

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp())
        cls.small = write_result(cls.binary, cls.folder)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def make(self, edit, stated=False, name="bad.h5"):
        path = self.folder / name
        shutil.copy(self.small, path)
        with h5py.File(path, "r+") as file:
            edit(file)
            if stated:
                state_digest(file)
        return path

    def run_program(self, *arguments):
        return program(self.binary, *arguments)

    def refused(self, says, *arguments):
        done = self.run_program(*arguments)
        lines = [line for line in done.stderr.splitlines() if line.startswith("clip-parity: ")]
        self.assertEqual(done.returncode, 3, (arguments, done.stderr))
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertIn(says, lines[0])
        self.assertNotIn("\n\n", done.stderr)

    def test_good(self):
        path = self.make(lambda file: None, True)
        self.assertEqual(self.run_program("report", "--json", "-o", "-", path).returncode, 0)
        self.assertEqual(self.run_program("diff", f"{path}:baseline", f"{path}:erf", "--force", "-o", self.folder / "d.h5").returncode, 1)

    def test_both_digests(self):
        with h5py.File(self.small) as file:
            self.assertEqual(file.attrs["content_digest"], content_digest(file))
            self.assertEqual(file.attrs["provenance_digest"], provenance_digest(file))

    def test_provenance_without_its_digest(self):
        def edit(file):
            del file.attrs["provenance_digest"]
            file["provenance"].attrs["compiler"] = "edited"
        done = self.run_program("report", "--json", "-o", "-", self.make(edit, False))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('"compiler":"edited"', done.stdout.replace(' ', ''))

    def test_each_is_refused(self):
        for what, edit, stated, says in RESULTS:
            path = self.make(edit, stated)
            with self.subTest(what):
                self.refused(says, "report", "--json", "-o", self.folder / "page.json", path)
                self.assertFalse((self.folder / "page.json").exists())
            with self.subTest(what, command="check"):
                self.refused(str(path), "check", path, "--baseline", self.folder / "none.yaml")
            if not stated:
                with self.subTest(what, command="diff"):
                    self.refused(says if what == "no digest" else str(path), "diff", f"{path}:baseline", f"{path}:erf", "--force", "-o", self.folder / "d.h5")

    def test_gates(self):
        """The gates' own readers, with a digest that holds."""
        path = self.make(lambda file: None, True)
        baseline = self.folder / "accepted.yaml"
        done = self.run_program("accept", path, "--baseline", baseline)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.run_program("check", path, "--baseline", baseline).returncode, 0)
        self.refused("has another shape", "check", self.make(parts, True), "--baseline", baseline)
        self.refused("is stored with a filter", "accept", self.make(filtered, True), "--baseline", baseline)

    def test_texts_that_are_one(self):
        path = self.folder / "bomb.h5"
        shutil.copy(self.small, path)
        write_heap_bomb(path)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        self.refused("bomb.h5", "report", "--json", "-o", "-", path)
        self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, max(before, 2 << 20))

    # ---- results on the way ----

    def partial(self, edit):
        path = self.folder / "again.h5"
        done = self.run_program("run", self.folder / "small.yaml", f"output={path}")
        self.assertEqual(done.returncode, 0, done.stderr)
        with h5py.File(path, "r+") as file:
            del file.attrs["content_digest"], file.attrs["provenance_digest"]
            file.attrs.modify("progress", np.uint64(0))
            edit(file)
        path.rename(f"{path}.partial")
        return path

    def test_partial(self):
        path = self.partial(lambda file: None)
        done = self.run_program("run", self.folder / "small.yaml", f"output={path}", "--resume")
        self.assertEqual(done.returncode, 0, done.stderr)
        with h5py.File(path) as file, h5py.File(self.small) as small:
            self.assertEqual(file.attrs["content_digest"], small.attrs["content_digest"])

    def test_hostile_partial(self):
        for edit, says in ((soft_link, "is a soft link"), (data_elsewhere, "has its data in another file"),
                           (extents_that_wrap(1 << 29), "has extents of"), (several_texts, "of another type")):
            path = self.partial(edit)
            before = Path(f"{path}.partial").read_bytes()
            self.refused(says, "run", self.folder / "small.yaml", f"output={path}", "--resume")
            self.assertEqual(Path(f"{path}.partial").read_bytes(), before)
            self.refused("delete it to start afresh", "run", self.folder / "small.yaml", f"output={path}", "--resume")
            Path(f"{path}.partial").unlink()

    def test_resume_of_an_edited_result(self):
        path = self.make(value, name="edited.h5")
        self.refused("was changed after the run", "run", self.folder / "small.yaml", f"output={path}", "--resume")

    # ---- names to write ----

    def writers(self):
        weights = self.folder / "weights.safetensors"
        return [(("run", self.folder / "small.yaml", f"output={self.folder}/new.h5"), self.folder / "new.h5"),
                (("report", "--html", "-o", self.folder / "new.html", self.small), self.folder / "new.html"),
                (("convert", "data/fashion-clip/open_clip_model.safetensors", weights, "--activation", "quick"), weights)]

    def test_names_that_are_no_files(self):
        for arguments, path in self.writers():
            other = self.folder / "precious"
            other.write_text("keep me", encoding="utf-8")
            for make, says in ((lambda path: path.symlink_to(other), "is a symbolic link"), (os.mkfifo, "is not a regular file"),
                               (os.mkdir, "is not a regular file"), (lambda path: path.symlink_to("nowhere"), "is a symbolic link")):
                path.unlink(missing_ok=True)
                make(path)
                kind = os.lstat(path).st_mode
                self.refused(says, *arguments)
                self.assertEqual((os.lstat(path).st_mode, other.read_text(encoding="utf-8")), (kind, "keep me"))
                path.rmdir() if path.is_dir() else path.unlink()

    def test_folders_that_are_missing_are_made(self):
        for arguments, path in self.writers():
            inside = path.parent / "made" / "for it" / path.name
            done = self.run_program(*(str(a).replace(str(path), str(inside)) for a in arguments))
            self.assertEqual((done.returncode, inside.is_file()), (0, True), done.stderr)

    def test_partial_that_leads_elsewhere(self):
        for arguments, path in self.writers():
            other, partial = self.folder / "precious", Path(f"{path}.partial")
            for make in (partial.symlink_to, lambda to, partial=partial: os.link(to, partial)):
                other.write_text("keep me", encoding="utf-8")
                make(other)
                self.refused(str(partial), *arguments)
                self.assertEqual(other.read_text(encoding="utf-8"), "keep me")
                partial.unlink()
                self.assertFalse(path.exists())

    def test_two_write_one_name(self):
        for arguments, path in self.writers():
            partial = Path(f"{path}.partial")
            with partial.open("w", encoding="utf-8") as other:
                fcntl.flock(other, fcntl.LOCK_EX)
                self.refused("another process is writing it", *arguments)
            partial.unlink()

    # ---- captures ----

    def captures(self, **options):
        return [write_capture(self.folder / f"{side}.h5", seed=s, **options) for s, side in enumerate("ab")]

    def test_ids_of_fewer_prompts(self):
        a, b = self.captures(prompts=14, tokens_of=2)
        self.refused("has tokens of 2 prompts, and taps of 14", "diff", a, b, "--force", "-o", self.folder / "d.h5")
        self.refused("has tokens of 2 prompts, and taps of 5", "diff", a, b, "--force", "-o", self.folder / "d.h5", "inputs.limit=5")
        done = self.run_program("diff", a, b, "--force", "-o", self.folder / "d.h5", "inputs.limit=2")
        self.assertEqual(done.returncode, 5, done.stderr)

    def test_taps_of_fewer_tokens(self):
        a, b = self.captures(tokens=77, rows=2)
        done = self.run_program("diff", a, b, "--force", "-o", self.folder / "d.h5", "--json", self.folder / "d.json")
        self.assertEqual(done.returncode, 5, done.stderr)

    def test_ids_of_another_length_than_their_tap(self):
        """In either order."""
        a, b = self.captures(prompts=3)
        for path in (a, b):
            with h5py.File(path, "r+") as file:
                length = file["inputs/tokens"].shape[1]
                name = next(iter(file["captures"]))
                tap = file["captures"][name].create_group("tokens") if "tokens" not in file["captures"][name] else file["captures"][name]["tokens"]
                if "value" not in tap:
                    tap.create_dataset("value", data=file["inputs/tokens"][:].astype("f4")).attrs["arithmetic_dtype"] = "fp32"
        with h5py.File(b, "r+") as file:
            ids = file["inputs/tokens"][:, :length - 1]
            del file["inputs/tokens"]
            file["inputs/tokens"] = ids
        for pair in ((a, b), (b, a)):
            self.refused(f"has prompts of {length - 1} tokens, and the tap tokens of {length}", "diff", *pair, "--force", "-o", self.folder / "d.h5")

    def add_tap(self, paths, name, shape):
        for path in paths:
            with h5py.File(path, "r+") as file:
                tap = file.create_dataset(f"captures/baseline/{name}/value", data=np.zeros(shape, "<f4"))
                tap.attrs["arithmetic_dtype"] = "fp32"
        return paths

    def test_names_that_results_use(self):
        for name in ("image", "verdicts", "operation_field"):
            a, b = self.add_tap(self.captures(), name, (4, 8))
            self.refused("has a name that results use for something else", "diff", a, b, "--force", "-o", self.folder / "d.h5")
        a, b = self.add_tap(self.captures(), "logits", (4, 8))
        done = self.run_program("diff", a, b, "--force", "-o", self.folder / "d.h5")
        self.assertIn(done.returncode, (1, 5), done.stderr)

    def test_logits_of_more_prompts(self):
        a, b = self.add_tap(self.captures(), "logits_per_image", (4, 9))
        self.refused("logits_per_image: has the shape (4, 9) (expected (image 4, prompt 4))", "diff", a, b, "--force", "-o", self.folder / "d.h5")

    def test_ids_longer_than_tokens(self):
        a, b = self.add_tap(self.captures(), "tokens", (4, 50))
        self.refused("has prompts of 6 tokens, and the tap tokens of 50", "diff", a, b, "--force", "-o", self.folder / "d.h5")


if __name__ == "__main__":
    Results.binary = os.path.abspath(sys.argv.pop(1))
    unittest.main()
