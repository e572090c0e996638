/* SPDX-License-Identifier: GPL-3.0-or-later
 * Random damage to pictures, IDX and NPY files: read or refused in one line, and never a crash. */
#include "support/array.h"
#include "support/malformed.h"
#include "support/png.h"
#include "support/test.h"

#include "picture/picture.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

enum { TRIALS = 5000, SIDE = 8, FILE_MAX = 2048 };

static uint64_t seed;
static int memory; /* a file that is on no disk */

static int make_file(void **state) {
    (void)state;
    memory = memfd_create("damaged", MFD_CLOEXEC);
    return memory < 0;
}

static int close_file(void **state) {
    (void)state;
    return close(memory);
}

static const char *in_memory(const void *bytes, size_t size) {
    static char path[64];
    assert_int_equal(ftruncate(memory, 0), 0);
    assert_int_equal(pwrite(memory, bytes, size, 0), size);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
    return path;
}

static size_t draw(size_t below) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(seed >> 33) % below;
}

/* Damages bytes (capacity: twice FILE_MAX) in one place. */
static size_t damage(unsigned char *bytes, size_t size) {
    static const unsigned char odd[] = {0, 1, 2, 4, 0x7f, 0x80, 0xff};
    const size_t at = draw(size), length = 1 + draw(size - at < 40 ? size - at : 40);
    switch (draw(6)) {
    case 0:
        bytes[at] = (unsigned char)draw(256);
        break;
    case 1:
        bytes[at] = odd[draw(sizeof odd)];
        break;
    case 2:
        bytes[at] ^= (unsigned char)(1u << draw(8));
        break;
    case 3: /* cut a piece out */
        memmove(bytes + at, bytes + at + length, size - at - length);
        return size - length;
    case 4: /* repeat a piece */
        memmove(bytes + at + length, bytes + at, size - at);
        return size + length;
    default: /* cut the end off */
        return at + 1;
    }
    return size;
}

/* Makes every chunk's checksum right again, so that the damage reaches what lies behind it. */
static void repair_checksums(unsigned char *bytes, size_t size) {
    for (size_t at = 8; at + 12 <= size;) {
        unsigned char *chunk = bytes + at;
        const size_t length =
            ((size_t)chunk[0] << 24) | ((size_t)chunk[1] << 16) | ((size_t)chunk[2] << 8) | chunk[3];
        if (length > size - at - 12)
            return;
        put_u32(chunk + 8 + length, (uint32_t)crc32(0, chunk + 4, (uInt)length + 4));
        at += 12 + length;
    }
}

static enum cp_status read_picture(const char *path, struct cp_error *err) {
    struct cp_picture picture;
    const enum cp_status status = cp_picture_read(path, &(struct cp_picture_options){0}, &picture, err);
    if (status == CP_OK)
        cp_picture_free(&picture);
    return status;
}

/* Damages the file `bytes` TRIALS times; more than `least` of the results are read, and as many refused. */
static void damage_file(file_reader *reader, const unsigned char *bytes, size_t size, size_t least,
                        bool repair) {
    static unsigned char damaged[2 * FILE_MAX];
    size_t read = 0, refused = 0;
    assert_true(size <= FILE_MAX);
    for (int trial = 0; trial < TRIALS; trial++) {
        struct cp_error err = {0};
        char line[2048];
        size_t left = size;
        memcpy(damaged, bytes, size);
        for (size_t times = 1 + draw(3); times > 0 && left > 1; times--)
            left = damage(damaged, left);
        if (repair)
            repair_checksums(damaged, left);
        const enum cp_status status = reader(in_memory(damaged, left), &err);
        if (status == CP_OK) {
            read++;
            continue;
        }
        assert_int_equal(status, CP_BAD_INPUT);
        assert_int_equal(err.status, CP_BAD_INPUT);
        cp_error_line(&err, line, sizeof line);
        assert_one_line(line);
        assert_true(err.expected[0] != '\0');
        refused++;
    }
    if (read < least || refused < least)
        fail_msg("%zu read, %zu refused", read, refused);
}

/* All kinds that are decoded by different code; texts and a profile beside the image. */
static void damage_png(int colour, int depth, bool repair) {
    unsigned char rows[SIDE * (1 + 3 * SIDE)] = {0};
    const size_t row = 1 + (size_t)SIDE * (size_t)depth * (colour == RGB ? 3 : 1) / 8;
    for (size_t i = 0; i < SIDE * row; i++)
        rows[i] = (unsigned char)(i % row ? draw(256) & 0x55 : draw(5));
    png_begin(SIDE, SIDE, depth, colour);
    png_chunk("gAMA", "\0\0\xb1\x8f", 4);
    if (colour == INDEXED)
        png_chunk("PLTE", "0123456789ab", 12);
    png_chunk("tEXt", "Comment\0a text", 14);
    png_rows(rows, SIDE * row);
    png_end();
    damage_file(read_picture, png.bytes, png.size, repair ? 100 : 10, repair);
}

static void random_damage_to_png(void **state) {
    (void)state;
    seed = 1;
    damage_png(GREY, 8, false);
    damage_png(GREY, 2, true);
    damage_png(RGB, 8, true);
    damage_png(INDEXED, 2, true);
}

/* A file of reference/golden/pictures, which is small. */
static void damage_golden(const char *name, size_t least) {
    unsigned char bytes[FILE_MAX];
    char path[256];
    (void)snprintf(path, sizeof path, "reference/golden/pictures/%s", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    assert_true(size > 0 && feof(file));
    (void)fclose(file);
    damage_file(read_picture, bytes, size, least, false);
}

static void random_damage_to_jpeg(void **state) {
    (void)state;
    seed = 4;
    damage_golden("rgb-420.jpg", 100);
    damage_golden("grey-progressive.jpg", 100);
    damage_golden("ycck.jpg", 100);
}

static void random_damage_to_webp(void **state) {
    (void)state;
    seed = 5;
    damage_golden("lossy-alpha.webp", 100);
    damage_golden("lossy.webp", 100);
}

static void random_damage_to_idx(void **state) {
    (void)state;
    seed = 2;
    make_idx("\0\0\x08\x03", (const uint32_t[]){2, 3, 4}, 3, 24);
    damage_file(read_idx, array_file.bytes, array_file.size, 100, false);
    pack_array();
    damage_file(read_idx, array_file.bytes, array_file.size, 100, false);
}

static void random_damage_to_npy(void **state) {
    (void)state;
    seed = 3;
    make_npy(1, NPY_2_BY_3, 24);
    damage_file(read_npy, array_file.bytes, array_file.size, 100, false);
    make_npy(2, "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }   \n", 24);
    damage_file(read_npy, array_file.bytes, array_file.size, 100, false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_damage_to_png),  cmocka_unit_test(random_damage_to_jpeg),
        cmocka_unit_test(random_damage_to_webp), cmocka_unit_test(random_damage_to_idx),
        cmocka_unit_test(random_damage_to_npy),
    };
    return cmocka_run_group_tests(tests, make_file, close_file);
}
