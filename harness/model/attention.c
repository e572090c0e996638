/* SPDX-License-Identifier: GPL-3.0-or-later
 * softmax(q k^T / sqrt(d) + mask) v, head by head, with scores and probabilities materialised so that they
 * can be tapped. All q, k, v, scores, probs and context are rounded to attention.compute. */
#include "model/fault.h"
#include "model/steps.h"

#include <math.h>
#include <string.h>

struct attention {
    struct cp_pass *pass;
    const struct cp_choice *choice;
    const struct cp_linear *linear;
    const float *q, *k;
    size_t tokens, width, heads, head;
    enum cp_dtype compute, accumulate;
    bool causal;
};

enum cp_dtype cp_attention_operand(const struct cp_choice *choice) {
    return cp_choice_type(choice, CP_ATTENTION_ACCUMULATE) == CP_FP16
               ? CP_FP16
               : cp_choice_type(choice, CP_ATTENTION_COMPUTE);
}

static float *worker_buffer(const struct attention *a, int worker) {
    return a->pass->ws->worker + (size_t)worker * a->pass->ws->worker_stride;
}

static void multiply(const struct attention *a, struct cp_gemm gemm, float *packed, size_t packed_size) {
    gemm.b = packed;
    gemm.input = cp_attention_operand(a->choice);
    gemm.accumulate = a->accumulate;
    gemm.output = a->compute;
    a->linear->gemm(&gemm, 0, gemm.m, 0, (gemm.n + CP_PANEL - 1) / CP_PANEL, packed + packed_size);
}

/* scores(h) = q(h) k(h)^T for one input and head. */
static void head_scores(void *context, size_t index, int worker) {
    const struct attention *a = context;
    const size_t at = index / a->heads * a->tokens * a->width + index % a->heads * a->head;
    float *packed = worker_buffer(a, worker);
    a->linear->pack_nt(a->k + at, a->width, a->tokens, a->head, packed);
    const struct cp_gemm gemm = {.a = a->q + at,
                                 .lda = a->width,
                                 .c = a->pass->ws->scores + index * a->tokens * a->tokens,
                                 .ldc = a->tokens,
                                 .m = a->tokens,
                                 .n = a->tokens,
                                 .k = a->head};
    multiply(a, gemm, packed, a->linear->packed_size(a->head, a->tokens));
    const float factor = cp_fault_head_factor(a->choice, index % a->heads, a->heads);
    if (factor != 1)
        a->pass->plan->spec->ops->scale(gemm.c, factor, gemm.c, a->tokens * a->tokens, a->compute);
}

/* Over the keys that are seen; the others' probabilities are 0. */
static void head_softmax(void *context, size_t index, int worker) {
    const struct attention *a = context;
    float *const scores = a->pass->ws->scores + index * a->tokens * a->tokens;
    size_t seen;
    const uint32_t *visible = cp_pass_visible(a->pass, index / a->heads, &seen);
    const struct cp_softmax_args args = {.x = scores,
                                         .rows = a->tokens,
                                         .n = seen,
                                         .ld = a->tokens,
                                         .causal = a->causal,
                                         .compute = cp_fault_softmax(a->choice),
                                         .output = a->compute};
    (void)worker;
    if (visible)
        cp_patch_mask_gather(visible, seen, scores, a->tokens, a->tokens);
    a->pass->plan->spec->ops->softmax(&args);
    if (visible)
        cp_patch_mask_spread(visible, seen, scores, a->tokens, a->tokens);
}

/* Copies of one head's probs and v, tokens of the sum in the permutation's order, behind the product's room.
 */
static void permute_tokens(const struct attention *a, float *copies, const float **probs, const float **v,
                           size_t *v_stride) {
    const uint32_t *order = a->pass->ws->order;
    float *v_copy = copies + a->tokens * a->tokens;
    cp_permute_columns(*probs, a->tokens, a->tokens, order, copies, NULL);
    for (size_t j = 0; j < a->tokens; j++)
        memcpy(v_copy + j * a->head, *v + order[j] * a->width, a->head * sizeof *v_copy);
    *probs = copies;
    *v = v_copy;
    *v_stride = a->head;
}

