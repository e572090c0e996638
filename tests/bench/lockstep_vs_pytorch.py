# SPDX-License-Identifier: GPL-3.0-or-later
"""The lockstep beside the script a researcher writes for the same question.

Question: what does swapping QuickGELU for GELU do to every layer of a ViT-B/32, on so many images and as many
prompts? Ours is `clip-parity run`: every tap's statistics and digests, every metric. The peer is PyTorch with
forward hooks on every module, h5py for the capture of both models and NumPy for the comparison; it hooks fewer
points (no q, k, v, scores or probabilities inside attention), computes fewer metrics, and reads weights and inputs
from files that are made before the clock starts, while ours makes them from the seed within its time.

    /usr/bin/python3 tests/bench/lockstep_vs_pytorch.py [--images 32] [--runs 5] [--oracle]

Both run as whole processes, alternately; medians. Needs Debian's python3-torch, python3-h5py and
libopenblas0-openmp, whose threads are torch's own (with another OpenBLAS two thread pools fight over the cores).
Fails if the two disagree about the divergence, or if ours takes more than two copies of the weights and 500 MB.
"""
import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "data/configs/vit-b-32.json"
PROGRAM = ROOT / "build/release/clip-parity"
OPENBLAS = "/usr/lib/x86_64-linux-gnu/openblas-openmp"
MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)[:, None, None]
STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)[:, None, None]
HOOKED = ("conv1", "ln_pre", "ln_1", "attn", "ln_2", "c_fc", "gelu", "c_proj", "ln_post", "ln_final",
          "token_embedding", "visual")
SAME = "visual.transformer.resblocks.0.mlp.gelu", "visual.transformer.resblocks.11", "image_features", "text_features"

EXPERIMENT = """\
experiment: lockstep-vs-pytorch
hypothesis: The lockstep is at least twice as fast as hooks, a capture and a comparison.
model: {{config: {config}, init: counter, seed: 1}}
inputs: {{synthetic: {{images: {images}, prompts: {images}, seed: 0}}}}
baseline: {{activation: quick}}
candidates:
  erf: {{activation: erf}}
record: {{"*": stats}}
oracle: {oracle}
output: {output}
"""


# ---- the peer ----

def torch_modules():
    sys.path.insert(0, str(ROOT / "reference/pytorch"))
    import clip
    import seeded
    import torch
    return torch, clip, seeded


def prepare(folder, images):
    """Weights and inputs for the peer, as files."""
    torch, clip, seeded = torch_modules()
    with torch.no_grad():
        model = seeded.fill(clip.from_config(json.loads(CONFIG.read_text())), 1)
    torch.save(model.state_dict(), folder / "weights.pt")
    np.save(folder / "pixels.npy", seeded.pixels(images, 224, 0, MEAN, STD).numpy())
    np.save(folder / "tokens.npy", seeded.tokens(images, 77, 49408, 0).numpy())


def load_model(torch, clip, folder):
    """Without drawing weights that are about to be replaced."""
    for module in (torch.nn.Linear, torch.nn.Conv2d, torch.nn.Embedding, torch.nn.LayerNorm):
        module.reset_parameters = lambda self: None
    torch.nn.MultiheadAttention._reset_parameters = lambda self: None
    clip.CLIP.init_parameters = lambda self: None
    model = clip.from_config(json.loads(CONFIG.read_text())).eval()
    model.load_state_dict(torch.load(folder / "weights.pt"))
    return model


def capture(model, file, pixels, tokens):
    """Every hooked module's output as (input, token, channel) into an HDF5 file."""
    def hook(name):
        def collect(module, inputs, output):
            value = output[0] if isinstance(output, tuple) else output
            if name == "visual.conv1":
                value = value.flatten(2).permute(0, 2, 1)
            elif "resblocks" in name:
                value = value.permute(1, 0, 2)
            file.create_dataset(name, data=value.contiguous().numpy())
        return collect
    handles = [module.register_forward_hook(hook(name)) for name, module in model.named_modules()
               if name.split(".")[-1] in HOOKED or name.split(".")[-1].isdigit()]
    file.create_dataset("image_features", data=model.encode_image(pixels, normalize=True).numpy())
    file.create_dataset("text_features", data=model.encode_text(tokens, normalize=True).numpy())
    for handle in handles:
        handle.remove()


