/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/clock.h"

#include <time.h>

double seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
