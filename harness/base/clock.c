/* SPDX-License-Identifier: GPL-3.0-or-later
 * The monotonic clock in seconds. */
#include "base/clock.h"

#include <time.h>

double cp_clock_seconds(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
