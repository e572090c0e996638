# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes configs.csv, what open_clip makes of each config in this folder: python3 make.py, in this folder.

Absent fields have the defaults of open_clip's CLIPVisionCfg and CLIPTextCfg, stated here once more.
"""
import csv
import json
from pathlib import Path

VISION = {"layers": 12, "width": 768, "head_width": 64, "mlp_ratio": 4.0, "patch_size": 16, "image_size": 224,
          "no_ln_pre": False, "final_ln_after_pool": False, "pool_type": "tok", "ls_init_value": None}
TEXT = {"context_length": 77, "vocab_size": 49408, "width": 512, "heads": 8, "layers": 12, "mlp_ratio": 4.0,
        "no_causal_mask": False, "final_ln_after_pool": False, "pool_type": "argmax", "eos_id": 0,
        "hf_tokenizer_name": "", "ls_init_value": None, "proj_bias": False}
COLUMNS = ["name", "embed_dim", "quick_gelu", "image_size", "patch_size", "v_layers", "v_width", "v_heads", "v_mlp",
           "no_ln_pre", "v_norm_last", "v_pool", "context_length", "vocab_size", "t_layers", "t_width", "t_heads",
           "t_mlp", "no_causal_mask", "t_norm_last", "t_pool", "eos_id", "hf_tokenizer_name", "v_layer_scale", "t_layer_scale", "proj_bias"]


def row(path):
    config = json.loads(path.read_text())
    v, t = VISION | config["vision_cfg"], TEXT | config["text_cfg"]
    return [path.stem, config["embed_dim"], int(config.get("quick_gelu", False)),
            v["image_size"], v["patch_size"], v["layers"], v["width"], v["width"] // v["head_width"],
            int(v["width"] * v["mlp_ratio"]), int(v["no_ln_pre"]), int(v["final_ln_after_pool"]), v["pool_type"],
            t["context_length"], t["vocab_size"], t["layers"], t["width"], t["heads"],
            int(t["width"] * t["mlp_ratio"]), int(t["no_causal_mask"]), int(t["final_ln_after_pool"]), t["pool_type"],
            t["eos_id"], t["hf_tokenizer_name"], v["ls_init_value"], t["ls_init_value"], int(t["proj_bias"])]


def main():
    with open("configs.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(row(path) for path in sorted(Path(".").glob("*.json")))


if __name__ == "__main__":
    main()
