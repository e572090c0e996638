/* SPDX-License-Identifier: GPL-3.0-or-later
 * The variants of `activation` for one instruction set, in the order of their indices. */
#include "ops/activation/variants.h"

const struct cp_activation *const CP_KERNEL(cp_activations)[] = {
    &CP_KERNEL(cp_activation_quick),
    &CP_KERNEL(cp_activation_erf),
    &CP_KERNEL(cp_activation_tanh),
    NULL,
};
