/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table of points with names and axes, and the list of sites that a model's config makes of it. */
#include "tap/tap.h"

#include <stdio.h>
#include <string.h>

#define INPUT CP_DIM_INPUT
#define TOKENS {INPUT, CP_DIM_TOKEN, CP_DIM_CHANNEL, INPUT}, 3
#define VECTOR {INPUT, CP_DIM_CHANNEL, INPUT, INPUT}, 2
#define PIXELS {INPUT, CP_DIM_COLOUR, CP_DIM_Y, CP_DIM_X}, 4
#define SQUARE {INPUT, CP_DIM_HEAD, CP_DIM_QUERY, CP_DIM_KEY}, 4

const struct cp_point_row cp_points[CP_POINT_COUNT] = {
    [CP_PIXELS_DECODED] = {"pixels.decoded", NULL, NULL, "-", false, PIXELS,
                           "the picture in RGB, 0 to 255; each of its own size"},
    [CP_PIXELS_RESIZED] = {"pixels.resized", NULL, NULL, "-", false, PIXELS,
                           "resized, before the crop; each of its own size"},
    [CP_PIXELS_CROPPED] = {"pixels.cropped", NULL, NULL, "-", false, PIXELS,
                           "cropped or padded, 0 to 255, in the model's order of colours"},
    [CP_PIXELS_NORMALIZED] = {"pixels.normalized", NULL, NULL, "pixel_values", false, PIXELS,
                              "(pixel / 255 - mean) / std"},
    [CP_CONV1] = {"visual.conv1", NULL, NULL, "vision_model.embeddings.patch_embedding", false, TOKENS,
                  "patch embedding, patches row by row"},
    [CP_TOKENS] = {NULL,
                   "tokens",
                   NULL,
                   "input_ids",
                   false,
                   {INPUT, CP_DIM_TOKEN, INPUT, INPUT},
                   2,
                   "token ids, which are equal or not"},
    [CP_TOKEN_EMBEDDING] = {NULL, "token_embedding", NULL, "text_model.embeddings.token_embedding", false,
                            TOKENS, "rows of the token embedding"},
    [CP_EMBED] = {"visual.embed", "embed", NULL, "vision_model.embeddings; text_model.embeddings", false,
                  TOKENS, "positions added, for images after the class token"},
    [CP_LN_PRE] = {"visual.ln_pre", NULL, NULL, "vision_model.pre_layrnorm", false, TOKENS,
                   "norm before the blocks"},
    [CP_LN_1] = {"ln_1", "ln_1", NULL, "layer_norm1", true, TOKENS, "norm before attention"},
    [CP_ATTN_Q] = {"attn.q", "attn.q", NULL, "self_attn.q_proj", true, TOKENS, "queries, not yet scaled"},
    [CP_ATTN_K] = {"attn.k", "attn.k", NULL, "self_attn.k_proj", true, TOKENS, "keys"},
    [CP_ATTN_V] = {"attn.v", "attn.v", NULL, "self_attn.v_proj", true, TOKENS, "values"},
    [CP_ATTN_SCORES] = {"attn.scores", "attn.scores", NULL, "-", true, SQUARE,
                        "q k^T / sqrt(head_dim), not yet masked"},
    [CP_ATTN_PROBS] = {"attn.probs", "attn.probs", NULL, "-", true, SQUARE, "softmax of the masked scores"},
    [CP_ATTN_CONTEXT] = {"attn.context", "attn.context", NULL, "-", true, TOKENS,
                         "probs v, heads side by side"},
    [CP_ATTN] = {"attn", "attn", NULL, "self_attn", true, TOKENS, "out_proj of the context"},
    [CP_LS_1] = {"ls_1", "ls_1", NULL, "-", true, TOKENS,
                 "attn scaled for each channel, in models with LayerScale"},
    [CP_RESID_MID] = {"resid_mid", "resid_mid", NULL, "-", true, TOKENS, "x + attn"},
    [CP_LN_2] = {"ln_2", "ln_2", NULL, "layer_norm2", true, TOKENS, "norm before the MLP"},
    [CP_MLP_C_FC] = {"mlp.c_fc", "mlp.c_fc", NULL, "mlp.fc1", true, TOKENS, "first linear of the MLP"},
    [CP_MLP_GELU] = {"mlp.gelu", "mlp.gelu", NULL, "mlp.activation_fn", true, TOKENS, "activation"},
    [CP_MLP_C_PROJ] = {"mlp.c_proj", "mlp.c_proj", NULL, "mlp.fc2", true, TOKENS, "second linear of the MLP"},
    [CP_LS_2] = {"ls_2", "ls_2", NULL, "-", true, TOKENS,
                 "mlp scaled for each channel, in models with LayerScale"},
    [CP_BLOCK] = {"", "", NULL, "encoder.layers.N", true, TOKENS, "block output: resid_mid + mlp"},
    [CP_LN_POST] = {"visual.ln_post", "ln_final", NULL,
                    "vision_model.post_layernorm; text_model.final_layer_norm", false, TOKENS,
                    "norm after the blocks"},
    [CP_POOLED] = {"visual.pooled", "pooled", NULL, "pooler_output", false, VECTOR,
                   "the token that stands for the input"},
    [CP_PROJECTED] = {"visual", "text_projection", NULL, "visual_projection; text_projection", false, VECTOR,
                      "projected, not normalised"},
    [CP_FEATURES] = {"image_features", "text_features", NULL, "image_embeds; text_embeds", false, VECTOR,
                     "x / ||x||"},
    [CP_LOGITS_PER_IMAGE] = {NULL,
                             NULL,
                             "logits_per_image",
                             "logits_per_image",
                             false,
                             {CP_DIM_IMAGE, CP_DIM_PROMPT, INPUT, INPUT},
                             2,
                             "exp(logit_scale) image . text"},
    [CP_PROBS] = {NULL,
                  NULL,
                  "probs",
                  "-",
                  false,
                  {CP_DIM_IMAGE, CP_DIM_PROMPT, INPUT, INPUT},
                  2,
                  "softmax over the prompts"},
    [CP_CLASS_FEATURES] = {NULL,
                           NULL,
                           "class_features",
                           "-",
                           false,
                           {CP_DIM_CLASS, CP_DIM_CHANNEL, INPUT, INPUT},
                           2,
                           "mean of a class's text_features over the templates, normalised"},
    [CP_CLASS_LOGITS] = {NULL,
                         NULL,
                         "class_logits",
                         "-",
                         false,
                         {CP_DIM_IMAGE, CP_DIM_CLASS, INPUT, INPUT},
                         2,
                         "exp(logit_scale) image . class"},
    [CP_CLASS_PROBS] = {NULL,
                        NULL,
                        "class_probs",
                        "-",
                        false,
                        {CP_DIM_IMAGE, CP_DIM_CLASS, INPUT, INPUT},
                        2,
                        "softmax over the classes"},
};

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

