/* SPDX-License-Identifier: GPL-3.0-or-later
 * Loops over elements, written so that compilers vectorise them: the dtype is a constant in each loop, and
 * the data is moved first so that the loop has one pointer and no question of aliasing. */
#ifndef CP_OPS_MAP_H
#define CP_OPS_MAP_H

#include "base/number.h"

#include <stddef.h>

#define CP_INLINE static inline __attribute__((always_inline))

/* y[i] = f(x[i], dtype) for i < n; y == x is allowed. dtype is CP_FP32, CP_FP16 or CP_BF16. */
CP_INLINE void cp_map(const float *x, float *y, size_t n, enum cp_dtype dtype,
                      float (*f)(float, enum cp_dtype)) {
    memmove(y, x, n * sizeof *y);
    if (dtype == CP_FP16)
        for (size_t i = 0; i < n; i++)
            y[i] = f(y[i], CP_FP16);
    else if (dtype == CP_BF16)
        for (size_t i = 0; i < n; i++)
            y[i] = f(y[i], CP_BF16);
    else
        for (size_t i = 0; i < n; i++)
            y[i] = f(y[i], CP_FP32);
}

#endif
