/* SPDX-License-Identifier: GPL-3.0-or-later
 * Averages normalised pixels over boxes, turns them back into bytes, and stores them with the patch grid. */
#include "inputs/thumbnail.h"

#include "config/tower_shape.h"
#include "result/schema.h"

#include <math.h>
#include <stdlib.h>

static size_t side_of(const struct cp_clip_config *config) {
    const size_t size = (size_t)config->vision.image_size;
    return size < CP_THUMBNAIL_SIDE ? size : CP_THUMBNAIL_SIDE;
}

/* Rows and columns [bounds[0], bounds[1]) x [bounds[2], bounds[3]) of one colour; NaN counts as black. */
static uint8_t box(const float *plane, size_t size, const size_t bounds[4], double mean, double std) {
    double sum = 0;
    for (size_t y = bounds[0]; y < bounds[1]; y++)
        for (size_t x = bounds[2]; x < bounds[3]; x++) {
            const double value = (double)plane[y * size + x] * std + mean;
            sum += value > 1 ? 1 : value > 0 ? value : 0;
        }
    return (uint8_t)lround(255 * sum / (double)((bounds[1] - bounds[0]) * (bounds[3] - bounds[2])));
}

void cp_thumbnail(const struct cp_clip_config *config, const float *pixels, uint8_t *rgb) {
    const size_t size = (size_t)config->vision.image_size, side = side_of(config);
    for (size_t y = 0; y < side; y++)
        for (size_t x = 0; x < side; x++)
            for (size_t c = 0; c < 3; c++) {
                const size_t bounds[4] = {y * size / side, (y + 1) * size / side, x * size / side,
                                          (x + 1) * size / side};
                rgb[(y * side + x) * 3 + c] =
                    box(pixels + c * size * size, size, bounds, config->mean[c], config->std[c]);
            }
}

static size_t pictured(size_t images) {
    return images < CP_THUMBNAILS ? images : CP_THUMBNAILS;
}

enum cp_status cp_thumbnails_define(struct cp_result *result, const struct cp_run_inputs *in,
                                    const struct cp_clip_config *config, int *handle, struct cp_error *err) {
    const size_t side = side_of(config);
    const int32_t patches = (int32_t)cp_tower_shape(config, CP_VISUAL).grid;
    const struct cp_dim dims[] = {{.length = pictured(in->images), .labels = in->image_names},
                                  {.length = side},
                                  {.length = side},
                                  {.length = 3}};
    int written;
    if (in->images == 0)
        return CP_OK;
    CP_TRY(cp_schema_define(result, CP_SCHEMA_PATCH_GRID, NULL, NULL, &written, err));
    CP_TRY(cp_result_write(result, written, 0, 1, &patches, err));
    return cp_schema_define(result, CP_SCHEMA_THUMBNAIL, NULL, dims, handle, err);
}

enum cp_status cp_thumbnails_write(struct cp_result *result, int handle, const struct cp_clip_config *config,
                                   size_t first, size_t count, const float *pixels, struct cp_error *err) {
    const size_t size = (size_t)config->vision.image_size, row = side_of(config) * side_of(config) * 3;
    if (first >= CP_THUMBNAILS)
        return CP_OK;
    count = pictured(first + count) - first;
    uint8_t *rgb = malloc(count * row);
    CP_TRY(CP_CHECK_ALLOC(rgb, err, "", "thumbnails"));
    for (size_t i = 0; i < count; i++)
        cp_thumbnail(config, pixels + i * 3 * size * size, rgb + i * row);
    const enum cp_status status = cp_result_write(result, handle, first, count, rgb, err);
    free(rgb);
    return status;
}
