/* SPDX-License-Identifier: GPL-3.0-or-later
 * Rows to normalise, the ideal result by maths id, and the variants by name. Include after cmocka.h. */
#ifndef CP_TESTS_NORM_FIXTURE_H
#define CP_TESTS_NORM_FIXTURE_H

#include "kernels_fixture.h"
#include "ops/ops.h"

enum { MAX_WIDTH = 1024 };

static const enum cp_dtype types[] = {CP_FP32, CP_FP16, CP_BF16};
static const size_t widths[] = {1, 2, 7, 16, 17, 64, 100, 128, 512, 768, 1024};
static const double epsilons[] = {1e-5, 1e-6};
enum { TYPES = 3, WIDTHS = sizeof widths / sizeof *widths, EPSILONS = 2 };

/* One row's inputs and exact facts; float64 sums err far less than any bound here. */
struct row {
    size_t width;
    double eps;
    float x[MAX_WIDTH], weight[MAX_WIDTH], bias[MAX_WIDTH];
    double mean, variance, spread_max, weight_max, bias_max;
};

/* kind 0: standard; 1: as small as eps; 2: off centre; 3: one outlying channel; 4: far off centre. */
enum { KINDS = 5 };

static inline void fill_row(struct row *row, size_t width, int kind, double eps, uint64_t *random) {
    static const float centre[KINDS] = {0.0f, 0.0f, 3.0f, 10.0f, 100.0f},
                       scale[KINDS] = {1.0f, 0.005f, 2.0f, 0.5f, 1.0f};
    row->width = width;
    row->eps = eps;
    for (size_t i = 0; i < width; i++) {
        row->x[i] = centre[kind] + scale[kind] * random_normal(random);
        row->weight[i] = 1.0f + 0.2f * random_normal(random);
        row->bias[i] = 0.1f * random_normal(random);
    }
    if (kind == 3)
        row->x[width / 2] += 40.0f;
}

static inline void find_facts(struct row *row) {
    row->mean = row->variance = row->spread_max = row->weight_max = row->bias_max = 0.0;
    for (size_t i = 0; i < row->width; i++)
        row->mean += (double)row->x[i] / (double)row->width;
    for (size_t i = 0; i < row->width; i++) {
        const double deviation = (double)row->x[i] - row->mean;
        row->variance += deviation * deviation / (double)row->width;
        row->spread_max = fmax(row->spread_max, fabs(deviation));
        row->weight_max = fmax(row->weight_max, fabs((double)row->weight[i]));
        row->bias_max = fmax(row->bias_max, fabs((double)row->bias[i]));
    }
}

/* The ideal function by its maths id. */
static inline double ideal(const char *maths, const struct row *row, size_t i) {
    double centred = (double)row->x[i], square = row->mean * row->mean + row->variance;
    if (strcmp(maths, "layer_norm") == 0) {
        centred -= row->mean;
        square = row->variance;
    } else if (strcmp(maths, "rms_norm") != 0) {
        fail_msg("no reference for maths id %s", maths);
    }
    return centred / sqrt(square + row->eps) * (double)row->weight[i] + (double)row->bias[i];
}

static inline struct cp_norm_args arguments(const struct row *row, float *y, enum cp_dtype stats,
                                            enum cp_dtype output) {
    return (struct cp_norm_args){.x = row->x,
                                 .weight = row->weight,
                                 .bias = row->bias,
                                 .y = y,
                                 .rows = 1,
                                 .width = row->width,
                                 .eps = row->eps,
                                 .stats = stats,
                                 .output = output};
}

/* The scalar set's variant of that name. */
static inline const struct cp_norm *named(const char *name) {
    const struct cp_norm *const *norm = cp_ops_find("scalar")->norms;
    while (*norm != NULL && strcmp((*norm)->info.name, name) != 0)
        norm++;
    assert_non_null(*norm);
    return *norm;
}

#endif
