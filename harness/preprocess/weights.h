/* SPDX-License-Identifier: GPL-3.0-or-later
 * Pillow's resampling weights along one axis (src/libImaging/Resample.c precompute_coeffs), of the outputs
 * that are needed. */
#ifndef CP_PREPROCESS_WEIGHTS_H
#define CP_PREPROCESS_WEIGHTS_H

#include "preprocess/preprocess.h"

struct cp_weights {
    size_t outputs, taps;  /* taps: room for each output; those beyond its count are 0 */
    size_t *first, *count; /* [outputs] */
    double *value;         /* (outputs, taps) */
};

enum cp_status cp_weights_create(size_t length, const struct cp_span *span, enum cp_resize_filter filter,
                                 const char *path, struct cp_weights *weights, struct cp_error *err);
void cp_weights_free(struct cp_weights *weights);
/* The inputs that any output takes: [*first, *end). */
void cp_weights_reach(const struct cp_weights *weights, size_t *first, size_t *end);

#endif
