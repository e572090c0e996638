/* SPDX-License-Identifier: GPL-3.0-or-later
 * The float64 matrix product. Its bits follow from the order written here alone: the clones for wider vectors
 * only compute several columns at once, and -ffp-contract=off keeps multiply and add apart in all of them. */
#include "oracle/oracle.h"

#include "base/wide.h"

#include <string.h>

enum { BLOCK = 256, COLUMNS = 16, ROWS = 4 };

struct product {
    const double *x, *w; /* w: (k, n padded to COLUMNS) */
    const float *bias;
    size_t rows, k, n, padded;
    double *y;
};

/* One tile of ROWS x COLUMNS sums; rows past the end repeat the last one and are not stored. */
CP_WIDE static void tile(const struct product *p, size_t row, size_t column) {
    double total[ROWS][COLUMNS] = {{0}};
    const double *x[ROWS];
    for (size_t r = 0; r < ROWS; r++)
        x[r] = p->x + (row + r < p->rows ? row + r : p->rows - 1) * p->k;
    for (size_t start = 0; start < p->k; start += BLOCK) {
        const size_t end = start + BLOCK < p->k ? start + BLOCK : p->k;
        double sum[ROWS][COLUMNS] = {{0}};
        for (size_t i = start; i < end; i++)
            for (size_t r = 0; r < ROWS; r++)
                for (size_t c = 0; c < COLUMNS; c++)
                    sum[r][c] += x[r][i] * p->w[i * p->padded + column + c];
        for (size_t r = 0; r < ROWS; r++)
            for (size_t c = 0; c < COLUMNS; c++)
                total[r][c] += sum[r][c];
    }
    for (size_t r = 0; r < ROWS && row + r < p->rows; r++)
        for (size_t c = 0; c < COLUMNS && column + c < p->n; c++)
            p->y[(row + r) * p->n + column + c] = total[r][c] + (p->bias ? (double)p->bias[column + c] : 0);
}

static void strip(void *context, size_t index, int worker) {
    const struct product *p = context;
    (void)worker;
    for (size_t column = 0; column < p->n; column += COLUMNS)
        tile(p, index * ROWS, column);
}

enum cp_status cp_oracle_linear(struct cp_oracle *oracle, const double *x, size_t rows,
                                struct cp_linear_weights w, size_t k, size_t n, bool in_out, double *y,
                                struct cp_error *err) {
    const size_t padded = (n + COLUMNS - 1) / COLUMNS * COLUMNS;
    double *wide = cp_arena_calloc(oracle->scratch, k * padded, sizeof *wide);
    if (!wide)
        return cp_no_memory(err, "", "the oracle's %zu x %zu weights", k, n);
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < n; j++)
            wide[i * padded + j] = (double)(in_out ? w.weight[i * n + j] : w.weight[j * k + i]);
    struct product product = {x, wide, w.bias, rows, k, n, padded, y};
    cp_pool_for(oracle->pool, (rows + ROWS - 1) / ROWS, strip, &product);
    return CP_OK;
}
