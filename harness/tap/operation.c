/* SPDX-License-Identifier: GPL-3.0-or-later
 * The rows, and an operation's operands once those that a model lacks are resolved. */
#include "tap/operation.h"

#define NONE CP_OPERAND_NONE
#define RESIDUAL_IN CP_OPERAND_RESIDUAL

/* point, kind, operands, type of the result, words. EMBED's operand is of the image tower; of the text tower
 * it is the token embedding. */
#define ROW(point, kind, a, b, type, words)                                                                  \
    [CP_##point] = {CP_OPERATION_##kind, {a, b}, CP_TYPE_##type, words}

const struct cp_operation cp_operations[CP_POINT_COUNT] = {
    ROW(PIXELS_DECODED, GIVEN, NONE, NONE, FP32, "decoding of the picture"),
    ROW(PIXELS_RESIZED, GIVEN, NONE, NONE, FP32, "resizing"),
    ROW(PIXELS_CROPPED, GIVEN, NONE, NONE, FP32, "crop"),
    ROW(PIXELS_NORMALIZED, NORMALIZE, CP_PIXELS_CROPPED, NONE, FP32, "normalisation of the pixels"),
    ROW(CONV1, LINEAR, CP_PIXELS_NORMALIZED, NONE, LINEAR, "patch embedding"),
    ROW(TOKENS, GIVEN, NONE, NONE, FP32, "token ids"),
    ROW(TOKEN_EMBEDDING, GATHER, CP_TOKENS, NONE, WEIGHTS, "token embedding"),
    ROW(EMBED, EMBED, CP_CONV1, NONE, RESIDUAL, "position embedding"),
    ROW(LN_PRE, NORM, CP_EMBED, NONE, RESIDUAL, "norm before the blocks"),
    ROW(LN_1, NORM, RESIDUAL_IN, NONE, RESIDUAL, "norm before attention"),
    ROW(ATTN_Q, LINEAR, CP_LN_1, NONE, OPERAND, "queries"),
    ROW(ATTN_K, LINEAR, CP_LN_1, NONE, OPERAND, "keys"),
    ROW(ATTN_V, LINEAR, CP_LN_1, NONE, OPERAND, "values"),
    ROW(ATTN_SCORES, SCORES, CP_ATTN_Q, CP_ATTN_K, ATTENTION, "attention scores"),
    ROW(ATTN_PROBS, SOFTMAX, CP_ATTN_SCORES, NONE, ATTENTION, "attention softmax"),
    ROW(ATTN_CONTEXT, CONTEXT, CP_ATTN_PROBS, CP_ATTN_V, ATTENTION, "attention's weighted sum"),
    ROW(ATTN, LINEAR, CP_ATTN_CONTEXT, NONE, LINEAR, "attention's output projection"),
    ROW(LS_1, GAIN, CP_ATTN, NONE, RESIDUAL, "attention's LayerScale"),
    ROW(RESID_MID, ADD, RESIDUAL_IN, CP_LS_1, RESIDUAL, "residual after attention"),
    ROW(LN_2, NORM, CP_RESID_MID, NONE, RESIDUAL, "norm before the MLP"),
    ROW(MLP_C_FC, LINEAR, CP_LN_2, NONE, LINEAR, "MLP's first linear layer"),
    ROW(MLP_GELU, ACTIVATION, CP_MLP_C_FC, NONE, ACTIVATION, "activation"),
    ROW(MLP_C_PROJ, LINEAR, CP_MLP_GELU, NONE, LINEAR, "MLP's second linear layer"),
    ROW(LS_2, GAIN, CP_MLP_C_PROJ, NONE, RESIDUAL, "MLP's LayerScale"),
    ROW(BLOCK, ADD, CP_RESID_MID, CP_LS_2, RESIDUAL, "residual after the MLP"),
    ROW(LN_POST, NORM, RESIDUAL_IN, NONE, RESIDUAL, "norm after the blocks"),
    ROW(POOLED, POOL, CP_LN_POST, NONE, RESIDUAL, "pooling"),
    ROW(PROJECTED, LINEAR, CP_POOLED, NONE, LINEAR, "projection"),
    ROW(FEATURES, UNIT, CP_PROJECTED, NONE, LINEAR, "normalisation of the features"),
    ROW(LOGITS_PER_IMAGE, LOGITS, CP_FEATURES, CP_OPERAND_TEXT, LINEAR, "logits"),
    ROW(PROBS, SOFTMAX, CP_LOGITS_PER_IMAGE, NONE, LINEAR, "softmax over the prompts"),
    ROW(CLASS_FEATURES, CLASSES, CP_OPERAND_TEXT, NONE, LINEAR, "mean over the templates"),
    ROW(CLASS_LOGITS, LOGITS, CP_FEATURES, CP_CLASS_FEATURES, LINEAR, "class logits"),
    ROW(CLASS_PROBS, SOFTMAX, CP_CLASS_LOGITS, NONE, LINEAR, "softmax over the classes"),
};

struct cp_operation_layout cp_operation_layout(const struct cp_clip_config *config, enum cp_tower tower) {
    const struct cp_tower_shape shape = cp_tower_shape(config, tower);
    return (struct cp_operation_layout){shape.layer_scale, !shape.norm_first, shape.norm_after_pool};
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
        operation.operand[0] = CP_OPERAND_RESIDUAL;
    else if (layout.norm_after_pool && point == CP_PROJECTED)
        operation.operand[0] = CP_LN_POST;
    for (int i = 0; i < CP_OPERANDS; i++)
        while (operation.operand[i] < CP_POINT_COUNT &&
               !cp_operation_exists((enum cp_point)operation.operand[i], layout))
            operation.operand[i] = cp_operations[operation.operand[i]].operand[0];
    return operation;
}
