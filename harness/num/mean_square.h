/* SPDX-License-Identifier: GPL-3.0-or-later
 * The squared length of a mean vector, estimated without bias. The square of an average over samples is too
 * long by what its noise adds; products of different, independent blocks of samples have no such part:
 * U = mean over j != k of (m_j . m_k), a U-statistic whose error is 2 sd(h) / sqrt(blocks), with
 * h_j = mean over k != j of (m_j . m_k) (Hoeffding, "A class of statistics with asymptotically normal
 * distribution", Annals of Mathematical Statistics 19, 1948). Only the products are needed, so the difference
 * of two such squares over the same blocks is the same estimate of the difference of two tables. */
#ifndef CP_NUM_MEAN_SQUARE_H
#define CP_NUM_MEAN_SQUARE_H

#include <stddef.h>

struct cp_mean_square {
    double value, error;
    size_t blocks;
};

/* products (blocks, blocks), symmetric; the diagonal is not read. blocks >= 3. */
struct cp_mean_square cp_mean_square(const double *products, size_t blocks);

/* The chance of an estimate as far above 0 as this one if the truth is 0, by Student's t with blocks - 1
 * degrees of freedom; 1 where there is no error to go by. */
double cp_mean_square_p_above(const struct cp_mean_square *square);

/* influence [blocks]: mean is the estimate, and their standard deviation over sqrt(blocks) its error: to add
 * it to another estimate over the same blocks. */
void cp_mean_square_influence(const double *products, size_t blocks, double *influence);

/* The chance of two estimates together as far above 0 if neither is: each over its own scatter, added,
 * against the scatter of that sum, which holds what the two share. x, y [blocks]: the blocks' influences.
 * Student's t as above; 1 where there is no scatter to go by. */
double cp_joint_p_above(const double *x, const double *y, size_t blocks);

#endif
