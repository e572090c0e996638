/* SPDX-License-Identifier: GPL-3.0-or-later
 * Pictures in files against what Pillow reads from them (reference/golden/pictures). CP_PICTURES names
 * another folder that make.py has looked at. */
#include "support/test.h"

#include "base/digest.h"
#include "picture/picture.h"
#include "preprocess/convert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 32, NAME = 128 };

struct row {
    char name[NAME], mode[8], width[16], height[16], pixels[DIGITS + 1], rgb[DIGITS + 1],
        oriented[DIGITS + 1];
};

static void digest(const void *bytes, size_t size, char hex[CP_DIGEST_HEX]) {
    struct cp_digest *d;
    struct cp_error err;
    assert_int_equal(cp_digest_start(&d, &err), CP_OK);
    cp_digest_add(d, bytes, size);
    cp_digest_finish_hex(d, hex);
    hex[DIGITS] = '\0';
}

static void digest_rgb(const struct cp_picture *picture, char hex[CP_DIGEST_HEX]) {
    const size_t pixels = picture->width * picture->height;
    uint8_t *rgb = malloc(3 * pixels);
    assert_non_null(rgb);
    cp_convert_rgb(picture, picture->bytes, pixels, rgb);
    digest(rgb, 3 * pixels, hex);
    free(rgb);
}

static void same(const struct row *row, const char *what, const char *ours, const char *pillows) {
    if (strcmp(ours, pillows) != 0)
        fail_msg("%s: %s: %s, Pillow has %s", row->name, what, ours, pillows);
}

static void compare(const struct row *row, struct cp_picture *picture) {
    char size[16], hex[CP_DIGEST_HEX];
    struct cp_error err;
    same(row, "mode", cp_picture_mode_names[picture->mode], row->mode);
    (void)snprintf(size, sizeof size, "%zu", picture->width);
    same(row, "width", size, row->width);
    (void)snprintf(size, sizeof size, "%zu", picture->height);
    same(row, "height", size, row->height);
    digest(picture->bytes, picture->width * picture->height * cp_picture_pixel(picture->mode), hex);
    same(row, "pixels", hex, row->pixels);
    digest_rgb(picture, hex);
    same(row, "convert('RGB')", hex, row->rgb);
    assert_int_equal(cp_picture_orient(picture, row->name, &err), CP_OK);
    digest_rgb(picture, hex);
    same(row, "exif_transpose", hex, row->oriented);
}

static void check(const char *folder, const struct row *row) {
    const struct cp_picture_options options = {0};
    struct cp_picture picture;
    struct cp_error err;
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", folder, row->name);
    const enum cp_status status = cp_picture_read(path, &options, &picture, &err);
    if (strcmp(row->mode, "refused") == 0) {
        if (status != CP_BAD_INPUT)
            fail_msg("%s: Pillow refuses it", path);
        return;
    }
    if (status != CP_OK)
        fail_msg("%s: %s", path, err.what);
    compare(row, &picture);
    cp_picture_free(&picture);
}

static void values_equal_pillow(void **state) {
    const char *folder = getenv("CP_PICTURES") ? getenv("CP_PICTURES") : "reference/golden/pictures";
    char line[512];
    size_t checked = 0;
    (void)state;
    (void)snprintf(line, sizeof line, "%s/pictures.csv", folder);
    FILE *file = fopen(line, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file)) {
        struct row row;
        assert_int_equal(sscanf(line, "%127[^,],%7[^,],%15[^,],%15[^,],%32[^,],%32[^,],%32s", row.name,
                                row.mode, row.width, row.height, row.pixels, row.rgb, row.oriented),
                         7);
        check(folder, &row);
        checked++;
    }
    (void)fclose(file);
    assert_true(checked > 0);
    print_message("%zu pictures equal\n", checked);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(values_equal_pillow)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
