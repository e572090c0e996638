/* SPDX-License-Identifier: GPL-3.0-or-later
 * Rounds all 2^32 float32 encodings to fp16 and bf16 with every instruction set of this machine, and compares
 * with rounding by the C library's rint in float64, where a count of spacings is exact. Exits with 1 on any
 * difference. exhaustive_number [threads] */
#include "base/pool.h"
#include "support/kernels.h"

#include "ops/ops.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK = 65536 };

struct check {
    const struct cp_ops *ops;
    enum cp_dtype dtype;
    atomic_size_t differences;
};

static float expected(enum cp_dtype dtype, float x) {
    const double largest = dtype == CP_FP16 ? 65504.0 : 0x1.fep127;
    if (isinf(x))
        return x;
    const double ulp = cp_ulp_at(dtype, (double)x);
    const double rounded = rint((double)x / ulp) * ulp;
    return fabs(rounded) > largest ? copysignf(INFINITY, x) : copysignf((float)rounded, x);
}

static void check_block(void *context, size_t index, int worker) {
    struct check *const check = context;
    float x[BLOCK], y[BLOCK];
    (void)worker;
    for (size_t i = 0; i < BLOCK; i++)
        x[i] = cp_from_bits((uint32_t)(index * BLOCK + i));
    check->ops->round(x, y, BLOCK, check->dtype);
    for (size_t i = 0; i < BLOCK; i++)
        if (isnan(x[i]) ? !isnan(y[i]) : cp_bits(y[i]) != cp_bits(expected(check->dtype, x[i])))
            atomic_fetch_add(&check->differences, 1);
}

int main(int argc, char **argv) {
    const enum cp_dtype dtypes[] = {CP_FP16, CP_BF16};
    struct cp_error error;
    struct cp_pool *pool;
    size_t differences = 0;
    const long threads = argc > 1 ? strtol(argv[1], NULL, 10) : 2;
    if (cp_pool_create((int)threads, &pool, &error) != CP_OK)
        return CP_INTERNAL;
    for (const char *const *name = cp_ops_available(); *name != NULL; name++)
        for (size_t d = 0; d < 2; d++) {
            struct check check = {.ops = cp_ops_find(*name), .dtype = dtypes[d]};
            cp_pool_for(pool, ((size_t)1 << 32) / BLOCK, check_block, &check);
            printf("%s %s: 4294967296 inputs, %zu differences\n", *name, cp_dtype_name(dtypes[d]),
                   atomic_load(&check.differences));
            differences += atomic_load(&check.differences);
        }
    cp_pool_free(pool);
    return differences == 0 ? CP_OK : CP_PARITY_FAILURE;
}
