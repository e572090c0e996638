/* SPDX-License-Identifier: GPL-3.0-or-later
 * OpenAI's names, which are open_clip's class CLIP's and this program's own: openai/CLIP clip/model.py. */
#include "model/layout/layout.h"

/* The text projection is a matrix that multiplies from the right or, with open_clip's proj_bias, an
 * nn.Linear. OpenAI's TorchScript archives hold three whole numbers of the config among the weights. */
static const struct cp_layout_rule rules[] = {
    {"text_projection", "text_projection", CP_LAYOUT_WHOLE},
    {"text_projection", "text_projection.weight", CP_LAYOUT_TRANSPOSED},
    {NULL, "input_resolution", CP_LAYOUT_IGNORED},
    {NULL, "context_length", CP_LAYOUT_IGNORED},
    {NULL, "vocab_size", CP_LAYOUT_IGNORED},
    {"*", "*", CP_LAYOUT_WHOLE},
    {NULL, NULL, CP_LAYOUT_IGNORED},
};

const struct cp_layout cp_layout_openai = {
    .name = "OpenAI CLIP",
    .signature = {"visual.conv1.weight", "token_embedding.weight", "visual.class_embedding"},
    .rules = rules,
    .tower = {{"class_embedding", "visual."}}};
