/* SPDX-License-Identifier: GPL-3.0-or-later
 * PNG files put together chunk by chunk, with right checksums, so that a test can get one thing wrong. */
#ifndef CP_TESTS_SUPPORT_PNG_H
#define CP_TESTS_SUPPORT_PNG_H

#include <stddef.h>
#include <stdint.h>

enum { PNG_CAPACITY = 1 << 20, GREY = 0, RGB = 2, INDEXED = 3 };

extern struct png {
    unsigned char bytes[PNG_CAPACITY];
    size_t size;
} png;

void put_u32(unsigned char *to, uint32_t value);

void png_chunk(const char *type, const void *data, size_t length);

/* A new file: signature and IHDR. */
void png_begin(uint32_t width, uint32_t height, int depth, int colour);

/* Rows, each behind its filter byte. */
void png_rows(const void *rows, size_t size);

void png_end(void);

/* The last chunk of a type, at its length field. */
unsigned char *png_find(const char *type);

#endif
