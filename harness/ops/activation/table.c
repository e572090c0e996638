/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ops/activation/variants.h"

const struct cp_activation *const CP_KERNEL(cp_activations)[] = {
    &CP_KERNEL(cp_activation_quick),
    &CP_KERNEL(cp_activation_erf),
    &CP_KERNEL(cp_activation_tanh),
    NULL,
};