def compare(x, y):
    """One input's metrics in float64."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    d = np.abs(x - y)
    square, norm = (d * d).sum(axis=-1), (y * y).sum(axis=-1)
    rel = np.sqrt(square.sum() / norm.sum())
    return [d.max(), d.mean(), np.sqrt(np.mean(d * d)), rel,
            np.vdot(x, y) / (np.linalg.norm(x) * np.linalg.norm(y)), np.sqrt(square / norm).max()]


def peer(folder, quantiles):
    torch, clip, _ = torch_modules()
    model = load_model(torch, clip, folder)
    pixels, tokens = (torch.from_numpy(np.load(folder / f"{name}.npy")) for name in ("pixels", "tokens"))
    with torch.no_grad():
        for name, make in ("quick", clip.QuickGELU), ("erf", torch.nn.GELU):
            for block in list(model.visual.transformer.resblocks) + list(model.transformer.resblocks):
                block.mlp.gelu = make()
            with h5py.File(folder / f"{name}.h5", "w") as file:
                capture(model, file, pixels, tokens)
    with h5py.File(folder / "quick.h5") as baseline, h5py.File(folder / "erf.h5") as candidate, \
            h5py.File(folder / "metrics.h5", "w") as out:
        names = []
        baseline.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        for name in names:
            rows = []
            for x, y in zip(candidate[name][:], baseline[name][:]):
                rows.append(compare(x, y) + (list(np.quantile(np.abs(x - y), (0.5, 0.99, 0.999))) if quantiles else []))
            out.create_dataset(name + "/metrics", data=np.array(rows))


# ---- both beside each other ----

def timed(command, environment=None):
    """Wall and processor seconds, peak MB of a whole process."""
    start = time.monotonic()
    pid = os.posix_spawn(command[0], command, environment or dict(os.environ),
                         file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"{' '.join(command)}: exit status {os.waitstatus_to_exitcode(status)}")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def ours(folder, images, oracle="off"):
    experiment = folder / "experiment.yaml"
    output = folder / "ours.h5"
    experiment.write_text(EXPERIMENT.format(config=CONFIG, images=images, oracle=oracle, output=output))
    return timed([str(PROGRAM), "run", str(experiment)])


def theirs(folder, quantiles=True):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    environment["LD_LIBRARY_PATH"] = OPENBLAS
    return timed([sys.executable, __file__, "--peer", str(folder)] + ([] if quantiles else ["--no-quantiles"]),
                 environment)


def check_same(folder):
    """Both must have measured the same divergence."""
    with h5py.File(folder / "ours.h5") as mine, h5py.File(folder / "metrics.h5") as peers:
        for tap in SAME:
            columns = list(mine[f"/metrics/erf/{tap}/metric"].asstr()[:])
            rel = mine[f"/metrics/erf/{tap}/metrics"][:, 0, columns.index("rel_l2")].mean()
            other = peers[f"{tap}/metrics"][:, 3].mean()
            print(f"  relative L2 at {tap}: ours {rel:.4e}, PyTorch {other:.4e}")
            if not abs(rel - other) <= 1e-2 * other:
                sys.exit("the two disagree")


def line(name, runs):
    wall, processor, peak = (statistics.median(values) for values in zip(*runs))
    print(f"{name:<34} {wall:7.2f} s wall ({min(r[0] for r in runs):.2f} to {max(r[0] for r in runs):.2f}), "
          f"{processor:7.2f} s processor, peak {peak:5.0f} MB", flush=True)
    return wall, processor, peak


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--oracle", action="store_true", help="also one run of ours with the float64 oracle")
    parser.add_argument("--prepare", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--no-quantiles", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.prepare:
        return prepare(options.prepare, options.images)
    if options.peer:
        return peer(options.peer, not options.no_quantiles)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Not here: a process that is started counts what its starter held as its own peak.
        timed([sys.executable, __file__, "--prepare", name, "--images", str(options.images)])
        weights = (folder / "weights.pt").stat().st_size / 2**20
        print(f"{options.images} images and prompts, {os.cpu_count()} processors, {weights:.0f} MB of weights", flush=True)
        runs = [(ours(folder, options.images), theirs(folder), theirs(folder, False)) for _ in range(options.runs)]
        mine, full, without = (line(name, column) for name, column in
                               zip(("clip-parity run", "PyTorch, h5py, NumPy", "the same without quantiles"), zip(*runs)))
        check_same(folder)
        print(f"wall ratio {full[0] / mine[0]:.2f}, without quantiles {without[0] / mine[0]:.2f}; "
              f"processor ratio {full[1] / mine[1]:.2f}, {without[1] / mine[1]:.2f}")
        many = line(f"clip-parity run, {3 * options.images} images", [ours(folder, 3 * options.images)])
        if options.oracle:
            line("clip-parity run with the oracle", [ours(folder, options.images, "on")])
        limit = 2 * weights + 500
        print(f"peak memory: limit {limit:.0f} MB")
        if not max(mine[2], many[2]) <= limit:
            sys.exit("too much memory")


if __name__ == "__main__":
    main()
