/* SPDX-License-Identifier: GPL-3.0-or-later
 * Sizes and offsets, in Python's arithmetic: whole numbers, double divisions, round() to even. */
#include "preprocess/preprocess.h"

#include <limits.h>
#include <math.h>

/* torchvision/transforms/functional.py _compute_resized_output_size: the shorter side is the size, the longer
 * int(size * long / short). */
static void truncated(size_t size, size_t width, size_t height, double *x, double *y) {
    const double shorter = (double)(width <= height ? width : height);
    *x = width <= height ? (double)size : floor((double)(size * width) / shorter);
    *y = width <= height ? floor((double)(size * height) / shorter) : (double)size;
}

/* open_clip's ResizeKeepRatio.get_params: round(side / ratio). */
static void rounded(const struct cp_preprocess *how, size_t width, size_t height, double *x, double *y) {
    const double a = (double)height / (double)how->size, b = (double)width / (double)how->size;
    const double ratio = how->mode == CP_LONGEST ? fmax(a, b) : fmin(a, b);
    *x = nearbyint((double)width / ratio);
    *y = nearbyint((double)height / ratio);
}

/* The same rule with the longer side given. */
static void truncated_longest(size_t size, size_t width, size_t height, double *x, double *y) {
    const double longer = (double)(width >= height ? width : height);
    *x = width >= height ? (double)size : floor((double)(size * width) / longer);
    *y = width >= height ? floor((double)(size * height) / longer) : (double)size;
}

static void resized(const struct cp_preprocess *how, size_t width, size_t height, double *x, double *y) {
    const bool truncates =
        how->long_side == CP_LONG_TRUNCATE || (how->long_side == CP_LONG_AUTO && how->mode == CP_SHORTEST);
    if (how->mode == CP_SQUASH)
        *x = *y = (double)how->size;
    else if (!truncates)
        rounded(how, width, height, x, y);
    else
        (how->mode == CP_LONGEST ? truncated_longest : truncated)(how->size, width, height, x, y);
}

/* center_crop, center_crop_or_pad: what is missing is added (rest // 2 before), what is too much is cut. */
struct cp_span cp_preprocess_span(const struct cp_preprocess *how, size_t length) {
    const size_t size = how->size, rest = length > size ? length - size : size - length;
    if (length <= size)
        return (struct cp_span){length, 0, length, rest / 2};
    const bool odd = rest % 2,
               up = how->crop == CP_CROP_HALF_UP || (how->crop == CP_CROP_HALF_EVEN && rest / 2 % 2);
    return (struct cp_span){length, rest / 2 + (odd && up), size, 0};
}

enum cp_status cp_preprocess_spans(const struct cp_preprocess *how, const struct cp_picture *picture,
                                   const char *path, struct cp_span *x, struct cp_span *y,
                                   struct cp_error *err) {
    double width, height;
    resized(how, picture->width, picture->height, &width, &height);
    if (width < 1 || height < 1 || width > INT_MAX || height > INT_MAX)
        return cp_fail(err, CP_BAD_INPUT, path, "a picture of %zu x %zu becomes %.0f x %.0f", picture->width,
                       picture->height, width, height),
               cp_expected(err, "sides from 1 to %d, as Pillow has them", INT_MAX);
    *x = cp_preprocess_span(how, (size_t)width);
    *y = cp_preprocess_span(how, (size_t)height);
    return CP_OK;
}
