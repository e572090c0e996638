/* SPDX-License-Identifier: GPL-3.0-or-later
 * One formula per kind of operation, on root mean squares alone: no tensor and no file is touched. */
#include "analysis/bracket.h"

#include <math.h>

/* The longest chain of the tree over k terms: inside a block of CP_K_BLOCK, then over the blocks. */
static double chain(double k) {
    const double blocks = ceil(k / CP_K_BLOCK);
    return fmin(k, CP_K_BLOCK) + blocks;
}

static void of_sum(double n, double amplification, const struct cp_bracket_facts *f,
                   double bounds[CP_BOUND_COUNT]) {
    bounds[CP_BOUND_WORST] = (n * f->u + 2 * f->operand) * amplification + f->stored;
    bounds[CP_BOUND_PROBABLE] = (sqrt(n * log(n)) * f->u + 2 * f->operand) * amplification + f->stored;
}

/* y(rows, out) = a(rows, in) W + bias: |a| |W| / |y| by root mean squares, rows cancel. */
static void of_linear(double in, const struct cp_bracket_facts *f, double bounds[CP_BOUND_COUNT]) {
    of_sum(chain(in) + 1, in * f->a * f->b / f->y, f, bounds);
}

void cp_bracket(const struct cp_bracket_facts *f, double bounds[CP_BOUND_COUNT]) {
    bounds[CP_BOUND_WORST] = bounds[CP_BOUND_PROBABLE] = NAN;
    switch (f->kind) {
    case CP_OPERATION_LINEAR:
        of_linear(f->terms, f, bounds);
        break;
    case CP_OPERATION_SCORES: /* the scale is one rounding more; |q| |k| over all heads */
        of_sum(chain(f->terms) + 1, sqrt(f->terms * f->heads) * f->a * f->b / f->y, f, bounds);
        break;
    case CP_OPERATION_CONTEXT:
        of_sum(chain(f->terms), f->terms * sqrt(f->heads) * f->a * f->b / f->y, f, bounds);
        break;
    case CP_OPERATION_EMBED:
    case CP_OPERATION_GAIN:
    case CP_OPERATION_ADD:
        bounds[CP_BOUND_WORST] = bounds[CP_BOUND_PROBABLE] = f->stored;
        break;
    case CP_OPERATION_GATHER:
    case CP_OPERATION_NORMALIZE:
        bounds[CP_BOUND_WORST] = bounds[CP_BOUND_PROBABLE] = 0;
        break;
    case CP_OPERATION_POOL:
        if (f->terms == 1)
            bounds[CP_BOUND_WORST] = bounds[CP_BOUND_PROBABLE] = 0;
        break;
    default:
        break;
    }
}
