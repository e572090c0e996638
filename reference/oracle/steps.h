/* SPDX-License-Identifier: GPL-3.0-or-later
 * One step of a family's table (tap/family.h) as the oracle computes it, and what the kernels share. */
#ifndef CP_ORACLE_STEPS_H
#define CP_ORACLE_STEPS_H

#include "oracle/oracle.h"
#include "tap/family.h"

struct cp_oracle_call {
    struct cp_oracle *oracle;
    struct cp_tower_shape shape;
    const struct cp_tower_weights *weights;
    enum cp_point point;
    int layer; /* -1 outside the blocks */
    const struct cp_choice *choice;
    const double *a, *b; /* operands; b: NULL where there is one */
    double *y;           /* the result; may be a */
    size_t rows;         /* of the result: patches, tokens, or one for each input */
};

/* Attention in three steps, head by head; the softmax is in place. */
enum cp_status cp_oracle_scores(const struct cp_oracle_call *call, struct cp_error *err);
enum cp_status cp_oracle_attention_softmax(const struct cp_oracle_call *call, struct cp_error *err);
enum cp_status cp_oracle_context(const struct cp_oracle_call *call, struct cp_error *err);

/* The tokens of input n of the batch that are seen, and how many; NULL: all of them. */
const uint32_t *cp_oracle_visible(const struct cp_oracle *oracle, size_t n, size_t *count);
/* count doubles from the scratch arena. */
enum cp_status cp_oracle_alloc(struct cp_oracle *oracle, size_t count, double **values, struct cp_error *err);
enum cp_status cp_oracle_visit(struct cp_oracle *oracle, enum cp_point point, int layer, double *data,
                               struct cp_error *err);
/* In place on one row. */
void cp_oracle_softmax(double *x, size_t n);
/* x / max(||x||_2, 1e-12), in place on one row (torch.nn.functional.normalize). */
void cp_oracle_normalize(double *x, size_t n);

#endif
