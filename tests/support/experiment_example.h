/* SPDX-License-Identifier: GPL-3.0-or-later
 * The experiment file that the manual shows, with every common key. */
#ifndef CP_TESTS_SUPPORT_EXPERIMENT_EXAMPLE_H
#define CP_TESTS_SUPPORT_EXPERIMENT_EXAMPLE_H

#define EXPERIMENT_EXAMPLE                                                                                   \
    "experiment: quickgelu-vs-gelu\n"                                                                        \
    "hypothesis: Weights trained with QuickGELU lose accuracy under GELU, from the first block on.\n"        \
    "model:\n"                                                                                               \
    "  checkpoint: data/fashion-clip/open_clip_model.safetensors\n"                                          \
    "  config: data/fashion-clip/open_clip_config.json\n"                                                    \
    "inputs:\n"                                                                                              \
    "  images: data/fashion-clip/images/*.png\n"                                                             \
    "  prompts: {classes: data/fashion-clip/classes.txt, templates: [\"a photo of a {}\", \"a picture of a " \
    "{}, a fashion item\"]}\n"                                                                               \
    "  labels: data/fashion-clip/labels.csv\n"                                                               \
    "baseline: {activation: quick}\n"                                                                        \
    "candidates:\n"                                                                                          \
    "  erf:        {activation: erf}\n"                                                                      \
    "  fp16-attn:  {attention.compute: fp16, attention.accumulate: fp32}\n"                                  \
    "  last-two:   {activation@visual.4-5: erf}\n"                                                           \
    "record: {\"*\": stats, \"*.mlp.gelu\": full, \"*_features\": full}\n"                                   \
    "oracle: on            # or off, or a number of inputs\n"                                                \
    "verdict: {k: 2, alpha: 0.05}\n"                                                                         \
    "threads: 2\n"                                                                                           \
    "output: results/runs/quickgelu-vs-gelu.h5\n"

#endif
