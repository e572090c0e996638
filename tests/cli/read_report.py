# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the reports that test_report.c writes as a stranger would: CSV in one line of pandas, JSON by its schema.

Usage: read_report.py CSV JSON SCHEMA. Exits with 77 where pandas or jsonschema is missing.
"""
import json
import sys

try:
    import jsonschema
    import pandas
except ImportError as missing:
    print(missing)
    sys.exit(77)

table = pandas.read_csv(sys.argv[1])
assert set(table.candidate) == {"erf", "welford", "same"} and len(table) == 3 * 14, table
assert (table[table.candidate == "same"].total == 0).all()
assert table.mean_of_rel_l2.equals(table.total) and table.nonfinite.eq(0).all()
assert table[table.tower == "text"].worst_input.notna().any()

def refuse(constant):
    raise ValueError(constant)

with open(sys.argv[2], encoding="utf-8") as file:
    report = json.load(file, parse_constant=refuse)
with open(sys.argv[3], encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.Draft202012Validator(schema).validate(report)
assert report["schema"] == "clip-parity/report/1" and report["hypothesis"] == r'a <b> & "c" \ d'

rows = table.set_index(["candidate", "tap"])
for candidate in report["candidates"]:
    assert len(candidate["decisions"]["images"]) == 12
    for tap in candidate["taps"]:
        row = rows.loc[(candidate["name"], tap["name"])]
        assert row.verdict == tap["verdict"]["verdict"] and row.total == tap["relative_l2"]["total"]

    for tap in candidate["taps"]:
        row, found = rows.loc[(candidate["name"], tap["name"])], tap["ledger"]["candidate"]
        assert (found and found["verdict"]) == (row.ledger_verdict if isinstance(row.ledger_verdict, str) else None)
causes = {candidate["name"]: candidate["causes"] for candidate in report["candidates"]}
assert causes["same"] == [] and {cause["kind"] for cause in causes["erf"]} == {"settings"}
assert all(cause["side"] == "both" and 0 < cause["size"] < 1 for cause in causes["erf"])
