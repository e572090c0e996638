/* SPDX-License-Identifier: GPL-3.0-or-later
 * The rows of the norm table. */
#ifndef CP_OPS_NORM_VARIANTS_H
#define CP_OPS_NORM_VARIANTS_H

#include "ops/isa.h"
#include "ops/ops.h"

#define VARIANT(name) extern const struct cp_norm CP_KERNEL(cp_norm_##name);
#include "ops/norm/variants.def"
#undef VARIANT

extern const struct cp_norm *const CP_KERNEL(cp_norms)[];

#endif
