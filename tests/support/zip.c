/* SPDX-License-Identifier: GPL-3.0-or-later */
#define ZLIB_CONST /* its input is const */
#include "support/zip.h"

#include <string.h>
#include <zlib.h>

struct zip zip;

void zip_put(size_t at, size_t count, uint64_t value) {
    for (size_t i = 0; i < count; i++, value >>= 8)
        zip.bytes[at + i] = (unsigned char)value;
}

void zip_append(const void *bytes, size_t size) {
    if (size)
        memcpy(zip.bytes + zip.size, bytes, size);
    zip.size += size;
}

void zip_number(size_t count, uint64_t value) {
    zip_put(zip.size, count, value);
    zip.size += count;
}

void zip_begin(void) {
    zip.size = zip.count = 0;
}

/* The fields that a local header and a directory's entry have in common. */
static void zip_fields(size_t i) {
    zip_number(2, 20); /* version */
    zip_number(2, 1 << 11);
    zip_number(2, zip.record[i].method);
    zip_number(4, 0); /* time */
    zip_number(4, zip.record[i].crc);
    zip_number(4, zip.record[i].packed);
    zip_number(4, zip.record[i].size);
    zip_number(2, strlen(zip.record[i].name));
    zip_number(2, 0);
}

void zip_add_packed(const char *name, const void *bytes, size_t packed, size_t size, uint32_t crc,
                    unsigned method) {
    const size_t i = zip.count++;
    zip.record[i].name = name;
    zip.record[i].packed = packed;
    zip.record[i].size = size;
    zip.record[i].crc = crc;
    zip.record[i].method = method;
    zip.local[i] = zip.size;
    zip_append("PK\3\4", 4);
    zip_fields(i);
    zip_append(name, strlen(name));
    zip.data[i] = zip.size;
    zip_append(bytes, packed);
}

void zip_add(const char *name, const void *bytes, size_t size) {
    zip_add_packed(name, bytes, size, size, (uint32_t)crc32_z(0, bytes, size), 0);
}

void zip_add_deflated(const char *name, const void *bytes, size_t size) {
    static unsigned char packed[ZIP_BYTES / 2], zeros[1 << 16];
    z_stream stream = {.next_out = packed, .avail_out = sizeof packed};
    uint32_t crc = 0;
    (void)deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
    for (size_t done = 0; done < size;) {
        const size_t piece = bytes || size - done < sizeof zeros ? size - done : sizeof zeros;
        stream.next_in = bytes ? bytes : zeros;
        stream.avail_in = (unsigned)piece;
        crc = (uint32_t)crc32_z(crc, stream.next_in, piece);
        done += piece;
        (void)deflate(&stream, done < size ? Z_NO_FLUSH : Z_FINISH);
    }
    const size_t bytes_packed = stream.total_out;
    (void)deflateEnd(&stream);
    zip_add_packed(name, packed, bytes_packed, size, crc, 8);
}

void zip_end(void) {
    const size_t directory = zip.size;
    for (size_t i = 0; i < zip.count; i++) {
        zip.central[i] = zip.size;
        zip_append("PK\1\2", 4);
        zip_number(2, 20);
        zip_fields(i);
        zip_number(2 + 2 + 2 + 4, 0); /* comment, disk, attributes */
        zip_number(4, zip.local[i]);
        zip_append(zip.record[i].name, strlen(zip.record[i].name));
    }
    zip.end = zip.size;
    zip_append("PK\5\6", 4);
    zip_number(4, 0); /* disks */
    zip_number(2, zip.count);
    zip_number(2, zip.count);
    zip_number(4, zip.end - directory);
    zip_number(4, directory);
    zip_number(2, 0);
}
