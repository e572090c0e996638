/* SPDX-License-Identifier: GPL-3.0-or-later
 * The rows of the activation table. */
#ifndef CP_OPS_ACTIVATION_VARIANTS_H
#define CP_OPS_ACTIVATION_VARIANTS_H

#include "ops/isa.h"
#include "ops/ops.h"

extern const struct cp_activation CP_KERNEL(cp_activation_quick);
extern const struct cp_activation CP_KERNEL(cp_activation_erf);
extern const struct cp_activation CP_KERNEL(cp_activation_tanh);

extern const struct cp_activation *const CP_KERNEL(cp_activations)[];

#endif