struct builder {
    const struct cp_clip_config *config;
    struct cp_tower_shape shape;      /* of this tower */
    size_t lengths[CP_DIM_INPUT + 1]; /* of this tower */
    struct cp_site *next;
};

/* Channels at a point: what the layer it belongs to is wide. */
static size_t channels(const struct builder *b, enum cp_tower tower, enum cp_point point) {
    if (point == CP_PROJECTED || point == CP_FEATURES || tower == CP_JOINT)
        return (size_t)b->config->embed_dim;
    return point == CP_MLP_C_FC || point == CP_MLP_GELU ? b->shape.mlp : b->shape.width;
}

/* What only some models have. */
static bool has_point(const struct cp_tower_shape *shape, enum cp_point point) {
    if (point == CP_LS_1 || point == CP_LS_2)
        return shape->layer_scale;
    return point != CP_LN_PRE || shape->norm_first;
}

const char *cp_point_name(enum cp_point point, enum cp_tower tower) {
    const struct cp_point_row *row = &cp_points[point];
    const char *const names[] = {[CP_VISUAL] = row->visual, [CP_TEXT] = row->text, [CP_JOINT] = row->joint};
    return names[tower];
}

static void add_site(struct builder *b, enum cp_tower tower, enum cp_point point, int layer) {
    const struct cp_point_row *row = &cp_points[point];
    const char *name = cp_point_name(point, tower);
    if (!name || !has_point(&b->shape, point))
        return;
    struct cp_site *site = b->next++;
    *site = (struct cp_site){.tower = tower, .point = point, .layer = layer, .rank = row->rank};
    if (layer < 0)
        (void)snprintf(site->name, sizeof site->name, "%s", name);
    else
        (void)snprintf(site->name, sizeof site->name, "%stransformer.resblocks.%d%s%s",
                       cp_tower_words[tower].prefix, layer, name[0] ? "." : "", name);
    for (int d = 0; d < row->rank; d++) {
        site->dims[d] = row->dims[d];
        if (row->dims[d] == CP_DIM_INPUT)
            site->dims[d] = cp_tower_words[tower].dim;
        site->shape[d] = b->lengths[site->dims[d]];
        if (row->dims[d] == CP_DIM_CHANNEL)
            site->shape[d] = channels(b, tower, point);
    }
    if (point == CP_CONV1) /* no class token yet */
        site->shape[1] = b->shape.patches;
    site->ragged = point == CP_PIXELS_DECODED || point == CP_PIXELS_RESIZED;
    if (site->ragged)
        site->shape[2] = site->shape[3] = 0;
}

