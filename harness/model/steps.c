/* SPDX-License-Identifier: GPL-3.0-or-later
 * The forward pass of a tower: it follows its family's steps, calls the kernel of each one's kind, and shows the
 * result to the taps. open_clip transformer.py VisionTransformer and ResidualAttentionBlock, model.py CLIP. */
#include "model/steps.h"

#include "model/fault.h"
#include "tap/family.h"

#include <string.h>

static const struct cp_ops *ops_of(const struct cp_call *call) {
    return call->pass->plan->spec->ops;
}

static const struct cp_packed_tower *weights_of(const struct cp_call *call) {
    return &call->pass->plan->tower[call->pass->tower];
}

static const struct cp_packed_block *block_of(const struct cp_call *call) {
    return &weights_of(call)->blocks[call->layer];
}

/* ---- before the blocks ---- */

static void normalized_pixels(const struct cp_call *call) {
    const size_t side = (size_t)call->pass->plan->model->config.vision.image_size;
    memcpy(call->y, call->pass->pixels, call->pass->inputs * 3 * side * side * sizeof *call->y);
}

/* Ids are below 2^24, so exact in float32. */
static void token_ids(const struct cp_call *call) {
    for (size_t i = 0; i < call->rows; i++)
        call->y[i] = (float)call->pass->tokens[i];
}

/* Rows as they are stored; the stream's type is taken on as positions are added. */
static void gather(const struct cp_call *call) {
    const size_t width = cp_pass_shape(call->pass)->width;
    for (size_t i = 0; i < call->rows; i++)
        memcpy(call->y + i * width, weights_of(call)->token_embedding + (size_t)call->a[i] * width,
               width * sizeof *call->y);
}

/* Positions added, in the residual stream's type; before them, of images, the class token. */
static void embed(const struct cp_call *call) {
    const struct cp_packed_tower *weights = weights_of(call);
    const size_t inputs = call->pass->inputs, width = cp_pass_shape(call->pass)->width;
    const size_t all = call->rows / inputs * width, lead = weights->class_embedding ? width : 0;
    const enum cp_dtype type = cp_choice_residual(call->choice);
    for (size_t n = 0; n < inputs; n++) {
        float *x = call->y + n * all;
        if (lead)
            memcpy(x, weights->class_embedding, width * sizeof *x);
        ops_of(call)->round(call->a + n * (all - lead), x + lead, all - lead, type);
        ops_of(call)->add(x, weights->positional_embedding, x, all, type);
    }
}

/* patches(n, gy * G + gx, (c, ky, kx)) = pixels(n, c, gy * P + ky, gx * P + kx): conv1's weight read as a
 * matrix. */
static const float *cut_patches(const struct cp_call *call) {
    const struct cp_vision_config *vision = &call->pass->plan->model->config.vision;
    const size_t side = (size_t)vision->image_size, patch = (size_t)vision->patch_size;
    const size_t grid = cp_pass_shape(call->pass)->grid;
    float *patches = call->pass->ws->patches;
    for (size_t n = 0; n < call->pass->inputs; n++)
        for (size_t gy = 0; gy < grid; gy++)
            for (size_t gx = 0; gx < grid; gx++)
                for (size_t c = 0; c < 3; c++)
                    for (size_t ky = 0; ky < patch; ky++, patches += patch)
                        memcpy(patches, call->a + ((n * 3 + c) * side + gy * patch + ky) * side + gx * patch,
                               patch * sizeof *patches);
    return call->pass->ws->patches;
}

/* ---- kinds that have weights ---- */

static const struct cp_packed_linear *linear_at(const struct cp_call *call) {
    switch (call->point) {
    case CP_CONV1:
        return &weights_of(call)->conv1;
    case CP_PROJECTED:
        return &weights_of(call)->proj;
    case CP_ATTN_Q:
        return &block_of(call)->q;
    case CP_ATTN_K:
        return &block_of(call)->k;
    case CP_ATTN_V:
        return &block_of(call)->v;
    case CP_ATTN:
        return &block_of(call)->out_proj;
    case CP_MLP_C_FC:
        return &block_of(call)->c_fc;
    default:
        return &block_of(call)->c_proj;
    }
}

static void linear(const struct cp_call *call) {
    const float *x = call->point == CP_CONV1 ? cut_patches(call) : call->a;
    const struct cp_packed_linear *weights = linear_at(call);
    cp_pass_linear(call->pass, call->choice, weights, x, call->rows, call->y);
    if (cp_points[call->point].type == CP_TYPE_OPERAND)
        ops_of(call)->round(call->y, call->y, call->rows * weights->n, cp_attention_operand(call->choice));
}

static void norm(const struct cp_call *call) {
    cp_pass_norm(call->pass, call->point, call->layer, call->a, call->rows, call->y);
}

static void gain(const struct cp_call *call) {
    const float *gamma = call->point == CP_LS_1 ? block_of(call)->ls_1 : block_of(call)->ls_2;
    ops_of(call)->gain(call->a, gamma, call->y, call->rows, cp_pass_shape(call->pass)->width,
                       cp_choice_residual(call->choice));
}

/* ---- kinds that have none ---- */

