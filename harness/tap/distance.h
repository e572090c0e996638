/* SPDX-License-Identifier: GPL-3.0-or-later
 * A sink that keeps, of each tensor, only its relative L2 distance from what was kept of the baseline: what
 * the reruns of the noise floor are for. */
#ifndef CP_TAP_DISTANCE_H
#define CP_TAP_DISTANCE_H

#include "base/pool.h"
#include "num/metrics.h"
#include "tap/buffer.h"

struct cp_distance {
    const struct cp_tap_buffer *baseline;
    struct cp_pool *pool;
    size_t run, runs;
    double *const *rows; /* per site: (batch, runs), of which column `run` is filled; NULL: not wanted */
};

struct cp_tap cp_distance_tap(struct cp_distance *distance);

#endif
