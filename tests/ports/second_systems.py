#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures of real second systems: module outputs of an image tower in PyTorch and in ONNX Runtime (onnxruntime-node).

    /usr/bin/python3 tests/ports/second_systems.py MINE.h5 -o FOLDER --node NODE [--images N] [--config FILE --seed N]

MINE.h5: a result of `clip-parity run` that recorded pixels.normalized. Without --config it is of the demo model; with it, of
a model with the weights of `init: counter`. NODE: a folder where `npm install --ignore-scripts onnxruntime-node` was run;
without --node only PyTorch's capture is written. The tower is exported to ONNX with every module output as an output, and
run with all graph optimisations.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

import port  # sets the path to reference/capture

sys.path.insert(0, str(port.ROOT / "reference/pytorch"))

import clip  # noqa: E402
import schema  # noqa: E402
import seeded  # noqa: E402

PARTS = "ln_1", "attn", "ln_2", "c_fc", "gelu", "c_proj"
RUN = """
const ort = require(process.argv[2] + '/node_modules/onnxruntime-node'), fs = require('fs'), at = process.argv[3] + '/';
(async () => {
  const session = await ort.InferenceSession.create(at + 'image.onnx', {graphOptimizationLevel: 'all'});
  const bytes = fs.readFileSync(at + 'pixels.bin'), shape = JSON.parse(fs.readFileSync(at + 'shape.json'));
  const pixels = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const outputs = await session.run({pixels: new ort.Tensor('float32', pixels, shape)});
  for (const [name, {data}] of Object.entries(outputs))
    fs.writeFileSync(at + name + '.bin', Buffer.from(data.buffer, data.byteOffset, data.byteLength));
})();
"""


class Tower(torch.nn.Module):
    """An image tower that returns the outputs of its modules, (input, token, channel), and of itself."""

    def __init__(self, visual):
        super().__init__()
        self.visual, self.names = visual, []

    def forward(self, pixels):
        outputs, handles = {}, []

        def keep(name, sequence_first):
            def hook(_module, _inputs, output):
                output = output[0] if isinstance(output, tuple) else output
                outputs[name] = output.permute(1, 0, 2) if sequence_first else output
            return hook
        for name, module in self.visual.named_modules():
            last = name.rsplit(".", maxsplit=1)[-1]
            if name == "ln_pre" or "resblocks." in name and (last in PARTS or last.isdigit()):
                handles.append(module.register_forward_hook(keep(f"visual.{name}", name != "ln_pre")))
        outputs["visual"] = self.visual(pixels)
        for handle in handles:
            handle.remove()
        self.names = list(outputs)
        return tuple(outputs.values())


def build(config_path, seed):
    """(model, provenance, activation)"""
    config = json.loads((port.ROOT / (config_path or port.CONFIG)).read_text(encoding="utf-8"))
    config = config.get("model_cfg", config)
    model = clip.from_config(config).eval()
    activation = "quick" if config.get("quick_gelu") else "erf"
    if config_path:
        with torch.no_grad():
            seeded.fill(model, seed)
        return model, {"config": config_path, "init": "counter", "seed": seed}, activation
    weights = port.load_safetensors(port.ROOT / port.CHECKPOINT)
    clip.load_weights(model, {name: torch.from_numpy(value) for name, value in weights.items()})
    return model, {"config": port.CONFIG, "checkpoint": port.CHECKPOINT}, activation


def onnxruntime(tower, pixels, shapes, node):
    """{tap: value}, and the version."""
    names = [name.replace(".", "_") for name in shapes]
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        torch.onnx.export(tower, pixels, at / "image.onnx", input_names=["pixels"], output_names=names, opset_version=14)
        pixels.numpy().tofile(at / "pixels.bin")
        (at / "shape.json").write_text(json.dumps(list(pixels.shape)))
        (at / "run.js").write_text(RUN)
        subprocess.run(["node", at / "run.js", node.resolve(), at], check=True)
        values = {tap: np.fromfile(at / f"{name}.bin", np.float32).reshape(shape)
                  for (tap, shape), name in zip(shapes.items(), names)}
    package = json.loads((node / "node_modules/onnxruntime-node/package.json").read_text())
    return values, f"onnxruntime-node {package['version']}"


def write(path, found, provenance, activation):
    capture = schema.Capture(path.stem, {tap: schema.Tap(value) for tap, value in found.items()},
                             {"activation": activation})
    files = [(port.ROOT / provenance[key], provenance[key]) for key in ("checkpoint", "config") if key in provenance]
    schema.write(path, [capture], provenance, files)
    print(f"{path}: {provenance['source']}, {len(found)} taps, {path.stat().st_size} bytes")


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    p.add_argument("mine", metavar="MINE.h5")
    p.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    p.add_argument("--node", type=Path, metavar="FOLDER", help="that has onnxruntime-node")
    p.add_argument("--images", type=int, metavar="N", help="the first N")
    p.add_argument("--config", metavar="FILE", help="of a seeded model, relative to the project's root")
    p.add_argument("--seed", type=int, default=0)
    args = p.parse_args(argv)
    model, provenance, activation = build(args.config, args.seed)
    pixels = torch.from_numpy(port.pixels_of(args.mine)[:args.images])
    tower = Tower(model.visual)
    with torch.no_grad():
        values = [value.numpy() for value in tower(pixels)]
    found = dict(zip(tower.names, values))
    given = {"pixels.normalized": pixels.numpy()}
    args.output.mkdir(parents=True, exist_ok=True)
    write(args.output / "pytorch.h5", {**given, **found},
          {**provenance, "source": f"PyTorch {torch.__version__}, {platform.machine()}"}, activation)
    if args.node:
        theirs, version = onnxruntime(tower, pixels, {name: value.shape for name, value in found.items()}, args.node)
        write(args.output / "onnxruntime.h5", {**given, **theirs},
              {**provenance, "source": f"{version}, {platform.machine()}"}, activation)
    return 0


if __name__ == "__main__":
    sys.exit(main())
