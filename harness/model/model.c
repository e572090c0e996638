/* SPDX-License-Identifier: GPL-3.0-or-later
 * Fills the tensors from a checkpoint, shapes checked and none left over, or from a seed. */
#include "model/model.h"

#include "base/hash.h"
#include "base/wide.h"
#include "model/layout.h"
#include "model/state_dict.h"
#include "model/tensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of "(", sizes of up to 20 digits with ", " between them, and ")". */
enum { SHAPE_TEXT = 2 + CP_CHECKPOINT_RANK * 22 + 1 };

static void shape_text(int rank, const size_t *shape, char text[SHAPE_TEXT]) {
    size_t used = (size_t)snprintf(text, SHAPE_TEXT, "(");
    for (int d = 0; d < rank; d++)
        used += (size_t)snprintf(text + used, SHAPE_TEXT - used, "%s%zu", d ? ", " : "", shape[d]);
    (void)snprintf(text + used, SHAPE_TEXT - used, ")");
}

static float *alloc(struct cp_model *model, const struct cp_model_tensor *w, struct cp_error *err) {
    float *values = cp_arena_alloc(&model->arena, cp_model_tensor_elements(w), sizeof *values);
    if (!values)
        (void)cp_no_memory(err, w->name, "%zu weights", cp_model_tensor_elements(w));
    model->bytes += cp_model_tensor_elements(w) * sizeof *values;
    *w->values = values;
    return values;
}

/* ---- from a checkpoint ---- */

