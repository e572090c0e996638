/* SPDX-License-Identifier: GPL-3.0-or-later
 * From a picture to the tensor that a vision tower takes, as open_clip's image_transform does it
 * (src/open_clip/transform.py): resize, centre crop or pad, RGB, / 255, (x - mean) / std. Resizing and
 * cropping come before the conversion to RGB, in the picture's own mode. Every step has variants: how other
 * systems do it. */
#ifndef CP_PREPROCESS_PREPROCESS_H
#define CP_PREPROCESS_PREPROCESS_H

#include "config/clip_config.h"
#include "ops/ops.h"
#include "picture/picture.h"

/* The side that is not given. AUTO is open_clip's: truncated where SHORTEST (torchvision Resize), else
 * rounded (ResizeKeepRatio). */
enum cp_long_side { CP_LONG_AUTO, CP_LONG_TRUNCATE, CP_LONG_ROUND };
/* The offset of an odd rest: torchvision's round(), its older int(x + 0.5), Hugging Face's // 2. */
enum cp_crop_offset { CP_CROP_HALF_EVEN, CP_CROP_HALF_UP, CP_CROP_FLOOR };
enum cp_rescale { CP_RESCALE_DIVIDE, CP_RESCALE_RECIPROCAL };
enum cp_normalize { CP_NORMALIZE_TWO_STEPS, CP_NORMALIZE_FUSED };
enum cp_colours { CP_COLOURS_RGB, CP_COLOURS_BGR };
enum cp_exif { CP_EXIF_IGNORE, CP_EXIF_APPLY };

struct cp_preprocess {
    const struct cp_resize *resize;
    enum cp_resize_mode mode;
    enum cp_resize_filter filter;
    enum cp_long_side long_side;
    enum cp_crop_offset crop;
    enum cp_rescale rescale;
    enum cp_normalize normalize;
    enum cp_colours colours;
    enum cp_exif exif;
    struct cp_picture_options decode;
    size_t size;            /* the model's */
    uint8_t fill;           /* of what is padded, in every channel of the picture's own mode */
    double mean[3], std[3]; /* of the planes in the order in which the model gets them */
};

/* One axis of the resized picture, and the part of it that is needed. */
struct cp_span {
    size_t length; /* resized */
    size_t first, count;
    size_t to; /* where the part lies in the model's square */
};

struct cp_resize_job {
    const struct cp_picture *from;
    struct cp_span x, y;
    enum cp_resize_filter filter;
    const char *path;
    float *rgb; /* (y.count, x.count, 3), 0 to 255 */
};

/* A variant. Each gives whole numbers, unless it says otherwise. */
struct cp_resize {
    struct cp_variant info;
    const char *
        bilinear_maths; /* id of the bilinear filter's ideal function where it is another; NULL: info.maths */
    bool own_mode;      /* takes the picture in its own mode; the others take RGB */
    enum cp_status (*apply)(const struct cp_resize_job *job, struct cp_error *err);
};

/* NULL-terminated; the order is the variant's index. */
extern const struct cp_resize *const cp_resizes[];

/* The spans of both axes. Refused: a side that becomes 0, as in Pillow, or that no int holds. */
enum cp_status cp_preprocess_spans(const struct cp_preprocess *how, const struct cp_picture *picture,
                                   const char *path, struct cp_span *x, struct cp_span *y,
                                   struct cp_error *err);

/* One picture: cropped (3, size, size) in 0 to 255, normalized the same, either NULL if not wanted. The
 * picture is turned where EXIF is applied. path is for errors. */
enum cp_status cp_preprocess_apply(const struct cp_preprocess *how, struct cp_picture *picture,
                                   const char *path, float *cropped, float *normalized, struct cp_error *err);

/* ---- the same step by step, for what observes them ---- */

/* Values (3, height, width), RGB, 0 to 255. Release with cp_pixels_free. */
struct cp_pixels {
    size_t height, width;
    float *values; /* NULL: more than CP_PIXELS_MAX pixels, which are not laid out */
};
/* 200 MB of values: a picture of 16.7 megapixels, or one of 224 at its shorter side that is 334 times as
 * long. */
enum { CP_PIXELS_MAX = 1 << 24 };
void cp_pixels_free(struct cp_pixels *pixels);

/* The picture as EXIF says, where that is applied; once for a picture. */
enum cp_status cp_preprocess_turn(const struct cp_preprocess *how, struct cp_picture *picture,
                                  const char *path, struct cp_error *err);
/* Of a picture that is turned: what convert('RGB') gives; resized, whole. */
enum cp_status cp_preprocess_decoded(const struct cp_picture *picture, const char *path,
                                     struct cp_pixels *decoded, struct cp_error *err);
enum cp_status cp_preprocess_resized(const struct cp_preprocess *how, const struct cp_picture *picture,
                                     const char *path, struct cp_pixels *resized, struct cp_error *err);
/* cropped (3, size, size), planes in the model's order: of the picture; or cut from what was resized, the
 * same bits where cp_preprocess_resized did it with the same settings. */
enum cp_status cp_preprocess_cropped(const struct cp_preprocess *how, const struct cp_picture *picture,
                                     const char *path, float *cropped, struct cp_error *err);
void cp_preprocess_cut(const struct cp_preprocess *how, const struct cp_picture *picture,
                       const struct cp_pixels *resized, float *cropped);
/* normalized == cropped is allowed. */
void cp_preprocess_normalized(const struct cp_preprocess *how, const float *cropped, float *normalized);
/* Whether both decode every file alike, as they are set the same. */
bool cp_preprocess_same_decoding(const struct cp_preprocess *a, const struct cp_preprocess *b);

/* ---- settings ---- */

/* The part of an axis of that length that the model gets. */
struct cp_span cp_preprocess_span(const struct cp_preprocess *how, size_t length);
/* Whether both make the same of every picture, as they are set the same. */
bool cp_preprocess_same(const struct cp_preprocess *a, const struct cp_preprocess *b);
/* A value of 0 to 255 of plane c. */
float cp_preprocess_normalize(const struct cp_preprocess *how, size_t c, float value);

#endif
