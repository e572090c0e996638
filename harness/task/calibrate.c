/* SPDX-License-Identifier: GPL-3.0-or-later
 * Runs both towers under each activation for losses and gradients; calibrate_judge.c decides. */
#include "task/calibrate.h"

#include "task/calibrate_loss.h"

#include <math.h>
#include <string.h>

struct calibrator {
    const struct cp_study *study;
    struct cp_pool *pool;
    struct cp_workspace ws;
    struct cp_packed_store store;
    struct cp_pass pass;
    size_t embed, columns;            /* columns: what an image is told from, classes or prompts */
    float *pixels, *features, *texts; /* (batch, ...), (images, embed), (prompts, embed) */
    double *columns_of;               /* (columns, embed) */
    double *loss[CP_CONFIG_ACTIVATIONS];
    double *gradient[CP_CONFIG_ACTIVATIONS]; /* (blocks, embed, embed); NULL: too few images */
    struct cp_arena arena;
};

/* ---- passes ---- */

static enum cp_status run_batch(struct calibrator *c, enum cp_tower tower, size_t first, size_t count,
                                float *features, struct cp_error *err) {
    const struct cp_clip_config *config = &c->study->model.config;
    const struct cp_run_inputs *in = &c->study->inputs;
    const bool visual = tower == CP_VISUAL;
    struct cp_pass as = {.tower = tower, .first = first, .inputs = count};
    if (!visual) {
        as.valid_tokens = in->valid_tokens + first;
        as.tokens = in->tokens + first * (size_t)config->text.context_length;
    }
    cp_pass_place(&c->pass, &as);
    if (visual) {
        const struct cp_preprocess how = cp_spec_preprocess(c->study->spec[0]);
        CP_TRY(cp_inputs_pixels(in, &how, first, count, c->pixels, err));
    }
    return cp_tower_run(&c->pass, c->pixels, features, err);
}

static enum cp_status run_tower(struct calibrator *c, enum cp_tower tower, size_t inputs, float *features,
                                struct cp_error *err) {
    for (size_t first = 0; first < inputs; first += c->study->batch) {
        const size_t remaining = inputs - first,
                     count = remaining < c->study->batch ? remaining : c->study->batch;
        CP_TRY(run_batch(c, tower, first, count, features + first * c->embed, err));
    }
    return CP_OK;
}

static enum cp_status run_activation(struct calibrator *c, int activation, struct cp_calibration *k,
                                     struct cp_error *err) {
    const struct cp_run_inputs *in = &c->study->inputs;
    struct cp_plan *plan = NULL;
    CP_TRY(cp_plan_create(c->study->spec[activation], &c->study->model, in->images, &c->store, &plan, err));
    c->pass.plan = plan;
    CP_TRY(run_tower(c, CP_TEXT, in->prompts, c->texts, err));
    CP_TRY(run_tower(c, CP_VISUAL, in->images, c->features, err));
    const struct cp_gradient_test s = {.images = c->features,
                                       .texts = c->texts,
                                       .labels = in->labels,
                                       .count = in->images,
                                       .embed = c->embed,
                                       .each = in->prompts / c->columns};
    k->accuracy[activation] = cp_image_losses(&s, c->columns, k->stored_scale, c->columns_of, c->pool,
                                              c->loss[activation], &k->scale[activation]);
    return c->gradient[activation] ? cp_gradient_test_fit(&s, c->pool, k->stored_scale,
                                                          c->gradient[activation], &k->scale[activation], err)
                                   : CP_OK;
}

/* What always naming the commonest class gets right. */
static double find_chance(const struct calibrator *c) {
    const struct cp_run_inputs *in = &c->study->inputs;
    size_t most = 0;
    for (size_t column = 0; in->labels && column < c->columns; column++) {
        size_t count = 0;
        for (size_t i = 0; i < in->images; i++)
            count += (size_t)in->labels[i] == column;
        most = count > most ? count : most;
    }
    return fmax((double)most / (double)in->images, 1 / (double)c->columns);
}

/* ---- setting up ---- */

