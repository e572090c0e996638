/* SPDX-License-Identifier: GPL-3.0-or-later
 * A task is a block of rows; inside it a panel of W stays in the cache while all its rows pass. */
#include "ledger/product.h"

#include "base/hash.h"
#include "base/wide.h"

#include <math.h>
#include <string.h>

enum { PANEL = CP_PRODUCT_PANEL, TILE = 4, TASK_ROWS = 48 };

/* One vector of a panel's columns; GCC and clang cut it into what the processor has. */
typedef float floats __attribute__((vector_size(PANEL * sizeof(float)), aligned(sizeof(float))));
typedef float half_floats __attribute__((vector_size(PANEL / 2 * sizeof(float)), aligned(sizeof(float))));
typedef double doubles __attribute__((vector_size(PANEL / 2 * sizeof(double)), aligned(sizeof(double))));
typedef int32_t words __attribute__((vector_size(PANEL * sizeof(float)), aligned(sizeof(float))));

size_t cp_product_size(size_t k, size_t n) {
    return (n + PANEL - 1) / PANEL * PANEL * k;
}

void cp_product_pack(const float *w, size_t ld, size_t k, size_t n, bool in_out, enum cp_dtype first,
                     enum cp_dtype second, float *packed) {
    for (size_t column = 0; column < n; column += PANEL)
        for (size_t i = 0; i < k; i++, packed += PANEL)
            for (size_t c = 0; c < PANEL; c++) {
                const size_t j = column + c;
                const float value = j >= n ? 0 : in_out ? w[i * ld + j] : w[j * ld + i];
                packed[c] = cp_round_to(second, cp_round_to(first, value));
            }
}

struct cp_order cp_order_of(size_t n, uint64_t seed) {
    const size_t parts = cp_order_parts(seed);
    struct cp_order order = {.factor = 1, .shift = 31, .block = (n + parts - 1) / parts + (n == 0)};
    unsigned bits = 0;
    while ((UINT64_C(1) << bits) < n)
        bits++;
    order.mask = (uint32_t)(UINT64_C(1) << bits) - 1;
    if (seed < 2) {
        order.start = seed ? (uint32_t)n & order.mask : order.mask;
        order.add = seed ? order.mask : 1;
        return order;
    }
    const uint64_t draw = cp_counter_hash(seed, 0x6f72646572, n);
    order.start = (uint32_t)draw & order.mask;
    order.factor = ((uint32_t)(draw >> 16) & ~UINT32_C(3)) | 1;
    order.add = (uint32_t)(draw >> 40) | 1;
    order.shift = bits / 2 + 1;
    return order;
}

struct product_task {
    const struct cp_product *p;
    const struct cp_product_order *order;
    const void *x;
    void *y;
    void (*tile)(const struct product_task *task, size_t row, size_t rows, size_t column, const float *w);
};

/* Row r of a tile; rows past the end repeat the last one and are not stored. */
static size_t row_of(size_t row, size_t rows, size_t r) {
    return row + (r < rows ? r : rows - 1);
}

CP_WIDE static void ideal_tile(const struct product_task *task, size_t row, size_t rows, size_t column,
                               const float *w) {
    const struct cp_product *p = task->p;
    const double *x[TILE];
    doubles low[TILE] = {{0}}, high[TILE] = {{0}};
    for (size_t r = 0; r < TILE; r++)
        x[r] = (const double *)task->x + row_of(row, rows, r) * p->ldx;
    for (size_t i = 0; i < p->k; i++, w += PANEL) {
        const doubles left = __builtin_convertvector(*(const half_floats *)w, doubles);
        const doubles right = __builtin_convertvector(*(const half_floats *)(w + PANEL / 2), doubles);
        for (size_t r = 0; r < TILE; r++) {
            low[r] += x[r][i] * left;
            high[r] += x[r][i] * right;
        }
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < PANEL && column + c < p->n; c++)
            ((double *)task->y)[(row + r) * p->ldy + column + c] =
                c < PANEL / 2 ? low[r][c] : high[r][c - PANEL / 2];
}

