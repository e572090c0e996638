/* SPDX-License-Identifier: GPL-3.0-or-later
 * The rows of the activation table. */
#ifndef CP_OPS_ACTIVATION_VARIANTS_H
#define CP_OPS_ACTIVATION_VARIANTS_H

#include "ops/isa.h"
#include "ops/ops.h"

#define VARIANT(name) extern const struct cp_activation CP_KERNEL(cp_activation_##name);
#include "ops/activation/variants.def"
#undef VARIANT

extern const struct cp_activation *const CP_KERNEL(cp_activations)[];

#endif
