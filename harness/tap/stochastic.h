/* SPDX-License-Identifier: GPL-3.0-or-later
 * Stochastic rounding at taps: a tap that moves every computed element by one unit in its last place, up with
 * probability 1/8 and down with 1/8. That is what stochastic rounding does to a result of which only the
 * nearest representable value is known, its distance to the exact one being uniform (Forsythe 1959; Parker's
 * Monte Carlo arithmetic, 1997). The choice is a hash of seed, tap and element, so it replays, and does not
 * depend on batches or threads. Zeros and non-finite values stay, and so do tensors that are only copied. */
#ifndef CP_TAP_STOCHASTIC_H
#define CP_TAP_STOCHASTIC_H

#include "base/pool.h"
#include "tap/tap.h"

struct cp_stochastic {
    uint64_t seed;
    const enum cp_dtype *types; /* per site: the arithmetic type, whose ULP it is */
    struct cp_pool *pool;
};

struct cp_tap cp_stochastic_tap(struct cp_stochastic *stochastic);

#endif
