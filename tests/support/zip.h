/* SPDX-License-Identifier: GPL-3.0-or-later
 * A zip archive put together in memory, so that a test can then change any of its fields. */
#ifndef CP_TESTS_SUPPORT_ZIP_H
#define CP_TESTS_SUPPORT_ZIP_H

#include <stddef.h>
#include <stdint.h>

enum { ZIP_RECORDS = 16, ZIP_BYTES = 1 << 22 };

extern struct zip {
    unsigned char bytes[ZIP_BYTES];
    size_t size, count;
    size_t local[ZIP_RECORDS], data[ZIP_RECORDS], central[ZIP_RECORDS], end; /* offsets */
    struct {
        const char *name;
        size_t packed, size;
        uint32_t crc;
        unsigned method;
    } record[ZIP_RECORDS];
} zip;

void zip_put(size_t at, size_t count, uint64_t value);

void zip_append(const void *bytes, size_t size);

void zip_number(size_t count, uint64_t value);

void zip_begin(void);

/* A record of packed bytes, as they stand: method 0 or 8. */
void zip_add_packed(const char *name, const void *bytes, size_t packed, size_t size, uint32_t crc,
                    unsigned method);

void zip_add(const char *name, const void *bytes, size_t size);

/* A deflated record: of these bytes, or (NULL) of zeros. */
void zip_add_deflated(const char *name, const void *bytes, size_t size);

void zip_end(void);

#endif
