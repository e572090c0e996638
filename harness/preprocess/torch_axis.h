/* SPDX-License-Identifier: GPL-3.0-or-later
 * The weights and sums of PyTorch's F.interpolate in float32 (pytorch/pytorch v1.13,
 * aten/src/ATen/native/cpu/UpSampleKernel.cpp, align_corners=False), to the bit as its x86 builds with AVX2
 * compute them. Which operations their compiler fuses is nowhere written: it was found by comparing. */
#ifndef CP_PREPROCESS_TORCH_AXIS_H
#define CP_PREPROCESS_TORCH_AXIS_H

#include "preprocess/float_axes.h"

/* antialias=True: _compute_indices_weights_aa, a = -0.5 */
enum cp_status cp_torch_axis_antialias(enum cp_resize_filter filter, size_t length,
                                       const struct cp_span *span, const char *path, struct cp_axis *axis,
                                       struct cp_error *err);
/* antialias=False: HelperInterpCubic, a = -0.75, HelperInterpLinear */
enum cp_status cp_torch_axis_plain(enum cp_resize_filter filter, size_t length, const struct cp_span *span,
                                   const char *path, struct cp_axis *axis, struct cp_error *err);

/* The sum of an output over inputs in[at * stride]. */
float cp_torch_sum_antialias(const struct cp_axis *axis, size_t output, const float *in, size_t stride);
float cp_torch_sum_plain(const struct cp_axis *axis, size_t output, const float *in, size_t stride);

#endif
