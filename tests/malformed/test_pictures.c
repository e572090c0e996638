/* SPDX-License-Identifier: GPL-3.0-or-later
 * JPEG and WebP files that are no picture, and EXIF that is none: one line, at once, in little memory. The
 * good files are those of reference/golden/pictures. */
#include "picture/picture.h"

#include "support/malformed.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>

enum { FILE_MAX = 1 << 14, COPIES = 600 };

static struct {
    unsigned char bytes[2 * FILE_MAX + COPIES * FILE_MAX];
    size_t size;
} file;

static void load(const char *name) {
    char path[256];
    (void)snprintf(path, sizeof path, "reference/golden/pictures/%s", name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    file.size = fread(file.bytes, 1, FILE_MAX, f);
    assert_true(file.size > 0 && feof(f));
    (void)fclose(f);
}

static const char *saved(void) {
    return written("picture", file.bytes, file.size);
}

/* The last place where a marker stands. */
static unsigned char *marker(unsigned char code) {
    size_t at = file.size - 2;
    while (at > 0 && (file.bytes[at] != 0xff || file.bytes[at + 1] != code))
        at--;
    assert_true(at > 0);
    return file.bytes + at;
}

static enum cp_status read_as(const char *path, bool orient, struct cp_error *err) {
    struct cp_picture picture;
    enum cp_status status = cp_picture_read(path, &(struct cp_picture_options){0}, &picture, err);
    if (status != CP_OK)
        return status;
    if (orient)
        status = cp_picture_orient(&picture, path, err);
    cp_picture_free(&picture);
    return status;
}

static enum cp_status read_picture(const char *path, struct cp_error *err) {
    return read_as(path, false, err);
}

static enum cp_status read_oriented(const char *path, struct cp_error *err) {
    return read_as(path, true, err);
}

/* ---- JPEG ---- */

/* Every beginning of a baseline and of a progressive file. */
static void case_91_truncated_jpeg(void **state) {
    static const char *const names[] = {"rgb-420.jpg", "grey-progressive.jpg"};
    (void)state;
    for (size_t n = 0; n < 2; n++) {
        load(names[n]);
        assert_accepted(read_picture, saved());
        for (size_t size = 3; size < file.size; size += 7)
            assert_refused(read_picture, written("picture", file.bytes, size), "truncated JPEG");
    }
}

/* The last scan again and again; its inconsistent progression is but a warning. */
static void case_92_many_scans(void **state) {
    unsigned char scan[FILE_MAX];
    (void)state;
    load("grey-progressive.jpg");
    unsigned char *start = marker(0xda);
    const size_t length = file.size - 2 - (size_t)(start - file.bytes);
    memcpy(scan, start, length);
    file.size -= 2;
    for (int i = 0; i < COPIES; i++, file.size += length)
        memcpy(file.bytes + file.size, scan, length);
    memcpy(file.bytes + file.size, "\xff\xd9", 2);
    file.size += 2;
    assert_refused(read_picture, saved(), "JPEG of more than 500 scans");
}

static void case_93_other_processes(void **state) {
    (void)state;
    load("refused-12-bits.jpg");
    assert_refused(read_picture, saved(), "damaged JPEG: Unsupported JPEG data precision 12");
    load("refused-lossless.jpg");
    assert_refused(read_picture, saved(), "damaged JPEG: Unsupported JPEG process");
}

static void case_94_components(void **state) {
    (void)state;
    load("cmyk.jpg");
    assert_accepted(read_picture, saved());
    load("grey.jpg");
    unsigned char *frame = marker(0xc0);
    frame[9] = 2;
    assert_refused(read_picture, saved(), "JPEG");
}

/* Pillow reads what there is, and fills the rest with grey. */
static void case_95_false_dimensions(void **state) {
    (void)state;
    load("rgb-420.jpg");
    unsigned char *frame = marker(0xc0);
    memcpy(frame + 5, "\x08\0\x08\0", 4); /* 2048 x 2048 */
    assert_accepted(read_picture, saved());
    memcpy(frame + 5, "\0\0\x08\0", 4);
    assert_refused(read_picture, saved(), "damaged JPEG");
    memcpy(frame + 5, "\x08\0\0\0", 4);
    assert_refused(read_picture, saved(), "damaged JPEG");
    memcpy(frame + 5, "\xff\xff\xff\xff", 4);
    assert_refused(read_picture, saved(), "JPEG");
    memcpy(frame + 5, "\xff\0\xff\0", 4);
    assert_refused(read_picture, saved(), "picture of 65280 x 65280 (expected at most 178956970 pixels");
}

/* ---- WebP ---- */

static void case_96_webp(void **state) {
    static const char *const names[] = {"lossy.webp", "lossless.webp", "lossy-alpha.webp"};
    (void)state;
    load("animated.webp"); /* its first frame is read */
    assert_accepted(read_picture, saved());
    for (size_t n = 0; n < 3; n++) {
        load(names[n]);
        for (size_t size = 16; size < file.size - 1; size += 13)
            assert_refused(read_picture, written("picture", file.bytes, size), "damaged WebP");
    }
}

/* ---- EXIF: an error only where it is to be applied ---- */

static void damage_exif(size_t offset, unsigned char value, const char *says) {
    static const char tiff[] = "MM\0*";
    load("orientation-6.jpg"); /* even numbers are big-endian */
    unsigned char *start = memmem(file.bytes, file.size, tiff, 4);
    assert_non_null(start);
    start[offset] = value;
    assert_accepted(read_picture, saved());
    if (says)
        assert_refused(read_oriented, saved(), says);
    else
        assert_accepted(read_oriented, saved());
}

static void case_97_malformed_exif(void **state) {
    (void)state;
    damage_exif(0, 'M', NULL);
    damage_exif(0, 'X', "malformed EXIF: no TIFF header");
    damage_exif(3, '+', "malformed EXIF: no TIFF header");
    damage_exif(4, 0xff, "malformed EXIF: its directory lies outside");
    damage_exif(7, 0, "malformed EXIF: its directory lies outside");
    damage_exif(9, 9, "malformed EXIF: its directory is cut");
    damage_exif(13, 2, "malformed EXIF: its orientation is not a number");
    damage_exif(17, 2, "malformed EXIF: its orientation is not a number");
    damage_exif(19, 77, NULL); /* no orientation that there is: as in Pillow, none */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_91_truncated_jpeg),   cmocka_unit_test(case_92_many_scans),
        cmocka_unit_test(case_93_other_processes),  cmocka_unit_test(case_94_components),
        cmocka_unit_test(case_95_false_dimensions), cmocka_unit_test(case_96_webp),
        cmocka_unit_test(case_97_malformed_exif),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
