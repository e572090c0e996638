/* SPDX-License-Identifier: GPL-3.0-or-later
 * The variants of `activation` for one instruction set, from the rows of ops/activation/variants.def. */
#include "ops/activation/variants.h"

const struct cp_activation *const CP_KERNEL(cp_activations)[] = {
#define VARIANT(name) &CP_KERNEL(cp_activation_##name),
#include "ops/activation/variants.def"
#undef VARIANT
    NULL,
};
