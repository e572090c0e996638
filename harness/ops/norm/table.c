/* SPDX-License-Identifier: GPL-3.0-or-later
 * The variants of `norm` for one instruction set, in the order of their indices. */
#include "ops/norm/variants.h"

const struct cp_norm *const CP_KERNEL(cp_norms)[] = {
    &CP_KERNEL(cp_norm_two_pass),
    &CP_KERNEL(cp_norm_welford),
    &CP_KERNEL(cp_norm_one_pass),
    &CP_KERNEL(cp_norm_rms_norm),
    NULL,
};
