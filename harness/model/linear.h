/* SPDX-License-Identifier: GPL-3.0-or-later
 * A matrix product on a pool of threads. */
#ifndef CP_MODEL_LINEAR_H
#define CP_MODEL_LINEAR_H

#include "base/pool.h"
#include "ops/ops.h"

/* The whole product args->c (m, n), cut into tasks of rows and column panels. The cut depends on the number
 * of threads; the bits do not. pool may be NULL. scratch: cp_pool_threads(pool) times linear->scratch_size(m,
 * k) floats; not shared with another call in progress. */
void cp_linear_run(const struct cp_linear *linear, const struct cp_gemm *args, struct cp_pool *pool,
                   float *scratch);

#endif
