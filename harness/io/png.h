/* SPDX-License-Identifier: GPL-3.0-or-later
 * PNG images (W3C PNG, second edition) as 8-bit RGB: the values of Pillow's Image.open(path).convert('RGB').
 *
 * Greyscale is replicated, a palette applied, alpha dropped without compositing, gamma and colour profiles
 * ignored; an animation gives the image in IDAT. Refused: 16-bit samples and greyscale below 8 bits (Pillow
 * reads those into other modes), and every CRC error. */
#ifndef CP_IO_PNG_H
#define CP_IO_PNG_H

#include "base/arena.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Limits: pixels of an image; bytes of a file; bytes of one ancillary chunk, expanded. */
enum { CP_PNG_PIXELS = 1 << 25, CP_PNG_FILE = 1 << 27, CP_PNG_CHUNK = 1 << 20 };

struct cp_image {
    size_t width, height;
    uint8_t *rgb; /* (height, width, 3) */
};

/* Width and height from the header; no pixel is decoded and rgb is NULL. */
enum cp_status cp_png_size(const char *path, struct cp_image *image, struct cp_error *err);
/* rgb lies in the arena. */
enum cp_status cp_png_load(const char *path, struct cp_arena *arena, struct cp_image *image,
                           struct cp_error *err);

#endif
