# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures a PyTorch CLIP's forward pass, every tap of it, into a file that `clip-parity diff` reads.

    clip_capture.py --model CONFIG.json --checkpoint FILE --pixels pixels.npy --tokens tokens.npy -o FILE.h5

docs/capture.md has the recipes. As a function: capture_model(model, pixels, tokens) for a model that is built already.
"""

import argparse
import importlib
import importlib.util
import json
import os
import pickle
import sys
import types
from pathlib import Path

import h5py
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.append(str(HERE.parent / "pytorch"))  # last: it has a clip and a safetensors too

import torch  # noqa: E402

import hooks  # noqa: E402
import schema  # noqa: E402
import seeded  # noqa: E402
import trees  # noqa: E402

PRECISIONS = "fp32", "fp16", "bf16", "pure_fp16", "pure_bf16"
DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}
HF_ACTIVATIONS = {"quick": "quick_gelu", "erf": "gelu", "tanh": "gelu_pytorch_tanh"}


class Refused(Exception):
    """Input that cannot be captured; the message is one line."""


def capture_model(model, pixels, tokens, name="capture", settings=None, verify=True, images=None, prompts=None):
    """(schema.Capture, recompute.Report of what was verified) of a model over arrays or tensors."""
    pixels, tokens = torch.as_tensor(pixels), torch.as_tensor(tokens)
    found, report = hooks.capture(model, pixels.float(), tokens.long(), verify)
    return schema.Capture(name, found, settings or {}, images, prompts), report


# ---- models ----

def build(args):
    """(model, source) as the command line asks for."""
    if args.library.endswith(".py") or ".py:" in args.library:
        return _from_file(args), Path(args.library.partition(":")[0]).name
    builders = {"open_clip": _open_clip, "openai": _openai, "huggingface": _huggingface}
    if args.library not in builders:
        raise Refused(f"--library {args.library}: not {', '.join(builders)} or FILE.py:FUNCTION")
    return builders[args.library](args)


def _open_clip(args):
    module = _submodule("open_clip", "model", args.source)
    version = _submodule("open_clip", "version", args.source).__version__
    config = read_config(args.model, _named_configs())
    tanh = {"approximate": "tanh"}
    if args.activation != "auto":
        config = {**config, "quick_gelu": args.activation == "quick"}
        for tower in ("vision_cfg", "text_cfg"):
            own = {key: value for key, value in config[tower].items() if key != "act_kwargs"}
            config[tower] = {**own, "act_kwargs": tanh} if args.activation == "tanh" else own
    pure, dtype = args.precision.startswith("pure_"), DTYPES.get(args.precision.removeprefix("pure_"))
    custom = config.pop("custom_text", False) or "hf_model_name" in config["text_cfg"]
    # As open_clip's factory.create_model does; cast_dtype is new in v2.8.
    cast = {"cast_dtype": dtype} if dtype and not pure else {}
    try:
        model = (module.CustomTextCLIP if custom else module.CLIP)(**config, **cast)
    except TypeError as error:  # a field that the class does not know: multimodal_cfg, one of a later version
        raise Refused(f"--model {args.model}: {error}") from None
    if pure:
        model.to(dtype)
    elif dtype:
        module.convert_weights_to_lp(model, dtype=dtype)
    state = state_dict(args)
    if custom and state is None and args.seed is not None:  # the counter rule goes by CLIP's names
        with torch.no_grad():
            state = seeded.fill(module.CLIP(**config), args.seed).state_dict()
    if custom and state:
        state = module.convert_to_custom_text_state_dict(state)
    _load(model, state, args)
    return model, f"open_clip {version}"


def _openai(args):
    module = _submodule("clip", "model", args.source)
    if args.activation not in ("auto", "quick"):
        raise Refused(f"--activation {args.activation}: OpenAI's model.py has QuickGELU alone")
    if args.precision not in ("fp32", "fp16"):
        raise Refused(f"--precision {args.precision}: OpenAI's model.py has fp32 and fp16 alone")
    if args.model:
        config = read_config(args.model, None)
        vision, text = config["vision_cfg"], config["text_cfg"]
        tower = module.VisionTransformer(vision["image_size"], vision["patch_size"], vision["width"], vision["layers"],
                                         vision["width"] // vision.get("head_width", 64), config["embed_dim"])
        # CLIP's constructor knows image towers with heads of 64 alone, so it makes an empty one.
        model = module.CLIP(config["embed_dim"], vision["image_size"], 0, 64, vision["patch_size"],
                            text["context_length"], text["vocab_size"], text["width"], text["heads"], text["layers"])
        model.visual = tower
        _load(model, state_dict(args), args)
    else:
        state = state_dict(args)
        if state is None:
            raise Refused("--library openai needs --model or --checkpoint")
        model = module.build_model(state).float()
    if args.precision == "fp16":
        module.convert_weights(model)
    return model, "openai/CLIP"


def _huggingface(args):
    if args.source:
        sys.path.insert(0, args.source)
    transformers = importlib.import_module("transformers")
    if not args.model:
        raise Refused("--library huggingface needs --model: a folder, or its config.json")
    path = Path(args.model)
    config = transformers.CLIPConfig.from_pretrained(path if path.is_dir() else path.parent)
    if args.activation != "auto":
        config.vision_config.hidden_act = config.text_config.hidden_act = HF_ACTIVATIONS[args.activation]
    if args.checkpoint:
        model = transformers.CLIPModel(config)
        _load(model, state_dict(args), args)
    elif args.seed is None:
        model = transformers.CLIPModel.from_pretrained(path if path.is_dir() else path.parent, config=config)
    else:
        raise Refused("--seed: Hugging Face's tensors have other names than the counter rule's")
    if args.precision != "fp32":
        model = model.to(DTYPES[args.precision.removeprefix("pure_")])
    return model, f"transformers {transformers.__version__}"


def _from_file(args):
    """FUNCTION(args) of FILE.py builds and loads the model."""
    path, _, function = args.library.partition(":")
    spec = importlib.util.spec_from_file_location("capture_source", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, function or "build")(args)


def _submodule(package, name, source):
    """package.name, without running the package's __init__.py: that one imports tokenizers and downloaders."""
    if package not in sys.modules:
        if source:
            sys.path.insert(0, source)
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise Refused(f"no package '{package}' found: install it, or give its sources' folder by --source")
        bare = types.ModuleType(package)
        bare.__path__ = list(spec.submodule_search_locations)
        sys.modules[package] = bare
    return importlib.import_module(f"{package}.{name}")


