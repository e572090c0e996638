/* SPDX-License-Identifier: GPL-3.0-or-later
 * linear.backend: tree. The product with one fixed summation tree (ops/ops.h says which).
 *
 * Loops, outside in: a chunk of rows; a block of k, whose part of A is copied to the scratch and stays in L2;
 * a panel of B; a tile of a few rows, which sums in registers and adds the block's sum to C. C itself is the
 * running sum between blocks of k, so it holds float32 (or fp16) values until the last block's epilogue.
 *
 * A-priori bound on the sum, in absence of underflow, u the unit roundoff of the accumulator: a term passes
 * through at most min(k, 256) fmas and ceil(k / 256) - 1 additions of blocks, so |computed - exact| <=
 * (min(k, 256) + ceil(k / 256)) u sum |a_i b_i|, the 1 not subtracted covering the second order (Higham,
 * "Accuracy and Stability of Numerical Algorithms", 2nd ed., section 4.2). */
#include "ops/linear/simd.h"
#include "ops/linear/tile.h"

#include <string.h>

/* Most rows copied to the scratch at a time: 102 KiB, which stay in L2 while the panels of B pass. */
enum { CHUNK_ROWS = 96 };

/* One block of k of one chunk of rows. */
struct block {
    const struct cp_gemm *args;
    const float *a; /* the copy: (rows, k), row stride CP_TILE_LDA */
    size_t row, rows;
    size_t start, k; /* the block is [start, start + k) of args->k */
};

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static size_t packed_size(size_t k, size_t n) {
    return (n + CP_PANEL - 1) / CP_PANEL * CP_PANEL * k;
}

static size_t scratch_size(size_t m, size_t k) {
    (void)k;
    return smaller(m, CHUNK_ROWS) * CP_TILE_LDA;
}

static void pack_nt(const float *b, size_t ldb, size_t n, size_t k, float *packed) {
    for (size_t column = 0; column < n; column += CP_PANEL) {
        const size_t width = smaller(n - column, CP_PANEL);
        for (size_t i = 0; i < k; i++, packed += CP_PANEL) {
            for (size_t j = 0; j < width; j++)
                packed[j] = b[(column + j) * ldb + i];
            memset(packed + width, 0, (CP_PANEL - width) * sizeof *packed);
        }
    }
}

static void pack_nn(const float *b, size_t ldb, size_t k, size_t n, float *packed) {
    for (size_t column = 0; column < n; column += CP_PANEL) {
        const size_t width = smaller(n - column, CP_PANEL);
        for (size_t i = 0; i < k; i++, packed += CP_PANEL) {
            memcpy(packed, b + i * ldb + column, width * sizeof *packed);
            memset(packed + width, 0, (CP_PANEL - width) * sizeof *packed);
        }
    }
}

/* An fp16 accumulator takes fp16 operands: A is rounded to it after `input`, whatever that is. */
static void copy_a(const struct block *block, float *copy) {
    const struct cp_gemm *args = block->args;
    for (size_t r = 0; r < block->rows; r++, copy += CP_TILE_LDA) {
        const float *a = args->a + (block->row + r) * args->lda + block->start;
        for (size_t i = 0; i < block->k; i++)
            copy[i] = cp_round_to(args->input, a[i]);
        if (args->accumulate == CP_FP16 && args->input != CP_FP16)
            for (size_t i = 0; i < block->k; i++)
                copy[i] = cp_round_fp16(copy[i]);
    }
}

/* Bias and rounding of n finished sums. In fp16 the bias is added with one rounding. */
static void finish_row(const struct cp_gemm *args, const float *bias, float *c, size_t n) {
    const bool fp16 = args->accumulate == CP_FP16;
    if (bias && fp16)
        for (size_t i = 0; i < n; i++)
            c[i] = cp_add_fp16(c[i], bias[i]);
    else if (bias)
        for (size_t i = 0; i < n; i++)
            c[i] += bias[i];
    if (args->output != CP_FP32)
        for (size_t i = 0; i < n; i++)
            c[i] = cp_round_to(args->output, c[i]);
}

