/* SPDX-License-Identifier: GPL-3.0-or-later
 * Pillow 9.4's Image.resize to the bit, in the picture's own mode (src/PIL/Image.py resize,
 * src/libImaging/Resample.c, Geometry.c ImagingScaleAffine). Two passes, horizontal first, each only where
 * its side changes. Bytes: weights of 22 bits, sums in int32, rounded and clipped to a byte after each pass.
 * Mode I: sums in double, rounded away from zero after each pass. Modes 1 and P: the nearest pixel. Alpha:
 * colours premultiplied before, divided after. */
#include "preprocess/convert.h"
#include "preprocess/variants.h"
#include "preprocess/weights.h"

#include <stdlib.h>
#include <string.h>

enum { PRECISION_BITS = 32 - 8 - 2 };

/* A pass over an image of rows x width pixels: `along` pixels apart lie the inputs of one output. */
struct pass {
    const struct cp_weights *weights;
    const int32_t *fixed; /* the weights, times 2^22 and rounded */
    size_t channels;
};

/* ---- bytes ---- */

static uint8_t clip8(int32_t sum) {
    const int32_t value = sum >> PRECISION_BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* normalize_coeffs_8bpc */
static int32_t *fixed_point(const struct cp_weights *w) {
    int32_t *fixed = malloc(w->outputs * w->taps * sizeof *fixed);
    for (size_t i = 0; fixed && i < w->outputs * w->taps; i++)
        fixed[i] = (int32_t)((w->value[i] < 0 ? -0.5 : 0.5) + w->value[i] * (1 << PRECISION_BITS));
    return fixed;
}

/* One row: out (outputs, channels) of in (width, channels). */
static void across_8(const struct pass *p, const void *in, void *out) {
    const size_t channels = p->channels;
    uint8_t *to = out;
    for (size_t o = 0; o < p->weights->outputs; o++)
        for (size_t c = 0; c < channels; c++) {
            const uint8_t *from = (const uint8_t *)in + p->weights->first[o] * channels + c;
            const int32_t *k = p->fixed + o * p->weights->taps;
            int32_t sum = 1 << (PRECISION_BITS - 1);
            for (size_t x = 0; x < p->weights->count[o]; x++)
                sum += from[x * channels] * k[x];
            *to++ = clip8(sum);
        }
}

/* Output row o of `values` values, from rows that begin at in. Sums over rows, so that memory is walked in
 * order; integer sums have one value in any order. */
static void down_8(const struct pass *p, size_t o, const void *in, size_t values, void *out, void *sums) {
    const int32_t *k = p->fixed + o * p->weights->taps;
    int32_t *sum = sums;
    for (size_t i = 0; i < values; i++)
        sum[i] = 1 << (PRECISION_BITS - 1);
    for (size_t y = 0; y < p->weights->count[o]; y++) {
        const uint8_t *row = (const uint8_t *)in + y * values;
        for (size_t i = 0; i < values; i++)
            sum[i] += row[i] * k[y];
    }
    for (size_t i = 0; i < values; i++)
        ((uint8_t *)out)[i] = clip8(sum[i]);
}

/* ---- int32: ImagingResampleHorizontal_32bpc, ImagingResampleVertical_32bpc ---- */

static int32_t round_up(double sum) {
    return (int32_t)(sum >= 0.0 ? sum + 0.5 : sum - 0.5);
}

static void across_32(const struct pass *p, const void *in, void *out) {
    const int32_t *from = in;
    for (size_t o = 0; o < p->weights->outputs; o++) {
        const double *k = p->weights->value + o * p->weights->taps;
        double sum = 0.0;
        for (size_t x = 0; x < p->weights->count[o]; x++)
            sum += from[p->weights->first[o] + x] * k[x];
        ((int32_t *)out)[o] = round_up(sum);
    }
}

static void down_32(const struct pass *p, size_t o, const void *in, size_t values, void *out, void *sums) {
    const double *k = p->weights->value + o * p->weights->taps;
    double *sum = sums;
    memset(sum, 0, values * sizeof *sum);
    for (size_t y = 0; y < p->weights->count[o]; y++)
        for (size_t i = 0; i < values; i++)
            sum[i] += ((const int32_t *)in)[y * values + i] * k[y];
    for (size_t i = 0; i < values; i++)
        ((int32_t *)out)[i] = round_up(sum[i]);
}

/* ---- both passes ---- */

struct kind {
    void (*across)(const struct pass *pass, const void *in, void *out);
    void (*down)(const struct pass *pass, size_t output, const void *in, size_t values, void *out,
                 void *sums);
};
static const struct kind kind_8 = {across_8, down_8}, kind_32 = {across_32, down_32};

struct resampling {
    const struct cp_resize_job *job;
    const struct kind *kind;
    size_t size, channels; /* bytes of a pixel; values of a pixel */
    struct cp_weights across, down;
    int32_t *fixed_across, *fixed_down;
    uint8_t *middle; /* rows [first, end) of the input, as wide as the output */
    void *sums;
    size_t first, end;
};

/* The middle picture: the rows that the second pass takes, cut to the needed columns where the first has
 * nothing to do. */
static void pass_across(struct resampling *r) {
    const struct cp_resize_job *job = r->job;
    const struct pass pass = {&r->across, r->fixed_across, r->channels};
    const size_t row = job->x.count * r->size;
    for (size_t y = r->first; y < r->end; y++) {
        const uint8_t *in = job->from->bytes + y * job->from->width * r->size;
        uint8_t *out = r->middle + (y - r->first) * row;
        if (job->x.length == job->from->width)
            memcpy(out, in + job->x.first * r->size, row);
        else
            r->kind->across(&pass, in, out);
    }
}

static void pass_down(struct resampling *r, uint8_t *to) {
    const struct cp_resize_job *job = r->job;
    const struct pass pass = {&r->down, r->fixed_down, r->channels};
    const size_t row = job->x.count * r->size;
    if (job->y.length == job->from->height) {
        memcpy(to, r->middle, job->y.count * row);
        return;
    }
    for (size_t o = 0; o < job->y.count; o++)
        r->kind->down(&pass, o, r->middle + (r->down.first[o] - r->first) * row, job->x.count * r->channels,
                      to + o * row, r->sums);
}

static enum cp_status prepare(struct resampling *r, struct cp_error *err) {
    const struct cp_resize_job *job = r->job;
    CP_TRY(cp_weights_create(job->from->width, &job->x, job->filter, job->path, &r->across, err));
    CP_TRY(cp_weights_create(job->from->height, &job->y, job->filter, job->path, &r->down, err));
    r->first = job->y.first;
    r->end = job->y.first + job->y.count;
    if (job->y.length != job->from->height)
        cp_weights_reach(&r->down, &r->first, &r->end);
    r->fixed_across = fixed_point(&r->across);
    r->fixed_down = fixed_point(&r->down);
    r->middle = malloc((r->end - r->first) * job->x.count * r->size);
    r->sums = malloc(job->x.count * r->channels * sizeof(double));
    return CP_CHECK_ALLOC(r->fixed_across && r->fixed_down && r->middle && r->sums, err, job->path,
                          "resizing a picture");
}

static enum cp_status resample(const struct cp_resize_job *job, uint8_t *to, struct cp_error *err) {
    const bool wide = job->from->mode == CP_PICTURE_I;
    const size_t size = cp_picture_pixel(job->from->mode);
    struct resampling r = {
        .job = job, .kind = wide ? &kind_32 : &kind_8, .size = size, .channels = wide ? 1 : size};
    const enum cp_status status = prepare(&r, err);
    if (status == CP_OK) {
        pass_across(&r);
        pass_down(&r, to);
    }
    cp_weights_free(&r.across);
    cp_weights_free(&r.down);
    free(r.fixed_across);
    free(r.fixed_down);
    free(r.middle);
    free(r.sums);
    return status;
}

/* ---- the nearest pixel ---- */

/* The inputs that the outputs of a span take; `length` where Pillow finds none, as the position is added up
 * and rounding can carry it past the end. */
static size_t *nearest(size_t length, const struct cp_span *span) {
    const double step = (double)length / (double)span->length;
    size_t *from = calloc(span->count, sizeof *from);
    double at = step * 0.5;
    for (size_t o = 0; from && o < span->first + span->count; o++) {
        if (o >= span->first)
            from[o - span->first] = (size_t)at < length ? (size_t)at : length;
        at += step;
    }
    return from;
}

static void copy_nearest(const struct cp_resize_job *job, const size_t *x, const size_t *y, uint8_t *to) {
    const struct cp_picture *from = job->from;
    for (size_t v = 0; v < job->y.count; v++)
        for (size_t u = 0; u < job->x.count; u++)
            *to++ = x[u] < from->width && y[v] < from->height ? from->bytes[y[v] * from->width + x[u]] : 0;
}

static enum cp_status pick_nearest(const struct cp_resize_job *job, uint8_t *to, struct cp_error *err) {
    const struct cp_picture *from = job->from;
    size_t *x = nearest(from->width, &job->x), *y = nearest(from->height, &job->y);
    const bool allocated = x && y;
    if (allocated)
        copy_nearest(job, x, y, to);
    free(x);
    free(y);
    return CP_CHECK_ALLOC(allocated, err, job->path, "resizing a picture");
}

/* ---- modes ---- */

static enum cp_status resample_premultiplied(const struct cp_resize_job *job, uint8_t *to,
                                             struct cp_error *err) {
    const size_t channels = cp_picture_pixel(job->from->mode);
    const size_t pixels = job->from->width * job->from->height;
    struct cp_picture premultiplied = *job->from;
    struct cp_resize_job own = *job;
    CP_TRY(CP_CHECK_ALLOC(premultiplied.bytes = malloc(pixels * channels), err, job->path,
                          "resizing a picture"));
    memcpy(premultiplied.bytes, job->from->bytes, pixels * channels);
    cp_premultiply(premultiplied.bytes, pixels, channels);
    own.from = &premultiplied;
    const enum cp_status status = resample(&own, to, err);
    free(premultiplied.bytes);
    cp_unpremultiply(to, job->x.count * job->y.count, channels);
    return status;
}

/* A picture that keeps its size is copied: its alpha is not multiplied in and out. */
static enum cp_status resize_own(const struct cp_resize_job *job, uint8_t *to, struct cp_error *err) {
    const enum cp_picture_mode mode = job->from->mode;
    const bool same = job->x.length == job->from->width && job->y.length == job->from->height;
    if (mode == CP_PICTURE_1 || mode == CP_PICTURE_P)
        return pick_nearest(job, to, err);
    if (!same && (mode == CP_PICTURE_LA || mode == CP_PICTURE_RGBA))
        return resample_premultiplied(job, to, err);
    return resample(job, to, err);
}

static enum cp_status apply(const struct cp_resize_job *job, struct cp_error *err) {
    const size_t pixels = job->x.count * job->y.count, size = cp_picture_pixel(job->from->mode);
    uint8_t *own = malloc(pixels * (size + 3));
    CP_TRY(CP_CHECK_ALLOC(own, err, job->path, "a picture"));
    uint8_t *rgb = own + pixels * size;
    const enum cp_status status = resize_own(job, own, err);
    if (status == CP_OK) {
        cp_convert_rgb(job->from, own, pixels, rgb);
        for (size_t i = 0; i < pixels * 3; i++)
            job->rgb[i] = rgb[i];
    }
    free(own);
    return status;
}

const struct cp_resize cp_resize_pillow = {
    .info = {.name = "pillow",
             .imitates = "Pillow 9.4 Image.resize, as torchvision and open_clip call it",
             .formula =
                 "sum of byte * round(2^22 w) per pass, horizontal first, each rounded and clipped to bytes",
             .source = "python-pillow/Pillow src/libImaging/Resample.c",
             .maths = "resample_antialias"},
    .own_mode = true,
    .apply = apply,
};