/* context(h) = probs(h) v(h). */
static void head_context(void *context, size_t index, int worker) {
    const struct attention *a = context;
    const size_t at = index / a->heads * a->tokens * a->width + index % a->heads * a->head;
    const float *probs = a->pass->ws->scores + index * a->tokens * a->tokens, *v = a->pass->ws->v + at;
    size_t v_stride = a->width;
    float *packed = worker_buffer(a, worker);
    if (cp_choice_permutation(a->choice))
        permute_tokens(a, packed + a->pass->ws->worker_stride - a->tokens * (a->tokens + a->head), &probs, &v,
                       &v_stride);
    a->linear->pack_nn(v, v_stride, a->tokens, a->head, packed);
    const struct cp_gemm gemm = {.a = probs,
                                 .lda = a->tokens,
                                 .c = a->pass->ws->context + at,
                                 .ldc = a->width,
                                 .m = a->tokens,
                                 .n = a->head,
                                 .k = a->tokens};
    multiply(a, gemm, packed, a->linear->packed_size(a->tokens, a->head));
}

/* q and k with the channels of each head in the permutation's order, in copies. */
static void permute_heads(struct attention *a, size_t elements) {
    struct cp_workspace *ws = a->pass->ws;
    const size_t rows = elements / a->head;
    float *q = ws->permuted, *k = ws->permuted + elements;
    cp_permutation(cp_choice_permutation(a->choice), a->head, ws->order);
    cp_permute_columns(a->q, rows, a->head, ws->order, q, a->pass->pool);
    cp_permute_columns(a->k, rows, a->head, ws->order, k, a->pass->pool);
    a->q = q;
    a->k = k;
}

/* Applies the scale to q, or its square root to q and k, in the compute type; ws->k itself stays as tapped.
 */
static void scale_operands(struct attention *a, size_t elements) {
    const struct cp_ops *ops = a->pass->plan->spec->ops;
    struct cp_workspace *ws = a->pass->ws;
    const int where = a->choice->option[CP_ATTENTION_SCALE];
    const float scale = (float)(1 / sqrt((double)a->head)), root = (float)sqrt(1 / sqrt((double)a->head));
    a->q = ws->q;
    a->k = ws->k;
    if (where == CP_SCALE_ON_SCORES)
        return;
    ops->scale(ws->q, where == CP_SCALE_SQRT ? root : scale, ws->scaled, elements,
               cp_attention_operand(a->choice));
    a->q = ws->scaled;
    if (where == CP_SCALE_SQRT) {
        ops->scale(ws->k, root, ws->h, elements,
                   cp_attention_operand(a->choice)); /* h, ln_1's output, has served */
        a->k = ws->h;
    }
}

static struct attention attention_of(const struct cp_call *call) {
    const struct cp_tower_shape *shape = cp_pass_shape(call->pass);
    const struct cp_choice *choice = call->choice;
    return (struct attention){.pass = call->pass,
                              .choice = choice,
                              .linear = call->pass->plan->spec->ops->linears[choice->variant[CP_LINEAR]],
                              .tokens = shape->tokens,
                              .width = shape->width,
                              .heads = shape->heads,
                              .head = shape->head,
                              .compute = cp_choice_type(choice, CP_ATTENTION_COMPUTE),
                              .accumulate = cp_choice_type(choice, CP_ATTENTION_ACCUMULATE),
                              .causal = shape->causal};
}

static size_t pairs_of(const struct attention *a) {
    return a->pass->inputs * a->heads;
}

/* What a tap put there need not be of the operands' type. */
static void round_operands(const struct attention *a, size_t elements) {
    const struct cp_workspace *ws = a->pass->ws;
    float *const qkv[3] = {ws->q, ws->k, ws->v};
    const enum cp_dtype type = cp_attention_operand(a->choice);
    for (int i = 0; i < 3 && type != CP_FP32; i++)
        a->pass->plan->spec->ops->round(qkv[i], qkv[i], elements, type);
}

void cp_attention_scores(const struct cp_call *call) {
    struct attention a = attention_of(call);
    const size_t elements = call->rows * a.width;
    round_operands(&a, elements);
    scale_operands(&a, elements);
    if (cp_choice_permutation(a.choice))
        permute_heads(&a, elements);
    cp_pool_for(call->pass->pool, pairs_of(&a), head_scores, &a);
    if (a.choice->option[CP_ATTENTION_SCALE] == CP_SCALE_ON_SCORES)
        call->pass->plan->spec->ops->scale(call->y, (float)(1 / sqrt((double)a.head)), call->y,
                                           pairs_of(&a) * a.tokens * a.tokens, a.compute);
}

void cp_attention_softmax(const struct cp_call *call) {
    struct attention a = attention_of(call);
    cp_pool_for(call->pass->pool, pairs_of(&a), head_softmax, &a);
}

void cp_attention_context(const struct cp_call *call) {
    struct attention a = attention_of(call);
    if (cp_choice_permutation(a.choice))
        cp_permutation(cp_choice_permutation(a.choice), a.tokens, call->pass->ws->order);
    cp_pool_for(call->pass->pool, pairs_of(&a), head_context, &a);
}