static void copy_columns(const float *from, size_t from_ld, float *to, size_t to_ld, size_t rows,
                         size_t columns) {
    for (size_t r = 0; r < rows; r++)
        memcpy(to + r * to_ld, from + r * from_ld, columns * sizeof *to);
}

/* Runs one tile; the last panel's missing columns are summed in a buffer, since C has no room for them. */
static void run_tile(cp_tile_fn *run, struct cp_tile *tile, size_t rows, size_t columns) {
    float edge[TILE_ROWS][CP_PANEL];
    if (columns == CP_PANEL) {
        run(tile);
        return;
    }
    float *c = tile->c;
    const size_t ldc = tile->ldc;
    memset(edge, 0, sizeof edge);
    if (!tile->first)
        copy_columns(c, ldc, edge[0], CP_PANEL, rows, columns);
    tile->c = edge[0];
    tile->ldc = CP_PANEL;
    run(tile);
    copy_columns(edge[0], CP_PANEL, c, ldc, rows, columns);
}

/* The rows are cut into tiles of nearly equal height, since a short tile cannot hide the latency of its fmas.
 */
static void run_panel(const struct block *block, size_t panel) {
    const struct cp_gemm *args = block->args;
    cp_tile_fn *const *runs = args->accumulate == CP_FP16 ? CP_KERNEL(cp_tile_fp16) : CP_KERNEL(cp_tile_fp32);
    const size_t column = panel * CP_PANEL;
    const size_t columns = smaller(args->n - column, CP_PANEL);
    const size_t tiles = (block->rows + TILE_ROWS - 1) / TILE_ROWS;
    for (size_t t = 0; t < tiles; t++) {
        const size_t from = block->rows * t / tiles;
        const size_t rows = block->rows * (t + 1) / tiles - from;
        float *c = args->c + (block->row + from) * args->ldc + column;
        struct cp_tile tile = {.a = block->a + from * CP_TILE_LDA,
                               .b = args->b + (panel * args->k + block->start) * CP_PANEL,
                               .c = c,
                               .ldc = args->ldc,
                               .k = block->k,
                               .first = block->start == 0};
        run_tile(runs[rows - 1], &tile, rows, columns);
        if (block->start + block->k == args->k)
            for (size_t r = 0; r < rows; r++)
                finish_row(args, args->bias ? args->bias + column : NULL, c + r * args->ldc, columns);
    }
}

/* One chunk of rows. k = 0 is one empty block, which sets C to 0. */
static void run_chunk(struct block block, size_t panel, size_t panels, float *copy) {
    const size_t k = block.args->k;
    do {
        block.k = smaller(k - block.start, CP_K_BLOCK);
        copy_a(&block, copy);
        for (size_t p = 0; p < panels; p++)
            run_panel(&block, panel + p);
        block.start += block.k;
    } while (block.start < k);
}

static void gemm(const struct cp_gemm *args, size_t row, size_t rows, size_t panel, size_t panels,
                 float *scratch) {
    const size_t chunks = (rows + CHUNK_ROWS - 1) / CHUNK_ROWS;
    for (size_t i = 0; i < chunks; i++) {
        const size_t from = rows * i / chunks;
        const struct block block = {
            .args = args, .a = scratch, .row = row + from, .rows = rows * (i + 1) / chunks - from};
        run_chunk(block, panel, panels, scratch);
    }
}

const struct cp_linear CP_KERNEL(cp_linear_tree) = {
    .info = {.name = "tree",
             .imitates = "none: the harness's own, the same bits on every processor and thread count",
             .formula = "round(s_0 + s_1 + ... + bias), s_i a chain of 256 fmas",
             .source = "Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 4.2",
             .maths = "linear.product"},
    .packed_size = packed_size,
    .scratch_size = scratch_size,
    .pack_nt = pack_nt,
    .pack_nn = pack_nn,
    .gemm = gemm,
};
