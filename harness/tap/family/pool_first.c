/* SPDX-License-Identifier: GPL-3.0-or-later
 * The ViT whose last norm sees what was pooled: the mean of the patches is not the mean of their norms. */
#include "tap/family.h"

static const struct cp_step head[] = {
    CP_STEP(POOLED, CP_OPERAND_RESIDUAL, CP_OPERAND_NONE),
    CP_STEP(LN_POST, CP_OPERAND_PREVIOUS, CP_OPERAND_NONE),
    CP_STEP_IF(cp_has_projection, PROJECTED, CP_OPERAND_PREVIOUS, CP_OPERAND_NONE),
    CP_STEP(FEATURES, CP_OPERAND_PREVIOUS, CP_OPERAND_NONE),
    CP_STEPS_END,
};

const struct cp_family cp_family_pool_first = {
    .name = "pool_first",
    .what = "as vit, but the pooling comes before the norm",
    .source = "mlfoundations/open_clip src/open_clip/transformer.py, final_ln_after_pool; CLIPA's models",
    .stem = {[CP_VISUAL] = cp_vit_image_stem, [CP_TEXT] = cp_vit_text_stem},
    .block = cp_vit_block,
    .head = head,
};