static enum cp_status check_inputs(struct calibrator *c, struct cp_error *err) {
    const struct cp_run_inputs *in = &c->study->inputs;
    c->columns = in->classes ? in->classes : in->prompts;
    if (!c->study->model.logit_scale)
        return cp_fail(err, CP_BAD_INPUT, c->study->path, "one tower alone cannot be calibrated"),
               cp_expected(err, "a checkpoint of both towers");
    if (in->images < 2 || in->prompts < 2 || (!in->labels && in->prompts != in->images))
        return cp_fail(err, CP_BAD_INPUT, c->study->path, "%zu images and %zu prompts, %s labels", in->images,
                       in->prompts, in->labels ? "with" : "without"),
               cp_expected(err, "two images at least, with labels or with one prompt for each");
    for (size_t i = 0; in->labels && i < in->images; i++)
        if ((size_t)in->labels[i] >= c->columns)
            return cp_fail(err, CP_BAD_INPUT, c->study->path, "label %d of image %s", (int)in->labels[i],
                           in->image_names[i]),
                   cp_expected(err, "0 to %zu", c->columns - 1);
    return CP_OK;
}

static enum cp_status allocate(struct calibrator *c, struct cp_error *err) {
    const struct cp_study *study = c->study;
    const struct cp_clip_config *config = &study->model.config;
    const size_t side = (size_t)config->vision.image_size, batch = study->batch;
    c->embed = (size_t)config->embed_dim;
    CP_TRY(cp_pool_create(study->threads, &c->pool, err));
    CP_TRY(cp_workspace_create(config, study->ops, batch, study->threads, &c->ws, err));
    c->pixels = cp_arena_alloc(&c->arena, batch * 3 * side * side, sizeof *c->pixels);
    c->features = cp_arena_alloc(&c->arena, study->inputs.images * c->embed, sizeof *c->features);
    c->texts = cp_arena_alloc(&c->arena, study->inputs.prompts * c->embed, sizeof *c->texts);
    c->columns_of = cp_arena_alloc(&c->arena, c->columns * c->embed, sizeof *c->columns_of);
    c->pass = (struct cp_pass){.pool = c->pool, .ws = &c->ws, .taps = {NULL, 0, &study->sites}};
    c->pass.x = cp_arena_alloc(&c->arena, batch * cp_residual_elements(config), sizeof *c->pass.x);
    bool ready = c->pixels && c->features && c->texts && c->columns_of && c->pass.x;
    for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++) {
        c->loss[a] = cp_arena_alloc(&c->arena, study->inputs.images, sizeof *c->loss[a]);
        ready = ready && c->loss[a];
        if (study->inputs.images < CP_GRADIENT_TEST_LEAST)
            continue;
        c->gradient[a] =
            cp_arena_alloc(&c->arena, CP_GRADIENT_TEST_BLOCKS * c->embed * c->embed, sizeof *c->gradient[a]);
        ready = ready && c->gradient[a];
    }
    return CP_CHECK_ALLOC(ready, err, "", "a calibration");
}

enum cp_status cp_calibrate(const struct cp_study *study, struct cp_calibration *k, struct cp_error *err) {
    struct calibrator c = {.study = study};
    enum cp_status status;
    *k = (struct cp_calibration){.labelled = study->inputs.labels != NULL};
    CP_TRY_DONE(check_inputs(&c, err));
    CP_TRY_DONE(allocate(&c, err));
    k->stored_scale = (double)*study->model.logit_scale;
    k->chance = find_chance(&c);
    for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++)
        CP_TRY_DONE(run_activation(&c, a, k, err));
    struct cp_calibration_data data = {.images = study->inputs.images, .size = c.embed * c.embed};
    memcpy(data.loss, c.loss, sizeof data.loss);
    memcpy(data.gradient, c.gradient, sizeof data.gradient);
    status = cp_calibration_judge(&data, k, err);
done:
    cp_packed_store_free(&c.store);
    cp_workspace_free(&c.ws);
    cp_arena_free(&c.arena);
    cp_pool_free(c.pool);
    return status;
}
