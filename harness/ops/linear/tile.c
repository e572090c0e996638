/* SPDX-License-Identifier: GPL-3.0-or-later
 * One inlined loop, instantiated for each number of rows so that the accumulators are registers. */
#include "ops/linear/tile.h"

#include "ops/linear/simd.h"

enum { WIDTH = LANES * TILE_VECS };

static inline vec add_to(vec c, vec sum, bool fp16) {
    return fp16 ? add_fp16(c, sum) : add(c, sum);
}

/* Inlined with constant rows and fp16, so that the accumulators are registers. */
static inline __attribute__((always_inline)) void tile_columns(const struct cp_tile *tile, size_t column,
                                                               int rows, bool fp16) {
    const float *a = tile->a;
    const float *b = tile->b + column;
    float *c = tile->c + column;
    vec sum[TILE_ROWS][TILE_VECS];
    /* C is needed only after the last k; fetched now, its misses cost nothing. */
    for (int r = 0; r < rows; r++)
        for (int line = 0; line < WIDTH; line += 16)
            __builtin_prefetch(c + (size_t)r * tile->ldc + line, 1);
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < TILE_VECS; v++)
            sum[r][v] = broadcast(0.0f);
    for (size_t k = 0; k < tile->k; k++, a++, b += CP_PANEL) {
        vec b_k[TILE_VECS];
        for (int v = 0; v < TILE_VECS; v++)
            b_k[v] = load(b + v * LANES);
        for (int r = 0; r < rows; r++) {
            const vec a_k = broadcast(a[r * CP_TILE_LDA]);
            for (int v = 0; v < TILE_VECS; v++)
                sum[r][v] = fp16 ? fma_fp16(a_k, b_k[v], sum[r][v]) : fma_fp32(a_k, b_k[v], sum[r][v]);
        }
    }
    if (!tile->first)
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < TILE_VECS; v++)
                sum[r][v] = add_to(load(c + (size_t)r * tile->ldc + v * LANES), sum[r][v], fp16);
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < TILE_VECS; v++)
            store(c + (size_t)r * tile->ldc + v * LANES, sum[r][v]);
}

static inline __attribute__((always_inline)) void tile_panel(const struct cp_tile *tile, int rows,
                                                             bool fp16) {
    for (size_t column = 0; column < CP_PANEL; column += WIDTH)
        tile_columns(tile, column, rows, fp16);
}

#define TILE(rows)                                                                                           \
    static void fp32_##rows(const struct cp_tile *tile) {                                                    \
        tile_panel(tile, rows, false);                                                                       \
    }                                                                                                        \
    static void fp16_##rows(const struct cp_tile *tile) {                                                    \
        tile_panel(tile, rows, true);                                                                        \
    }

TILE(1)
TILE(2)
#ifndef CP_ISA_scalar
TILE(3)
TILE(4)
TILE(5)
TILE(6)
#endif
#ifdef CP_ISA_avx512
TILE(7)
TILE(8)
TILE(9)
TILE(10)
TILE(11)
TILE(12)
#endif

#ifdef CP_ISA_scalar
#define TILES(type) type##_1, type##_2
#elif defined(CP_ISA_avx2)
#define TILES(type) type##_1, type##_2, type##_3, type##_4, type##_5, type##_6
#else
#define TILES(type)                                                                                          \
    type##_1, type##_2, type##_3, type##_4, type##_5, type##_6, type##_7, type##_8, type##_9, type##_10,     \
        type##_11, type##_12
#endif

const size_t CP_KERNEL(cp_tile_rows) = TILE_ROWS;
cp_tile_fn *const CP_KERNEL(cp_tile_fp32)[TILE_ROWS] = {TILES(fp32)};
cp_tile_fn *const CP_KERNEL(cp_tile_fp16)[TILE_ROWS] = {TILES(fp16)};
