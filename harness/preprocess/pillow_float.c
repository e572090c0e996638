/* SPDX-License-Identifier: GPL-3.0-or-later
 * Pillow's resampling without its bytes: Image.resize of mode F, each colour by itself. A side that keeps its
 * length has weights of 0 and 1, so that a pass that Pillow leaves out changes nothing. */
#include "preprocess/float_axes.h"
#include "preprocess/variants.h"
#include "preprocess/weights.h"

/* Pillow's weights as an axis. */
static enum cp_status make(const struct cp_resize_job *job, size_t length, const struct cp_span *span,
                           struct cp_axis *axis, struct cp_error *err) {
    struct cp_weights weights;
    CP_TRY(cp_weights_create(length, span, job->filter, job->path, &weights, err));
    const enum cp_status status = cp_axis_alloc(axis, span->count, weights.taps, job->path, err);
    for (size_t o = 0; status == CP_OK && o < span->count; o++)
        for (size_t t = 0; t < weights.count[o]; t++) {
            axis->at[o * weights.taps + t] = weights.first[o] + t;
            axis->weight[o * weights.taps + t] = weights.value[o * weights.taps + t];
        }
    cp_weights_free(&weights);
    return status;
}

static enum cp_status apply(const struct cp_resize_job *job, struct cp_error *err) {
    const struct cp_float_resize how = {.make = make};
    return cp_float_resize(&how, job, err);
}

const struct cp_resize cp_resize_pillow_float = {
    .info = {.name = "pillow_float",
             .imitates = "Pillow 9.4 Image.resize in mode F, after convert('RGB')",
             .formula = "sum of x * w in double per pass, rounded to fp32; not rounded to bytes, not clipped",
             .source = "python-pillow/Pillow src/libImaging/Resample.c ImagingResampleHorizontal_32bpc",
             .maths = "resample_antialias_unclipped"},
    .apply = apply,
};
