/* SPDX-License-Identifier: GPL-3.0-or-later
 * open_clip's CustomTextCLIP: mlfoundations/open_clip src/open_clip/model.py CustomTextCLIP and
 * convert_to_custom_text_state_dict. */
#include "model/layout/layout.h"

static const struct cp_layout_rule rules[] = {
    {"text_projection", "text.text_projection", CP_LAYOUT_WHOLE},
    {"text_projection", "text.text_projection.weight", CP_LAYOUT_TRANSPOSED},
    {"visual.*", "visual.*", CP_LAYOUT_WHOLE},
    {"logit_*", "logit_*", CP_LAYOUT_WHOLE},
    {"*", "text.*", CP_LAYOUT_WHOLE},
    {NULL, NULL, CP_LAYOUT_IGNORED},
};

const struct cp_layout cp_layout_custom_text = {
    .name = "open_clip CustomTextCLIP",
    .signature = {"text.token_embedding.weight", "text.positional_embedding", "text.ln_final.weight"},
    .rules = rules};
