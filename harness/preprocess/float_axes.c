/* SPDX-License-Identifier: GPL-3.0-or-later
 * Allocates the weights of both axes, runs the passes over them, and has the sums that they may use. */
#include "preprocess/float_axes.h"

#include <math.h>
#include <stdlib.h>

enum cp_status cp_axis_alloc(struct cp_axis *axis, size_t outputs, size_t taps, const char *path,
                             struct cp_error *err) {
    *axis = (struct cp_axis){outputs, taps, calloc(outputs, sizeof *axis->count),
                             calloc(outputs * taps, sizeof *axis->at),
                             calloc(outputs * taps, sizeof *axis->weight)};
    for (size_t o = 0; axis->count && o < outputs; o++)
        axis->count[o] = taps;
    return CP_CHECK_ALLOC(axis->count && axis->at && axis->weight, err, path, "resizing a picture");
}

void cp_axis_free(struct cp_axis *axis) {
    free(axis->count);
    free(axis->at);
    free(axis->weight);
}

float cp_clamp_byte(float value) {
    return value < 0.0f ? 0.0f : value > 255.0f ? 255.0f : value;
}

float cp_round_byte(float value) {
    return nearbyintf(cp_clamp_byte(value));
}

/* In the order of the taps. */
static float sum_in_double(const struct cp_axis *axis, size_t output, const float *in, size_t stride) {
    const size_t *at = axis->at + output * axis->taps;
    const double *weight = axis->weight + output * axis->taps;
    double sum = 0.0;
    for (size_t t = 0; t < axis->taps; t++)
        sum += (double)in[at[t] * stride] * weight[t];
    return (float)sum;
}

float cp_sum_fused(const struct cp_axis *axis, size_t output, const float *in, size_t stride) {
    const size_t *at = axis->at + output * axis->taps;
    const double *weight = axis->weight + output * axis->taps;
    float sum = in[at[0] * stride] * (float)weight[0];
    for (size_t t = 1; t < axis->taps; t++)
        sum = fmaf(in[at[t] * stride], (float)weight[t], sum);
    return sum;
}

struct passes {
    const struct cp_float_resize *how;
    const struct cp_resize_job *job;
    struct cp_axis across, down;
    float (*sum)(const struct cp_axis *axis, size_t output, const float *in, size_t stride);
    float *row, *middle; /* one row of the input; (height, x.count, 3) */
};

static void pass_across(struct passes *p) {
    const size_t width = p->job->from->width, outputs = p->across.outputs;
    for (size_t y = 0; y < p->job->from->height; y++) {
        for (size_t i = 0; i < width * 3; i++)
            p->row[i] = p->job->from->bytes[y * width * 3 + i];
        for (size_t o = 0; o < outputs * 3; o++) {
            const float value = p->sum(&p->across, o / 3, p->row + o % 3, 3);
            p->middle[y * outputs * 3 + o] = p->how->between ? p->how->between(value) : value;
        }
    }
}

static void pass_down(struct passes *p) {
    const size_t row = p->across.outputs * 3;
    for (size_t o = 0; o < p->down.outputs; o++)
        for (size_t i = 0; i < row; i++) {
            const float value = p->sum(&p->down, o, p->middle + i, row);
            p->job->rgb[o * row + i] = p->how->after ? p->how->after(value) : value;
        }
}

static enum cp_status prepare(struct passes *p, struct cp_error *err) {
    const struct cp_picture *from = p->job->from;
    CP_TRY(p->how->make(p->job, from->width, &p->job->x, &p->across, err));
    CP_TRY(p->how->make(p->job, from->height, &p->job->y, &p->down, err));
    p->row = malloc(from->width * 3 * sizeof *p->row);
    p->middle = malloc(from->height * p->across.outputs * 3 * sizeof *p->middle);
    return CP_CHECK_ALLOC(p->row && p->middle, err, p->job->path, "resizing a picture");
}

enum cp_status cp_float_resize(const struct cp_float_resize *how, const struct cp_resize_job *job,
                               struct cp_error *err) {
    struct passes p = {.how = how, .job = job, .sum = how->sum ? how->sum : sum_in_double};
    const enum cp_status status = prepare(&p, err);
    if (status == CP_OK) {
        pass_across(&p);
        pass_down(&p);
    }
    cp_axis_free(&p.across);
    cp_axis_free(&p.down);
    free(p.row);
    free(p.middle);
    return status;
}
