/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the oracle's stages share. */
#ifndef CP_ORACLE_STEPS_H
#define CP_ORACLE_STEPS_H

#include "oracle/oracle.h"

struct cp_oracle_tower {
    struct cp_tower_shape shape;
    const struct cp_tower_weights *weights;
};

struct cp_oracle_tower cp_oracle_tower(const struct cp_oracle *oracle);
/* The tokens of input n of the batch that are seen, and how many; NULL: all of them. */
const uint32_t *cp_oracle_visible(const struct cp_oracle *oracle, size_t n, size_t *count);
/* count doubles from the scratch arena. */
enum cp_status cp_oracle_alloc(struct cp_oracle *oracle, size_t count, double **values, struct cp_error *err);
enum cp_status cp_oracle_visit(struct cp_oracle *oracle, enum cp_point point, int layer, double *data,
                               struct cp_error *err);
/* The maths that the spec chose at a layer of this tower (-1: outside the blocks). */
enum cp_status cp_oracle_activation_at(struct cp_oracle *oracle, int layer, cp_oracle_activation *function,
                                       struct cp_error *err);
enum cp_status cp_oracle_norm_rows(struct cp_oracle *oracle, enum cp_point point, int layer, const double *x,
                                   size_t rows, double *y, struct cp_error *err);
/* In place on one row. */
void cp_oracle_softmax(double *x, size_t n);
/* x / max(||x||_2, 1e-12), in place on one row (torch.nn.functional.normalize). */
void cp_oracle_normalize(double *x, size_t n);

#endif
