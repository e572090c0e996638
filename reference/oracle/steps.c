/* SPDX-License-Identifier: GPL-3.0-or-later
 * A tower in float64: its family's steps one after the other, each written out as its formula says, and shown to the
 * taps. */
#include "oracle/steps.h"

#include "model/fault.h"
#include "model/pass.h"

#include <math.h>
#include <string.h>

/* ---- before the blocks ---- */

static enum cp_status normalized_pixels(const struct cp_oracle_call *call, struct cp_error *err) {
    const size_t side = (size_t)call->oracle->model->config.vision.image_size;
    (void)err;
    for (size_t i = 0; i < call->oracle->inputs * 3 * side * side; i++)
        call->y[i] = (double)call->oracle->pixels[i];
    return CP_OK;
}

static enum cp_status token_ids(const struct cp_oracle_call *call, struct cp_error *err) {
    (void)err;
    for (size_t i = 0; i < call->rows; i++)
        call->y[i] = (double)call->oracle->tokens[i];
    return CP_OK;
}

static enum cp_status gather(const struct cp_oracle_call *call, struct cp_error *err) {
    const size_t width = call->shape.width;
    (void)err;
    for (size_t i = 0; i < call->rows; i++)
        for (size_t c = 0; c < width; c++)
            call->y[i * width + c] = (double)call->weights->token_embedding[(size_t)call->a[i] * width + c];
    return CP_OK;
}

/* Positions added; before them, of images, the class token. */
static enum cp_status embed(const struct cp_oracle_call *call, struct cp_error *err) {
    const float *lead = call->weights->class_embedding, *positions = call->weights->positional_embedding;
    const size_t width = call->shape.width, all = call->shape.tokens * width, first = lead ? width : 0;
    (void)err;
    for (size_t n = 0; n < call->oracle->inputs; n++)
        for (size_t i = 0; i < all; i++) {
            const double content = i < first ? (double)lead[i] : call->a[n * (all - first) + i - first];
            call->y[n * all + i] = content + (double)positions[i];
        }
    return CP_OK;
}

/* ---- products ---- */

/* Patch by patch the pixels that conv1 sees, as one row. */
static enum cp_status cut_patches(const struct cp_oracle_call *call, double **out, struct cp_error *err) {
    const struct cp_vision_config *vision = &call->oracle->model->config.vision;
    const size_t side = (size_t)vision->image_size, patch = (size_t)vision->patch_size;
    const size_t grid = call->shape.grid, patches = call->shape.patches, depth = 3 * patch * patch;
    CP_TRY(cp_oracle_alloc(call->oracle, call->rows * depth, out, err));
    for (size_t n = 0; n < call->oracle->inputs; n++)
        for (size_t p = 0; p < patches; p++)
            for (size_t i = 0; i < depth; i++) {
                const size_t c = i / (patch * patch), ky = i / patch % patch, kx = i % patch;
                const size_t y = p / grid * patch + ky, x = p % grid * patch + kx;
                (*out)[(n * patches + p) * depth + i] = call->a[((n * 3 + c) * side + y) * side + x];
            }
    return CP_OK;
}

/* A weight, its sizes, and whether it is stored (in, out). */
struct matrix {
    struct cp_linear_weights w;
    size_t in, out;
    bool in_out;
};

static struct matrix matrix_at(const struct cp_oracle_call *call) {
    const struct cp_block_weights *block = &call->weights->blocks[call->layer < 0 ? 0 : call->layer];
    const size_t width = call->shape.width, mlp = call->shape.mlp;
    const size_t patch = (size_t)call->oracle->model->config.vision.patch_size;
    const size_t part = (size_t)call->point - CP_ATTN_Q; /* a third of in_proj's rows */
    switch (call->point) {
    case CP_CONV1:
        return (struct matrix){{call->weights->conv1, NULL}, 3 * patch * patch, width, false};
    case CP_PROJECTED:
        return (struct matrix){call->weights->proj, width, call->shape.embed, true};
    case CP_ATTN:
        return (struct matrix){block->out_proj, width, width, cp_fault_transposes(call->choice)};
    case CP_MLP_C_FC:
        return (struct matrix){block->c_fc, width, mlp, false};
    case CP_MLP_C_PROJ:
        return (struct matrix){block->c_proj, mlp, width, false};
    default:
        return (struct matrix){
            {block->in_proj.weight + part * width * width, block->in_proj.bias + part * width},
            width,
            width,
            false};
    }
}

