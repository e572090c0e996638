/* SPDX-License-Identifier: GPL-3.0-or-later
 * One residual block: x = x + attn(ln_1(x)); x = x + c_proj(gelu(c_fc(ln_2(x)))). */
#include "model/fault.h"
#include "oracle/oracle.h"
#include "oracle/steps.h"

#include <math.h>

struct attention {
    const double *q, *k, *v;  /* (inputs, T, W) */
    double *scores, *context; /* (inputs, H, T, T), (inputs, T, W) */
    size_t tokens, width, heads, head;
    bool causal;
    const struct cp_choice *choice;
    const struct cp_oracle *oracle;
};

static void scores_of_head(void *context, size_t index, int worker) {
    const struct attention *a = context;
    const size_t at = index / a->heads * a->tokens * a->width + index % a->heads * a->head;
    const double factor = (double)cp_fault_head_factor(a->choice, index % a->heads, a->heads);
    (void)worker;
    for (size_t i = 0; i < a->tokens; i++)
        for (size_t j = 0; j < a->tokens; j++) {
            double sum = 0;
            for (size_t c = 0; c < a->head; c++)
                sum += a->q[at + i * a->width + c] * a->k[at + j * a->width + c];
            a->scores[(index * a->tokens + i) * a->tokens + j] = factor * (sum / sqrt((double)a->head));
        }
}

/* Keys of patches that are dropped are masked. */
static void hide_dropped(const struct attention *a, size_t input, double *row) {
    size_t count, next = 0;
    const uint32_t *visible = cp_oracle_visible(a->oracle, input, &count);
    for (size_t j = 0; j < a->tokens && visible; j++)
        if (next < count && visible[next] == j)
            next++;
        else
            row[j] = -INFINITY;
}

static void softmax_of_head(void *context, size_t index, int worker) {
    const struct attention *a = context;
    (void)worker;
    for (size_t i = 0; i < a->tokens; i++) {
        double *row = a->scores + (index * a->tokens + i) * a->tokens;
        const size_t seen = a->causal ? i + 1 : a->tokens;
        hide_dropped(a, index / a->heads, row);
        cp_oracle_softmax(row, seen);
        for (size_t j = seen; j < a->tokens; j++)
            row[j] = 0;
    }
}

static void context_of_head(void *context, size_t index, int worker) {
    const struct attention *a = context;
    const size_t at = index / a->heads * a->tokens * a->width + index % a->heads * a->head;
    (void)worker;
    for (size_t i = 0; i < a->tokens; i++) {
        double *out = a->context + at + i * a->width;
        const double *probs = a->scores + (index * a->tokens + i) * a->tokens;
        for (size_t c = 0; c < a->head; c++)
            out[c] = 0;
        for (size_t j = 0; j < a->tokens; j++)
            for (size_t c = 0; c < a->head; c++)
                out[c] += probs[j] * a->v[at + j * a->width + c];
    }
}

static enum cp_status attention(struct cp_oracle *oracle, const struct cp_oracle_tower *t, int layer,
                                const double *h, double *out, struct cp_error *err) {
    const struct cp_block_weights *block = &t->weights->blocks[layer];
    const size_t rows = oracle->inputs * t->shape.tokens, pairs = oracle->inputs * t->shape.heads;
    double *qkv[3];
    for (size_t i = 0; i < 3; i++) {
        const struct cp_linear_weights part = {block->in_proj.weight + i * t->shape.width * t->shape.width,
                                               block->in_proj.bias + i * t->shape.width};
        CP_TRY(cp_oracle_alloc(oracle, rows * t->shape.width, &qkv[i], err));
        CP_TRY(cp_oracle_linear(oracle, h, rows, part, t->shape.width, t->shape.width, false, qkv[i], err));
        CP_TRY(cp_oracle_visit(oracle, (enum cp_point)(CP_ATTN_Q + i), layer, qkv[i], err));
    }
    struct attention a = {.q = qkv[0],
                          .k = qkv[1],
                          .v = qkv[2],
                          .tokens = t->shape.tokens,
                          .width = t->shape.width,
                          .heads = t->shape.heads,
                          .head = t->shape.head,
                          .causal = t->shape.causal,
                          .choice = cp_spec_at(oracle->spec, oracle->tower, layer),
                          .oracle = oracle};
    CP_TRY(cp_oracle_alloc(oracle, pairs * t->shape.tokens * t->shape.tokens, &a.scores, err));
    CP_TRY(cp_oracle_alloc(oracle, rows * t->shape.width, &a.context, err));
    cp_pool_for(oracle->pool, pairs, scores_of_head, &a);
    CP_TRY(cp_oracle_visit(oracle, CP_ATTN_SCORES, layer, a.scores, err));
    cp_pool_for(oracle->pool, pairs, softmax_of_head, &a);
    CP_TRY(cp_oracle_visit(oracle, CP_ATTN_PROBS, layer, a.scores, err));
    cp_pool_for(oracle->pool, pairs, context_of_head, &a);
    CP_TRY(cp_oracle_visit(oracle, CP_ATTN_CONTEXT, layer, a.context, err));
    return cp_oracle_linear(oracle, a.context, rows, block->out_proj, t->shape.width, t->shape.width,
                            cp_fault_transposes(a.choice), out, err);
}

