/* SPDX-License-Identifier: GPL-3.0-or-later
 * The cubic and the triangle filter, sampled and normalised in Pillow's order of operations. */
#include "preprocess/weights.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

/* bicubic_filter, with Keys' a = -0.5 */
static double bicubic(double x) {
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    return x < 2.0 ? (((x - 5) * x + 8) * x - 4) * a : 0.0;
}

/* bilinear_filter */
static double bilinear(double x) {
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

static const struct filter {
    double (*at)(double x);
    double support;
} filters[] = {[CP_BICUBIC] = {bicubic, 2.0}, [CP_BILINEAR] = {bilinear, 1.0}};

/* The weights of output xx: normalised by their sum, in this order of operations. */
static void fill(struct cp_weights *w, size_t o, double centre, double scale, const struct filter *filter,
                 size_t length) {
    const double support = filter->support * scale, reciprocal = 1.0 / scale;
    const long low = (long)(centre - support + 0.5), high = (long)(centre + support + 0.5);
    const size_t first = low < 0 ? 0 : (size_t)low;
    const size_t end = high > (long)length ? length : (size_t)high;
    double sum = 0.0, *value = w->value + o * w->taps;
    w->first[o] = first;
    w->count[o] = end - first;
    for (size_t x = 0; x < w->count[o]; x++) {
        value[x] = filter->at(((double)(x + first) - centre + 0.5) * reciprocal);
        sum += value[x];
    }
    for (size_t x = 0; x < w->count[o] && sum != 0.0; x++)
        value[x] /= sum;
}

enum cp_status cp_weights_create(size_t length, const struct cp_span *span, enum cp_resize_filter filter,
                                 const char *path, struct cp_weights *weights, struct cp_error *err) {
    const double scale = (double)length / (double)span->length, wide = scale < 1.0 ? 1.0 : scale;
    *weights = (struct cp_weights){.outputs = span->count};
    weights->taps = (size_t)ceil(filters[filter].support * wide) * 2 + 1;
    if (span->length > INT_MAX / (weights->taps * sizeof(double))) /* Pillow: MemoryError */
        return cp_fail(err, CP_BAD_INPUT, path, "a side becomes %zu", span->length),
               cp_expected(err, "what Pillow can resize to");
    weights->first = calloc(span->count, sizeof *weights->first);
    weights->count = calloc(span->count, sizeof *weights->count);
    weights->value = calloc(span->count * weights->taps, sizeof *weights->value);
    if (!weights->first || !weights->count || !weights->value) {
        cp_weights_free(weights);
        return cp_no_memory(err, path, "resizing a picture");
    }
    for (size_t o = 0; o < span->count; o++)
        fill(weights, o, ((double)(o + span->first) + 0.5) * scale, wide, &filters[filter], length);
    return CP_OK;
}

void cp_weights_free(struct cp_weights *weights) {
    free(weights->first);
    free(weights->count);
    free(weights->value);
    *weights = (struct cp_weights){0};
}

void cp_weights_reach(const struct cp_weights *w, size_t *first, size_t *end) {
    *first = w->first[0]; /* both grow with the output */
    *end = w->first[w->outputs - 1] + w->count[w->outputs - 1];
}
