/* SPDX-License-Identifier: GPL-3.0-or-later
 * The rows of the norm table. */
#ifndef CP_OPS_NORM_VARIANTS_H
#define CP_OPS_NORM_VARIANTS_H

#include "ops/isa.h"
#include "ops/ops.h"

extern const struct cp_norm CP_KERNEL(cp_norm_two_pass);
extern const struct cp_norm CP_KERNEL(cp_norm_welford);
extern const struct cp_norm CP_KERNEL(cp_norm_one_pass);
extern const struct cp_norm CP_KERNEL(cp_norm_rms_norm);

extern const struct cp_norm *const CP_KERNEL(cp_norms)[];

#endif
