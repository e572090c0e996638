/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/norm.h"
#include "support/test.h"

#include <math.h>

const enum cp_dtype norm_types[TYPES] = {CP_FP32, CP_FP16, CP_BF16};
const size_t norm_widths[WIDTHS] = {1, 2, 7, 16, 17, 64, 100, 128, 512, 768, 1024};
const double norm_epsilons[EPSILONS] = {1e-5, 1e-6};

void fill_row(struct row *row, size_t width, int kind, double eps, uint64_t *random) {
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

void find_facts(struct row *row) {
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

double ideal_norm(const char *maths, const struct row *row, size_t i) {
    double centred = (double)row->x[i], square = row->mean * row->mean + row->variance;
    if (strcmp(maths, "layer_norm") == 0) {
        centred -= row->mean;
        square = row->variance;
    } else if (strcmp(maths, "rms_norm") != 0) {
        fail_msg("no reference for maths id %s", maths);
    }
    return centred / sqrt(square + row->eps) * (double)row->weight[i] + (double)row->bias[i];
}

struct cp_norm_args norm_arguments(const struct row *row, float *y, enum cp_dtype stats,
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

const struct cp_norm *norm_named(const char *name) {
    const struct cp_norm *const *norm = cp_ops_find("scalar")->norms;
    while (*norm != NULL && strcmp((*norm)->info.name, name) != 0)
        norm++;
    assert_non_null(*norm);
    return *norm;
}
