/* SPDX-License-Identifier: GPL-3.0-or-later
 * The elementwise kernels of ops.h, for this instruction set. */
#ifndef CP_OPS_ELEMENTWISE_ELEMENTWISE_H
#define CP_OPS_ELEMENTWISE_ELEMENTWISE_H

#include "ops/isa.h"
#include "ops/ops.h"

void CP_KERNEL(cp_round)(const float *x, float *y, size_t n, enum cp_dtype dtype);
void CP_KERNEL(cp_add)(const float *x, const float *a, float *y, size_t n, enum cp_dtype output);
void CP_KERNEL(cp_scale)(const float *x, float factor, float *y, size_t n, enum cp_dtype output);
void CP_KERNEL(cp_gain)(const float *x, const float *gain, float *y, size_t rows, size_t width,
                        enum cp_dtype output);
void CP_KERNEL(cp_normalize)(const float *x, float *y, size_t rows, size_t width, enum cp_dtype output);

#endif
