/* SPDX-License-Identifier: GPL-3.0-or-later
 * Loads each checkpoint once, and shares the tensors that two passes have in common. */
#include "run/pass_weights.h"

#include "format/disk_file.h"
#include "model/share.h"
#include "run/captured/captured.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The checkpoint of a pass's own; NULL: none, as in what a design made. */
static const struct cp_marked_text *own_of(const struct cp_study *study, size_t s) {
    const struct cp_experiment *e = study->experiment;
    if (s > e->candidate_count)
        return NULL;
    const struct cp_candidate *pass = s == 0 ? &e->baseline : &e->candidates[s - 1];
    return pass->checkpoint.text ? &pass->checkpoint : NULL;
}

/* A candidate is the baseline with its own on top, a captured one what it is whatever the baseline. */
static bool inherits(const struct cp_study *study, size_t s) {
    return s > 0 && !cp_captured_of(study, s);
}

const char *cp_pass_checkpoint(const struct cp_study *study, size_t s) {
    const struct cp_marked_text *own = own_of(study, s);
    if (!own && inherits(study, s))
        own = own_of(study, 0);
    return own ? own->text : NULL;
}

static bool same_file(const char *a, const char *b) {
    return strcmp(a, b) == 0 || cp_disk_same(a, b);
}

/* The weights of a file that is loaded already; NULL: none is. */
static const struct cp_model *loaded(const struct cp_study *study, size_t s, const char *path) {
    const char *whole = study->experiment->model.checkpoint.text;
    if (whole && same_file(whole, path))
        return &study->model;
    for (size_t before = 0; before < s; before++) {
        const struct cp_marked_text *other = own_of(study, before);
        if (other && same_file(other->text, path))
            return study->spec_weights[before];
    }
    return NULL;
}

/* The model's position embeddings decide whether a setting resizes them. */
static enum cp_status check_grid(const struct cp_study *study, const struct cp_model *model, const char *path,
                                 struct cp_error *err) {
    const int model_grid = study->model.config.vision.stored_grid, grid = model->config.vision.stored_grid;
    char where[512];
    if (grid == model_grid)
        return CP_OK;
    const int fits = model->config.vision.image_size / model->config.vision.patch_size;
    (void)snprintf(where, sizeof where, "%.300s: tensor visual.positional_embedding", path);
    return cp_fail(err, CP_BAD_INPUT, where, "is of a grid of %d x %d", grid ? grid : fits,
                   grid ? grid : fits),
           cp_expected(err, "%d x %d, as in the model's checkpoint", model_grid ? model_grid : fits,
                       model_grid ? model_grid : fits);
}

static enum cp_status load(struct cp_study *study, const struct cp_marked_text *path,
                           const struct cp_model **out, struct cp_error *err) {
    struct cp_clip_config config = study->model.config;
    struct cp_model *model = &study->own[study->own_count++]; /* which is freed also after a failure */
    const struct cp_model **with =
        cp_arena_alloc(&study->arena, study->own_count, sizeof(const struct cp_model *));
    size_t same;
    config.vision.stored_grid = 0;
    CP_TRY(CP_CHECK_ALLOC(with, err, "", "the weights"));
    if (cp_model_load_whole(path->text, &config, model, err) != CP_OK)
        return cp_mark_within(&path->mark, err);
    CP_TRY(check_grid(study, model, path->text, err));
    CP_TRY(cp_notes_add(&study->notes, path->text, &model->notes, &study->arena, err));
    with[0] = &study->model;
    for (size_t o = 0; o + 1 < study->own_count; o++)
        with[o + 1] = &study->own[o];
    CP_TRY(cp_model_share(model, with, study->own_count, &same, err));
    *out = same < study->own_count ? with[same] : model;
    return CP_OK;
}

enum cp_status cp_pass_weights_load(struct cp_study *study, struct cp_error *err) {
    study->spec_weights = cp_arena_calloc(&study->arena, study->spec_count, sizeof(const struct cp_model *));
    study->own = cp_arena_calloc(&study->arena, study->spec_count, sizeof *study->own);
    CP_TRY(CP_CHECK_ALLOC(study->spec_weights && study->own, err, "", "the weights"));
    for (size_t s = 0; s < study->spec_count; s++) {
        const struct cp_marked_text *own = own_of(study, s);
        if (own && !study->modelled)
            return (void)cp_mark_fail(&own->mark, err, "checkpoint without model"),
                   cp_expected(err, "model: with the config that it is of");
        study->spec_weights[s] = own                  ? loaded(study, s, own->text)
                                 : inherits(study, s) ? study->spec_weights[0]
                                                      : &study->model;
        if (own && !study->spec_weights[s])
            CP_TRY(load(study, own, &study->spec_weights[s], err));
    }
    return CP_OK;
}

void cp_pass_weights_free(struct cp_study *study) {
    for (size_t o = 0; o < study->own_count; o++)
        cp_model_free(&study->own[o]);
}