CP_WIDE static void absolute_tile(const struct product_task *task, size_t row, size_t rows, size_t column,
                                  const float *w) {
    const struct cp_product *p = task->p;
    const float *x[TILE];
    floats sum[TILE] = {{0}};
    for (size_t r = 0; r < TILE; r++)
        x[r] = (const float *)task->x + row_of(row, rows, r) * p->ldx;
    for (size_t i = 0; i < p->k; i++, w += PANEL) {
        const floats magnitude = (floats)(*(const words *)w & 0x7fffffff);
        for (size_t r = 0; r < TILE; r++)
            sum[r] += fabsf(x[r][i]) * magnitude;
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < PANEL && column + c < p->n; c++)
            ((float *)task->y)[(row + r) * p->ldy + column + c] = sum[r][c];
}

static void round_all(floats *x, enum cp_dtype type) {
    for (size_t c = 0; c < PANEL && type != CP_FP32; c++)
        (*x)[c] = cp_round_to(type, (*x)[c]);
}

/* The chain over the next `count` terms of the order. */
CP_WIDE static void chain(const struct product_task *task, const float *const x[TILE], const float *w,
                          size_t count, uint32_t *state, floats sum[TILE]) {
    const struct cp_product_order *order = task->order;
    const size_t k = task->p->k;
    const bool half = order->accumulate != CP_FP32;
    floats chain[TILE] = {{0}};
    for (size_t term = 0; term < count; term++) {
        const size_t i = cp_order_next(&order->order, k, state);
        const floats column = *(const floats *)(w + i * PANEL);
        for (size_t r = 0; r < TILE; r++)
            chain[r] += x[r][i] * column;
        for (size_t r = 0; r < TILE && half; r++)
            round_all(&chain[r], order->accumulate);
    }
    memcpy(sum, chain, sizeof chain);
}

static void plain_tile(const struct product_task *task, size_t row, size_t rows, size_t column,
                       const float *w) {
    const struct cp_product *p = task->p;
    const size_t parts = task->order->parts < p->k ? task->order->parts : p->k ? p->k : 1;
    const float *x[TILE];
    floats total[TILE] = {{0}};
    uint32_t state = task->order->order.start;
    for (size_t r = 0; r < TILE; r++)
        x[r] = (const float *)task->x + row_of(row, rows, r) * p->ldx;
    for (size_t part = 0; part < parts; part++) {
        floats sum[TILE];
        chain(task, x, w, p->k * (part + 1) / parts - p->k * part / parts, &state, sum);
        if (parts == 1)
            memcpy(total, sum, sizeof total);
        for (size_t r = 0; r < TILE && parts > 1; r++) {
            round_all(&sum[r], task->order->part);
            total[r] += sum[r];
            round_all(&total[r], task->order->part);
        }
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < PANEL && column + c < p->n; c++)
            ((float *)task->y)[(row + r) * p->ldy + column + c] = total[r][c];
}

static void run_rows(void *context, size_t index, int worker) {
    const struct product_task *task = context;
    const struct cp_product *p = task->p;
    const size_t first = index * TASK_ROWS, end = first + TASK_ROWS < p->rows ? first + TASK_ROWS : p->rows;
    (void)worker;
    for (size_t column = 0; column < p->n; column += PANEL)
        for (size_t row = first; row < end; row += TILE)
            task->tile(task, row, end - row < TILE ? end - row : TILE, column, p->packed + column * p->k);
}

static void run(struct product_task *task) {
    cp_pool_for(task->p->pool, (task->p->rows + TASK_ROWS - 1) / TASK_ROWS, run_rows, task);
}

void cp_product_ideal(const struct cp_product *p, const double *x, double *y) {
    run(&(struct product_task){p, NULL, x, y, ideal_tile});
}

void cp_product_absolute(const struct cp_product *p, const float *x, float *y) {
    run(&(struct product_task){p, NULL, x, y, absolute_tile});
}

void cp_product_plain(const struct cp_product *p, const struct cp_product_order *order, const float *x,
                      float *y) {
    run(&(struct product_task){p, order, x, y, plain_tile});
}
