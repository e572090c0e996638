/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tap/operation.h"

#define NONE CP_OPERAND_NONE
#define STREAM CP_OPERAND_STREAM

const struct cp_operation cp_operations[CP_POINT_COUNT] = {
    [CP_PIXELS_DECODED] = {CP_OPERATION_GIVEN, {NONE, NONE}},
    [CP_PIXELS_RESIZED] = {CP_OPERATION_GIVEN, {NONE, NONE}},
    [CP_PIXELS_CROPPED] = {CP_OPERATION_GIVEN, {NONE, NONE}},
    [CP_PIXELS_NORMALIZED] = {CP_OPERATION_NORMALIZE, {CP_PIXELS_CROPPED, NONE}},
    [CP_CONV1] = {CP_OPERATION_LINEAR, {CP_PIXELS_NORMALIZED, NONE}},
    [CP_TOKENS] = {CP_OPERATION_GIVEN, {NONE, NONE}},
    [CP_TOKEN_EMBEDDING] = {CP_OPERATION_GATHER, {CP_TOKENS, NONE}},
    [CP_EMBED] = {CP_OPERATION_EMBED, {CP_CONV1, NONE}}, /* of the text tower: token_embedding */
    [CP_LN_PRE] = {CP_OPERATION_NORM, {CP_EMBED, NONE}},
    [CP_LN_1] = {CP_OPERATION_NORM, {STREAM, NONE}},
    [CP_ATTN_Q] = {CP_OPERATION_LINEAR, {CP_LN_1, NONE}},
    [CP_ATTN_K] = {CP_OPERATION_LINEAR, {CP_LN_1, NONE}},
    [CP_ATTN_V] = {CP_OPERATION_LINEAR, {CP_LN_1, NONE}},
    [CP_ATTN_SCORES] = {CP_OPERATION_SCORES, {CP_ATTN_Q, CP_ATTN_K}},
    [CP_ATTN_PROBS] = {CP_OPERATION_SOFTMAX, {CP_ATTN_SCORES, NONE}},
    [CP_ATTN_CONTEXT] = {CP_OPERATION_CONTEXT, {CP_ATTN_PROBS, CP_ATTN_V}},
    [CP_ATTN] = {CP_OPERATION_LINEAR, {CP_ATTN_CONTEXT, NONE}},
    [CP_LS_1] = {CP_OPERATION_GAIN, {CP_ATTN, NONE}},
    [CP_RESID_MID] = {CP_OPERATION_ADD, {STREAM, CP_LS_1}},
    [CP_LN_2] = {CP_OPERATION_NORM, {CP_RESID_MID, NONE}},
    [CP_MLP_C_FC] = {CP_OPERATION_LINEAR, {CP_LN_2, NONE}},
    [CP_MLP_GELU] = {CP_OPERATION_ACTIVATION, {CP_MLP_C_FC, NONE}},
    [CP_MLP_C_PROJ] = {CP_OPERATION_LINEAR, {CP_MLP_GELU, NONE}},
    [CP_LS_2] = {CP_OPERATION_GAIN, {CP_MLP_C_PROJ, NONE}},
    [CP_BLOCK] = {CP_OPERATION_ADD, {CP_RESID_MID, CP_LS_2}},
    [CP_LN_POST] = {CP_OPERATION_NORM, {STREAM, NONE}},
    [CP_POOLED] = {CP_OPERATION_POOL, {CP_LN_POST, NONE}},
    [CP_PROJECTED] = {CP_OPERATION_LINEAR, {CP_POOLED, NONE}},
    [CP_FEATURES] = {CP_OPERATION_UNIT, {CP_PROJECTED, NONE}},
    [CP_LOGITS_PER_IMAGE] = {CP_OPERATION_LOGITS, {CP_FEATURES, CP_OPERAND_TEXT}},
    [CP_PROBS] = {CP_OPERATION_SOFTMAX, {CP_LOGITS_PER_IMAGE, NONE}},
    [CP_CLASS_FEATURES] = {CP_OPERATION_CLASSES, {CP_OPERAND_TEXT, NONE}},
    [CP_CLASS_LOGITS] = {CP_OPERATION_LOGITS, {CP_FEATURES, CP_CLASS_FEATURES}},
    [CP_CLASS_PROBS] = {CP_OPERATION_SOFTMAX, {CP_CLASS_LOGITS, NONE}},
};

struct cp_operation_layout cp_operation_layout(const struct cp_clip_config *config, enum cp_tower tower) {
    if (tower == CP_VISUAL)
        return (struct cp_operation_layout){config->vision.layer_scale, config->vision.no_ln_pre,
                                            config->vision.final_ln_after_pool};
    return (struct cp_operation_layout){config->text.layer_scale, true, config->text.final_ln_after_pool};
}

bool cp_operation_exists(enum cp_point point, struct cp_operation_layout layout) {
    if (point == CP_LS_1 || point == CP_LS_2)
        return layout.layer_scale;
    return point != CP_LN_PRE || !layout.no_ln_pre;
}

struct cp_operation cp_operation_at(enum cp_point point, struct cp_operation_layout layout) {
    struct cp_operation operation = cp_operations[point];
    if (layout.norm_after_pool && point == CP_LN_POST)
        operation.operand[0] = CP_POOLED;
    else if (layout.norm_after_pool && point == CP_POOLED)
        operation.operand[0] = CP_OPERAND_STREAM;
    else if (layout.norm_after_pool && point == CP_PROJECTED)
        operation.operand[0] = CP_LN_POST;
    for (int i = 0; i < CP_OPERANDS; i++)
        while (operation.operand[i] < CP_POINT_COUNT &&
               !cp_operation_exists((enum cp_point)operation.operand[i], layout))
            operation.operand[i] = cp_operations[operation.operand[i]].operand[0];
    return operation;
}
