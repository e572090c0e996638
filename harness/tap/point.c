/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table of points: names and axes, the kind of operation, the type of its result, and words. */
#include "tap/tap.h"

#define INPUT CP_DIM_INPUT
#define BY_TOKENS 3, INPUT, CP_DIM_TOKEN, CP_DIM_CHANNEL, INPUT
#define BY_VECTOR 2, INPUT, CP_DIM_CHANNEL, INPUT, INPUT
#define BY_IDS 2, INPUT, CP_DIM_TOKEN, INPUT, INPUT
#define BY_PIXELS 4, INPUT, CP_DIM_COLOUR, CP_DIM_Y, CP_DIM_X
#define BY_SQUARE 4, INPUT, CP_DIM_HEAD, CP_DIM_QUERY, CP_DIM_KEY
#define BY_PROMPTS 2, CP_DIM_IMAGE, CP_DIM_PROMPT, INPUT, INPUT
#define BY_CLASSES 2, CP_DIM_IMAGE, CP_DIM_CLASS, INPUT, INPUT
#define BY_CLASS_VECTOR 2, CP_DIM_CLASS, CP_DIM_CHANNEL, INPUT, INPUT

/* Names in the image tower, the text tower and where they meet; name in transformers; axes; kind; type; words for
 * the operation; what the tensor is. */
