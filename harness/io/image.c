/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/image.h"

#include "io/file.h"

#include <spng.h>
#include <stdlib.h>

enum { CHUNK_MAX = 1 << 20 }; /* bytes of texts and colour profiles, expanded */

/* What is being read, and where its values go. */
struct reader {
    spng_ctx *png;
    const char *path;
    size_t side;
    uint8_t *rgb; /* (side, side, 3) */
    struct cp_error *err;
};

static enum cp_status damaged(const struct reader *r, int code) {
    return cp_fail(r->err, code == SPNG_EMEM ? CP_INTERNAL : CP_BAD_INPUT, r->path, "damaged PNG: %s",
                   spng_strerror(code)),
           code == SPNG_ECHUNK_LIMITS
               ? cp_expected(r->err, "at most %d bytes of texts and profiles", CHUNK_MAX)
               : cp_expected(r->err, "a complete PNG, every checksum right");
}

static enum cp_status check_header(const struct reader *r, const struct spng_ihdr *header) {
    if (header->width != r->side || header->height != r->side)
        return cp_fail(r->err, CP_BAD_INPUT, r->path, "image is %u x %u", header->width, header->height),
               cp_expected(r->err, "%zu x %zu, the model's size", r->side, r->side);
    if (header->bit_depth == 16)
        return cp_fail(r->err, CP_BAD_INPUT, r->path, "16 bits a channel"),
               cp_expected(r->err, "at most 8 bits a channel");
    return CP_OK;
}

/* Indices of 1, 2, 4 or 8 bits, the first in the high bits of its byte; each row begins a new byte. */
static enum cp_status apply_palette(const struct reader *r, const struct spng_plte *palette,
                                    const uint8_t *rows, size_t stride, unsigned depth) {
    for (size_t y = 0; y < r->side; y++)
        for (size_t x = 0; x < r->side; x++) {
            const size_t bit = x * depth;
            const unsigned byte = rows[y * stride + bit / 8];
            const unsigned index = (byte >> (8 - depth - bit % 8)) & ((1u << depth) - 1);
            if (index >= palette->n_entries)
                return cp_fail(r->err, CP_BAD_INPUT, r->path, "pixel (%zu, %zu) has palette index %u", x, y,
                               index),
                       cp_expected(r->err, "0 to %u, the palette's entries", palette->n_entries - 1);
            uint8_t *rgb = r->rgb + 3 * (y * r->side + x);
            rgb[0] = palette->entries[index].red;
            rgb[1] = palette->entries[index].green;
            rgb[2] = palette->entries[index].blue;
        }
    return CP_OK;
}

/* The decoder takes an index beyond the palette as black, Pillow as grey: so the palette is applied here. */
static enum cp_status decode_indexed(const struct reader *r, unsigned depth) {
    struct spng_plte palette;
    size_t size = 0;
    int code = spng_get_plte(r->png, &palette);
    code = code ? code : spng_decoded_image_size(r->png, SPNG_FMT_RAW, &size);
    if (code)
        return damaged(r, code);
    uint8_t *rows = calloc(1, size); /* the decoder only adds bits where pixels are interlaced */
    if (!rows)
        return damaged(r, SPNG_EMEM);
    code = spng_decode_image(r->png, rows, size, SPNG_FMT_RAW, 0);
    const enum cp_status status =
        code ? damaged(r, code) : apply_palette(r, &palette, rows, size / r->side, depth);
    free(rows);
    return status;
}

static enum cp_status decode_direct(const struct reader *r) {
    const int code = spng_decode_image(r->png, r->rgb, r->side * r->side * 3, SPNG_FMT_RGB8, 0);
    return code ? damaged(r, code) : CP_OK;
}

static enum cp_status decode(const struct reader *r, const struct cp_file *file) {
    struct spng_ihdr header;
    int code = spng_set_crc_action(r->png, SPNG_CRC_ERROR, SPNG_CRC_ERROR);
    code = code ? code : spng_set_chunk_limits(r->png, CHUNK_MAX, CHUNK_MAX);
    code = code ? code : spng_set_png_buffer(r->png, file->bytes, file->size);
    code = code ? code : spng_get_ihdr(r->png, &header);
    if (code)
        return damaged(r, code);
    CP_TRY(check_header(r, &header));
    CP_TRY(header.color_type == SPNG_COLOR_TYPE_INDEXED ? decode_indexed(r, header.bit_depth)
                                                        : decode_direct(r));
    code = spng_decode_chunks(r->png); /* to the end: the last checksum, IEND */
    return code ? damaged(r, code) : CP_OK;
}

enum cp_status cp_png_read(const char *path, size_t side, uint8_t *rgb, struct cp_error *err) {
    struct cp_file file;
    CP_TRY(cp_file_map(path, &file, err));
    struct reader r = {.png = spng_ctx_new(0), .path = path, .side = side, .err = err};
    r.rgb = rgb;
    enum cp_status status;
    if (!r.png)
        status = damaged(&r, SPNG_EMEM);
    else if (file.size == 0)
        status = cp_fail(err, CP_BAD_INPUT, path, "is empty"), (void)cp_expected(err, "a PNG");
    else
        status = decode(&r, &file);
    spng_ctx_free(r.png);
    cp_file_unmap(&file);
    return status;
}