struct activation_task {
    cp_oracle_activation function;
    double *x;
    size_t width;
};

static void activate_row(void *context, size_t index, int worker) {
    const struct activation_task *task = context;
    (void)worker;
    for (size_t i = 0; i < task->width; i++)
        task->x[index * task->width + i] = task->function(task->x[index * task->width + i]);
}

/* x += branch, which LayerScale multiplies first. */
static enum cp_status add_branch(struct cp_oracle *oracle, enum cp_point scaled, int layer,
                                 const float *gamma, size_t elements, size_t width, double *branch,
                                 struct cp_error *err) {
    if (gamma) {
        for (size_t i = 0; i < elements; i++)
            branch[i] *= (double)gamma[i % width];
        CP_TRY(cp_oracle_visit(oracle, scaled, layer, branch, err));
    }
    for (size_t i = 0; i < elements; i++)
        oracle->x[i] += branch[i];
    return CP_OK;
}

enum cp_status cp_oracle_block(struct cp_oracle *oracle, int layer, struct cp_error *err) {
    const struct cp_oracle_tower t = cp_oracle_tower(oracle);
    const struct cp_block_weights *block = &t.weights->blocks[layer];
    const size_t rows = oracle->inputs * t.shape.tokens, elements = rows * t.shape.width;
    double *h, *branch, *mlp;
    cp_arena_reset(oracle->scratch);
    CP_TRY(cp_oracle_alloc(oracle, elements, &h, err));
    CP_TRY(cp_oracle_alloc(oracle, elements, &branch, err));
    CP_TRY(cp_oracle_alloc(oracle, rows * t.shape.mlp, &mlp, err));

    CP_TRY(cp_oracle_norm_rows(oracle, CP_LN_1, layer, oracle->x, rows, h, err));
    CP_TRY(cp_oracle_visit(oracle, CP_LN_1, layer, h, err));
    CP_TRY(attention(oracle, &t, layer, h, branch, err));
    CP_TRY(cp_oracle_visit(oracle, CP_ATTN, layer, branch, err));
    CP_TRY(add_branch(oracle, CP_LS_1, layer, block->ls_1, elements, t.shape.width, branch, err));
    CP_TRY(cp_oracle_visit(oracle, CP_RESID_MID, layer, oracle->x, err));

    CP_TRY(cp_oracle_norm_rows(oracle, CP_LN_2, layer, oracle->x, rows, h, err));
    CP_TRY(cp_oracle_visit(oracle, CP_LN_2, layer, h, err));
    CP_TRY(cp_oracle_linear(oracle, h, rows, block->c_fc, t.shape.width, t.shape.mlp, false, mlp, err));
    CP_TRY(cp_oracle_visit(oracle, CP_MLP_C_FC, layer, mlp, err));
    struct activation_task task = {NULL, mlp, t.shape.mlp};
    CP_TRY(cp_oracle_activation_at(oracle, layer, &task.function, err));
    cp_pool_for(oracle->pool, rows, activate_row, &task);
    CP_TRY(cp_oracle_visit(oracle, CP_MLP_GELU, layer, mlp, err));
    CP_TRY(
        cp_oracle_linear(oracle, mlp, rows, block->c_proj, t.shape.mlp, t.shape.width, false, branch, err));
    CP_TRY(cp_oracle_visit(oracle, CP_MLP_C_PROJ, layer, branch, err));
    CP_TRY(add_branch(oracle, CP_LS_2, layer, block->ls_2, elements, t.shape.width, branch, err));
    return cp_oracle_visit(oracle, CP_BLOCK, layer, oracle->x, err);
}
