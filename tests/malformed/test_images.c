/* SPDX-License-Identifier: GPL-3.0-or-later
 * PNG files that are no picture: one line, at once, in little memory. */
#include "picture/picture.h"

#include "support/malformed.h"
#include "support/png.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { SIDE = 4, BOMB = 1 << 28 };

static const unsigned char grey_rows[SIDE * (1 + SIDE)] = {0, 10, 20, 30, 40, 0, 50, 60,  70,  80,
                                                           0, 90, 91, 92, 93, 0, 94, 255, 128, 1};

static enum cp_status read_png(const char *path, struct cp_error *err) {
    struct cp_picture picture;
    const enum cp_status status = cp_picture_read(path, &(struct cp_picture_options){0}, &picture, err);
    if (status == CP_OK)
        cp_picture_free(&picture);
    return status;
}

static const char *png_file(void) {
    return written("image.png", png.bytes, png.size);
}

static void good_png(void) {
    png_begin(SIDE, SIDE, 8, GREY);
    png_rows(grey_rows, sizeof grey_rows);
    png_end();
}

static void good_is_accepted(void **state) {
    (void)state;
    good_png();
    assert_accepted(read_png, png_file());
}

static void case_82_empty(void **state) {
    (void)state;
    assert_refused(read_png, written("image.png", "", 0), "is empty");
}

static void case_83_unknown_magic(void **state) {
    static const char *const files[] = {
        "not an image at all", "GIF89a", "\x89PNG\n\x1a\n damaged by a transfer as text", "\x89", "\xff\xd8",
        "RIFF\4\1\1\1WEBPVP8?"};
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        assert_refused(read_png, written("image.png", files[i], strlen(files[i])), "by its first bytes");
    assert_refused(read_png, written("image.png", "\x89PNG\r\n\x1a\n", 8), "damaged PNG");
    assert_refused(read_png, written("image.png", "\xff\xd8\xff\xe0 JFIF", 9), "truncated JPEG");
    assert_refused(read_png, written("image.png", "RIFF\4\1\1\1WEBPVP8 ", 16), "damaged WebP");
}

static void refuse_size(uint32_t width, uint32_t height, const char *says) {
    png_begin(width, height, 8, GREY);
    png_rows(grey_rows, sizeof grey_rows);
    png_end();
    assert_refused(read_png, png_file(), says);
}

static void case_84_zero_dimension(void **state) {
    (void)state;
    refuse_size(0, SIDE, "width");
    refuse_size(SIDE, 0, "height");
}

static void case_85_dimension_of_31_bits(void **state) {
    (void)state;
    refuse_size(1u << 31, SIDE, "width");
    refuse_size(SIDE, 1u << 31, "height");
    refuse_size(UINT32_MAX, UINT32_MAX, "damaged PNG");
}

static void case_86_bad_crc(void **state) {
    static const char *const types[] = {"IHDR", "IDAT", "IEND"};
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        good_png();
        unsigned char *chunk = png_find(types[i]);
        chunk[8 + chunk[3]] ^= 1; /* chunks here are shorter than 256 bytes */
        assert_refused(read_png, png_file(), "checksum");
    }
}

/* The checksum of the compressed data is wrong, that of its chunk right. */
static void case_86_bad_adler(void **state) {
    unsigned char packed[128];
    uLongf length = sizeof packed;
    (void)state;
    assert_int_equal(compress2(packed, &length, grey_rows, sizeof grey_rows, 1), Z_OK);
    packed[length - 1] ^= 1;
    png_begin(SIDE, SIDE, 8, GREY);
    png_chunk("IDAT", packed, length);
    png_end();
    assert_refused(read_png, png_file(), "damaged PNG");
}

/* Every beginning of a file, up to the name of IEND, and an image with too few rows. */
static void case_87_truncated(void **state) {
    (void)state;
    good_png();
    for (size_t size = 8; size < png.size - 4; size++)
        assert_refused(read_png, written("image.png", png.bytes, size), "damaged PNG");
    png_begin(SIDE, SIDE, 8, GREY);
    png_rows(grey_rows, sizeof grey_rows - 1);
    png_end();
    assert_refused(read_png, png_file(), "damaged PNG");
}

/* 256 MiB of zeros in a quarter of a MiB, behind the name of a text or a colour profile. */
static struct {
    unsigned char bytes[BOMB >> 9];
    size_t size;
} bomb;

enum { NAME = 8 };

static int make_bomb(void **state) {
    uLongf length = sizeof bomb.bytes - NAME;
    unsigned char *zeros = calloc(BOMB, 1);
    memcpy(bomb.bytes, "Someth\0\0", NAME);
    const int code = zeros ? compress2(bomb.bytes + NAME, &length, zeros, BOMB, 6) : Z_MEM_ERROR;
    bomb.size = NAME + length;
    free(zeros);
    return code != Z_OK || make_folder(state);
}

