/* SPDX-License-Identifier: GPL-3.0-or-later
 * softmax(q k^T / sqrt(d) + mask) v, head by head. Vaswani et al. 2017, arXiv:1706.03762. */
#include "model/fault.h"
#include "oracle/steps.h"

#include <math.h>

/* Where head `index` of all (input, head) begins in (inputs, T, W). */
static size_t head_at(const struct cp_tower_shape *shape, size_t index) {
    return index / shape->heads * shape->tokens * shape->width + index % shape->heads * shape->head;
}

static size_t pairs_of(const struct cp_oracle_call *call) {
    return call->oracle->inputs * call->shape.heads;
}

static void scores_of_head(void *context, size_t index, int worker) {
    const struct cp_oracle_call *call = context;
    const struct cp_tower_shape *shape = &call->shape;
    const size_t at = head_at(shape, index), tokens = shape->tokens, width = shape->width;
    const double factor = (double)cp_fault_head_factor(call->choice, index % shape->heads, shape->heads);
    (void)worker;
    for (size_t i = 0; i < tokens; i++)
        for (size_t j = 0; j < tokens; j++) {
            double sum = 0;
            for (size_t c = 0; c < shape->head; c++)
                sum += call->a[at + i * width + c] * call->b[at + j * width + c];
            call->y[(index * tokens + i) * tokens + j] = factor * (sum / sqrt((double)shape->head));
        }
}

/* Keys of patches that are dropped are masked. */
static void hide_dropped(const struct cp_oracle_call *call, size_t input, double *row) {
    size_t count, next = 0;
    const uint32_t *visible = cp_oracle_visible(call->oracle, input, &count);
    for (size_t j = 0; j < call->shape.tokens && visible; j++)
        if (next < count && visible[next] == j)
            next++;
        else
            row[j] = -INFINITY;
}

static void softmax_of_head(void *context, size_t index, int worker) {
    const struct cp_oracle_call *call = context;
    const size_t tokens = call->shape.tokens;
    (void)worker;
    for (size_t i = 0; i < tokens; i++) {
        double *row = call->y + (index * tokens + i) * tokens;
        const size_t seen = call->shape.causal ? i + 1 : tokens;
        hide_dropped(call, index / call->shape.heads, row);
        cp_oracle_softmax(row, seen);
        for (size_t j = seen; j < tokens; j++)
            row[j] = 0;
    }
}

static void context_of_head(void *context, size_t index, int worker) {
    const struct cp_oracle_call *call = context;
    const struct cp_tower_shape *shape = &call->shape;
    const size_t at = head_at(shape, index), tokens = shape->tokens, width = shape->width;
    (void)worker;
    for (size_t i = 0; i < tokens; i++) {
        double *out = call->y + at + i * width;
        const double *probs = call->a + (index * tokens + i) * tokens;
        for (size_t c = 0; c < shape->head; c++)
            out[c] = 0;
        for (size_t j = 0; j < tokens; j++)
            for (size_t c = 0; c < shape->head; c++)
                out[c] += probs[j] * call->b[at + j * width + c];
    }
}

static enum cp_status each_head(const struct cp_oracle_call *call, void (*task)(void *, size_t, int)) {
    struct cp_oracle_call own = *call;
    cp_pool_for(call->oracle->pool, pairs_of(call), task, &own);
    return CP_OK;
}

enum cp_status cp_oracle_scores(const struct cp_oracle_call *call, struct cp_error *err) {
    (void)err;
    return each_head(call, scores_of_head);
}

enum cp_status cp_oracle_attention_softmax(const struct cp_oracle_call *call, struct cp_error *err) {
    (void)err;
    return each_head(call, softmax_of_head);
}

enum cp_status cp_oracle_context(const struct cp_oracle_call *call, struct cp_error *err) {
    (void)err;
    return each_head(call, context_of_head);
}
