/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/array.h"
#include "support/test.h"

#include <string.h>
#include <zlib.h>

struct array_file array_file;

/* data counts up from 0. */
static void append_data(size_t size) {
    assert_true(array_file.size + size <= ARRAY_CAPACITY);
    for (size_t i = 0; i < size; i++)
        array_file.bytes[array_file.size++] = (unsigned char)i;
}

void make_npy(int version, const char *dict, size_t data) {
    const size_t length = strlen(dict), start = version == 1 ? 10 : 12;
    memcpy(array_file.bytes, "\x93NUMPY\0\0\0\0\0", 12);
    array_file.bytes[6] = (unsigned char)version;
    array_file.bytes[8] = (unsigned char)length;
    array_file.bytes[9] = (unsigned char)(length >> 8);
    memcpy(array_file.bytes + start, dict, length);
    array_file.size = start + length;
    append_data(data);
}

void make_idx(const char *magic, const uint32_t *sizes, int rank, size_t data) {
    memcpy(array_file.bytes, magic, 4);
    array_file.size = 4;
    for (int d = 0; d < rank; d++)
        for (int shift = 24; shift >= 0; shift -= 8)
            array_file.bytes[array_file.size++] = (unsigned char)(sizes[d] >> shift);
    append_data(data);
}

void pack_array(void) {
    static unsigned char plain[ARRAY_CAPACITY];
    z_stream z = {.next_in = plain, .avail_in = (uInt)array_file.size};
    memcpy(plain, array_file.bytes, array_file.size);
    z.next_out = array_file.bytes;
    z.avail_out = ARRAY_CAPACITY;
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    array_file.size = z.total_out;
    (void)deflateEnd(&z);
}

enum cp_status read_npy(const char *path, struct cp_error *err) {
    struct cp_arena arena = {0};
    struct cp_array array;
    const enum cp_status status = cp_npy_read(path, &arena, &array, err);
    cp_arena_free(&arena);
    return status;
}

enum cp_status read_idx(const char *path, struct cp_error *err) {
    struct cp_arena arena = {0};
    struct cp_array array;
    const enum cp_status status = cp_idx_read(path, &arena, &array, err);
    cp_arena_free(&arena);
    return status;
}
