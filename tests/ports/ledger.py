# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operation ledger of a result says of its passes."""

from dataclasses import dataclass

import h5py
import numpy as np

ACCUSED = "coarse", "contradicted", "nonfinite"


@dataclass
class Ledger:
    """Of one pass. verdicts, bound (largest |r| / bound, NaN of what is composite) and coarseness: {tap: value}."""
    verdicts: dict
    bound: dict
    coarseness: dict

    def accusations(self):
        """A line for each operation that is said to be at fault."""
        return [f"{tap} is {verdict}: |r| / bound {self.bound[tap]:.3g}, coarseness {self.coarseness[tap]:.3g}"
                for tap, verdict in self.verdicts.items() if verdict in ACCUSED]

    def not_checked(self, expected):
        """A line where some of the expected taps were not checked."""
        missing = [tap for tap in expected if self.verdicts.get(tap, "unchecked") == "unchecked"]
        return [f"{len(missing)} taps are not checked, such as {missing[0]}"] if missing else []

    def figures(self):
        counts = {verdict: sum(one == verdict for one in self.verdicts.values()) for verdict in ("exact", "explained")}
        return (f"{counts['exact']} exact, {counts['explained']} explained, largest |r| / bound {_largest(self.bound)}, "
                f"coarseness {_largest(self.coarseness)}")


def _largest(values):
    tap = max(values, key=lambda tap: np.nan_to_num(values[tap], nan=-1))
    return f"{values[tap]:.2f} at {tap}"


def read(path):
    """{pass: Ledger} of a result file."""
    found = {}
    with h5py.File(path) as file:
        names = file["ledger"].attrs["verdicts"].split("\n")
        for one, group in file["ledger"].items():
            table = group["operations"]
            taps, fields = (table.dims[axis][0].asstr()[:].tolist() for axis in range(2))
            column = {name: dict(zip(taps, table[:, fields.index(name)])) for name in ("verdict", "bound", "coarseness")}
            found[one] = Ledger({tap: names[int(code)] for tap, code in column["verdict"].items()}, column["bound"],
                                column["coarseness"])
    return found
