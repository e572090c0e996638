/* SPDX-License-Identifier: GPL-3.0-or-later
 * Newton's method inside a bracket, which it halves where a step would leave it. */
#include "num/least.h"

#include <math.h>

enum { STEPS = 60 };
static const double CLOSE = 1e-7;

bool cp_least(cp_derivatives_function *f, void *context, double start, double low, double high,
              double *least) {
    const double ends[2] = {low, high};
    double x = start;
    for (int step = 0; step < STEPS; step++) {
        const struct cp_derivatives at = f(context, x);
        if (!isfinite(at.slope))
            return false;
        *(at.slope > 0 ? &high : &low) = x;
        const double newton = x - at.slope / at.curvature;
        const double next = newton > low && newton < high ? newton : (low + high) / 2;
        const bool close = fabs(next - x) <= CLOSE;
        x = next;
        if (close)
            break;
    }
    *least = x;
    return x - ends[0] > 2 * CLOSE && ends[1] - x > 2 * CLOSE;
}
