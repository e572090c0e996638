/* SPDX-License-Identifier: GPL-3.0-or-later
 * Resizing in floating point as two passes over RGB, across and then down, by lists of inputs and weights. */
#ifndef CP_PREPROCESS_FLOAT_AXES_H
#define CP_PREPROCESS_FLOAT_AXES_H

#include "preprocess/preprocess.h"

/* The needed outputs of an axis: output o is the sum over t of input at[o * taps + t] times weight[...]. */
struct cp_axis {
    size_t outputs, taps;
    size_t *count; /* [outputs] the first taps of each; the others' weights are 0 */
    size_t *at;
    double *weight;
};

/* Room for an axis, every weight 0 and every count all taps. Release with cp_axis_free, also after a failure.
 */
enum cp_status cp_axis_alloc(struct cp_axis *axis, size_t outputs, size_t taps, const char *path,
                             struct cp_error *err);
void cp_axis_free(struct cp_axis *axis);
/* Makes an axis of `length` inputs. */
typedef enum cp_status cp_axis_maker(const struct cp_resize_job *job, size_t length,
                                     const struct cp_span *span, struct cp_axis *axis, struct cp_error *err);

struct cp_float_resize {
    cp_axis_maker *make;
    /* An output's sum over in[at * stride]; NULL: products and sums in double, rounded to float32. */
    float (*sum)(const struct cp_axis *axis, size_t output, const float *in, size_t stride);
    float (*between)(float); /* what the first pass's values become, and the second's; NULL: they stay */
    float (*after)(float);
};
enum cp_status cp_float_resize(const struct cp_float_resize *how, const struct cp_resize_job *job,
                               struct cp_error *err);

/* In float32, each product but the first fused with the sum so far. */
float cp_sum_fused(const struct cp_axis *axis, size_t output, const float *in, size_t stride);

/* To 0 to 255; and to the nearest whole number, halves to even. */
float cp_clamp_byte(float value);
float cp_round_byte(float value);

#endif
