/* SPDX-License-Identifier: GPL-3.0-or-later
 * Fills the tensors from a checkpoint, shapes checked and none left over, or from a seed. */
#include "model/model.h"

#include "base/hash.h"
#include "base/sentence.h"
#include "base/wide.h"
#include "model/layout/fit.h"
#include "model/layout/state_dict.h"
#include "model/tensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    size_t nonfinite;
    char first_nonfinite[CP_LAYOUT_NAME];
};

/* One NaN makes all that is computed from it NaN: worth a word before anybody looks for a reason elsewhere. */
static void count_nonfinite(struct loading *loading, const struct cp_layout_source *source,
                            const float *values, size_t count) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += isfinite(values[i]) ? 0 : 1;
    if (found && loading->nonfinite == 0)
        (void)snprintf(loading->first_nonfinite, sizeof loading->first_nonfinite, "%s", source->name);
    loading->nonfinite += found;
}

static enum cp_status widen(struct loading *loading, const struct cp_layout_source *source, float *values,
                            size_t count, struct cp_error *err) {
    CP_TRY(cp_layout_widen(loading->file, source, values, err));
    count_nonfinite(loading, source, values, count);
    return CP_OK;
}

static enum cp_status load_grid(struct loading *loading, const struct cp_model_tensor *w,
                                const struct cp_layout_source *source, size_t grid, struct cp_error *err) {
    struct cp_model *model = loading->model;
    struct cp_vision_config *c = &model->config.vision;
    const size_t count = (1 + grid * grid) * w->shape[1];
    float *stored = cp_arena_alloc(&model->arena, count, sizeof *stored);
    CP_TRY(CP_CHECK_ALLOC(stored, err, w->name, "a model"));
    CP_TRY(widen(loading, source, stored, count, err));
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

/* Of a file that fits. */
static enum cp_status load_one(void *self, const struct cp_model_tensor *w, struct cp_error *err) {
    struct loading *loading = self;
    struct cp_layout_source source;
    (void)cp_layout_find(loading->layout, loading->file, w->name, &source);
    const size_t grid = cp_fit_other_grid(loading->model, w, &source);
    if (grid)
        return load_grid(loading, w, &source, grid, err);
    float *values = alloc(loading->model, w, err);
    return values ? widen(loading, &source, values, cp_model_tensor_elements(w), err) : CP_INTERNAL;
}

static enum cp_status note(const struct loading *loading, struct cp_model *model, struct cp_error *err) {
    const struct cp_notes *of_file = cp_checkpoint_notes(loading->file);
    for (size_t i = 0; i < of_file->count; i++)
        CP_TRY(cp_note(&model->notes, &model->arena, err, "%s", of_file->lines[i]));
    if (loading->nonfinite == 0)
        return CP_OK;
    return cp_note(&model->notes, &model->arena, err,
                   "warning: %zu value%s of the weights %s NaN or infinite, the first in %s",
                   loading->nonfinite, cp_plural(loading->nonfinite), loading->nonfinite == 1 ? "is" : "are",
                   loading->first_nonfinite);
}

static enum cp_status load_from(const struct cp_fit *fit, const struct cp_clip_config *config,
                                struct cp_model *model, struct cp_error *err) {
    struct loading loading = {.model = model, .file = fit->file};
    struct cp_clip_config narrowed = *config;
    CP_TRY(cp_model_fit(fit, &narrowed, err));
    CP_TRY(cp_layout_of(fit->file, fit->path, &loading.layout, err));
    CP_TRY(cp_model_begin(&narrowed, model, err));
    CP_TRY(cp_each_tensor(model, load_one, &loading, err));
    return note(&loading, model, err);
}

static enum cp_status load_file(const char *checkpoint, const struct cp_clip_config *config, bool whole,
                                struct cp_model *model, struct cp_error *err) {
    struct cp_checkpoint *file = NULL;
    *model = (struct cp_model){.config = *config};
    CP_TRY(cp_state_dict_open(checkpoint, &file, err));
    const enum cp_status status =
        load_from(&(struct cp_fit){file, checkpoint, whole, "the config"}, config, model, err);
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
