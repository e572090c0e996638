/* SPDX-License-Identifier: GPL-3.0-or-later
 * PNG as Pillow unpacks it (src/PIL/PngImagePlugin.py _MODES, src/libImaging/Unpack.c). The image in IDAT is
 * read: of an animation that is the first frame, or the picture that stands in for it. Gamma, colour profiles
 * and tRNS are ignored, as they are by convert('RGB'). */
#include "picture/decode.h"

#include <spng.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_MAX = 1 << 20 }; /* bytes of texts and colour profiles, expanded: Pillow's MAX_TEXT_CHUNK */

static enum cp_status damaged(const struct cp_picture_source *s, int code) {
    return cp_fail(s->err, code == SPNG_EMEM ? CP_INTERNAL : CP_BAD_INPUT, s->path, "damaged PNG: %s",
                   spng_strerror(code)),
           code == SPNG_ECHUNK_LIMITS
               ? cp_expected(s->err, "at most %d bytes of texts and profiles", CHUNK_MAX)
               : cp_expected(s->err, "a complete PNG, every checksum right");
}

/* ---- rows of the file to pixels ---- */

/* Samples below 8 bits, the first in the high bits of its byte. */
static unsigned sample(const uint8_t *row, size_t x, unsigned depth) {
    const size_t bit = x * depth;
    return (row[bit / 8] >> (8 - depth - bit % 8)) & ((1u << depth) - 1);
}

/* Grey is scaled to 255, an index is not. */
static void unpack_bits(const struct spng_ihdr *h, const uint8_t *row, uint8_t *to) {
    const unsigned factor = h->color_type == SPNG_COLOR_TYPE_INDEXED ? 1 : 255 / ((1u << h->bit_depth) - 1);
    for (size_t x = 0; x < h->width; x++)
        to[x] = (uint8_t)(sample(row, x, h->bit_depth) * factor);
}

static void unpack_grey_16(const struct spng_ihdr *h, const uint8_t *row, uint8_t *to) {
    for (size_t x = 0; x < h->width; x++) {
        const int32_t value = row[2 * x] << 8 | row[2 * x + 1];
        memcpy(to + x * sizeof value, &value, sizeof value);
    }
}

static void unpack_la_16(const struct spng_ihdr *h, const uint8_t *row, uint8_t *to) {
    for (size_t x = 0; x < h->width; x++, to += 4) {
        to[0] = to[1] = to[2] = row[4 * x];
        to[3] = row[4 * x + 2];
    }
}

static void unpack_upper_bytes(const struct spng_ihdr *h, const uint8_t *row, uint8_t *to) {
    const size_t channels = h->color_type == SPNG_COLOR_TYPE_TRUECOLOR ? 3 : 4;
    for (size_t i = 0; i < h->width * channels; i++)
        to[i] = row[2 * i];
}

/* The first row that fits; max_depth 8 without a function: the file's bytes are the pixels. */
static const struct layout {
    uint8_t color_type, max_depth;
    enum cp_picture_mode mode;
    void (*unpack)(const struct spng_ihdr *header, const uint8_t *row, uint8_t *to);
} layouts[] = {
    {SPNG_COLOR_TYPE_GRAYSCALE, 1, CP_PICTURE_1, unpack_bits},
    {SPNG_COLOR_TYPE_GRAYSCALE, 4, CP_PICTURE_L, unpack_bits},
    {SPNG_COLOR_TYPE_GRAYSCALE, 8, CP_PICTURE_L, NULL},
    {SPNG_COLOR_TYPE_GRAYSCALE, 16, CP_PICTURE_I, unpack_grey_16},
    {SPNG_COLOR_TYPE_TRUECOLOR, 8, CP_PICTURE_RGB, NULL},
    {SPNG_COLOR_TYPE_TRUECOLOR, 16, CP_PICTURE_RGB, unpack_upper_bytes},
    {SPNG_COLOR_TYPE_INDEXED, 4, CP_PICTURE_P, unpack_bits},
    {SPNG_COLOR_TYPE_INDEXED, 8, CP_PICTURE_P, NULL},
    {SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, 8, CP_PICTURE_LA, NULL},
    {SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, 16, CP_PICTURE_RGBA, unpack_la_16},
    {SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 8, CP_PICTURE_RGBA, NULL},
    {SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 16, CP_PICTURE_RGBA, unpack_upper_bytes},
};

