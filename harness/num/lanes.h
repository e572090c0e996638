/* SPDX-License-Identifier: GPL-3.0-or-later
 * Eight sums side by side, as the compiler's own vectors, lowered to whatever the processor has: value i of a
 * block goes to lane i % 8. Private to harness/num. */
#ifndef CP_NUM_LANES_H
#define CP_NUM_LANES_H

#include <stdint.h>

enum { CP_VECTOR = 8 };

typedef double cp_lanes __attribute__((vector_size(CP_VECTOR * sizeof(double))));
typedef int64_t cp_lanes_int __attribute__((vector_size(CP_VECTOR * sizeof(int64_t))));

/* The eight values from x on. */
typedef double cp_lanes_memory
    __attribute__((vector_size(CP_VECTOR * sizeof(double)), aligned(8), may_alias));
#define CP_LANES_AT(x) (*(const cp_lanes_memory *)(x))

/* Where a holds the larger value, a, else b. */
#define CP_LANES_MAX(a, b)                                                                                   \
    ((cp_lanes)(((cp_lanes_int)(a) & ((a) > (b))) | ((cp_lanes_int)(b) & ~((a) > (b)))))

static inline double cp_lanes_sum(const cp_lanes *x) {
    const cp_lanes l = *x;
    return ((l[0] + l[1]) + (l[2] + l[3])) + ((l[4] + l[5]) + (l[6] + l[7]));
}

#endif
