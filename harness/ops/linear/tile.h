/* SPDX-License-Identifier: GPL-3.0-or-later
 * The micro-kernel: one block of k, a few rows, one column panel. It is the only place where products are
 * summed. */
#ifndef CP_OPS_LINEAR_TILE_H
#define CP_OPS_LINEAR_TILE_H

#include "ops/isa.h"
#include "ops/ops.h"

#include <stdbool.h>

/* Row stride of A's copy: constant, so that a tile addresses its rows by displacement, and an odd number of
 * cache lines, so that they fall into different sets. */
enum { CP_TILE_LDA = CP_K_BLOCK + 16 };

struct cp_tile {
    const float *a; /* (rows, k), row stride CP_TILE_LDA */
    const float *b; /* (k, CP_PANEL), contiguous */
    float *c;       /* (rows, CP_PANEL), row stride ldc */
    size_t ldc;
    size_t k;
    bool first; /* C = sum, otherwise C = C + sum */
};

typedef void cp_tile_fn(const struct cp_tile *tile);

/* The most rows one tile takes; the kernels for 1 .. cp_tile_rows rows are at [rows - 1]. */
extern const size_t CP_KERNEL(cp_tile_rows);
extern cp_tile_fn *const CP_KERNEL(cp_tile_fp32)[];
extern cp_tile_fn *const CP_KERNEL(cp_tile_fp16)[];

#endif
