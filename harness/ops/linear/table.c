/* SPDX-License-Identifier: GPL-3.0-or-later
 * The variants of `linear` for one instruction set; so far the fixed summation tree is the only one. */
#include "ops/isa.h"
#include "ops/ops.h"

extern const struct cp_linear CP_KERNEL(cp_linear_tree);
extern const struct cp_linear *const CP_KERNEL(cp_linears)[];

const struct cp_linear *const CP_KERNEL(cp_linears)[] = {&CP_KERNEL(cp_linear_tree), NULL};
