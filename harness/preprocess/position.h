/* SPDX-License-Identifier: GPL-3.0-or-later
 * Position embeddings of a square grid of patches, resized to another grid: the image tower of a checkpoint
 * for pictures of another size. */
#ifndef CP_PREPROCESS_POSITION_H
#define CP_PREPROCESS_POSITION_H

#include "preprocess/float_axes.h"

struct cp_position {
    struct cp_variant info;
    enum cp_status (*axis)(enum cp_resize_filter filter, size_t length, const struct cp_span *span,
                           const char *path, struct cp_axis *axis, struct cp_error *err);
    float (*sum)(const struct cp_axis *axis, size_t output, const float *in, size_t stride);
};

enum { CP_POSITIONS = 2 };
extern const struct cp_position cp_positions[CP_POSITIONS]; /* open_clip's first */

/* table: (1 + from * from, width), whose row 0, the class token's, stays; out: (1 + to * to, width), not
 * overlapping it. In float32, bicubic, across and then down. */
enum cp_status cp_position_resize(const struct cp_position *how, const float *table, size_t from, size_t to,
                                  size_t width, float *out, struct cp_error *err);

#endif