static void case_88_bombs(void **state) {
    static const char *const types[] = {"zTXt", "iCCP"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        png_begin(SIDE, SIDE, 8, GREY);
        if (i < 2)
            png_chunk(types[i], bomb.bytes, bomb.size);
        png_rows(grey_rows, sizeof grey_rows);
        if (i == 2)
            png_chunk(types[0], bomb.bytes, bomb.size);
        png_end();
        assert_refused(read_png, png_file(), "reached chunk/cache limits (expected at most 1048576 bytes");
    }
}

static void indexed(const void *palette, size_t size, unsigned char last) {
    unsigned char rows[SIDE * (1 + SIDE)] = {0};
    rows[sizeof rows - 1] = last;
    png_begin(SIDE, SIDE, 8, INDEXED);
    if (palette)
        png_chunk("PLTE", palette, size);
    png_rows(rows, sizeof rows);
    png_end();
}

static void case_89_palette(void **state) {
    (void)state;
    indexed("abcdef", 6, 1);
    assert_accepted(read_png, png_file());
    indexed(NULL, 0, 0);
    assert_refused(read_png, png_file(), "PLTE");
    indexed("abcdef", 6, 2);
    assert_refused(read_png, png_file(), "pixel (3, 3) has palette index 2 (expected 0 to 1");
    indexed("abcde", 5, 0);
    assert_refused(read_png, png_file(), "damaged PNG");
    indexed("", 0, 0);
    assert_refused(read_png, png_file(), "damaged PNG");
}

/* Two frames: the one in IDAT is read. */
static void case_90_animated(void **state) {
    static const char two_frames[8] = {0, 0, 0, 2};
    unsigned char control[26] = {[7] = SIDE, [11] = SIDE, [21] = 1}, second[4 + 64] = {0};
    struct cp_picture picture;
    struct cp_error err;
    uLongf length = 64;
    (void)state;
    png_begin(SIDE, SIDE, 8, GREY);
    png_chunk("acTL", two_frames, sizeof two_frames);
    png_chunk("fcTL", control, sizeof control);
    png_rows(grey_rows, sizeof grey_rows);
    control[3] = 1;
    png_chunk("fcTL", control, sizeof control);
    second[3] = 2;
    assert_int_equal(compress2(second + 4, &length, (const Bytef[SIDE * (1 + SIDE)]){0}, sizeof grey_rows, 1),
                     Z_OK);
    png_chunk("fdAT", second, 4 + length);
    png_end();
    assert_int_equal(cp_picture_read(png_file(), &(struct cp_picture_options){0}, &picture, &err), CP_OK);
    for (size_t i = 0; i < SIDE * SIDE; i++)
        assert_int_equal(picture.bytes[i], grey_rows[i / SIDE * (1 + SIDE) + 1 + i % SIDE]);
    cp_picture_free(&picture);
}

/* A limit on pixels, not on sides. */
static void case_98_too_many_pixels(void **state) {
    static const unsigned char column[2 * 65535];
    (void)state;
    refuse_size(65535, 65535, "picture of 65535 x 65535 (expected at most 178956970 pixels");
    refuse_size(INT32_MAX, INT32_MAX, "picture of 2147483647 x 2147483647");
    refuse_size(1, 178956971, "picture of 1 x 178956971");
    refuse_size(13000, 13000, "damaged PNG"); /* allowed, but not there */
    png_begin(1, 65535, 8, GREY);
    png_rows(column, sizeof column);
    png_end();
    assert_accepted(read_png, png_file());
    png_begin(65535, 1, 8, GREY);
    png_rows(column, 1 + 65535);
    png_end();
    assert_accepted(read_png, png_file());
}

/* An image of the right size with 256 MiB of rows too many. */
static void case_98_too_many_rows(void **state) {
    (void)state;
    png_begin(SIDE, SIDE, 8, GREY);
    png_chunk("IDAT", bomb.bytes + NAME, bomb.size - NAME);
    png_end();
    assert_accepted(read_png, png_file());
}

static void case_99_no_regular_file(void **state) {
    (void)state;
    assert_only_regular_files(read_png);
    assert_refused(read_png, "/nowhere.png", "cannot be opened");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_is_accepted),
        cmocka_unit_test(case_82_empty),
        cmocka_unit_test(case_83_unknown_magic),
        cmocka_unit_test(case_84_zero_dimension),
        cmocka_unit_test(case_85_dimension_of_31_bits),
        cmocka_unit_test(case_86_bad_crc),
        cmocka_unit_test(case_86_bad_adler),
        cmocka_unit_test(case_87_truncated),
        cmocka_unit_test(case_88_bombs),
        cmocka_unit_test(case_89_palette),
        cmocka_unit_test(case_90_animated),
        cmocka_unit_test(case_98_too_many_pixels),
        cmocka_unit_test(case_98_too_many_rows),
        cmocka_unit_test(case_99_no_regular_file),
    };
    return cmocka_run_group_tests(tests, make_bomb, remove_folder);
}