/* ln_post before pooling sees every token; after pooling (final_ln_after_pool) it sees the pooled vector. */
static void add_head(struct builder *b, enum cp_tower tower) {
    if (b->shape.norm_after_pool) {
        add_site(b, tower, CP_POOLED, -1);
        add_site(b, tower, CP_LN_POST, -1);
        struct cp_site *ln_post = b->next - 1;
        ln_post->rank = 2;
        ln_post->dims[1] = CP_DIM_CHANNEL;
        ln_post->shape[1] = ln_post->shape[2];
    } else {
        add_site(b, tower, CP_LN_POST, -1);
        add_site(b, tower, CP_POOLED, -1);
    }
    add_site(b, tower, CP_PROJECTED, -1);
    add_site(b, tower, CP_FEATURES, -1);
}

static void add_tower(struct builder *b, enum cp_tower tower) {
    b->shape = cp_tower_shape(b->config, tower);
    b->lengths[CP_DIM_TOKEN] = b->lengths[CP_DIM_QUERY] = b->lengths[CP_DIM_KEY] = b->shape.tokens;
    b->lengths[CP_DIM_HEAD] = b->shape.heads;
    for (int point = 0; point < CP_LN_1; point++)
        add_site(b, tower, (enum cp_point)point, -1);
    for (size_t layer = 0; layer < b->shape.layers; layer++)
        for (int point = CP_LN_1; point <= CP_BLOCK; point++)
            add_site(b, tower, (enum cp_point)point, (int)layer);
    add_head(b, tower);
}

enum cp_status cp_sites_create(const struct cp_clip_config *config, size_t images, size_t prompts,
                               size_t classes, struct cp_arena *arena, struct cp_sites *sites,
                               struct cp_error *err) {
    const size_t most = (size_t)CP_POINT_COUNT * (size_t)(config->vision.layers + config->text.layers + 3);
    struct cp_site *list = cp_arena_calloc(arena, most, sizeof *list);
    CP_TRY(CP_CHECK_ALLOC(list, err, "", "%zu taps", most));
    struct builder b = {.config = config, .next = list};
    const size_t side = (size_t)config->vision.image_size;
    b.lengths[CP_DIM_IMAGE] = images;
    b.lengths[CP_DIM_PROMPT] = prompts;
    b.lengths[CP_DIM_CLASS] = classes;
    b.lengths[CP_DIM_COLOUR] = 3;
    b.lengths[CP_DIM_Y] = b.lengths[CP_DIM_X] = side;
    add_tower(&b, CP_VISUAL);
    sites->text_start = (size_t)(b.next - list);
    add_tower(&b, CP_TEXT);
    for (int point = CP_LOGITS_PER_IMAGE; point <= (classes ? CP_CLASS_PROBS : CP_PROBS); point++)
        add_site(&b, CP_JOINT, (enum cp_point)point, -1);
    sites->list = list;
    sites->count = (size_t)(b.next - list);
    return CP_OK;
}

size_t cp_sites_find(const struct cp_sites *sites, enum cp_tower tower, enum cp_point point, int layer) {
    size_t i = tower == CP_VISUAL ? 0 : sites->text_start;
    for (; i < sites->count; i++) {
        const struct cp_site *site = &sites->list[i];
        if (site->point == point && site->tower == tower && site->layer == layer)
            break;
    }
    return i;
}

size_t cp_site_row(const struct cp_site *site) {
    size_t row = 1;
    for (int d = 1; d < site->rank; d++)
        row *= site->shape[d];
    return row;
}

enum cp_status cp_taps_visit(const struct cp_taps *taps, struct cp_tap_event event, struct cp_error *err) {
    if (event.index >= taps->sites->count)
        return CP_OK; /* a point that this run has not */
    if (!event.site)
        event.site = &taps->sites->list[event.index];
    for (size_t i = 0; i < taps->count; i++) {
        const struct cp_tap *tap = &taps->list[i];
        if (tap->wants(tap->self, event.site, event.index))
            CP_TRY(tap->visit(tap->self, &event, err));
    }
    return CP_OK;
}
