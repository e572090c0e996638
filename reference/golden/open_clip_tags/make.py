#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What open_clip's create_model(name, pretrained=tag) makes of every tag that clip-parity knows, in five of its versions.

    reference/golden/open_clip_tags/make.py OPEN_CLIP.git [--data]

OPEN_CLIP.git is a clone of mlfoundations/open_clip. Each version's own src/open_clip/pretrained.py is executed, with empty modules in
the place of those it imports for downloads, and its model configs are read; what create_model does with them is told from its
factory.py: it merges the whole PreprocessCfg of a tag where it calls merge_preprocess_dict, its mean and std alone before, and
loads the tag openai by load_openai_model, with QuickGELU and OpenAI's preprocessing, where it has that function. Writes tags.csv; with
--data also data/model_configs/pretrained.json, from the newest version."""

import argparse
import csv
import json
import subprocess
import sys
import types
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONFIGS = HERE.parents[2] / "data/model_configs"
VERSIONS = {"2.20": "v2.20.0", "2.24": "v2.24.0", "2.32": "v2.32.0", "3.3": "v3.3.0",
            "4.2": "89fb801f1e6087880e951fc8354b8a2077b79c6d"}
OPENAI = {"mean": (0.48145466, 0.4578275, 0.40821073), "std": (0.26862954, 0.26130258, 0.27577711),
          "interpolation": "bicubic", "resize_mode": "shortest"}


class Version:
    """One version of open_clip, from its sources."""

    def __init__(self, repository, commit):
        self.repository, self.commit = repository, commit
        factory = self.text("src/open_clip/factory.py")
        self.merges = "merge_preprocess_dict(preprocess_cfg, pretrained_cfg" in factory
        self.loads_openai = "load_openai_model(" in factory
        self.tags = self.execute()

    def text(self, path):
        done = subprocess.run(("git", "-C", self.repository, "show", f"{self.commit}:{path}"), capture_output=True, text=True,
                              check=False)
        return done.stdout if done.returncode == 0 else None

    def execute(self):
        names = ("open_clip", "open_clip.constants", "open_clip.version", "open_clip.pretrained", "tqdm")
        modules = {name: types.ModuleType(name) for name in names}
        modules["open_clip"].__path__ = []
        modules["open_clip.version"].__version__ = modules["tqdm"].tqdm = None
        modules["open_clip.pretrained"].__package__ = "open_clip"
        sys.modules.update(modules)
        for name in ("constants", "pretrained"):
            source = self.text(f"src/open_clip/{name}.py") or ""
            exec(compile(source, name, "exec"), modules[f"open_clip.{name}"].__dict__)  # pylint: disable=exec-used
        return modules["open_clip.pretrained"]._PRETRAINED  # pylint: disable=protected-access

    def config(self, name):
        text = self.text(f"src/open_clip/model_configs/{name}.json")
        return json.loads(text) if text else None

    def preprocessing(self, tag):
        keys = OPENAI if self.merges else ("mean", "std")
        return {**OPENAI, **{key: tag[key] for key in keys if tag.get(key) is not None}}

    def call(self, name, tag):
        """(quick_gelu of the model, preprocessing)."""
        if tag == "openai" and self.loads_openai:
            return True, OPENAI
        return self.config(name).get("quick_gelu", False), self.preprocessing(self.tags[name][tag])


def known(version):
    """(name, tag) of all models that data/model_configs has, as far as the version has them; the quickgelu names' are the same."""
    for name in sorted(path.stem for path in CONFIGS.glob("*.json")):
        if not name.endswith("-quickgelu") and version.config(name):
            yield from ((name, tag) for tag in version.tags.get(name, {}))


def rows(number, version):
    for name, tag in known(version):
        quick, how = version.call(name, tag)
        yield [number, name, tag, int(quick), *how["mean"], *how["std"], how["interpolation"], how["resize_mode"]]


def table(version):
    """data/model_configs/pretrained.json: of each tag what is not OpenAI's."""
    models = {}
    for name, tag in known(version):
        settings = version.tags[name][tag]
        entry = {"quick_gelu": bool(settings.get("quick_gelu"))}
        other = {key: value for key, value in version.preprocessing(settings).items() if value != OPENAI[key]}
        if other:
            entry["preprocess_cfg"] = other
        models.setdefault(name, {})[tag] = entry
    models["fashion-clip"] = {"openai": {"quick_gelu": True}}
    return models


def dump(models):
    lines = []
    for name in sorted(models):
        tags = ",\n".join(f"    {json.dumps(tag)}: {json.dumps(entry)}" for tag, entry in models[name].items())
        lines.append(f"  {json.dumps(name)}: {{\n{tags}\n  }}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("repository", type=Path)
    parser.add_argument("--data", action="store_true")
    args = parser.parse_args()
    versions = {number: Version(args.repository, commit) for number, commit in VERSIONS.items()}
    with open(HERE / "tags.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        for number, version in versions.items():
            writer.writerows(rows(number, version))
    if args.data:
        (CONFIGS / "pretrained.json").write_text(dump(table(versions["4.2"])), encoding="utf-8")


if __name__ == "__main__":
    main()
