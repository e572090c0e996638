# SPDX-License-Identifier: GPL-3.0-or-later
"""validate.py JSON SCHEMA: exit code 0 where the JSON is what the schema says, 77 where no validator is installed."""
import json
import sys

try:
    import jsonschema
except ImportError:
    sys.exit(77)

with open(sys.argv[1], encoding="utf-8") as document, open(sys.argv[2], encoding="utf-8") as schema:
    jsonschema.validate(json.load(document), json.load(schema))