static enum cp_status linear(const struct cp_oracle_call *call, struct cp_error *err) {
    const struct matrix m = matrix_at(call);
    const double *x = call->a;
    double *patches;
    if (call->point == CP_CONV1) {
        CP_TRY(cut_patches(call, &patches, err));
        x = patches;
    }
    return cp_oracle_linear(call->oracle, x, call->rows, m.w, m.in, m.out, m.in_out, call->y, err);
}

/* ---- norms and activations ---- */

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

static struct cp_norm_weights norm_weights(const struct cp_oracle_call *call) {
    if (call->layer < 0)
        return call->point == CP_LN_PRE ? call->weights->ln_pre : call->weights->ln_post;
    const struct cp_block_weights *block = &call->weights->blocks[call->layer];
    return call->point == CP_LN_1 ? block->ln_1 : block->ln_2;
}

static enum cp_status norm(const struct cp_oracle_call *call, struct cp_error *err) {
    const char *maths = call->oracle->spec->ops->norms[call->choice->variant[CP_NORM]]->info.maths;
    struct norm_task task = {cp_oracle_find_norm(maths),
                             norm_weights(call),
                             call->a,
                             call->y,
                             cp_fault_eps(call->choice, call->point),
                             call->shape.width};
    if (!task.function)
        return cp_fail(err, CP_INTERNAL, "", "the oracle has no norm '%s'", maths);
    cp_pool_for(call->oracle->pool, call->rows, norm_row, &task);
    return CP_OK;
}

struct activation_task {
    cp_oracle_activation function;
    const double *x;
    double *y;
    size_t width;
};

static void activate_row(void *context, size_t index, int worker) {
    const struct activation_task *task = context;
    (void)worker;
    for (size_t i = index * task->width; i < (index + 1) * task->width; i++)
        task->y[i] = task->function(task->x[i]);
}

static enum cp_status activate(const struct cp_oracle_call *call, struct cp_error *err) {
    const struct cp_ops *ops = call->oracle->spec->ops;
    const char *maths = ops->activations[cp_fault_activation(ops, call->choice)]->info.maths;
    struct activation_task task = {cp_oracle_find_activation(maths), call->a, call->y, call->shape.mlp};
    if (!task.function)
        return cp_fail(err, CP_INTERNAL, "", "the oracle has no activation '%s'", maths);
    cp_pool_for(call->oracle->pool, call->rows, activate_row, &task);
    return CP_OK;
}

/* ---- the residual stream ---- */

/* LayerScale. */
static enum cp_status gain(const struct cp_oracle_call *call, struct cp_error *err) {
    const struct cp_block_weights *block = &call->weights->blocks[call->layer];
    const float *gamma = call->point == CP_LS_1 ? block->ls_1 : block->ls_2;
    (void)err;
    for (size_t i = 0; i < call->rows * call->shape.width; i++)
        call->y[i] = call->a[i] * (double)gamma[i % call->shape.width];
    return CP_OK;
}

static enum cp_status add(const struct cp_oracle_call *call, struct cp_error *err) {
    (void)err;
    for (size_t i = 0; i < call->rows * call->shape.width; i++)
        call->y[i] = call->a[i] + call->b[i];
    return CP_OK;
}

/* ---- behind the blocks ---- */

static void mean_of_patches(const struct cp_oracle_call *call, size_t n, const double *rows, double *out) {
    size_t count;
    const uint32_t *visible = cp_oracle_visible(call->oracle, n, &count);
    for (size_t c = 0; c < call->shape.width; c++) {
        out[c] = 0;
        for (size_t i = 1; i < count; i++)
            out[c] += rows[(visible ? visible[i] : i) * call->shape.width + c];
        out[c] /= (double)(count - 1);
    }
}

static enum cp_status pool(const struct cp_oracle_call *call, struct cp_error *err) {
    const struct cp_oracle *oracle = call->oracle;
    const size_t tokens = call->shape.tokens, width = call->shape.width;
    (void)err;
    for (size_t n = 0; n < oracle->inputs; n++) {
        const double *rows = call->a + n * tokens * width;
        double *out = call->y + n * width;
        if (call->shape.pool == CP_POOL_AVG) {
            mean_of_patches(call, n, rows, out);
            continue;
        }
        const size_t at =
            call->shape.pool == CP_POOL_TOKEN
                ? 0
                : (size_t)cp_text_pool_position(&oracle->model->config, oracle->tokens + n * tokens);
        memcpy(out, rows + at * width, width * sizeof *out);
    }
    return CP_OK;
}