#define EXPAND(macro, ...) macro(__VA_ARGS__)
#define ROW(point, visual, text, joint, foreign, block, rank, a, b, c, d, kind, type, words, what)           \
    [CP_##point] = {visual,         text,  joint, foreign, block, {a, b, c, d}, rank, CP_OPERATION_##kind,   \
                    CP_TYPE_##type, words, what}
#define TOWER(point, visual, text, foreign, axes, ...)                                                       \
    EXPAND(ROW, point, visual, text, NULL, foreign, false, axes, __VA_ARGS__)
#define IN_BLOCK(point, name, foreign, axes, ...)                                                            \
    EXPAND(ROW, point, name, name, NULL, foreign, true, axes, __VA_ARGS__)
#define JOINT(point, name, foreign, axes, ...)                                                               \
    EXPAND(ROW, point, NULL, NULL, name, foreign, false, axes, __VA_ARGS__)

const struct cp_point_row cp_points[CP_POINT_COUNT] = {
    TOWER(PIXELS_DECODED, "pixels.decoded", NULL, "-", BY_PIXELS, GIVEN, FP32, "decoding of the picture",
          "the picture in RGB, 0 to 255; each of its own size"),
    TOWER(PIXELS_RESIZED, "pixels.resized", NULL, "-", BY_PIXELS, GIVEN, FP32, "resizing",
          "resized, before the crop; each of its own size"),
    TOWER(PIXELS_CROPPED, "pixels.cropped", NULL, "-", BY_PIXELS, GIVEN, FP32, "crop",
          "cropped or padded, 0 to 255, in the model's order of colours"),
    TOWER(PIXELS_NORMALIZED, "pixels.normalized", NULL, "pixel_values", BY_PIXELS, NORMALIZE, FP32,
          "normalisation of the pixels", "(pixel / 255 - mean) / std"),
    TOWER(CONV1, "visual.conv1", NULL, "vision_model.embeddings.patch_embedding", BY_TOKENS, LINEAR, LINEAR,
          "patch embedding", "patch embedding, patches row by row"),
    TOWER(TOKENS, NULL, "tokens", "input_ids", BY_IDS, GIVEN, FP32, "token ids",
          "token ids, which are equal or not"),
    TOWER(TOKEN_EMBEDDING, NULL, "token_embedding", "text_model.embeddings.token_embedding", BY_TOKENS,
          GATHER, WEIGHTS, "token embedding", "rows of the token embedding"),
    TOWER(EMBED, "visual.embed", "embed", "vision_model.embeddings; text_model.embeddings", BY_TOKENS, EMBED,
          RESIDUAL, "position embedding", "positions added, for images after the class token"),
    TOWER(LN_PRE, "visual.ln_pre", NULL, "vision_model.pre_layrnorm", BY_TOKENS, NORM, RESIDUAL,
          "norm before the blocks", "norm before the blocks"),
    IN_BLOCK(LN_1, "ln_1", "layer_norm1", BY_TOKENS, NORM, RESIDUAL, "norm before attention",
             "norm before attention"),
    IN_BLOCK(ATTN_Q, "attn.q", "self_attn.q_proj", BY_TOKENS, LINEAR, OPERAND, "queries",
             "queries, not yet scaled"),
    IN_BLOCK(ATTN_K, "attn.k", "self_attn.k_proj", BY_TOKENS, LINEAR, OPERAND, "keys", "keys"),
    IN_BLOCK(ATTN_V, "attn.v", "self_attn.v_proj", BY_TOKENS, LINEAR, OPERAND, "values", "values"),
    IN_BLOCK(ATTN_SCORES, "attn.scores", "-", BY_SQUARE, SCORES, ATTENTION, "attention scores",
             "q k^T / sqrt(head_dim), not yet masked"),
    IN_BLOCK(ATTN_PROBS, "attn.probs", "-", BY_SQUARE, SOFTMAX, ATTENTION, "attention softmax",
             "softmax of the masked scores"),
    IN_BLOCK(ATTN_CONTEXT, "attn.context", "-", BY_TOKENS, CONTEXT, ATTENTION, "attention's weighted sum",
             "probs v, heads side by side"),
    IN_BLOCK(ATTN, "attn", "self_attn", BY_TOKENS, LINEAR, LINEAR, "attention's output projection",
             "out_proj of the context"),
    IN_BLOCK(LS_1, "ls_1", "-", BY_TOKENS, GAIN, RESIDUAL, "attention's LayerScale",
             "attn scaled for each channel, in models with LayerScale"),
    IN_BLOCK(RESID_MID, "resid_mid", "-", BY_TOKENS, ADD, RESIDUAL, "residual after attention", "x + attn"),
    IN_BLOCK(LN_2, "ln_2", "layer_norm2", BY_TOKENS, NORM, RESIDUAL, "norm before the MLP",
             "norm before the MLP"),
    IN_BLOCK(MLP_C_FC, "mlp.c_fc", "mlp.fc1", BY_TOKENS, LINEAR, LINEAR, "MLP's first linear layer",
             "first linear of the MLP"),
    IN_BLOCK(MLP_GELU, "mlp.gelu", "mlp.activation_fn", BY_TOKENS, ACTIVATION, ACTIVATION, "activation",
             "activation"),
    IN_BLOCK(MLP_C_PROJ, "mlp.c_proj", "mlp.fc2", BY_TOKENS, LINEAR, LINEAR, "MLP's second linear layer",
             "second linear of the MLP"),
    IN_BLOCK(LS_2, "ls_2", "-", BY_TOKENS, GAIN, RESIDUAL, "MLP's LayerScale",
             "mlp scaled for each channel, in models with LayerScale"),
    IN_BLOCK(BLOCK, "", "encoder.layers.N", BY_TOKENS, ADD, RESIDUAL, "residual after the MLP",
             "block output: resid_mid + mlp"),
    TOWER(LN_POST, "visual.ln_post", "ln_final", "vision_model.post_layernorm; text_model.final_layer_norm",
          BY_TOKENS, NORM, RESIDUAL, "norm after the blocks", "norm after the blocks"),
    TOWER(POOLED, "visual.pooled", "pooled", "pooler_output", BY_VECTOR, POOL, RESIDUAL, "pooling",
          "the token that stands for the input"),
    TOWER(PROJECTED, "visual", "text_projection", "visual_projection; text_projection", BY_VECTOR, LINEAR,
          LINEAR, "projection", "projected, not normalised"),
    TOWER(FEATURES, "image_features", "text_features", "image_embeds; text_embeds", BY_VECTOR, UNIT, LINEAR,
          "normalisation of the features", "x / ||x||"),
    JOINT(LOGITS_PER_IMAGE, "logits_per_image", "logits_per_image", BY_PROMPTS, LOGITS, LINEAR, "logits",
          "exp(logit_scale) image . text"),
    JOINT(PROBS, "probs", "-", BY_PROMPTS, SOFTMAX, LINEAR, "softmax over the prompts",
          "softmax over the prompts"),
    JOINT(CLASS_FEATURES, "class_features", "-", BY_CLASS_VECTOR, CLASSES, LINEAR, "mean over the templates",
          "mean of a class's text_features over the templates, normalised"),
    JOINT(CLASS_LOGITS, "class_logits", "-", BY_CLASSES, LOGITS, LINEAR, "class logits",
          "exp(logit_scale) image . class"),
    JOINT(CLASS_PROBS, "class_probs", "-", BY_CLASSES, SOFTMAX, LINEAR, "softmax over the classes",
          "softmax over the classes"),
};

const char *cp_point_name(enum cp_point point, enum cp_tower tower) {
    const struct cp_point_row *row = &cp_points[point];
    const char *const names[] = {[CP_VISUAL] = row->visual, [CP_TEXT] = row->text, [CP_JOINT] = row->joint};
    return names[tower];
}

const char *cp_dim_name(enum cp_dim_kind kind) {
    static const char *const names[] = {"image", "prompt", "token",  "channel", "head", "query",
                                        "key",   "class",  "colour", "y",       "x",    "input"};
    return names[kind];
}

const struct cp_tower_word cp_tower_words[] = {
    [CP_VISUAL] = {"visual", "visual.", "image", "images", CP_DIM_IMAGE},
    [CP_TEXT] = {"text", "", "prompt", "prompts", CP_DIM_PROMPT},
    [CP_JOINT] = {"joint", "", "image", "images", CP_DIM_IMAGE},
};
