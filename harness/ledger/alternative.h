/* SPDX-License-Identifier: GPL-3.0-or-later
 * What an operation may compute in the place of what it says: other variants and knob values, parts forgotten
 * or exchanged, narrower types. Each is one row; it changes a case, and the changed case's ideal function is
 * held against the result. */
#ifndef CP_LEDGER_ALTERNATIVE_H
#define CP_LEDGER_ALTERNATIVE_H

#include "ledger/case.h"

enum cp_alternative_class {
    CP_ALTERNATIVE_MATHS,  /* another function */
    CP_ALTERNATIVE_NARROW, /* operands or weights in a narrower type */
    CP_ALTERNATIVE_TYPE, /* statistics or sums in a narrower type: no function of its own, so only the size is
                            compared */
    CP_ALTERNATIVE_BATCH, /* what another input of the batch would give */
    CP_ALTERNATIVE_TOLD   /* a name only: told by what else is known of two passes, not tried */
};

struct cp_alternative {
    const char *name;            /* as it is told: "norm.eps = 1e-6", "causal mask off" */
    enum cp_operation_kind kind; /* CP_OPERATION_KINDS: any */
    enum cp_alternative_class class;
    /* Changes the case; false where it is what the case has already, or does not apply. */
    bool (*apply)(struct cp_case *c, double value);
    double value;
};
/* What may become of pixels; told from two passes' pixels, not tried on one (analysis/ledger/pixels.c). */
#define CP_NORMALISED_TWICE "normalised twice"
#define CP_REVERSED "channels reversed (RGB, BGR)"
#define CP_OTHER_RED "another mean or std of channel 0 (red)"
#define CP_OTHER_GREEN "another mean or std of channel 1 (green)"
#define CP_OTHER_BLUE "another mean or std of channel 2 (blue)"
#define CP_OTHER_CHANNELS "another mean or std of several channels"

extern const struct cp_alternative cp_alternatives[];
extern const size_t cp_alternative_count;

/* Alternatives whose slope is looked for where rounding alone would explain the residual: other functions of
 * activations and norms. */
bool cp_alternative_has_slope(const struct cp_alternative *alternative);

#endif
