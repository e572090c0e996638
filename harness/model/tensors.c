/* SPDX-License-Identifier: GPL-3.0-or-later
 * Names, shapes and initial spreads of all tensors in a fixed order, handed to a visitor. */
#include "model/tensors.h"

#include <math.h>
#include <stdio.h>

struct walk {
    cp_tensor_visit visit;
    void *self;
    struct cp_error *err;
    enum cp_status status; /* the first failure; later tensors are skipped */
};

static void want(struct walk *walk, const char *prefix, const char *name, const float **destination, int rank,
                 const size_t *shape, double centre, double spread) {
    struct cp_model_tensor w = {.rank = rank, .centre = centre, .spread = spread, .values = destination};
    if (walk->status != CP_OK)
        return;
    (void)snprintf(w.name, sizeof w.name, "%s%s", prefix, name);
    for (int d = 0; d < rank; d++)
        w.shape[d] = shape[d];
    walk->status = walk->visit(walk->self, &w, walk->err);
}

#define SHAPE(...)                                                                                           \
    (int)(sizeof((const size_t[]){__VA_ARGS__}) / sizeof(size_t)), (const size_t[]) {                        \
        __VA_ARGS__                                                                                          \
    }

static void want_norm(struct walk *walk, const char *prefix, const char *name, struct cp_norm_weights *norm,
                      size_t width) {
    char key[96];
    (void)snprintf(key, sizeof key, "%s.weight", name);
    want(walk, prefix, key, &norm->weight, SHAPE(width), 1, 0.1);
    (void)snprintf(key, sizeof key, "%s.bias", name);
    want(walk, prefix, key, &norm->bias, SHAPE(width), 0, 0.1);
}

static void want_linear(struct walk *walk, const char *prefix, const char *name,
                        struct cp_linear_weights *linear, const size_t shape[2], double spread) {
    char key[96];
    (void)snprintf(key, sizeof key, "%sweight", name);
    want(walk, prefix, key, &linear->weight, 2, shape, 0, spread);
    (void)snprintf(key, sizeof key, "%sbias", name);
    want(walk, prefix, key, &linear->bias, 1, shape, 0, 0.02);
}

/* What the blocks of both towers take from their configs. */
struct block_sizes {
    int layers;
    size_t width, mlp_width;
    bool layer_scale;
    double ls_init_value;
};

static void want_blocks(struct walk *walk, const char *tower, struct cp_block_weights *blocks,
                        const struct block_sizes *s) {
    /* open_clip's init_parameters: attention std = width^-0.5, projections scaled by (2 layers)^-0.5. */
    const size_t width = s->width, mlp_width = s->mlp_width;
    const double attention = 1 / sqrt((double)width), fc = 1 / sqrt(2.0 * (double)width);
    const double projection = attention / sqrt(2.0 * s->layers);
    for (int layer = 0; layer < s->layers; layer++) {
        struct cp_block_weights *b = &blocks[layer];
        char prefix[64];
        (void)snprintf(prefix, sizeof prefix, "%stransformer.resblocks.%d.", tower, layer);
        want_norm(walk, prefix, "ln_1", &b->ln_1, width);
        want_linear(walk, prefix, "attn.in_proj_", &b->in_proj, (const size_t[]){3 * width, width},
                    attention);
        want_linear(walk, prefix, "attn.out_proj.", &b->out_proj, (const size_t[]){width, width}, projection);
        want_norm(walk, prefix, "ln_2", &b->ln_2, width);
        want_linear(walk, prefix, "mlp.c_fc.", &b->c_fc, (const size_t[]){mlp_width, width}, fc);
        want_linear(walk, prefix, "mlp.c_proj.", &b->c_proj, (const size_t[]){width, mlp_width}, projection);
        if (s->layer_scale) {
            want(walk, prefix, "ls_1.gamma", &b->ls_1, SHAPE(width), s->ls_init_value, s->ls_init_value / 10);
            want(walk, prefix, "ls_2.gamma", &b->ls_2, SHAPE(width), s->ls_init_value, s->ls_init_value / 10);
        }
    }
}

