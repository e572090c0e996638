# SPDX-License-Identifier: GPL-3.0-or-later
"""A run's result in xarray, pandas and R: the lines of docs/result.md work, and every dimension has the name that the page has.

    /usr/bin/python3 tests/cli/open_result.py CLIP_PARITY

The lines in R are skipped where Rscript or hdf5r is missing.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import h5py
import xarray as xr

from convert_round_trip import PROGRAM, ROOT

PAGE = (ROOT / "docs/result.md").read_text(encoding="utf-8")
IN_PAGE = "results/runs/quickgelu-vs-gelu.h5"
# One tap of each layout: h5netcdf looks at every object of a file.
RECORD = 'record={"*": "off", "*.resblocks.0.attn.probs": full, "*.resblocks.0": full, "*_features": full, "class_*": full, "tokens": full}'
INPUT = {"image", "prompt", "class"}


def has_hdf5r():
    return shutil.which("Rscript") and subprocess.run(["Rscript", "-e", "library(hdf5r)"], capture_output=True, check=False).returncode == 0


class OpenResult(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        owned = tempfile.TemporaryDirectory()
        cls.addClassCleanup(owned.cleanup)
        cls.path = Path(owned.name) / "r.h5"
        subprocess.run([PROGRAM, "run", "experiments/quickgelu-vs-gelu.yaml", "inputs.limit=3", "local=2", "floor=1", RECORD,
                        "factorial={act: {activation: erf}, eps: {norm.eps: 1e-6}}", f"output={cls.path}"], cwd=ROOT, capture_output=True,
                       check=True)

    def lines(self, language):
        code, = re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)
        self.assertIn(IN_PAGE, code)
        return code.replace(IN_PAGE, str(self.path))

    def expected(self):
        with h5py.File(self.path) as result:
            tap = result["/metrics/erf/image_features"]
            return tap["metrics"][:, list(tap["part"].asstr()).index("total"), list(tap["metric"].asstr()).index("rel_l2")].tolist()

    def test_in_xarray_and_pandas(self):
        found = {}
        exec(self.lines("python"), found)  # pylint: disable=exec-used
        self.assertEqual(found["metrics"].dims, ("image", "part", "metric"))
        self.assertEqual(found["rel_l2"].values.tolist(), self.expected())
        self.assertEqual(found["table"]["rel_l2"].tolist(), self.expected())
        self.assertEqual(found["table"].index.tolist(), found["metrics"].image.values.tolist())

    @unittest.skipUnless(has_hdf5r(), "no Rscript, or no hdf5r")
    def test_in_r(self):
        code = self.lines("r") + 'cat(sprintf("%.17g", rel_l2))\n'
        done = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=True)
        self.assertEqual([float(word) for word in done.stdout.split()], self.expected())

    def test_dimensions_are_as_documented(self):
        """Of every variable, by the row of the page that has its path."""
        rows = [(re.compile(re.sub(r"\b[A-Z]+\b", "[^/]+", path)), [d.strip() for d in dims.split(",") if d.strip()])
                for path, dims in re.findall(r"^\| `(/[^@`]+)` \|([^|]*)\|", PAGE, re.M)]
        seen = set()

        def check(name, variable):
            if not isinstance(variable, h5py.Dataset) or h5py.h5ds.is_scale(variable.id):
                return
            names = [dimension.keys()[0] for dimension in variable.dims]  # each has a scale
            dims = next(dims for path, dims in rows if path.fullmatch("/" + name))
            seen.add((name.split("/")[0], *names))
            for documented, (position, found) in zip(dims, enumerate(names)):
                if documented == "...":
                    return
                self.assertTrue(found in INPUT and position == 0 if documented == "INPUT" else found == documented, (name, dims, names))
            self.assertEqual(len(dims), len(names), name)

        with h5py.File(self.path) as result:
            result.visititems(check)
        self.assertLessEqual({("captures", "image", "head", "query", "key"), ("captures", "prompt", "token", "channel"),
                              ("captures", "class", "channel"), ("metrics", "tap", "field")}, seen)

    def test_xarray_takes_every_kind_of_group(self):
        for group in ("/inputs", "/captures/baseline/visual.transformer.resblocks.0.attn.probs", "/captures/oracle.baseline/class_probs/stats",
                      "/metrics/erf", "/metrics/erf/text_features", "/ledger/erf", "/floor/image_features", "/attribution/factorial"):
            with xr.open_dataset(self.path, group=group, engine="h5netcdf") as data:
                self.assertTrue(data.data_vars, group)
                self.assertEqual([d for d in data.dims if d.startswith("phony") or d == "input"], [], group)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
