/* SPDX-License-Identifier: GPL-3.0-or-later
 * Pictures in files, decoded to what Pillow 9.4's Image.open(path) holds after load(): PNG (libspng), JPEG
 * (libjpeg-turbo) and WebP (libwebp), recognised by their first bytes. Where Pillow refuses a file it is
 * refused; so is a PNG with a wrong checksum in its pixels, one without a palette or with an index beyond it,
 * and a JPEG of more than 500 scans, which Pillow reads. */
#ifndef CP_PICTURE_PICTURE_H
#define CP_PICTURE_PICTURE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pillow's modes; the ones that its PNG, JPEG and WebP plugins make. */
enum cp_picture_mode {
    CP_PICTURE_1,    /* 0 or 255 */
    CP_PICTURE_L,    /* grey */
    CP_PICTURE_LA,   /* grey, alpha */
    CP_PICTURE_P,    /* index into the palette */
    CP_PICTURE_RGB,  /* 16 bits a channel are cut to their upper 8 */
    CP_PICTURE_RGBA, /* and so is grey with alpha of 16 bits, its grey three times */
    CP_PICTURE_I,    /* int32_t: grey of 16 bits */
    CP_PICTURE_CMYK, /* 0 is no ink: a JPEG's values, inverted */
    CP_PICTURE_MODES
};

/* Beyond this Pillow raises DecompressionBombError: 2 * MAX_IMAGE_PIXELS (PIL/Image.py). */
#ifdef CP_FUZZ_PIXELS
enum { CP_PICTURE_PIXELS = CP_FUZZ_PIXELS };
#else
enum { CP_PICTURE_PIXELS = 2 * (1024 * 1024 * 1024 / 4 / 3) };
#endif

struct cp_picture {
    size_t width, height;
    enum cp_picture_mode mode;
    uint8_t *bytes;           /* (height, width, channels) */
    uint8_t palette[256 * 3]; /* P; entries that the file has not are grey, as in Pillow */
    uint8_t *exif;            /* as the file has it; NULL: none */
    size_t exif_size;
};

/* How a JPEG is decoded; all zero: as Pillow decodes it. */
struct cp_picture_options {
    bool fast_idct;        /* JDCT_IFAST instead of JDCT_ISLOW */
    bool plain_upsampling; /* do_fancy_upsampling = FALSE */
};

/* Bytes of one pixel. */
size_t cp_picture_pixel(enum cp_picture_mode mode);
extern const char *const cp_picture_mode_names[CP_PICTURE_MODES];

/* Whether the first bytes of a file are a format's; CP_PICTURE_MAGIC bytes decide. */
enum { CP_PICTURE_MAGIC = 16 };
bool cp_picture_is_known(const uint8_t *bytes, size_t size);

/* Reads a picture; path is the name for errors where bytes are given. Release with cp_picture_free; after a
 * failure there is nothing to release. */
enum cp_status cp_picture_read(const char *path, const struct cp_picture_options *options,
                               struct cp_picture *picture, struct cp_error *err);
enum cp_status cp_picture_decode(const uint8_t *bytes, size_t size, const char *path,
                                 const struct cp_picture_options *options, struct cp_picture *picture,
                                 struct cp_error *err);
void cp_picture_free(struct cp_picture *picture);
/* Makes room for a picture's pixels, cleared; its size and mode are set. */
enum cp_status cp_picture_alloc(struct cp_picture *picture, const char *path, struct cp_error *err);

/* Turns the picture as its EXIF orientation says (ImageOps.exif_transpose). Without EXIF or orientation it
 * stays; malformed EXIF is an error. */
enum cp_status cp_picture_orient(struct cp_picture *picture, const char *path, struct cp_error *err);

#endif
