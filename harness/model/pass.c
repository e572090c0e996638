/* SPDX-License-Identifier: GPL-3.0-or-later
 * What all stages share: the workspace, visiting taps, linear layers and norms. */
#include "model/pass.h"

#include "model/fault.h"
#include "model/linear.h"

enum { ROWS_PER_TASK = 16 };

/* ---- workspace ---- */

struct sizes {
    size_t patches, pixels, residual, scores, mlp, width, embed, depth, tokens, head;
};

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

/* The larger of both towers' needs, per input. */
static struct sizes sizes_of(const struct cp_clip_config *c) {
    const size_t side = (size_t)c->vision.image_size, patch = (size_t)c->vision.patch_size;
    const struct cp_tower_shape a = cp_tower_shape(c, CP_VISUAL), b = cp_tower_shape(c, CP_TEXT);
    return (struct sizes){
        .patches = a.patches * 3 * patch * patch,
        .pixels = 3 * side * side,
        .residual = cp_residual_elements(c),
        .scores = larger(a.heads * a.tokens * a.tokens, b.heads * b.tokens * b.tokens),
        .mlp = larger(a.tokens * a.mlp, b.tokens * b.mlp),
        .width = larger(a.width, b.width),
        .embed = (size_t)c->embed_dim,
        .depth = larger(larger(larger(a.mlp, b.mlp), larger(a.width, b.width)), 3 * patch * patch),
        .tokens = larger(a.tokens, b.tokens),
        .head = larger(a.head, b.head),
    };
}

/* Room for a packed k or v of one head and one product's scratch, or for one linear's scratch. */
static size_t worker_floats(const struct cp_ops *ops, const struct sizes *s, size_t batch) {
    size_t most = 0;
    for (int i = 0; ops->linears[i]; i++) {
        const struct cp_linear *linear = ops->linears[i];
        const size_t attention =
            larger(linear->packed_size(s->head, s->tokens), linear->packed_size(s->tokens, s->head)) +
            linear->scratch_size(s->tokens, larger(s->head, s->tokens)) +
            s->tokens * (s->tokens + s->head); /* probs and v in another order (linear.permute) */
        most = larger(most, larger(attention, linear->scratch_size(batch * s->tokens, s->depth)));
    }
    return (most + 15) / 16 * 16;
}

size_t cp_workspace_bytes(const struct cp_clip_config *config, size_t batch, int threads) {
    const struct sizes s = sizes_of(config);
    const struct cp_ops *ops = cp_ops_find("scalar");
    return sizeof(float) *
           (batch * (s.patches + s.pixels + 7 * s.residual + s.scores + 2 * s.mlp + s.width + s.embed) +
            (size_t)threads * worker_floats(ops, &s, batch));
}

enum cp_status cp_workspace_create(const struct cp_clip_config *config, const struct cp_ops *ops,
                                   size_t batch, int threads, struct cp_workspace *ws, struct cp_error *err) {
    const struct sizes s = sizes_of(config);
    *ws = (struct cp_workspace){.batch = batch, .worker_stride = worker_floats(ops, &s, batch)};
    const struct {
        float **buffer;
        size_t floats;
    } needs[] = {
        {&ws->patches, batch * s.patches},
        {&ws->pixels, batch * s.pixels},
        {&ws->h, batch * s.residual},
        {&ws->q, batch * s.residual},
        {&ws->k, batch * s.residual},
        {&ws->v, batch * s.residual},
        {&ws->scaled, batch * s.residual},
        {&ws->scores, batch * s.scores},
        {&ws->context, batch * s.residual},
        {&ws->branch, batch * s.residual},
        {&ws->mlp, batch * s.mlp},
        {&ws->gelu, batch * s.mlp},
        {&ws->pooled, batch * s.width},
        {&ws->permuted, batch * larger(larger(s.patches, s.mlp), 2 * s.residual)},
        {&ws->projected, batch * s.embed},
        {&ws->worker, (size_t)threads * ws->worker_stride},
    };
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        *needs[i].buffer = cp_arena_alloc(&ws->arena, needs[i].floats, sizeof(float));
        CP_TRY(CP_CHECK_BATCH_ALLOC(*needs[i].buffer, err, "", "a batch of %zu", batch));
    }
    CP_TRY(
        CP_ARENA_ALLOC(&ws->arena, ws->order, larger(s.depth, s.tokens), err, "", "a batch of %zu", batch));
    return CP_OK;
}

void cp_workspace_free(struct cp_workspace *ws) {
    cp_arena_free(&ws->arena);
}

/* ---- what every stage uses ---- */

