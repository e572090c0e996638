/* SPDX-License-Identifier: GPL-3.0-or-later
 * The decoder of each format; cp_picture_decode chooses. A picture is filled step by step, and what it holds
 * after a failure is released by the caller. */
#ifndef CP_PICTURE_DECODE_H
#define CP_PICTURE_DECODE_H

#include "picture/picture.h"

struct cp_picture_source {
    const uint8_t *bytes;
    size_t size;
    const char *path;
    const struct cp_picture_options *options;
    struct cp_picture *to;
    struct cp_error *err;
};

enum cp_status cp_picture_png(const struct cp_picture_source *source);
enum cp_status cp_picture_jpeg(const struct cp_picture_source *source);
enum cp_status cp_picture_webp(const struct cp_picture_source *source);

/* Sets size and mode, and makes the room, unless there are too many pixels or none. */
enum cp_status cp_picture_start(const struct cp_picture_source *source, size_t width, size_t height,
                                enum cp_picture_mode mode);
/* Keeps a copy of the file's EXIF. */
enum cp_status cp_picture_keep_exif(const struct cp_picture_source *source, const void *exif, size_t size);

#endif
