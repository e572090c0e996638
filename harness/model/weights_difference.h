/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which tensors of two models differ, to the bit, and where: what `weights` as a cause is told by. Bits, not
 * values: 0 and -0 differ, a NaN is the same as itself. */
#ifndef CP_MODEL_WEIGHTS_DIFFERENCE_H
#define CP_MODEL_WEIGHTS_DIFFERENCE_H

#include "model/tap_weights.h"

#include <stdio.h>

struct cp_weights_difference {
    char name[CP_TENSOR_NAME]; /* as in a checkpoint of open_clip */
    int rank;
    size_t shape[4]; /* [rank] */
    size_t elements, differing;
    size_t first; /* the first that differs, in row-major order */
    float a, b;   /* its values */
};

struct cp_weights_differences {
    size_t count;
    struct cp_weights_difference *list; /* [count] in the order of the forward pass's modules, in the arena */
};

/* Of two models of one config. Tensors that share their memory are not read. */
enum cp_status cp_weights_differences(const struct cp_model *a, const struct cp_model *b,
                                      struct cp_arena *arena, struct cp_weights_differences *out,
                                      struct cp_error *err);

/* Those of `all` that feed the operation at a site, whose elements, differing and first are then of what it
 * reads alone: of in_proj a third. `at` has room for CP_TAP_TENSORS; returns how many. */
size_t cp_weights_differences_at(const struct cp_weights_differences *all, const struct cp_model *a,
                                 const struct cp_model *b, const struct cp_site *site,
                                 struct cp_weights_difference *at);

/* "weights differ: NAME from element [3, 17] on: 0.0123, 0.0456 (1 of 49152)" on a line each, `most` of them
 * and how many more there are. */
void cp_weights_differences_print(const struct cp_weights_differences *all, size_t most, FILE *out);

#endif
