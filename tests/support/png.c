/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/png.h"
#include "support/test.h"

#include <string.h>
#include <zlib.h>

struct png png;

void put_u32(unsigned char *to, uint32_t value) {
    for (int i = 0; i < 4; i++)
        to[i] = (unsigned char)(value >> (24 - 8 * i));
}

void png_chunk(const char *type, const void *data, size_t length) {
    unsigned char *to = png.bytes + png.size;
    assert_true(png.size + length + 12 <= PNG_CAPACITY);
    put_u32(to, (uint32_t)length);
    memcpy(to + 4, type, 4);
    if (length)
        memcpy(to + 8, data, length);
    put_u32(to + 8 + length, (uint32_t)crc32(0, to + 4, (uInt)length + 4));
    png.size += length + 12;
}

void png_begin(uint32_t width, uint32_t height, int depth, int colour) {
    unsigned char header[13] = {[8] = (unsigned char)depth, [9] = (unsigned char)colour};
    png.size = 8;
    memcpy(png.bytes, "\x89PNG\r\n\x1a\n", 8);
    put_u32(header, width);
    put_u32(header + 4, height);
    png_chunk("IHDR", header, sizeof header);
}

void png_rows(const void *rows, size_t size) {
    static unsigned char packed[PNG_CAPACITY];
    uLongf length = sizeof packed;
    assert_int_equal(compress2(packed, &length, rows, size, 1), Z_OK);
    png_chunk("IDAT", packed, length);
}

void png_end(void) {
    png_chunk("IEND", NULL, 0);
}

unsigned char *png_find(const char *type) {
    unsigned char *found = NULL;
    for (size_t at = 8; at < png.size;) {
        const unsigned char *b = png.bytes + at;
        if (memcmp(b + 4, type, 4) == 0)
            found = png.bytes + at;
        at += 12 + (((size_t)b[0] << 24) | ((size_t)b[1] << 16) | ((size_t)b[2] << 8) | b[3]);
    }
    assert_non_null(found);
    return found;
}
