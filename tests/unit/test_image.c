/* SPDX-License-Identifier: GPL-3.0-or-later
 * PNG files of every kind against the values that Pillow reads (reference/golden/png). */
#include "support/test.h"

#include "picture/image.h"
#include "picture/picture.h"
#include "preprocess/convert.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>

enum { SIDE = 13, BYTES = SIDE * SIDE * 3 };

static void values_equal_pillow(void **state) {
    struct cp_arena arena = {0};
    struct cp_array golden;
    struct cp_error err;
    glob_t files;
    size_t compared = 0;
    (void)state;
    assert_int_equal(cp_npy_read("reference/golden/png/values.npy", &arena, &golden, &err), CP_OK);
    assert_int_equal(golden.rank, 4);
    assert_int_equal(golden.shape[1] * golden.shape[2] * golden.shape[3], BYTES);
    assert_int_equal(glob("reference/golden/png/*.png", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        const char *path = files.gl_pathv[i];
        struct cp_picture picture;
        uint8_t rgb[BYTES];
        assert_true(compared < golden.shape[0]);
        if (cp_picture_read(path, &(struct cp_picture_options){0}, &picture, &err) != CP_OK)
            fail_msg("%s: %s", path, err.what);
        assert_true(picture.width == SIDE && picture.height == SIDE);
        cp_convert_rgb(&picture, picture.bytes, SIDE * SIDE, rgb);
        cp_picture_free(&picture);
        if (memcmp(rgb, (const uint8_t *)golden.data + compared * BYTES, BYTES) != 0)
            fail_msg("%s: other values than Pillow's", path);
        compared++;
    }
    assert_int_equal(compared, golden.shape[0]);
    globfree(&files);
    cp_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_equal_pillow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
