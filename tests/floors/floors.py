# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders of harness/ as floors: what each may include and call, and how much each may hold.

    /usr/bin/python3 tests/floors/floors.py BUILD_FOLDER

A folder includes and calls what stands above it in FLOORS, and nothing that stands below.
"""

import functools
import re
import subprocess
import sys
import unittest
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# From the ground up: each folder, with the outside libraries that it may include.
FLOORS = {
    "harness/base": "openssl seccomp",
    "harness/torch": "",
    "harness/num": "gsl",
    "harness/ops": "",
    "harness/ops/*": "",
    "harness/format": "jansson libfyaml zlib",
    "harness/picture": "spng jpeglib jerror webp",
    "harness/result": "hdf5",
    "harness/capture": "hdf5",
    "harness/checkpoint": "jansson hdf5",
    "harness/config": "jansson",
    "harness/text": "jansson",
    "harness/preprocess": "",
    "harness/tap": "",
    "harness/spec": "",
    "harness/model": "",
    "reference/oracle": "gsl",
    "harness/ledger": "",
    "harness/experiment": "",
    "harness/inputs": "",
    "harness/run": "",
    "harness/analysis": "",
    "harness/task": "",
    "harness/library": "",
    "harness/report/data": "",
    "harness/report/term": "",
    "harness/report/*": "",
    "harness/report/forms": "",
    "harness/gate": "",
    "harness/option": "",
    "harness/cmd": "gsl/gsl_errno.h",
}
# Of these floors, a folder sees these headers and nothing else.
NARROW = {
    "harness/ops": ("harness/base",),
    "harness/ops/*": ("harness/base", "harness/ops"),
    "harness/model": {"harness/tap": ("tap/tap.h", "tap/family.h")},
}
LIBRARIES = {"openssl", "gsl", "hdf5", "jansson", "libfyaml", "spng", "jpeglib", "jerror", "webp", "zlib", "seccomp"}
MOST_FILES, MOST_LINES = 20, 5000

# Who writes for people, and of them what writes something else, or words of its own in several lines.
WRITERS = r"harness/(cmd|option|gate|task|run|analysis|model|report/(html|json|term))/.*\.c$"
OTHER_WRITERS = {
    "harness/gate/baseline_write.c",  # YAML
    "harness/task/diff.c", "harness/task/inspect.c",
    "harness/gate/junit.c", "harness/gate/github.c",  # XML, Markdown: names go through their functions
    "harness/analysis/ledger/store.c",  # the result
    "harness/report/html/data.c",  # a word before it is quoted
    "harness/report/term/text.c",  # colours
    "harness/cmd/main.c",  # the version
    "harness/option/man.c",  # roff
}


def floor_of(path):
    """The row of FLOORS that a file of this path belongs to."""
    folder = path.parent.relative_to(ROOT).as_posix()
    folder = re.sub(r"^(harness/(?:analysis|run|spec|model|tap|task))/.*", r"\1", folder)
    return folder if folder in FLOORS else re.sub(r"^(harness/(?:ops|report))/[^/]+$", r"\1/*", folder)


def sources():
    return [file for top in ("harness", "reference/oracle") for file in sorted((ROOT / top).rglob("*.[ch]"))
            if "unicode" not in file.parts]


def own_header(name):
    """The file that `#include "name"` finds."""
    return next((path for top in ("harness", "reference") if (path := ROOT / top / name).is_file()), None)


def rank(floor):
    return list(FLOORS).index(floor)


def may_use(user, used):
    """Whether a folder may know another at all."""
    narrow = NARROW.get(user)
    if isinstance(narrow, tuple):
        return used == user or used in narrow
    return rank(used) <= rank(user)


def wrong_include(file, name):
    """What is wrong with an own include, or None."""
    user, header = floor_of(file), own_header(name)
    if header is None:
        return f"{name} is nowhere"
    used = "harness/text" if "unicode" in header.parts else floor_of(header)
    narrow = NARROW.get(user)
    if user == used and user == "harness/report/*" and header.parent != file.parent:
        return f"{file.parent.relative_to(ROOT)} may not include {name}: it is another form's"
    if not may_use(user, used) or (isinstance(narrow, dict) and name not in narrow.get(used, (name,))):
        return f"{user} may not include {name}: it stands above, or is not for it"
    return None


def library_of(name):
    """The library that an outside header is of."""
    return "hdf5" if re.match(r"(H5|hdf5)", name) else re.split(r"[/.]", name)[0]


def includes_of(file):
    return re.findall(r'^#include ([<"])([^>"]+)', file.read_text(encoding="utf-8"), re.M)


@functools.cache
def brought_by(header):
    """Outside headers that an own one brings along."""
    outside = set()
    for kind, name in includes_of(header):
        own = own_header(name) if kind == '"' else None
        outside |= brought_by(own) if own else ({name} if kind == "<" else set())
    return outside


def wrong_library(file, name):
    """What is wrong with an outside include, or None."""
    library = library_of(name)
    allowed = FLOORS[floor_of(file)].split()
    if library in LIBRARIES and library not in allowed and name not in allowed:
        return f"{floor_of(file)} may not include <{name}>; it may: {' '.join(allowed) or 'none'}"
    return None


def symbols(archive):
    """(object, defined, used) of each object that was compiled."""
    for path in archive:
        defined, used = set(), set()
        for line in subprocess.run(["nm", "-g", str(path)], capture_output=True, text=True, check=True).stdout.splitlines():
            *_, kind, name = line.split()
            (used if kind == "U" else defined).add(name)
        yield path, defined, used


def source_of(compiled):
    """The source file that an object in a CMake build folder was compiled from."""
    return ROOT / re.sub(r".*\.dir/", "", compiled.as_posix()).removesuffix(".o")


class Floors(unittest.TestCase):
    build = None

    def test_every_folder_has_its_floor(self):
        self.assertEqual({floor_of(file) for file in sources()}, set(FLOORS))

    def test_includes_point_down(self):
        wrong, found = [], 0
        for file in sources():
            for kind, name in includes_of(file):
                found += 1
                whats = [wrong_include(file, name)] if kind == '"' else [wrong_library(file, name)]
                if kind == '"' and not whats[0]:
                    whats += [wrong_library(file, outside) for outside in sorted(brought_by(own_header(name)))]
                wrong += [f"{file.relative_to(ROOT)}: {what}" for what in whats if what]
        self.assertGreater(found, 1000)
        self.assertEqual(wrong, [])

    def test_calls_point_down(self):
        objects = [path for path in self.build.glob("CMakeFiles/*.dir/**/*.o") if source_of(path).is_file()]
        known = list(symbols(objects))
        # Others, malloc and its kind, stand in for the C library's (cmd/memory.c).
        home = {name: source_of(path) for path, defined, _ in known for name in defined if name.startswith("cp_")}
        # ops is beside its kernels: they include its header, and its dispatch knows their tables.
        wrong = [f"{source_of(path).relative_to(ROOT)} calls {name} of {home[name].relative_to(ROOT)}"
                 for path, _, used in known for name in used
                 if name in home and not may_use(floor_of(source_of(path)), floor_of(home[name]))
                 and floor_of(source_of(path)) != "harness/ops"]
        self.assertGreater(len(home), 500)
        self.assertEqual(sorted(set(wrong)), [])

    def test_no_folder_is_a_warehouse(self):
        files, lines = Counter(), defaultdict(int)
        for file in sources():
            files[file.parent] += file.suffix == ".c"
            lines[file.parent] += len(file.read_text(encoding="utf-8").splitlines())
        too_many = {str(f.relative_to(ROOT)): (files[f], lines[f]) for f in files
                    if files[f] > MOST_FILES or lines[f] > MOST_LINES}
        self.assertEqual(too_many, {})

    def test_texts_are_escaped(self):
        """What people and browsers read goes through cp_print and cp_print_html, whose %s cannot become syntax."""
        wrong = []
        for file in sources():
            name = file.relative_to(ROOT).as_posix()
            if not re.match(WRITERS, name) or name in OTHER_WRITERS:
                continue
            for call in re.findall(r"\bf?printf\((?:[^;\"]|\"(?:[^\"\\]|\\.)*\")*?\);", file.read_text(encoding="utf-8")):
                if re.search(r"%[-.\d]*[-.\d*]*s", call.replace("%*s", "")):
                    wrong.append(f"{name}: {call}")
        self.assertEqual(wrong, [])

    def test_every_source_says_what_it_is_for(self):
        silent = [str(file.relative_to(ROOT)) for file in sources() if file.suffix == ".c"
                  and not file.read_text(encoding="utf-8").splitlines()[1].startswith(" * ")]
        self.assertEqual(silent, [])


if __name__ == "__main__":
    Floors.build = Path(sys.argv.pop(1)).resolve()
    unittest.main()
