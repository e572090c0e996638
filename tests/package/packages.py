# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of packages that more than one file has: what builds (Makefile, debian/control) and what runs (the linked libraries, as dpkg
knows them; Dockerfile, whose first stage uses the Makefile's list itself).

    /usr/bin/python3 tests/package/packages.py PROGRAM LIBRARY

Exits with 77 where there is no dpkg.
"""

import json
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Every Debian has it: the C library.
ESSENTIAL = {"libc6"}


def text(name):
    return (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def makefile_list(name):
    return set(re.search(rf"^{name} = (.*)$", text("Makefile"), re.M).group(1).split())


def dockerfile():
    """[(instruction, arguments)]"""
    lines = (line.strip() for line in text("Dockerfile").splitlines())
    return [tuple(line.split(None, 1)) for line in lines if line and not line.startswith("#")]


def needed(*programs):
    """The packages of the libraries that programs name themselves."""
    paths = set()
    for program in programs:
        places = dict(re.findall(r"(\S+) => (\S+)", output("ldd", program)))  # the loader is named, and lies nowhere
        names = re.findall(r"NEEDED\s+(\S+)", output("objdump", "-p", program))
        paths |= {str(Path(places[name]).resolve()) for name in names if name in places}
    both = sorted(paths | {path.removeprefix("/usr") for path in paths})  # as /lib is a link to /usr/lib
    owners = subprocess.run(["dpkg", "-S", *both], capture_output=True, text=True, check=False).stdout.splitlines()
    found = dict(reversed(line.split(": ")) for line in owners)
    assert len(found) == len(paths), (found, paths)
    return {owner.split(":")[0] for owner in found.values()} - ESSENTIAL


def depended_on(packages):
    """The packages that these bring with them."""
    words = output("dpkg-query", "-W", "-f=${Depends}, ", *packages)
    return {word.split()[0].split(":")[0] for word in re.split(r"[,|]", words) if word.strip()}


class Packages(unittest.TestCase):
    program = library = None

    def test_debian_builds_with_the_makefile_s(self):
        control = re.search(r"^Build-Depends: (.*(?:\n .*)*)", text("debian/control"), re.M).group(1)
        self.assertEqual({name.split(" (")[0].strip() for name in control.split(",")} - {"debhelper-compat"},
                         makefile_list("BUILD_PACKAGES") - {"build-essential"})

    def test_docker_runs_with_what_is_linked(self):
        stages = [i for i, (name, _) in enumerate(dockerfile()) if name == "FROM"]
        self.assertEqual([dockerfile()[i][1] for i in stages], ["debian:12 AS build", "debian:12-slim"])
        install, = (words for name, words in dockerfile()[stages[-1]:] if name == "RUN" and "apt-get install" in words)
        listed = re.search(r"--no-install-recommends ([^&]*)", install).group(1).split()
        linked = needed(self.program, self.library)
        self.assertLessEqual(set(listed), linked)
        self.assertLessEqual(linked - set(listed), depended_on(listed))  # some linkers name what a library brings, too
        self.assertEqual(listed, sorted(listed))

    def test_docker_file_is_one(self):
        self.assertLessEqual({name for name, _ in dockerfile()}, {"FROM", "RUN", "WORKDIR", "COPY", "USER", "ENTRYPOINT", "CMD"})
        for name, words in dockerfile():
            if name == "RUN":
                subprocess.run(["sh", "-n", "-c", words], check=True)
            elif name in ("ENTRYPOINT", "CMD"):
                self.assertTrue(all(isinstance(word, str) for word in json.loads(words)))
            elif name == "COPY" and "--from=" in words:
                self.assertIn("--from=build ", words)


if __name__ == "__main__":
    if not shutil.which("dpkg"):
        sys.exit(77)
    Packages.library, Packages.program = sys.argv.pop(), sys.argv.pop()
    unittest.main()
