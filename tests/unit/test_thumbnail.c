/* SPDX-License-Identifier: GPL-3.0-or-later
 * A thumbnail is the image again: un-normalised, boxes averaged. */
#include "support/test.h"

#include "inputs/thumbnail.h"

#include <math.h>

static struct cp_clip_config config_of(int size) {
    return (struct cp_clip_config){.vision = {.image_size = size, .patch_size = 4},
                                   .mean = {0.48145466, 0.4578275, 0.40821073},
                                   .std = {0.26862954, 0.26130258, 0.27577711}};
}

static float normal(const struct cp_clip_config *config, int c, int byte) {
    return (float)((byte / 255.0 - config->mean[c]) / config->std[c]);
}

static void a_small_image_comes_back_as_it_was(void **state) {
    enum { SIDE = 8 };
    static float pixels[3][SIDE][SIDE];
    static uint8_t rgb[SIDE][SIDE][3];
    const struct cp_clip_config config = config_of(SIDE);
    (void)state;
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++)
                pixels[c][y][x] = normal(&config, c, (67 * c + 31 * y + 4 * x) % 256);
    cp_thumbnail(&config, &pixels[0][0][0], &rgb[0][0][0]);
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++)
                assert_int_equal(rgb[y][x][c], (67 * c + 31 * y + 4 * x) % 256);
}

/* 96 pixels to 64: boxes of one and two pixels in turn. What no byte can show is cut off. */
static void boxes_are_averaged(void **state) {
    enum { SIZE = 96, SIDE = CP_THUMBNAIL_SIDE };
    static float pixels[3][SIZE][SIZE];
    static uint8_t rgb[SIDE][SIDE][3];
    const struct cp_clip_config config = config_of(SIZE);
    (void)state;
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < SIZE; y++)
            for (int x = 0; x < SIZE; x++)
                pixels[c][y][x] = normal(&config, c, 40 + 2 * x);
    pixels[0][0][0] = 100;
    pixels[1][0][0] = -100;
    pixels[2][0][0] = NAN;
    cp_thumbnail(&config, &pixels[0][0][0], &rgb[0][0][0]);
    assert_int_equal(rgb[0][0][0], 255);
    assert_int_equal(rgb[0][0][1], 0);
    assert_int_equal(rgb[0][0][2], 0);
    assert_int_equal(rgb[5][1][0], 40 + 3);            /* columns 1 and 2: 42 and 44 */
    assert_int_equal(rgb[5][2][1], 40 + 6);            /* column 3 */
    assert_int_equal(rgb[63][63][2], 40 + 2 * 94 + 1); /* columns 94 and 95 */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_image_comes_back_as_it_was),
        cmocka_unit_test(boxes_are_averaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
