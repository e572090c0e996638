/* SPDX-License-Identifier: GPL-3.0-or-later
 * Puts the steps in order, and exposes each of them alone for what observes pictures on their way. */
#include "preprocess/preprocess.h"

#include "preprocess/convert.h"

#include <stdlib.h>

float cp_preprocess_normalize(const struct cp_preprocess *how, size_t c, float value) {
    const float mean = (float)how->mean[c], std = (float)how->std[c];
    const float x = how->rescale == CP_RESCALE_DIVIDE ? value / 255.0f : value * (1.0f / 255.0f);
    if (how->normalize ==
        CP_NORMALIZE_FUSED) /* x * scale + shift, as a batch norm folded into one affine map */
        return x * (1.0f / std) - mean / std;
    return (x - mean) / std; /* two roundings: sub_, then div_ (torchvision functional_tensor.py normalize) */
}

/* The colour of a padded pixel: of the fill in every channel of the picture's own mode, or of RGB. */
static void fill_colour(const struct cp_preprocess *how, const struct cp_picture *picture, uint8_t rgb[3]) {
    uint8_t pixel[4] = {how->fill, how->fill, how->fill, how->fill};
    if (!how->resize->own_mode || picture->mode == CP_PICTURE_I)
        rgb[0] = rgb[1] = rgb[2] = how->fill;
    else
        cp_convert_rgb(picture, pixel, 1, rgb);
}

/* A part of a resized picture: value (c, y, x) is at values[c * plane + y * row + x * step]. */
struct part {
    const float *values;
    size_t plane, row, step;
    struct cp_span x, y;
};

/* The part of the picture that lies in the square, into planes, and the fill around it. */
static void place(const struct cp_preprocess *how, const struct cp_picture *picture, const struct part *part,
                  float *planes) {
    const size_t size = how->size;
    uint8_t fill[3];
    fill_colour(how, picture, fill);
    for (size_t c = 0; c < 3; c++) {
        const size_t from = how->colours == CP_COLOURS_BGR ? 2 - c : c;
        float *plane = planes + c * size * size;
        for (size_t i = 0; i < size * size; i++)
            plane[i] = fill[from];
        for (size_t y = 0; y < part->y.count; y++)
            for (size_t x = 0; x < part->x.count; x++)
                plane[(part->y.to + y) * size + part->x.to + x] =
                    part->values[from * part->plane + y * part->row + x * part->step];
    }
}

/* A copy in RGB, for those that know no other mode. */
static enum cp_status to_rgb(const struct cp_picture *picture, const char *path, struct cp_picture *rgb,
                             struct cp_error *err) {
    *rgb = (struct cp_picture){.width = picture->width, .height = picture->height, .mode = CP_PICTURE_RGB};
    CP_TRY(cp_picture_alloc(rgb, path, err));
    cp_convert_rgb(picture, picture->bytes, picture->width * picture->height, rgb->bytes);
    return CP_OK;
}

/* The spans x and y of the resized picture: rgb (y.count, x.count, 3), to be freed. */
static enum cp_status resize(const struct cp_preprocess *how, const struct cp_picture *picture,
                             const char *path, struct cp_span x, struct cp_span y, float **rgb,
                             struct cp_error *err) {
    struct cp_resize_job job = {.from = picture, .x = x, .y = y, .filter = how->filter, .path = path};
    struct cp_picture copy = {0};
    *rgb = NULL;
    if (!how->resize->own_mode) {
        CP_TRY(to_rgb(picture, path, &copy, err));
        job.from = &copy;
    }
    job.rgb = malloc(x.count * y.count * 3 * sizeof *job.rgb);
    const enum cp_status status =
        job.rgb ? how->resize->apply(&job, err) : cp_no_memory(err, path, "a picture");
    cp_picture_free(&copy);
    if (status == CP_OK)
        *rgb = job.rgb;
    else
        free(job.rgb);
    return status;
}

enum cp_status cp_preprocess_cropped(const struct cp_preprocess *how, const struct cp_picture *picture,
                                     const char *path, float *cropped, struct cp_error *err) {
    struct part part = {.plane = 1, .step = 3};
    float *rgb;
    CP_TRY(cp_preprocess_spans(how, picture, path, &part.x, &part.y, err));
    CP_TRY(resize(how, picture, path, part.x, part.y, &rgb, err));
    part.values = rgb;
    part.row = 3 * part.x.count;
    place(how, picture, &part, cropped);
    free(rgb);
    return CP_OK;
}

