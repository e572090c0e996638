/* SPDX-License-Identifier: GPL-3.0-or-later
 * The estimate from a table of products between blocks, each block's influence on it, one-sided tests. */
#include "num/mean_square.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

static double row_mean(const double *products, size_t blocks, size_t row) {
    double sum = 0;
    for (size_t k = 0; k < blocks; k++)
        sum += k == row ? 0 : products[row * blocks + k];
    return sum / (double)(blocks - 1);
}

struct cp_mean_square cp_mean_square(const double *products, size_t blocks) {
    double sum = 0, square = 0;
    for (size_t j = 0; j < blocks; j++)
        sum += row_mean(products, blocks, j);
    const double mean = sum / (double)blocks;
    for (size_t j = 0; j < blocks; j++) {
        const double off = row_mean(products, blocks, j) - mean;
        square += off * off;
    }
    const double deviation = sqrt(square / (double)(blocks - 1));
    return (struct cp_mean_square){mean, 2 * deviation / sqrt((double)blocks), blocks};
}

void cp_mean_square_influence(const double *products, size_t blocks, double *influence) {
    const double value = cp_mean_square(products, blocks).value;
    for (size_t j = 0; j < blocks; j++)
        influence[j] = 2 * row_mean(products, blocks, j) - value;
}

double cp_mean_square_p_above(const struct cp_mean_square *square) {
    if (!(square->error > 0) || !isfinite(square->value / square->error))
        return 1;
    return gsl_cdf_tdist_Q(square->value / square->error, (double)square->blocks - 1);
}

double cp_joint_p_above(const double *x, const double *y, size_t blocks) {
    const double x_scatter = gsl_stats_sd(x, 1, blocks), y_scatter = gsl_stats_sd(y, 1, blocks);
    double mean = 0, square = 0;
    for (size_t j = 0; j < blocks; j++)
        mean += (x[j] / x_scatter + y[j] / y_scatter) / (double)blocks;
    for (size_t j = 0; j < blocks; j++) {
        const double off = x[j] / x_scatter + y[j] / y_scatter - mean;
        square += off * off;
    }
    const double error = sqrt(square / (double)(blocks - 1) / (double)blocks);
    return isfinite(mean / error) ? gsl_cdf_tdist_Q(mean / error, (double)blocks - 1) : 1;
}
