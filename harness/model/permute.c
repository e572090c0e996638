/* SPDX-License-Identifier: GPL-3.0-or-later
 * A Fisher-Yates shuffle driven by hashes, and matrices with their columns or rows in its order. */
#include "model/permute.h"

#include "base/hash.h"

#include <string.h>

enum { ROWS_PER_TASK = 64 };

void cp_permutation(uint64_t seed, size_t k, uint32_t *order) {
    for (size_t i = 0; i < k; i++)
        order[i] = (uint32_t)i;
    for (size_t i = k; i > 1; i--) {
        const size_t other = (size_t)(cp_counter_hash(seed, k, i) % i);
        const uint32_t kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

struct columns {
    const float *x;
    float *y;
    const uint32_t *order;
    size_t rows, k;
};

static void some_rows(void *context, size_t index, int worker) {
    const struct columns *c = context;
    const size_t first = index * ROWS_PER_TASK;
    const size_t end = c->rows - first < ROWS_PER_TASK ? c->rows : first + ROWS_PER_TASK;
    (void)worker;
    for (size_t r = first; r < end; r++)
        for (size_t i = 0; i < c->k; i++)
            c->y[r * c->k + i] = c->x[r * c->k + c->order[i]];
}

void cp_permute_columns(const float *x, size_t rows, size_t k, const uint32_t *order, float *y,
                        struct cp_pool *pool) {
    struct columns columns = {x, y, order, rows, k};
    cp_pool_for(pool, (rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK, some_rows, &columns);
}

void cp_permute_rows(const float *x, size_t k, size_t n, const uint32_t *order, float *y) {
    for (size_t i = 0; i < k; i++)
        memcpy(y + i * n, x + (size_t)order[i] * n, n * sizeof *y);
}
