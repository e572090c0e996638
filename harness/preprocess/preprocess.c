/* SPDX-License-Identifier: GPL-3.0-or-later */
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

/* The part of the picture that lies in the square, into planes, and the fill around it. */
static void place(const struct cp_preprocess *how, const struct cp_resize_job *job, float *planes) {
    const size_t size = how->size;
    uint8_t fill[3];
    fill_colour(how, job->from, fill);
    for (size_t c = 0; c < 3; c++) {
        const size_t from = how->colours == CP_COLOURS_BGR ? 2 - c : c;
        float *plane = planes + c * size * size;
        for (size_t i = 0; i < size * size; i++)
            plane[i] = fill[from];
        for (size_t y = 0; y < job->y.count; y++)
            for (size_t x = 0; x < job->x.count; x++)
                plane[(job->y.to + y) * size + job->x.to + x] = job->rgb[(y * job->x.count + x) * 3 + from];
    }
}

/* A copy in RGB, for those that know no other mode. */
static enum cp_status to_rgb(const struct cp_picture *picture, const char *path, struct cp_picture *rgb,
                             struct cp_error *err) {
    *rgb = (struct cp_picture){.width = picture->width, .height = picture->height, .mode = CP_PICTURE_RGB};
    CP_TRY(cp_picture_room(rgb, path, err));
    cp_convert_rgb(picture, picture->bytes, picture->width * picture->height, rgb->bytes);
    return CP_OK;
}

static enum cp_status crop(const struct cp_preprocess *how, const struct cp_picture *picture,
                           const char *path, float *planes, struct cp_error *err) {
    struct cp_resize_job job = {.from = picture, .filter = how->filter, .path = path};
    struct cp_picture rgb = {0};
    CP_TRY(cp_preprocess_spans(how, picture, path, &job.x, &job.y, err));
    enum cp_status status = CP_OK;
    if (!how->resize->own_mode) {
        CP_TRY(to_rgb(picture, path, &rgb, err));
        job.from = &rgb;
    }
    job.rgb = malloc(job.x.count * job.y.count * 3 * sizeof *job.rgb);
    if (!job.rgb)
        status = cp_fail(err, CP_INTERNAL, path, "out of memory for a picture");
    else if ((status = how->resize->apply(&job, err)) == CP_OK)
        place(how, &job, planes);
    free(job.rgb);
    cp_picture_free(&rgb);
    return status;
}

enum cp_status cp_preprocess_apply(const struct cp_preprocess *how, struct cp_picture *picture,
                                   const char *path, float *cropped, float *normalized,
                                   struct cp_error *err) {
    const size_t plane = how->size * how->size;
    float *planes = cropped ? cropped : normalized;
    if (how->exif == CP_EXIF_APPLY)
        CP_TRY(cp_picture_orient(picture, path, err));
    CP_TRY(crop(how, picture, path, planes, err));
    for (size_t i = 0; normalized && i < 3 * plane; i++)
        normalized[i] = cp_preprocess_normalize(how, i / plane, planes[i]);
    return CP_OK;
}

bool cp_preprocess_same(const struct cp_preprocess *a, const struct cp_preprocess *b) {
    bool same = a->resize == b->resize && a->mode == b->mode && a->filter == b->filter &&
                a->long_side == b->long_side && a->crop == b->crop && a->rescale == b->rescale &&
                a->normalize == b->normalize && a->colours == b->colours && a->exif == b->exif &&
                a->decode.fast_idct == b->decode.fast_idct &&
                a->decode.plain_upsampling == b->decode.plain_upsampling && a->size == b->size &&
                a->fill == b->fill;
    for (size_t c = 0; c < 3; c++)
        same = same && a->mean[c] == b->mean[c] && a->std[c] == b->std[c];
    return same;
}
