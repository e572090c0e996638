/* SPDX-License-Identifier: GPL-3.0-or-later
 * The plain ViT and its text tower: x = x + ls_1(attn(ln_1(x))); x = x + ls_2(c_proj(gelu(c_fc(ln_2(x))))), a norm
 * of every token, then the pooling. */
#include "tap/family.h"

#define NONE CP_OPERAND_NONE
#define PREVIOUS CP_OPERAND_PREVIOUS
#define RESIDUAL CP_OPERAND_RESIDUAL

const struct cp_step cp_vit_image_stem[] = {
    CP_STEP(PIXELS_NORMALIZED, CP_PIXELS_CROPPED, NONE),
    CP_STEP(CONV1, PREVIOUS, NONE),
    CP_STEP(EMBED, PREVIOUS, NONE),
    CP_STEP_IF(cp_has_norm_first, LN_PRE, PREVIOUS, NONE),
    CP_STEPS_END,
};

const struct cp_step cp_vit_text_stem[] = {
    CP_STEP(TOKENS, NONE, NONE),
    CP_STEP(TOKEN_EMBEDDING, PREVIOUS, NONE),
    CP_STEP(EMBED, PREVIOUS, NONE),
    CP_STEPS_END,
};

const struct cp_step cp_vit_block[] = {
    CP_STEP(LN_1, RESIDUAL, NONE),
    CP_STEP(ATTN_Q, CP_LN_1, NONE),
    CP_STEP(ATTN_K, CP_LN_1, NONE),
    CP_STEP(ATTN_V, CP_LN_1, NONE),
    CP_STEP(ATTN_SCORES, CP_ATTN_Q, CP_ATTN_K),
    CP_STEP(ATTN_PROBS, PREVIOUS, NONE),
    CP_STEP(ATTN_CONTEXT, PREVIOUS, CP_ATTN_V),
    CP_STEP(ATTN, PREVIOUS, NONE),
    CP_STEP_IF(cp_has_layer_scale, LS_1, PREVIOUS, NONE),
    CP_STEP(RESID_MID, RESIDUAL, PREVIOUS),
    CP_STEP(LN_2, PREVIOUS, NONE),
    CP_STEP(MLP_C_FC, PREVIOUS, NONE),
    CP_STEP(MLP_GELU, PREVIOUS, NONE),
    CP_STEP(MLP_C_PROJ, PREVIOUS, NONE),
    CP_STEP_IF(cp_has_layer_scale, LS_2, PREVIOUS, NONE),
    CP_STEP(BLOCK, CP_RESID_MID, PREVIOUS),
    CP_STEPS_END,
};

const struct cp_step cp_vit_head[] = {
    CP_STEP(LN_POST, RESIDUAL, NONE),
    CP_STEP(POOLED, PREVIOUS, NONE),
    CP_STEP_IF(cp_has_projection, PROJECTED, PREVIOUS, NONE),
    CP_STEP(FEATURES, PREVIOUS, NONE),
    CP_STEPS_END,
};

const struct cp_family cp_family_vit = {
    .name = "vit",
    .what = "pre-norm blocks; the norm after them sees every token, then the pooling takes one",
    .source =
        "Dosovitskiy et al. 2020, arXiv:2010.11929; mlfoundations/open_clip src/open_clip/transformer.py",
    .stem = {[CP_VISUAL] = cp_vit_image_stem, [CP_TEXT] = cp_vit_text_stem},
    .block = cp_vit_block,
    .head = cp_vit_head,
};
