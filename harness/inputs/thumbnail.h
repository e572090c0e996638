/* SPDX-License-Identifier: GPL-3.0-or-later
 * Small pictures of the first images of a run, so that a report can show what was decided about and where on
 * it the divergence is. They are made from the pixels that the model gets. */
#ifndef CP_INPUTS_THUMBNAIL_H
#define CP_INPUTS_THUMBNAIL_H

#include "config/clip_config.h"
#include "inputs/inputs.h"
#include "result/file.h"

enum { CP_THUMBNAILS = 1000, CP_THUMBNAIL_SIDE = 64 };

/* One image: normalised pixels (3, size, size) to rgb (side, side, 3), side = min(size, CP_THUMBNAIL_SIDE).
 * pixel * std + mean, clamped to [0, 1], each output pixel the mean of its box (summed in double, row by
 * row), rounded to the nearest of 256 levels. */
void cp_thumbnail(const struct cp_clip_config *config, const float *pixels, uint8_t *rgb);

/* Defines /inputs/thumbnail (first_image, y, x, colour) and writes /inputs/patch_grid, the patches along a
 * side; nothing where there are no images. */
enum cp_status cp_thumbnails_define(struct cp_result *result, const struct cp_run_inputs *inputs,
                                    const struct cp_clip_config *config, int *handle, struct cp_error *err);
/* Of the images [first, first + count), whose pixels (count, 3, size, size) are given, those that get one. */
enum cp_status cp_thumbnails_write(struct cp_result *result, int handle, const struct cp_clip_config *config,
                                   size_t first, size_t count, const float *pixels, struct cp_error *err);

#endif
