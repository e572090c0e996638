/* SPDX-License-Identifier: GPL-3.0-or-later
 * Looks up the ideal norm and activation of a spec, visits taps, and has softmax and L2 normalisation. */
#include "oracle/steps.h"
#include "model/fault.h"

#include <math.h>

struct cp_oracle_tower cp_oracle_tower(const struct cp_oracle *oracle) {
    return (struct cp_oracle_tower){cp_tower_shape(&oracle->model->config, oracle->tower),
                                    &oracle->model->tower[oracle->tower]};
}

const uint32_t *cp_oracle_visible(const struct cp_oracle *oracle, size_t n, size_t *count) {
    const struct cp_patch_mask *patch_mask = oracle->tower == CP_VISUAL ? oracle->patch_mask : NULL;
    *count = patch_mask ? patch_mask->count : cp_oracle_tower(oracle).shape.tokens;
    return cp_patch_mask_of(patch_mask, oracle->first + n);
}

enum cp_status cp_oracle_alloc(struct cp_oracle *oracle, size_t count, double **values,
                               struct cp_error *err) {
    *values = cp_arena_alloc(oracle->scratch, count, sizeof **values);
    if (!*values)
        return cp_no_memory(err, "", "the oracle"), cp_expected(err, "a smaller batch");
    return CP_OK;
}

enum cp_status cp_oracle_visit(struct cp_oracle *oracle, enum cp_point point, int layer, double *data,
                               struct cp_error *err) {
    const struct cp_tap_event event = {
        .index = cp_sites_find(oracle->taps.sites, oracle->tower, point, layer),
        .first = oracle->first,
        .inputs = oracle->inputs,
        .valid_tokens = oracle->valid_tokens,
        .dtype = CP_FP64,
        .data = data,
    };
    return cp_taps_visit(&oracle->taps, event, err);
}

enum cp_status cp_oracle_activation_at(struct cp_oracle *oracle, int layer, cp_oracle_activation *function,
                                       struct cp_error *err) {
    const struct cp_ops *ops = oracle->spec->ops;
    const struct cp_choice *choice = cp_spec_at(oracle->spec, oracle->tower, layer);
    const char *maths = ops->activations[cp_fault_activation(ops, choice)]->info.maths;
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

static struct cp_norm_weights norm_weights(const struct cp_oracle *oracle, enum cp_point point, int layer) {
    const struct cp_tower_weights *tower = &oracle->model->tower[oracle->tower];
    if (layer < 0)
        return point == CP_LN_PRE ? tower->ln_pre : tower->ln_post;
    const struct cp_block_weights *block = &tower->blocks[layer];
    return point == CP_LN_1 ? block->ln_1 : block->ln_2;
}

enum cp_status cp_oracle_norm_rows(struct cp_oracle *oracle, enum cp_point point, int layer, const double *x,
                                   size_t rows, double *y, struct cp_error *err) {
    const struct cp_choice *choice = cp_spec_at(oracle->spec, oracle->tower, layer);
    const char *maths = oracle->spec->ops->norms[choice->variant[CP_NORM]]->info.maths;
    struct norm_task task = {cp_oracle_find_norm(maths),  norm_weights(oracle, point, layer), x, y,
                             cp_fault_eps(choice, point), cp_oracle_tower(oracle).shape.width};
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
