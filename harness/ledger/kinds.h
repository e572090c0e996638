/* SPDX-License-Identifier: GPL-3.0-or-later
 * The kinds of operations, one file each, or one for those of a family. */
#ifndef CP_LEDGER_KINDS_H
#define CP_LEDGER_KINDS_H

#include "ledger/case.h"

/* What a loop over the inputs of a case (cp_case_each) works on; a loop takes what it needs. x, other: the
 * operands, ideal or as they were recorded; lost, lost_other: of bounds, added to the operands' sizes
 * (linear.c). */
struct cp_kind_task {
    const struct cp_case *c;
    const double *x, *other, *f;
    const float *narrow, *narrow_other;
    double *y;
    float *plain;
    uint64_t seed;
    double lost, lost_other;
};

extern const struct cp_kind cp_kind_normalize, cp_kind_gather, cp_kind_embed, cp_kind_norm, cp_kind_linear,
    cp_kind_scores, cp_kind_softmax, cp_kind_context, cp_kind_gain, cp_kind_add, cp_kind_activation,
    cp_kind_pool, cp_kind_unit, cp_kind_logits, cp_kind_classes;

#endif