void cp_preprocess_cut(const struct cp_preprocess *how, const struct cp_picture *picture,
                       const struct cp_pixels *resized, float *cropped) {
    struct part part = {.plane = resized->height * resized->width,
                        .row = resized->width,
                        .step = 1,
                        .x = cp_preprocess_span(how, resized->width),
                        .y = cp_preprocess_span(how, resized->height)};
    part.values = resized->values + part.y.first * part.row + part.x.first;
    place(how, picture, &part, cropped);
}

void cp_preprocess_normalized(const struct cp_preprocess *how, const float *cropped, float *normalized) {
    const size_t plane = how->size * how->size;
    for (size_t i = 0; i < 3 * plane; i++)
        normalized[i] = cp_preprocess_normalize(how, i / plane, cropped[i]);
}

enum cp_status cp_preprocess_turn(const struct cp_preprocess *how, struct cp_picture *picture,
                                  const char *path, struct cp_error *err) {
    return how->exif == CP_EXIF_APPLY ? cp_picture_orient(picture, path, err) : CP_OK;
}

enum cp_status cp_preprocess_apply(const struct cp_preprocess *how, struct cp_picture *picture,
                                   const char *path, float *cropped, float *normalized,
                                   struct cp_error *err) {
    float *planes = cropped ? cropped : normalized;
    CP_TRY(cp_preprocess_turn(how, picture, path, err));
    CP_TRY(cp_preprocess_cropped(how, picture, path, planes, err));
    if (normalized)
        cp_preprocess_normalized(how, planes, normalized);
    return CP_OK;
}

/* ---- whole pictures, for what observes the steps ---- */

void cp_pixels_free(struct cp_pixels *pixels) {
    free(pixels->values);
    pixels->values = NULL;
}

/* Room for values, unless they are too many. */
static enum cp_status allocate(struct cp_pixels *pixels, size_t height, size_t width, const char *path,
                               struct cp_error *err) {
    *pixels = (struct cp_pixels){.height = height, .width = width};
    if (height > CP_PIXELS_MAX / width)
        return CP_OK;
    pixels->values = malloc(3 * height * width * sizeof *pixels->values);
    return CP_CHECK_ALLOC(pixels->values, err, path, "a picture");
}

enum cp_status cp_preprocess_decoded(const struct cp_picture *picture, const char *path,
                                     struct cp_pixels *decoded, struct cp_error *err) {
    const size_t plane = picture->height * picture->width;
    struct cp_picture rgb;
    CP_TRY(allocate(decoded, picture->height, picture->width, path, err));
    if (!decoded->values)
        return CP_OK;
    if (to_rgb(picture, path, &rgb, err) != CP_OK)
        return cp_pixels_free(decoded), err->status;
    for (size_t i = 0; i < 3 * plane; i++)
        decoded->values[i % 3 * plane + i / 3] = rgb.bytes[i];
    cp_picture_free(&rgb);
    return CP_OK;
}

enum cp_status cp_preprocess_resized(const struct cp_preprocess *how, const struct cp_picture *picture,
                                     const char *path, struct cp_pixels *resized, struct cp_error *err) {
    struct cp_span x, y;
    float *rgb;
    CP_TRY(cp_preprocess_spans(how, picture, path, &x, &y, err));
    CP_TRY(allocate(resized, y.length, x.length, path, err));
    if (!resized->values)
        return CP_OK;
    const size_t plane = y.length * x.length;
    x = (struct cp_span){.length = x.length, .count = x.length};
    y = (struct cp_span){.length = y.length, .count = y.length};
    if (resize(how, picture, path, x, y, &rgb, err) != CP_OK)
        return cp_pixels_free(resized), err->status;
    for (size_t i = 0; i < 3 * plane; i++)
        resized->values[i % 3 * plane + i / 3] = rgb[i];
    free(rgb);
    return CP_OK;
}

/* ---- settings ---- */

bool cp_preprocess_same_decoding(const struct cp_preprocess *a, const struct cp_preprocess *b) {
    return a->exif == b->exif && a->decode.fast_idct == b->decode.fast_idct &&
           a->decode.plain_upsampling == b->decode.plain_upsampling;
}

bool cp_preprocess_same(const struct cp_preprocess *a, const struct cp_preprocess *b) {
    bool same = a->resize == b->resize && a->mode == b->mode && a->filter == b->filter &&
                a->long_side == b->long_side && a->crop == b->crop && a->rescale == b->rescale &&
                a->normalize == b->normalize && a->colours == b->colours &&
                cp_preprocess_same_decoding(a, b) && a->size == b->size && a->fill == b->fill;
    for (size_t c = 0; c < 3; c++)
        same = same && a->mean[c] == b->mean[c] && a->std[c] == b->std[c];
    return same;
}
