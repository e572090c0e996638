/* SPDX-License-Identifier: GPL-3.0-or-later
 * The softmax of ops.h, for this instruction set. */
#ifndef CP_OPS_SOFTMAX_SOFTMAX_H
#define CP_OPS_SOFTMAX_SOFTMAX_H

#include "ops/isa.h"
#include "ops/ops.h"

void CP_KERNEL(cp_softmax)(const struct cp_softmax_args *args);

#endif
