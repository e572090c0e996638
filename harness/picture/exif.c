/* SPDX-License-Identifier: GPL-3.0-or-later
 * The orientation in EXIF, a TIFF header and its first directory (EXIF 2.3, 4.6.4), applied as
 * ImageOps.exif_transpose does. */
#include "picture/picture.h"

#include <stdlib.h>
#include <string.h>

enum { ORIENTATION = 0x0112, ENTRY = 12, TYPE_SHORT = 3 };

struct tiff {
    const uint8_t *bytes;
    size_t size;
    bool big_endian;
};

static unsigned get16(const struct tiff *t, size_t at) {
    const unsigned a = t->bytes[at], b = t->bytes[at + 1];
    return t->big_endian ? a << 8 | b : b << 8 | a;
}

static size_t get32(const struct tiff *t, size_t at) {
    const size_t a = get16(t, at), b = get16(t, at + 2);
    return t->big_endian ? a << 16 | b : b << 16 | a;
}

static enum cp_status malformed(const char *path, const char *what, struct cp_error *err) {
    return cp_fail(err, CP_BAD_INPUT, path, "malformed EXIF: %s", what),
           cp_expected(err, "a TIFF header and a directory, or preprocess.exif: ignore");
}

/* 0: it has none. */
static enum cp_status find_orientation(const struct tiff *t, const char *path, unsigned *orientation,
                                       struct cp_error *err) {
    *orientation = 0;
    const size_t directory = get32(t, 4);
    if (directory < 8 || directory > t->size - 2)
        return malformed(path, "its directory lies outside", err);
    const size_t entries = get16(t, directory);
    if (entries * ENTRY > t->size - directory - 2)
        return malformed(path, "its directory is cut", err);
    for (size_t e = 0; e < entries; e++) {
        const size_t at = directory + 2 + e * ENTRY;
        if (get16(t, at) != ORIENTATION)
            continue;
        if (get16(t, at + 2) != TYPE_SHORT || get32(t, at + 4) != 1)
            return malformed(path, "its orientation is not a number", err);
        *orientation = get16(t, at + 8);
    }
    return CP_OK;
}

/* Where pixel (x, y) of the turned picture comes from: swap the axes first, then mirror the source's. */
static const struct turn {
    bool swap, mirror_x, mirror_y;
} turns[9] = {
    [2] = {false, true, false}, [3] = {false, true, true}, [4] = {false, false, true},
    [5] = {true, false, false}, [6] = {true, false, true}, [7] = {true, true, true},
    [8] = {true, true, false},
};

static enum cp_status turn(struct cp_picture *picture, struct turn how, const char *path,
                           struct cp_error *err) {
    const size_t width = picture->width, height = picture->height, size = cp_picture_pixel(picture->mode);
    struct cp_picture turned = *picture;
    turned.width = how.swap ? height : width;
    turned.height = how.swap ? width : height;
    CP_TRY(cp_picture_alloc(&turned, path, err));
    for (size_t y = 0; y < turned.height; y++)
        for (size_t x = 0; x < turned.width; x++) {
            const size_t u = how.swap ? y : x, v = how.swap ? x : y;
            const size_t from =
                (how.mirror_y ? height - 1 - v : v) * width + (how.mirror_x ? width - 1 - u : u);
            memcpy(turned.bytes + (y * turned.width + x) * size, picture->bytes + from * size, size);
        }
    free(picture->bytes);
    *picture = turned;
    return CP_OK;
}

enum cp_status cp_picture_orient(struct cp_picture *picture, const char *path, struct cp_error *err) {
    struct tiff t = {picture->exif, picture->exif_size, false};
    unsigned orientation;
    if (!t.bytes)
        return CP_OK;
    if (t.size > 6 && memcmp(t.bytes, "Exif\0", 6) == 0) /* some writers keep JPEG's prefix in PNG and WebP */
        t = (struct tiff){t.bytes + 6, t.size - 6, false};
    if (t.size < 10 || (memcmp(t.bytes, "II*\0", 4) != 0 && memcmp(t.bytes, "MM\0*", 4) != 0))
        return malformed(path, "no TIFF header", err);
    t.big_endian = t.bytes[0] == 'M';
    CP_TRY(find_orientation(&t, path, &orientation, err));
    if (orientation < 2 || orientation > 8)
        return CP_OK; /* Pillow's table has no other */
    return turn(picture, turns[orientation], path, err);
}
