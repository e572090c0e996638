/* SPDX-License-Identifier: GPL-3.0-or-later
 * The definition of ops/ops.h's summation tree, one element at a time: fmaf for float32, and for fp16 exact
 * integers in units of 2^-48, of which every product of two fp16 values is a multiple. */
#ifndef CP_TESTS_SUPPORT_LINEAR_REFERENCE_H
#define CP_TESTS_SUPPORT_LINEAR_REFERENCE_H

#include "ops/ops.h"

/* Element of the result from a row of A, a row of B^T and the bias. */
float linear_reference(const struct cp_gemm *g, const float *a, const float *b, const float *bias);

#endif
