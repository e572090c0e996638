/* SPDX-License-Identifier: GPL-3.0-or-later
 * Gathers the kernels of one instruction set into a struct; compiled once for each set. */
#include "ops/activation/variants.h"
#include "ops/elementwise/elementwise.h"
#include "ops/norm/variants.h"
#include "ops/softmax/softmax.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

extern const struct cp_linear *const CP_KERNEL(cp_linears)[];
extern const struct cp_ops CP_KERNEL(cp_ops_set);

const struct cp_ops CP_KERNEL(cp_ops_set) = {
    .isa = TEXT(CP_ISA),
    .activations = CP_KERNEL(cp_activations),
    .norms = CP_KERNEL(cp_norms),
    .linears = CP_KERNEL(cp_linears),
    .softmax = CP_KERNEL(cp_softmax),
    .round = CP_KERNEL(cp_round),
    .add = CP_KERNEL(cp_add),
    .gain = CP_KERNEL(cp_gain),
    .scale = CP_KERNEL(cp_scale),
    .normalize = CP_KERNEL(cp_normalize),
};
