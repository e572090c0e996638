/* SPDX-License-Identifier: GPL-3.0-or-later
 * Where a function of one number is least whose slope changes its sign once, from below 0 to above. */
#ifndef CP_NUM_LEAST_H
#define CP_NUM_LEAST_H

#include <stdbool.h>

struct cp_derivatives {
    double slope, curvature; /* first and second derivative */
};
typedef struct cp_derivatives cp_derivatives_function(void *context, double x);

/* Newton's steps from start, halving [low, high] where one would leave what is left of it; to 1e-7. False:
 * the slope keeps its sign up to either end, or is no number. start lies in [low, high]. */
bool cp_least(cp_derivatives_function *f, void *context, double start, double low, double high,
              double *least);

#endif