def _named_configs():
    return Path(sys.modules["open_clip.model"].__file__).parent / "model_configs"


def own(name):
    """A module of reference/pytorch, also where a package has its name."""
    spec = importlib.util.spec_from_file_location(f"reference_{name}", HERE.parent / "pytorch" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_config(name, folder):
    """An open_clip model config: a file, or the name of one in the package."""
    if not name:
        raise Refused("no model: give --model CONFIG.json or a name")
    path = Path(name)
    if not path.is_file() and folder and (folder / f"{name}.json").is_file():
        path = folder / f"{name}.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused(f"--model {name}: {error.strerror}") from None
    except ValueError as error:
        raise Refused(f"--model {name}: no JSON: {error}") from None
    config = config.get("model_cfg", config)
    if not {"embed_dim", "vision_cfg", "text_cfg"} <= set(config):
        raise Refused(f"--model {name}: no embed_dim, vision_cfg and text_cfg")
    return config


def state_dict(args):
    if not args.checkpoint:
        return None
    if args.checkpoint.endswith(".safetensors"):
        try:
            from safetensors.torch import load_file as load
        except ImportError:
            load = own("safetensors").load
        return load(args.checkpoint)
    try:
        state = torch.jit.load(args.checkpoint, map_location="cpu").state_dict()
        return {key: value for key, value in state.items()
                if key not in ("input_resolution", "context_length", "vocab_size")}
    except RuntimeError:
        try:
            state = torch.load(args.checkpoint, map_location="cpu")
        except (pickle.UnpicklingError, EOFError) as error:
            raise Refused(f"--checkpoint {args.checkpoint}: {error}") from None
    if not isinstance(state, dict):
        raise Refused(f"--checkpoint {args.checkpoint}: no state dict but {type(state).__name__}")
    state = state.get("state_dict", state)
    return {key.removeprefix("module."): value for key, value in state.items()}


def _load(model, state, args):
    trees.describe(model)  # refuses what has no plain towers
    if state is None and args.seed is None:
        raise Refused("no weights: give --checkpoint FILE or --seed N")
    with torch.no_grad():
        if state is None:
            seeded.fill(model, args.seed)
        else:
            model.load_state_dict(state)


# ---- the command line ----

def settings_of(args):
    """What the capture differs in from clip-parity's default for the config, in its spelling."""
    settings = {}
    if args.activation != "auto":
        settings["activation"] = args.activation
    elif args.library == "openai":
        settings["activation"] = "quick"
    if args.precision != "fp32":
        whole = args.library == "huggingface" and not args.precision.startswith("pure_")
        settings["precision"] = ("pure_" if whole else "") + args.precision
    for setting in args.setting:
        address, colon, value = setting.partition(":")
        if not colon:
            raise Refused(f"--setting '{setting}': not ADDRESS: VALUE")
        settings[address.strip()] = value.strip()
    return settings


def read_array(path, option, kinds, rank):
    try:
        array = np.load(path)
    except (OSError, ValueError) as error:
        raise Refused(f"{option} {path}: {error}") from None
    if array.ndim != rank or array.dtype.kind not in kinds:
        raise Refused(f"{option} {path}: {array.dtype} {array.shape}")
    return array


def read_inputs(args):
    """Pixels, tokens, and the names of both where they have some."""
    if args.inputs:
        if args.pixels or args.tokens:
            raise Refused("--inputs beside --pixels or --tokens")
        with h5py.File(args.inputs) as file:
            recorded = [capture["pixels.normalized"] for capture in file["captures"].values()
                        if "value" in capture.get("pixels.normalized", {})]
            if not recorded or "tokens" not in file["inputs"]:
                raise Refused(f"--inputs {args.inputs}: no pixels.normalized in full, or no tokens")
            pixels, tokens = recorded[0]["value"][()], file["inputs/tokens"][()]
            scales = recorded[0]["image"], file["inputs/prompt"]
            names = [scale.asstr()[:args.limit].tolist() if h5py.check_string_dtype(scale.dtype) else None
                     for scale in scales]
    elif args.pixels and args.tokens:
        pixels, names = read_array(args.pixels, "--pixels", "f", 4), (None, None)
        tokens = read_array(args.tokens, "--tokens", "iu", 2)
    else:
        raise Refused("no inputs: give --pixels and --tokens, or --inputs")
    return pixels[:args.limit], tokens[:args.limit], names


def parser():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    p.add_argument("--library", default="open_clip",
                   help="open_clip (default), openai, huggingface, or FILE.py:FUNCTION that returns a model")
    p.add_argument("--source", help="folder of the library's sources, where it is not installed")
    p.add_argument("--model", help="open_clip config (file or name); Hugging Face: folder")
    p.add_argument("--checkpoint", help="weights: .pt, .bin or .safetensors")
    p.add_argument("--seed", type=int, help="instead: weights by the counter rule of `model: {init: counter}`")
    p.add_argument("--precision", default="fp32", choices=PRECISIONS)
    p.add_argument("--activation", default="auto", choices=("auto", "quick", "erf", "tanh"),
                   help="auto: what the config says")
    p.add_argument("--pixels", help=".npy, float32 (image, 3, y, x), normalised")
    p.add_argument("--tokens", help=".npy, integers (prompt, token)")
    p.add_argument("--inputs", metavar="RESULT.h5",
                   help="instead of both: a clip-parity result that recorded pixels.normalized in full")
    p.add_argument("--limit", type=int, help="take the first LIMIT images and prompts alone")
    p.add_argument("--name", help="of the capture; default ACTIVATION-PRECISION")
    p.add_argument("--setting", action="append", default=[], metavar="ADDRESS: VALUE",
                   help="another difference from clip-parity's default, to be noted in the file")
    p.add_argument("--commit", help="of the sources; default: asked of git")
    p.add_argument("--no-verify", dest="verify", action="store_false",
                   help="do not compare with a pass without hooks")
    p.add_argument("--threads", type=int, default=0, help="PyTorch's; default: its own choice")
    p.add_argument("-o", "--output", required=True, help=".h5 to write")
    return p


def run(args):
    if args.threads:
        torch.set_num_threads(args.threads)
    pixels, tokens, names = read_inputs(args)
    settings = settings_of(args)
    model, source = build(args)
    name = args.name or f"{args.activation}-{args.precision}"
    capture, report = capture_model(model, pixels, tokens.astype(np.int64), name, settings, args.verify, *names)
    provenance = {
        "source": source, "checkpoint": args.checkpoint or "", "config": args.model or "",
        "libraries": schema.libraries(f"torch {torch.__version__}"), "threads": torch.get_num_threads(),
        "commit": args.commit or (schema.commit_of(args.source) if args.source else "unknown"),
        "compiler": f"Python {sys.version.split()[0]}",
    }
    if args.seed is not None:
        provenance.update(init="counter", seed=args.seed)
    files = [path for path in (args.checkpoint, args.model, args.pixels, args.tokens, args.inputs)
             if path and os.path.isfile(path)]
    if "open_clip.model" in sys.modules and f"{args.model}.json" in os.listdir(_named_configs()):
        files.append((_named_configs() / f"{args.model}.json", f"open_clip/model_configs/{args.model}.json"))
    schema.write(args.output, [capture], provenance, files, tokens)
    for line in report.differs:
        print(line, file=sys.stderr)
    for line in report.checks:
        print(line)
    print(f"{args.output}: {name}, {len(capture.taps)} taps, {len(pixels)} images, {len(tokens)} prompts")


def main(argv=None):
    args = parser().parse_args(argv)
    try:
        run(args)
    except (Refused, ValueError, RuntimeError, OSError, ImportError) as error:
        print(f"clip_capture.py: {' '.join(str(error).split())}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