static enum cp_status unit(const struct cp_oracle_call *call, struct cp_error *err) {
    const size_t embed = call->shape.embed;
    (void)err;
    for (size_t n = 0; n < call->rows; n++) {
        double *row = call->y + n * embed;
        memmove(row, call->a + n * embed, embed * sizeof *row);
        cp_oracle_normalize(row, embed);
    }
    return CP_OK;
}

/* ---- the table, and the walk ---- */

static enum cp_status (*const kernels[CP_OPERATION_KINDS])(const struct cp_oracle_call *,
                                                           struct cp_error *) = {
    [CP_OPERATION_GIVEN] = token_ids,
    [CP_OPERATION_NORMALIZE] = normalized_pixels,
    [CP_OPERATION_GATHER] = gather,
    [CP_OPERATION_EMBED] = embed,
    [CP_OPERATION_NORM] = norm,
    [CP_OPERATION_LINEAR] = linear,
    [CP_OPERATION_SCORES] = cp_oracle_scores,
    [CP_OPERATION_SOFTMAX] = cp_oracle_attention_softmax,
    [CP_OPERATION_CONTEXT] = cp_oracle_context,
    [CP_OPERATION_GAIN] = gain,
    [CP_OPERATION_ADD] = add,
    [CP_OPERATION_ACTIVATION] = activate,
    [CP_OPERATION_POOL] = pool,
    [CP_OPERATION_UNIT] = unit,
};

/* Numbers that a step leaves for each of its rows. */
static size_t row_of(const struct cp_oracle_call *call) {
    const size_t side = (size_t)call->oracle->model->config.vision.image_size;
    switch (call->point) {
    case CP_PIXELS_NORMALIZED:
        return 3 * side * side;
    case CP_TOKENS:
        return 1;
    case CP_ATTN_SCORES:
        return call->shape.heads * call->shape.tokens;
    case CP_MLP_C_FC:
    case CP_MLP_GELU:
        return call->shape.mlp;
    default:
        return call->shape.width;
    }
}

/* Where a step's result goes: the stream, the operand's own place for the softmax, the caller's features, or scratch
 * of its own. */
static enum cp_status place(struct cp_oracle_call *call, double *const *value, const struct cp_step *step,
                            struct cp_error *err) {
    if (step->point == CP_PROJECTED || step->point == CP_FEATURES)
        call->y = call->oracle->features;
    else if (cp_step_is_residual(step->point))
        call->y = call->oracle->x;
    else if (step->point == CP_ATTN_PROBS)
        call->y = value[step->operand[0]];
    else
        return cp_oracle_alloc(call->oracle, call->rows * row_of(call), &call->y, err);
    return CP_OK;
}

static size_t rows_of(const struct cp_oracle *oracle, const struct cp_tower_shape *shape,
                      const struct cp_step *step) {
    if (step->pooled || step->point == CP_PIXELS_NORMALIZED)
        return oracle->inputs;
    return oracle->inputs * (step->point == CP_CONV1 ? shape->patches : shape->tokens);
}

enum cp_status cp_oracle_part(struct cp_oracle *oracle, enum cp_tower_part part, int layer,
                              struct cp_error *err) {
    struct cp_oracle_call call = {.oracle = oracle,
                                  .shape = cp_tower_shape(&oracle->model->config, oracle->tower),
                                  .weights = &oracle->model->tower[oracle->tower],
                                  .layer = layer,
                                  .choice = cp_spec_at(oracle->spec, oracle->tower, layer)};
    double *value[CP_OPERAND_SLOTS + 1] = {[CP_OPERAND_RESIDUAL] = oracle->x};
    struct cp_step steps[CP_STEPS_MOST];
    const size_t count = cp_family_steps(&call.shape, oracle->tower, part, steps);
    cp_arena_reset(oracle->scratch);
    for (size_t i = 0; i < count; i++) {
        call.point = steps[i].point;
        call.rows = rows_of(oracle, &call.shape, &steps[i]);
        call.a = value[steps[i].operand[0]];
        call.b = value[steps[i].operand[1]];
        CP_TRY(place(&call, value, &steps[i], err));
        CP_TRY(kernels[cp_points[call.point].kind](&call, err));
        CP_TRY(cp_oracle_visit(oracle, call.point, layer, call.y, err));
        value[call.point] = call.y;
    }
    return CP_OK;
}

/* ---- what the kernels share ---- */

const uint32_t *cp_oracle_visible(const struct cp_oracle *oracle, size_t n, size_t *count) {
    const struct cp_patch_mask *patch_mask = oracle->tower == CP_VISUAL ? oracle->patch_mask : NULL;
    *count = patch_mask ? patch_mask->count : cp_tower_shape(&oracle->model->config, oracle->tower).tokens;
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