static void add(const struct cp_call *call) {
    ops_of(call)->add(call->a, call->b, call->y, call->rows * cp_pass_shape(call->pass)->width,
                      cp_choice_residual(call->choice));
}

struct activation_task {
    const struct cp_activation *activation;
    const float *x;
    float *y;
    size_t width;
    enum cp_dtype compute;
};

static void activate_row(void *context, size_t index, int worker) {
    const struct activation_task *task = context;
    (void)worker;
    task->activation->apply(task->x + index * task->width, task->y + index * task->width, task->width,
                            task->compute);
}

static void activate(const struct cp_call *call) {
    struct activation_task task = {ops_of(call)->activations[cp_fault_activation(ops_of(call), call->choice)],
                                   call->a, call->y, cp_pass_shape(call->pass)->mlp,
                                   cp_choice_type(call->choice, CP_ACTIVATION_COMPUTE)};
    cp_pool_for(call->pass->pool, call->rows, activate_row, &task);
}

static void unit(const struct cp_call *call) {
    ops_of(call)->normalize(call->a, call->y, call->rows, cp_pass_shape(call->pass)->embed,
                            cp_choice_type(call->choice, CP_LINEAR_COMPUTE));
}

/* ---- the table, and the walk ---- */

static void (*const kernels[CP_OPERATION_KINDS])(const struct cp_call *) = {
    [CP_OPERATION_GIVEN] = token_ids,
    [CP_OPERATION_NORMALIZE] = normalized_pixels,
    [CP_OPERATION_GATHER] = gather,
    [CP_OPERATION_EMBED] = embed,
    [CP_OPERATION_NORM] = norm,
    [CP_OPERATION_LINEAR] = linear,
    [CP_OPERATION_SCORES] = cp_attention_scores,
    [CP_OPERATION_SOFTMAX] = cp_attention_softmax,
    [CP_OPERATION_CONTEXT] = cp_attention_context,
    [CP_OPERATION_GAIN] = gain,
    [CP_OPERATION_ADD] = add,
    [CP_OPERATION_ACTIVATION] = activate,
    [CP_OPERATION_POOL] = cp_pool_tokens,
    [CP_OPERATION_UNIT] = unit,
};

float *cp_pass_value(const struct cp_pass *pass, int operand) {
    struct cp_workspace *ws = pass->ws;
    switch (operand) {
    case CP_PIXELS_NORMALIZED:
        return ws->pixels;
    case CP_CONV1:
    case CP_TOKENS:
    case CP_LN_1:
    case CP_LN_2:
    case CP_LN_POST:
        return ws->h;
    case CP_ATTN_Q:
        return ws->q;
    case CP_ATTN_K:
        return ws->k;
    case CP_ATTN_V:
        return ws->v;
    case CP_ATTN_SCORES:
    case CP_ATTN_PROBS:
        return ws->scores;
    case CP_ATTN_CONTEXT:
        return ws->context;
    case CP_ATTN:
    case CP_LS_1:
    case CP_MLP_C_PROJ:
    case CP_LS_2:
        return ws->branch;
    case CP_MLP_C_FC:
        return ws->mlp;
    case CP_MLP_GELU:
        return ws->gelu;
    case CP_POOLED:
        return ws->pooled;
    case CP_PROJECTED:
        return ws->projected;
    case CP_FEATURES:
        return pass->features;
    default:
        return cp_step_is_residual((enum cp_point)operand) || operand == CP_OPERAND_RESIDUAL ? pass->x : NULL;
    }
}

static size_t rows_of(const struct cp_pass *pass, const struct cp_step *step) {
    const struct cp_tower_shape *shape = cp_pass_shape(pass);
    if (step->pooled)
        return pass->inputs;
    return pass->inputs * (step->point == CP_CONV1 ? shape->patches : shape->tokens);
}

enum cp_status cp_pass_part(struct cp_pass *pass, enum cp_tower_part part, int layer, struct cp_error *err) {
    struct cp_step steps[CP_STEPS_MOST];
    const size_t count = cp_family_steps(cp_pass_shape(pass), pass->tower, part, steps);
    for (size_t i = 0; i < count; i++) {
        const struct cp_step *step = &steps[i];
        const struct cp_call call = {.pass = pass,
                                     .point = step->point,
                                     .layer = layer,
                                     .choice = cp_spec_at(pass->plan->spec, pass->tower, layer),
                                     .a = cp_pass_value(pass, step->operand[0]),
                                     .b = cp_pass_value(pass, step->operand[1]),
                                     .y = cp_pass_value(pass, (int)step->point),
                                     .rows = rows_of(pass, step)};
        kernels[cp_points[step->point].kind](&call);
        CP_TRY(cp_pass_visit(pass, step->point, layer, call.y, err));
    }
    return CP_OK;
}

enum cp_status cp_tower_run(struct cp_pass *pass, const float *pixels, float *features,
                            struct cp_error *err) {
    pass->pixels = pixels;
    pass->features = features;
    CP_TRY(cp_pass_part(pass, CP_TOWER_STEM, -1, err));
    for (size_t layer = 0; layer < cp_pass_shape(pass)->layers; layer++)
        CP_TRY(cp_pass_part(pass, CP_TOWER_BLOCK, (int)layer, err));
    return cp_pass_part(pass, CP_TOWER_HEAD, -1, err);
}