/* libspng has refused every other combination. */
static const struct layout *layout_of(const struct spng_ihdr *h) {
    size_t i = 0;
    while (layouts[i].color_type != h->color_type || layouts[i].max_depth < h->bit_depth)
        i++;
    return &layouts[i];
}

/* ---- the palette ---- */

static enum cp_status check_indices(const struct cp_picture_source *s, uint32_t entries) {
    const struct cp_picture *to = s->to;
    for (size_t i = 0; i < to->width * to->height; i++)
        if (to->bytes[i] >= entries)
            return cp_fail(s->err, CP_BAD_INPUT, s->path, "pixel (%zu, %zu) has palette index %u",
                           i % to->width, i / to->width, to->bytes[i]),
                   cp_expected(s->err, "0 to %u, the palette's entries", entries - 1);
    return CP_OK;
}

/* Pillow takes an index beyond the palette as grey, libspng as black: it is refused. */
static enum cp_status read_palette(const struct cp_picture_source *s, spng_ctx *png) {
    struct spng_plte palette;
    const int code = spng_get_plte(png, &palette);
    if (code)
        return damaged(s, code);
    for (size_t i = 0; i < 256; i++) {
        const struct spng_plte_entry grey = {(uint8_t)i, (uint8_t)i, (uint8_t)i, 0};
        const struct spng_plte_entry e = i < palette.n_entries ? palette.entries[i] : grey;
        memcpy(s->to->palette + 3 * i, (const uint8_t[3]){e.red, e.green, e.blue}, 3);
    }
    return check_indices(s, palette.n_entries);
}

/* ---- the file ---- */

static enum cp_status unpack(const struct cp_picture_source *s, spng_ctx *png, const struct spng_ihdr *h) {
    const struct layout *layout = layout_of(h);
    const size_t row = h->width * cp_picture_pixel(layout->mode);
    size_t size = 0;
    int code = spng_decoded_image_size(png, SPNG_FMT_RAW, &size);
    if (code)
        return damaged(s, code);
    if (!layout->unpack)
        return code = spng_decode_image(png, s->to->bytes, size, SPNG_FMT_RAW, 0),
               code ? damaged(s, code) : CP_OK;
    uint8_t *raw = calloc(1, size); /* the decoder only adds bits where pixels are interlaced */
    if (!raw)
        return damaged(s, SPNG_EMEM);
    code = spng_decode_image(png, raw, size, SPNG_FMT_RAW, 0);
    for (size_t y = 0; y < h->height && !code; y++)
        layout->unpack(h, raw + y * (size / h->height), s->to->bytes + y * row);
    free(raw);
    return code ? damaged(s, code) : CP_OK;
}

static enum cp_status decode(const struct cp_picture_source *s, spng_ctx *png) {
    struct spng_ihdr header;
    struct spng_exif exif;
    int code = spng_set_crc_action(png, SPNG_CRC_ERROR, SPNG_CRC_ERROR);
    code = code ? code : spng_set_chunk_limits(png, CHUNK_MAX, CHUNK_MAX);
    code = code ? code : spng_set_png_buffer(png, s->bytes, s->size);
    code = code ? code : spng_get_ihdr(png, &header);
    if (code)
        return damaged(s, code);
    CP_TRY(cp_picture_start(s, header.width, header.height, layout_of(&header)->mode));
    CP_TRY(unpack(s, png, &header));
    if (header.color_type == SPNG_COLOR_TYPE_INDEXED)
        CP_TRY(read_palette(s, png));
    code = spng_decode_chunks(png); /* to the end: the last checksum, IEND */
    if (code)
        return damaged(s, code);
    return spng_get_exif(png, &exif) == 0 ? cp_picture_keep_exif(s, exif.data, exif.length) : CP_OK;
}

enum cp_status cp_picture_png(const struct cp_picture_source *s) {
    spng_ctx *png = spng_ctx_new(0);
    const enum cp_status status = png ? decode(s, png) : damaged(s, SPNG_EMEM);
    spng_ctx_free(png);
    return status;
}
