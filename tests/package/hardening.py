# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a release build's program hardened? Exits with 77 for other builds.

    /usr/bin/python3 tests/package/hardening.py PROGRAM BUILD_TYPE
"""

import re
import subprocess
import sys

program, build = sys.argv[1:]
if build != "Release":
    sys.exit(77)
seen = subprocess.run(["readelf", "-hldW", "--dyn-syms", program], capture_output=True, text=True, check=True).stdout
for what, pattern in {"position-independent": r"Type:\s+DYN", "read-only relocations": "GNU_RELRO", "all bound at once": r"FLAGS.*NOW",
                      "checked stacks": "__stack_chk_fail", "checked buffers": r"__\w+_chk@",
                      "no executable stack": r"GNU_STACK .* RW "}.items():
    assert re.search(pattern, seen), f"not {what}"