void cp_pass_place(struct cp_pass *pass, const struct cp_pass *as) {
    pass->tower = as->tower;
    pass->first = as->first;
    pass->inputs = as->inputs;
    pass->valid_tokens = as->valid_tokens;
    pass->tokens = as->tokens;
}

size_t cp_pass_tokens(const struct cp_pass *pass) {
    return cp_pass_shape(pass)->tokens;
}

const uint32_t *cp_pass_visible(const struct cp_pass *pass, size_t n, size_t *count) {
    const struct cp_patch_mask *patch_mask = pass->tower == CP_VISUAL ? pass->plan->patch_mask : NULL;
    *count = patch_mask ? patch_mask->count : cp_pass_tokens(pass);
    return cp_patch_mask_of(patch_mask, pass->first + n);
}

enum cp_status cp_pass_visit(struct cp_pass *pass, enum cp_point point, int layer, float *data,
                             struct cp_error *err) {
    const struct cp_tap_event event = {
        .index = cp_sites_find(pass->taps.sites, pass->tower, point, layer),
        .first = pass->first,
        .inputs = pass->inputs,
        .valid_tokens = pass->valid_tokens,
        .dtype = CP_FP32,
        .data = data,
    };
    return cp_taps_visit(&pass->taps, event, err);
}

/* x itself, or its columns in the order that the weights were packed in. */
static const float *in_order(struct cp_pass *pass, const struct cp_choice *choice, const float *x,
                             size_t rows, size_t k) {
    const uint64_t seed = cp_choice_permutation(choice);
    struct cp_workspace *ws = pass->ws;
    if (!seed)
        return x;
    cp_permutation(seed, k, ws->order);
    cp_permute_columns(x, rows, k, ws->order, ws->permuted, pass->pool);
    return ws->permuted;
}

void cp_pass_linear(struct cp_pass *pass, const struct cp_choice *choice,
                    const struct cp_packed_linear *linear, const float *x, size_t rows, float *y) {
    const bool fp16_sum = choice->option[CP_LINEAR_ACCUMULATE] == CP_FP16;
    const enum cp_dtype compute = cp_choice_type(choice, CP_LINEAR_COMPUTE);
    const struct cp_gemm gemm = {
        .a = in_order(pass, choice, x, rows, linear->k),
        .lda = linear->k,
        .b = linear->b,
        .c = y,
        .ldc = linear->n,
        .bias = linear->bias,
        .m = rows,
        .n = linear->n,
        .k = linear->k,
        .input = fp16_sum ? CP_FP16 : compute,
        .accumulate = cp_choice_type(choice, CP_LINEAR_ACCUMULATE),
        .output = compute,
    };
    cp_linear_run(pass->plan->spec->ops->linears[choice->variant[CP_LINEAR]], &gemm, pass->pool,
                  pass->ws->worker);
}

struct norm_task {
    const struct cp_norm *norm;
    struct cp_norm_args args;
};

static void norm_rows(void *context, size_t index, int worker) {
    const struct norm_task *task = context;
    struct cp_norm_args args = task->args;
    const size_t first = index * ROWS_PER_TASK;
    (void)worker;
    args.x += first * args.width;
    args.y += first * args.width;
    args.rows = args.rows - first < ROWS_PER_TASK ? args.rows - first : ROWS_PER_TASK;
    task->norm->apply(&args);
}

static struct cp_norm_weights norm_weights(const struct cp_pass *pass, enum cp_point point, int layer) {
    const struct cp_packed_tower *tower = &pass->plan->tower[pass->tower];
    if (layer < 0)
        return point == CP_LN_PRE ? tower->ln_pre : tower->ln_post;
    const struct cp_packed_block *block = &tower->blocks[layer];
    return point == CP_LN_1 ? block->ln_1 : block->ln_2;
}

void cp_pass_norm(struct cp_pass *pass, enum cp_point point, int layer, const float *x, size_t rows,
                  float *y) {
    const struct cp_choice *choice = cp_spec_at(pass->plan->spec, pass->tower, layer);
    const struct cp_norm_weights weights = norm_weights(pass, point, layer);
    struct norm_task task = {
        .norm = pass->plan->spec->ops->norms[choice->variant[CP_NORM]],
        .args = {.x = x,
                 .weight = weights.weight,
                 .bias = weights.bias,
                 .y = y,
                 .rows = rows,
                 .width = cp_pass_shape(pass)->width,
                 .eps = cp_fault_eps(choice, point),
                 .stats = cp_choice_type(choice, CP_NORM_STATS),
                 .output = cp_choice_residual(choice)},
    };
    cp_pool_for(pass->pool, (rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK, norm_rows, &task);
}