struct loading {
    struct cp_model *model;
    const struct cp_checkpoint *file;
    const struct cp_layout *layout;
    const char *path;
    bool whole;   /* every tower of the config must be there */
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
static size_t other_grid(const struct loading *loading, const struct cp_model_tensor *w,
                         const struct cp_layout_source *source) {
    const struct cp_checkpoint_tensor *t = source->part[0];
    if (w->values != &loading->model->tower[CP_VISUAL].positional_embedding || source->parts != 1 ||
        t->rank != 2 || t->shape[1] != w->shape[1] || t->shape[0] == w->shape[0] || t->shape[0] < 2 ||
        w->shape[0] > 1 + CP_GRID_MOST * CP_GRID_MOST)
        return 0;
    const size_t grid = (size_t)(sqrt((double)(t->shape[0] - 1)) + 0.5);
    return grid * grid + 1 == t->shape[0] ? grid : 0;
}

static enum cp_status load_grid(struct loading *loading, const struct cp_model_tensor *w,
                                const struct cp_layout_source *source, size_t grid, struct cp_error *err) {
    struct cp_model *model = loading->model;
    struct cp_vision_config *c = &model->config.vision;
    float *stored = cp_arena_alloc(&model->arena, (1 + grid * grid) * w->shape[1], sizeof *stored);
    loading->wanted[source->part[0]->index] = true;
    CP_TRY(CP_CHECK_ALLOC(stored, err, w->name, "a model"));
    CP_TRY(cp_layout_widen(loading->file, source, stored, err));
    for (size_t p = CP_POSITIONS; p-- > 0;) {
        float *values = alloc(model, w, err);
        if (!values)
            return CP_INTERNAL;
        CP_TRY(cp_position_resize(&cp_positions[p], stored, grid, (size_t)(c->image_size / c->patch_size),
                                  w->shape[1], values, err));
        model->tower[CP_VISUAL].positions[p] = values;
    }
    c->stored_grid = (int)grid;
    return CP_OK;
}

static enum cp_status load_one(void *self, const struct cp_model_tensor *w, struct cp_error *err) {
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
    float *values = alloc(loading->model, w, err);
    return values ? cp_layout_widen(loading->file, &source, values, err) : CP_INTERNAL;
}

/* What one tower alone has kept of the whole model. */
static bool belongs_to_both(const struct cp_clip_config *config, const char *name) {
    const bool both = cp_has_vision(config) && cp_has_text(config);
    return !both && (strcmp(name, "logit_scale") == 0 || strcmp(name, "logit_bias") == 0);
}

/* Names the first tensor of the file that the config does not call for. */
static enum cp_status refuse_unexpected(const struct loading *loading, struct cp_error *err) {
    const struct cp_clip_config *config = &loading->model->config;
    for (size_t i = 0; i < cp_checkpoint_count(loading->file); i++) {
        const struct cp_checkpoint_tensor *tensor = cp_checkpoint_at(loading->file, i);
        if (!loading->wanted[i] && !belongs_to_both(config, tensor->name)) {
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

/* A file of one tower makes a model of one tower, whatever else the config describes; likewise its projection. */
static void leave_out_towers(const struct loading *loading, struct cp_clip_config *config) {
    const bool vision = cp_layout_has_vision(loading->layout, loading->file);
    const bool text = cp_layout_has_text(loading->layout, loading->file);
    if (!vision && text)
        config->vision.layers = 0;
    if (!text && vision)
        config->text.layers = 0;
    if (cp_layout_lacks_projection(loading->layout, loading->file)) {
        config->embed_dim = vision ? config->vision.width : config->text.width;
        *(vision ? &config->vision.no_proj : &config->text.no_proj) = true;
    }
}

/* Rows of a table of the text tower where they are fewer than the config's; else the config's. */
static int fewer_rows(const struct loading *loading, const char *name, int width, int rows) {
    struct cp_layout_source source;
    if (!cp_layout_find(loading->layout, loading->file, name, &source) || source.part[0]->rank != 2 ||
        source.part[0]->shape[1] != (size_t)width || source.part[0]->shape[0] >= (size_t)rows ||
        source.part[0]->shape[0] == 0)
        return rows;
    return (int)source.part[0]->shape[0];
}

/* A shorter context is a beginning of the longer where no token sees a later one, and a smaller vocabulary has the ids
 * that it has. */
static void take_fewer_rows(const struct loading *loading, struct cp_clip_config *config) {
    struct cp_text_config *t = &config->text;
    const int vocabulary = fewer_rows(loading, "token_embedding.weight", t->width, t->vocab_size);
    if (t->no_causal_mask || !cp_has_text(config))
        return;
    t->context_length = fewer_rows(loading, "positional_embedding", t->width, t->context_length);
    if (t->pool_type != CP_POOL_EOS || t->eos_id < vocabulary)
        t->vocab_size = vocabulary;
}

static enum cp_status load_from(struct loading *loading, const struct cp_clip_config *config,
                                struct cp_error *err) {
    struct cp_clip_config whole = *config;
    CP_TRY(cp_layout_of(loading->file, loading->path, &loading->layout, err));
    if (!loading->whole) {
        leave_out_towers(loading, &whole);
        take_fewer_rows(loading, &whole);
    }
    CP_TRY(cp_model_begin(&whole, loading->model, err));
    CP_TRY(cp_each_tensor(loading->model, load_one, loading, err));
    return refuse_unexpected(loading, err);
}

static enum cp_status load_file(const char *checkpoint, const struct cp_clip_config *config, bool whole,
                                struct cp_model *model, struct cp_error *err) {
    struct cp_checkpoint *file = NULL;
    struct loading loading = {.model = model, .path = checkpoint, .whole = whole};
    enum cp_status status;
    *model = (struct cp_model){.config = *config};
    CP_TRY_DONE(cp_state_dict_open(checkpoint, &file, err));
    loading.file = file;
    loading.wanted = calloc(cp_checkpoint_count(file) + 1, sizeof *loading.wanted);
    status = loading.wanted ? load_from(&loading, config, err) : cp_no_memory(err, checkpoint, "a model");
done:
    free(loading.wanted);
    cp_checkpoint_close(file);
    return status;
}

enum cp_status cp_model_load(const char *checkpoint, const struct cp_clip_config *config,
                             struct cp_model *model, struct cp_error *err) {
    return load_file(checkpoint, config, false, model, err);
}

enum cp_status cp_model_load_whole(const char *checkpoint, const struct cp_clip_config *config,
                                   struct cp_model *model, struct cp_error *err) {
    return load_file(checkpoint, config, true, model, err);
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

static enum cp_status seed_one(void *self, const struct cp_model_tensor *w, struct cp_error *err) {
    const struct seeding *seeding = self;
    const uint64_t stream = cp_name_hash(w->name);
    const double scale = w->spread * sqrt(3.0); /* a uniform on [-1, 1) has standard deviation 1/sqrt(3) */
    float *values = alloc(seeding->model, w, err);
    if (!values)
        return CP_INTERNAL;
    fill(values, cp_model_tensor_elements(w), seeding->seed, stream, w->centre, scale);
    return CP_OK;
}

enum cp_status cp_model_counter(const struct cp_clip_config *config, uint64_t seed, struct cp_model *model,
                                struct cp_error *err) {
    struct seeding seeding = {.model = model, .seed = seed};
    CP_TRY(cp_model_begin(config, model, err));
    return cp_each_tensor(model, seed_one, &seeding, err);
}

void cp_model_free(struct cp_model *model) {
    cp_arena_free(&model->arena);
}
