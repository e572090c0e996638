/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "oracle/steps.h"

#include <math.h>

struct cp_oracle_tower cp_oracle_tower(const struct cp_oracle *oracle) {
    const struct cp_clip_config *c = &oracle->model->config;
    const size_t grid = (size_t)(c->vision.image_size / c->vision.patch_size);
    if (oracle->tower == CP_VISUAL)
        return (struct cp_oracle_tower){grid * grid + 1,
                                        (size_t)c->vision.width,
                                        (size_t)c->vision.heads,
                                        (size_t)c->vision.mlp_width,
                                        false,
                                        oracle->model->vision.blocks};
    return (struct cp_oracle_tower){(size_t)c->text.context_length, (size_t)c->text.width,
                                    (size_t)c->text.heads,          (size_t)c->text.mlp_width,
                                    !c->text.no_causal_mask,        oracle->model->text.blocks};
}

enum cp_status cp_oracle_room(struct cp_oracle *oracle, size_t count, double **room, struct cp_error *err) {
    *room = cp_arena_alloc(oracle->scratch, count, sizeof **room);
    if (!*room)
        return cp_fail(err, CP_INTERNAL, "", "out of memory for the oracle"),
               cp_expected(err, "a smaller batch");
    return CP_OK;
}

enum cp_status cp_oracle_visit(struct cp_oracle *oracle, enum cp_point point, int layer, double *data,
                               struct cp_error *err) {
    const struct cp_tap_event event = {
        .index = cp_sites_find(oracle->taps.sites, oracle->tower, point, layer),
        .first = oracle->first,
        .inputs = oracle->inputs,
        .judged = oracle->judged,
        .dtype = CP_FP64,
        .data = data,
    };
    return cp_taps_visit(&oracle->taps, event, err);
}

static const char *maths_at(const struct cp_oracle *oracle, enum cp_component_id component, int layer) {
    const struct cp_choice *choice = cp_spec_at(oracle->spec, oracle->tower, layer);
    return cp_components[component].variant(oracle->spec->ops, choice->variant[component])->maths;
}

enum cp_status cp_oracle_activation_at(struct cp_oracle *oracle, int layer, cp_oracle_activation *function,
                                       struct cp_error *err) {
    const char *maths = maths_at(oracle, CP_ACTIVATION, layer);
    *function = cp_oracle_find_activation(maths);
    if (!*function)
        return cp_fail(err, CP_INTERNAL, "", "the oracle has no activation '%s'", maths);
    return CP_OK;
}

struct norm_task {
    cp_oracle_norm function;
    struct cp_norm_weights weights;
    const double *x;
    double *y, eps;
    size_t width;
};

static void norm_row(void *context, size_t index, int worker) {
    const struct norm_task *task = context;
    (void)worker;
    task->function(task->x + index * task->width, task->weights.weight, task->weights.bias, task->width,
                   task->eps, task->y + index * task->width);
}

enum cp_status cp_oracle_norm_rows(struct cp_oracle *oracle, int layer, struct cp_norm_weights weights,
                                   const double *x, size_t rows, size_t width, double *y,
                                   struct cp_error *err) {
    const char *maths = maths_at(oracle, CP_NORM, layer);
    const double eps = cp_spec_at(oracle->spec, oracle->tower, layer)->number[CP_NORM_EPS];
    struct norm_task task = {cp_oracle_find_norm(maths), weights, x, y, eps, width};
    if (!task.function)
        return cp_fail(err, CP_INTERNAL, "", "the oracle has no norm '%s'", maths);
    cp_pool_for(oracle->pool, rows, norm_row, &task);
    return CP_OK;
}

void cp_oracle_softmax(double *x, size_t n) {
    double most = x[0], sum = 0;
    for (size_t i = 1; i < n; i++)
        most = x[i] > most ? x[i] : most;
    for (size_t i = 0; i < n; i++)
        sum += x[i] = exp(x[i] - most);
    for (size_t i = 0; i < n; i++)
        x[i] /= sum;
}

void cp_oracle_normalize(double *x, size_t n) {
    double square = 0;
    for (size_t i = 0; i < n; i++)
        square += x[i] * x[i];
    const double norm = fmax(sqrt(square), 1e-12);
    for (size_t i = 0; i < n; i++)
        x[i] /= norm;
}
