/* SPDX-License-Identifier: GPL-3.0-or-later
 * One walk over all tensors of a config (each_tensor) serves loading, checking and seeding. */
#include "model/model.h"

#include "base/hash.h"
#include "base/wide.h"
#include "model/layout.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A tensor that the config calls for. */
struct wanted {
    char name[192];
    int rank;
    size_t shape[4];
    double centre, spread; /* seeded models only */
    const float **destination;
};

struct walk {
    enum cp_status (*visit)(void *self, const struct wanted *wanted, struct cp_error *err);
    void *self;
    struct cp_error *err;
    enum cp_status status; /* the first failure; later tensors are skipped */
};

static void want(struct walk *walk, const char *prefix, const char *name, const float **destination, int rank,
                 const size_t *shape, double centre, double spread) {
    struct wanted w = {.rank = rank, .centre = centre, .spread = spread, .destination = destination};
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
    struct cp_vision_weights *to = &model->vision;
    const size_t wide = (size_t)c->width, patch = (size_t)c->patch_size;
    const size_t grid = (size_t)(c->image_size / c->patch_size);
    const double vision_std = 1 / sqrt((double)wide);
    want(walk, "visual.", "class_embedding", &to->class_embedding, SHAPE(wide), 0, vision_std);
    want(walk, "visual.", "positional_embedding", &to->positional_embedding, SHAPE(grid * grid + 1, wide), 0,
         vision_std);
    want(walk, "visual.", "proj", &to->proj, SHAPE(wide, (size_t)model->config.embed_dim), 0, vision_std);
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
    struct cp_text_weights *to = &model->text;
    const size_t narrow = (size_t)c->width;
    want(walk, "", "positional_embedding", &to->positional_embedding,
         SHAPE((size_t)c->context_length, narrow), 0, 0.01);
    want(walk, "", "text_projection", &to->text_projection, SHAPE(narrow, (size_t)model->config.embed_dim), 0,
         1 / sqrt((double)narrow));
    if (c->proj_bias)
        want(walk, "", "text_projection.bias", &to->text_projection_bias,
             SHAPE((size_t)model->config.embed_dim), 0, 0.02);
    want(walk, "", "token_embedding.weight", &to->token_embedding, SHAPE((size_t)c->vocab_size, narrow), 0,
         0.02);
    want_blocks(
        walk, "", to->blocks,
        &(struct block_sizes){c->layers, narrow, (size_t)c->mlp_width, c->layer_scale, c->ls_init_value});
    want_norm(walk, "", "ln_final", &to->ln_final, narrow);
}

