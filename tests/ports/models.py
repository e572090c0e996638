# SPDX-License-Identifier: GPL-3.0-or-later
"""The models that faultless systems are tried on: both demo models, and seeded ones of a ViT-B/32's width."""

from dataclasses import dataclass

import mine

SEED = 1


@dataclass(frozen=True)
class Model:
    """checkpoint: None where the weights are those of `init: counter`, seed 1. layers: of the image and text tower."""
    config: str
    checkpoint: str
    activation: str
    layers: tuple

    def settings(self, inputs, precision="fp32"):
        """What sets demo.yaml to this model and so many images and prompts."""
        weights = f"checkpoint: {self.checkpoint}" if self.checkpoint else f"init: counter, seed: {SEED}"
        chosen = mine.inputs(inputs, inputs) if self.checkpoint else \
            f"{{synthetic: {{images: {inputs}, prompts: {inputs}, seed: 0}}}}"
        return (f"model={{config: {self.config}, {weights}}}", f"inputs={chosen}",
                f"baseline={{activation: {self.activation}, precision: {precision}}}")

    def provenance(self):
        weights = {"checkpoint": self.checkpoint} if self.checkpoint else {"init": "counter", "seed": SEED}
        return {"config": self.config, **weights}


def _demo(folder, activation):
    return Model(f"{folder}/open_clip_config.json", f"{folder}/open_clip_model.safetensors", activation, (6, 4))


MODELS = {
    "quick": _demo("data/fashion-clip", "quick"),
    "erf": _demo("data/fashion-clip-gelu", "erf"),
    "vit-b-32-2-layers": Model("data/configs/vit-b-32-2-layers.json", None, "erf", (2, 2)),
    "vit-b-32": Model("data/configs/vit-b-32.json", None, "erf", (12, 12)),
}