static void want_vision(struct walk *walk, struct cp_model *model) {
    const struct cp_vision_config *c = &model->config.vision;
    struct cp_tower_weights *to = &model->tower[CP_VISUAL];
    const size_t wide = (size_t)c->width, patch = (size_t)c->patch_size;
    const size_t tokens = cp_tower_shape(&model->config, CP_VISUAL).tokens;
    const double vision_std = 1 / sqrt((double)wide);
    want(walk, "visual.", "class_embedding", &to->class_embedding, SHAPE(wide), 0, vision_std);
    want(walk, "visual.", "positional_embedding", &to->positional_embedding, SHAPE(tokens, wide), 0,
         vision_std);
    if (!c->no_proj)
        want(walk, "visual.", "proj", &to->proj.weight, SHAPE(wide, (size_t)model->config.embed_dim), 0,
             vision_std);
    want(walk, "visual.", "conv1.weight", &to->conv1, SHAPE(wide, 3, patch, patch), 0,
         1 / sqrt(3.0 * (double)(patch * patch)));
    if (!c->no_ln_pre)
        want_norm(walk, "visual.", "ln_pre", &to->ln_pre, wide);
    want_blocks(
        walk, "visual.", to->blocks,
        &(struct block_sizes){c->layers, wide, (size_t)c->mlp_width, c->layer_scale, c->ls_init_value});
    want_norm(walk, "visual.", "ln_post", &to->ln_post, wide);
}

static void want_text(struct walk *walk, struct cp_model *model) {
    const struct cp_text_config *c = &model->config.text;
    struct cp_tower_weights *to = &model->tower[CP_TEXT];
    const size_t narrow = (size_t)c->width;
    want(walk, "", "positional_embedding", &to->positional_embedding,
         SHAPE((size_t)c->context_length, narrow), 0, 0.01);
    if (!c->no_proj)
        want(walk, "", "text_projection", &to->proj.weight, SHAPE(narrow, (size_t)model->config.embed_dim), 0,
             1 / sqrt((double)narrow));
    if (c->proj_bias && !c->no_proj)
        want(walk, "", "text_projection.bias", &to->proj.bias, SHAPE((size_t)model->config.embed_dim), 0,
             0.02);
    want(walk, "", "token_embedding.weight", &to->token_embedding, SHAPE((size_t)c->vocab_size, narrow), 0,
         0.02);
    want_blocks(
        walk, "", to->blocks,
        &(struct block_sizes){c->layers, narrow, (size_t)c->mlp_width, c->layer_scale, c->ls_init_value});
    want_norm(walk, "", "ln_final", &to->ln_post, narrow);
}

/* One tower alone has no logits. */
enum cp_status cp_each_tensor(struct cp_model *model, cp_tensor_visit visit, void *self,
                              struct cp_error *err) {
    const struct cp_clip_config *c = &model->config;
    const bool both = cp_has_vision(c) && cp_has_text(c);
    struct walk all = {.visit = visit, .self = self, .err = err}, *const walk = &all;
    if (cp_has_vision(c))
        want_vision(walk, model);
    if (cp_has_text(c))
        want_text(walk, model);
    if (both)
        want(walk, "", "logit_scale", &model->logit_scale, 0, NULL, c->init_logit_scale, 0);
    if (both && c->has_logit_bias)
        want(walk, "", "logit_bias", &model->logit_bias, 0, NULL, c->init_logit_bias, 0);
    return walk->status;
}

static enum cp_status count_tensor(void *self, const struct cp_model_tensor *tensor, struct cp_error *err) {
    (void)tensor;
    (void)err;
    ++*(size_t *)self;
    return CP_OK;
}

size_t cp_model_tensor_count(struct cp_model *model) {
    size_t count = 0;
    struct cp_error err;
    (void)cp_each_tensor(model, count_tensor, &count, &err); /* counting does not fail */
    return count;
}

size_t cp_model_tensor_elements(const struct cp_model_tensor *tensor) {
    size_t n = 1;
    for (int d = 0; d < tensor->rank; d++)
        n *= tensor->shape[d];
    return n;
}

enum cp_status cp_model_begin(const struct cp_clip_config *config, struct cp_model *model,
                              struct cp_error *err) {
    *model = (struct cp_model){.config = *config};
    for (enum cp_tower tower = CP_VISUAL; tower < CP_TOWERS; tower++)
        CP_TRY(CP_ARENA_CALLOC(&model->arena, model->tower[tower].blocks,
                               cp_tower_shape(config, tower).layers, err, "", "a model"));
    return CP_OK;
}