/* One tower alone has no logits. */
static enum cp_status each_tensor(struct cp_model *model, struct walk *walk) {
    const struct cp_clip_config *c = &model->config;
    const bool both = cp_has_vision(c) && cp_has_text(c);
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

static size_t elements(const struct wanted *w) {
    size_t n = 1;
    for (int d = 0; d < w->rank; d++)
        n *= w->shape[d];
    return n;
}

/* Bytes of "(", sizes of up to 20 digits with ", " between them, and ")". */
enum { SHAPE_TEXT = 2 + CP_CHECKPOINT_RANK * 22 + 1 };

static void shape_text(int rank, const size_t *shape, char text[SHAPE_TEXT]) {
    size_t used = (size_t)snprintf(text, SHAPE_TEXT, "(");
    for (int d = 0; d < rank; d++)
        used += (size_t)snprintf(text + used, SHAPE_TEXT - used, "%s%zu", d ? ", " : "", shape[d]);
    (void)snprintf(text + used, SHAPE_TEXT - used, ")");
}

static enum cp_status begin(const struct cp_clip_config *config, struct cp_model *model,
                            struct cp_error *err) {
    *model = (struct cp_model){.config = *config};
    model->vision.blocks =
        cp_arena_calloc(&model->arena, (size_t)config->vision.layers, sizeof *model->vision.blocks);
    model->text.blocks =
        cp_arena_calloc(&model->arena, (size_t)config->text.layers, sizeof *model->text.blocks);
    if (!model->vision.blocks || !model->text.blocks)
        return cp_fail(err, CP_INTERNAL, "", "out of memory for a model");
    return CP_OK;
}

static float *room(struct cp_model *model, const struct wanted *w, struct cp_error *err) {
    float *values = cp_arena_alloc(&model->arena, elements(w), sizeof *values);
    if (!values)
        (void)cp_fail(err, CP_INTERNAL, w->name, "out of memory for %zu weights", elements(w));
    model->bytes += elements(w) * sizeof *values;
    *w->destination = values;
    return values;
}

/* ---- from a checkpoint ---- */

struct loading {
    struct cp_model *model;
    const struct cp_checkpoint *file;
    const struct cp_layout *layout;
    const char *path;
    bool *wanted; /* of every tensor of the file: the config calls for it */
};

static enum cp_status check_shape(const struct cp_checkpoint_tensor *tensor, int rank, const size_t *shape,
                                  const char *path, struct cp_error *err) {
    char want_shape[SHAPE_TEXT], have_shape[SHAPE_TEXT], where[512];
    /* open_clip reshapes a logit_scale or logit_bias of shape [1] to a scalar. */
    const bool scalar = rank == 0 && tensor->rank == 1 && tensor->shape[0] == 1;
    if (scalar || (tensor->rank == rank && memcmp(tensor->shape, shape, (size_t)rank * sizeof *shape) == 0))
        return CP_OK;
    (void)snprintf(where, sizeof where, "%.300s: tensor %.200s", path, tensor->name);
    shape_text(rank, shape, want_shape);
    shape_text(tensor->rank, tensor->shape, have_shape);
    return cp_fail(err, CP_BAD_INPUT, where, "shape %s does not match the config", have_shape),
           cp_expected(err, "%s", want_shape);
}

/* The grid of position embeddings that the config has of another; 0: they fit, or are none. */
static size_t other_grid(const struct loading *loading, const struct wanted *w,
                         const struct cp_layout_source *source) {
    const struct cp_checkpoint_tensor *t = source->part[0];
    if (w->destination != &loading->model->vision.positional_embedding || source->parts != 1 ||
        t->rank != 2 || t->shape[1] != w->shape[1] || t->shape[0] == w->shape[0] || t->shape[0] < 2 ||
        w->shape[0] > 1 + CP_GRID_MOST * CP_GRID_MOST)
        return 0;
    const size_t grid = (size_t)(sqrt((double)(t->shape[0] - 1)) + 0.5);
    return grid * grid + 1 == t->shape[0] ? grid : 0;
}

static enum cp_status load_grid(struct loading *loading, const struct wanted *w,
                                const struct cp_layout_source *source, size_t grid, struct cp_error *err) {
    struct cp_model *model = loading->model;
    struct cp_vision_config *c = &model->config.vision;
    float *stored = cp_arena_alloc(&model->arena, (1 + grid * grid) * w->shape[1], sizeof *stored);
    loading->wanted[source->part[0]->index] = true;
    if (!stored)
        return cp_fail(err, CP_INTERNAL, w->name, "out of memory");
    CP_TRY(cp_layout_widen(loading->file, source, stored, err));
    for (size_t p = CP_POSITIONS; p-- > 0;) {
        float *values = room(model, w, err);
        if (!values)
            return CP_INTERNAL;
        CP_TRY(cp_position_resize(&cp_positions[p], stored, grid, (size_t)(c->image_size / c->patch_size),
                                  w->shape[1], values, err));
        model->vision.positions[p] = values;
    }
    c->stored_grid = (int)grid;
    return CP_OK;
}

static enum cp_status load_one(void *self, const struct wanted *w, struct cp_error *err) {
    struct loading *loading = self;
    struct cp_layout_source source;
    size_t shape[4] = {0};
    const bool found = cp_layout_find(loading->layout, loading->file, w->name, &source);
    cp_layout_file_shape(&source, w->rank, w->shape, shape);
    if (!found) {
        char text[SHAPE_TEXT], where[512];
        (void)snprintf(where, sizeof where, "%.300s: tensor %.200s", loading->path, source.name);
        shape_text(w->rank, shape, text);
        return cp_fail(err, CP_BAD_INPUT, where, "missing"),
               cp_expected(err, "shape %s, which the config calls for", text);
    }
    const size_t grid = other_grid(loading, w, &source);
    if (grid)
        return load_grid(loading, w, &source, grid, err);
    for (size_t p = 0; p < source.parts; p++) {
        CP_TRY(check_shape(source.part[p], w->rank, shape, loading->path, err));
        loading->wanted[source.part[p]->index] = true;
    }
    float *values = room(loading->model, w, err);
    return values ? cp_layout_widen(loading->file, &source, values, err) : CP_INTERNAL;
}

/* Names the first tensor of the file that the config does not call for. */
static enum cp_status refuse_unexpected(const struct loading *loading, struct cp_error *err) {
    const struct cp_clip_config *config = &loading->model->config;
    for (size_t i = 0; i < cp_checkpoint_count(loading->file); i++) {
        const struct cp_checkpoint_tensor *tensor = cp_checkpoint_at(loading->file, i);
        if (!loading->wanted[i] && !cp_layout_ignores(loading->layout, tensor)) {
            char where[512];
            (void)snprintf(where, sizeof where, "%.300s: tensor %.200s", loading->path, tensor->name);
            return cp_fail(err, CP_BAD_INPUT, where, "unexpected tensor"),
                   cp_expected(err,
                               "only the tensors that the config calls for: %d vision and %d text layers",
                               config->vision.layers, config->text.layers);
        }
    }
    return CP_OK;
}

/* A file of one tower makes a model of one tower, whatever else the config describes. */
static void leave_out_towers(const struct loading *loading, struct cp_clip_config *config) {
    const bool vision = cp_layout_has_vision(loading->layout, loading->file);
    const bool text = cp_layout_has_text(loading->layout, loading->file);
    if (!vision && text)
        config->vision.layers = 0;
    if (!text && vision)
        config->text.layers = 0;
}

static enum cp_status load_from(struct loading *loading, const struct cp_clip_config *config,
                                struct cp_error *err) {
    struct walk walk = {.visit = load_one, .self = loading, .err = err};
    struct cp_clip_config whole = *config;
    CP_TRY(cp_layout_of(loading->file, loading->path, &loading->layout, err));
    leave_out_towers(loading, &whole);
    CP_TRY(begin(&whole, loading->model, err));
    CP_TRY(each_tensor(loading->model, &walk));
    return refuse_unexpected(loading, err);
}

enum cp_status cp_model_load(const char *checkpoint, const struct cp_clip_config *config,
                             struct cp_model *model, struct cp_error *err) {
    struct cp_checkpoint *file = NULL;
    struct loading loading = {.model = model, .path = checkpoint};
    enum cp_status status;
    *model = (struct cp_model){.config = *config};
    CP_TRY_DONE(cp_checkpoint_open(checkpoint, &file, err));
    loading.file = file;
    loading.wanted = calloc(cp_checkpoint_count(file) + 1, sizeof *loading.wanted);
    status = loading.wanted ? load_from(&loading, config, err)
                            : cp_fail(err, CP_INTERNAL, checkpoint, "out of memory");
done:
    free(loading.wanted);
    cp_checkpoint_close(file);
    return status;
}

/* ---- from a seed ---- */

struct seeding {
    struct cp_model *model;
    uint64_t seed;
};

CP_WIDE static void fill(float *values, size_t count, uint64_t seed, uint64_t stream, double centre,
                         double scale) {
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(centre + scale * cp_counter_unit(seed, stream, i));
}

static enum cp_status seed_one(void *self, const struct wanted *w, struct cp_error *err) {
    const struct seeding *seeding = self;
    const uint64_t stream = cp_name_hash(w->name);
    const double scale = w->spread * sqrt(3.0); /* a uniform on [-1, 1) has standard deviation 1/sqrt(3) */
    float *values = room(seeding->model, w, err);
    if (!values)
        return CP_INTERNAL;
    fill(values, elements(w), seeding->seed, stream, w->centre, scale);
    return CP_OK;
}

enum cp_status cp_model_counter(const struct cp_clip_config *config, uint64_t seed, struct cp_model *model,
                                struct cp_error *err) {
    struct seeding seeding = {.model = model, .seed = seed};
    struct walk walk = {.visit = seed_one, .self = &seeding, .err = err};
    CP_TRY(begin(config, model, err));
    return each_tensor(model, &walk);
}

void cp_model_free(struct cp_model *model) {
    cp_arena_free(&model->arena);
}
