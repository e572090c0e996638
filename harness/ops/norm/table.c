/* SPDX-License-Identifier: GPL-3.0-or-later
 * The variants of `norm` for one instruction set, from the rows of ops/norm/variants.def. */
#include "ops/norm/variants.h"

const struct cp_norm *const CP_KERNEL(cp_norms)[] = {
#define VARIANT(name) &CP_KERNEL(cp_norm_##name),
#include "ops/norm/variants.def"
#undef VARIANT
    NULL,
};
