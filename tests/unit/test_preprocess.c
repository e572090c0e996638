/* SPDX-License-Identifier: GPL-3.0-or-later
 * Sizes and offsets by hand, the arithmetic of normalising, and how a spec sets them. */
#include "support/test.h"

#include "preprocess/preprocess.h"

#include <math.h>

static const struct cp_preprocess usual = {
    .size = 224, .mean = {0.48145466, 0.4578275, 0.40821073}, .std = {0.26862954, 0.26130258, 0.27577711}};

static void spans_are(struct cp_preprocess how, size_t width, size_t height, struct cp_span x,
                      struct cp_span y) {
    const struct cp_picture picture = {.width = width, .height = height};
    const struct cp_span expected[2] = {x, y};
    struct cp_span got[2];
    struct cp_error err;
    how.resize = cp_resizes[0];
    assert_int_equal(cp_preprocess_spans(&how, &picture, "", &got[0], &got[1], &err), CP_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(got[i].length, expected[i].length);
        assert_int_equal(got[i].first, expected[i].first);
        assert_int_equal(got[i].count, expected[i].count);
        assert_int_equal(got[i].to, expected[i].to);
    }
}

/* 640 x 427: 224 * 640 / 427 is 335.7; the rest of 111 is odd. */
static void sides_and_offsets(void **state) {
    struct cp_preprocess how = usual;
    (void)state;
    spans_are(how, 640, 427, (struct cp_span){335, 56, 224, 0}, (struct cp_span){224, 0, 224, 0});
    how.long_side = CP_LONG_ROUND;
    spans_are(how, 427, 640, (struct cp_span){224, 0, 224, 0}, (struct cp_span){336, 56, 224, 0});
    how.mode = CP_LONGEST; /* 149.45 */
    spans_are(how, 640, 427, (struct cp_span){224, 0, 224, 0}, (struct cp_span){149, 0, 149, 37});
    how.mode = CP_SQUASH;
    spans_are(how, 640, 427, (struct cp_span){224, 0, 224, 0}, (struct cp_span){224, 0, 224, 0});
}

/* clip-facts of torchvision, its older version and Hugging Face: rests of 1, 3, 5 and 7. */
static void halves_of_odd_rests(void **state) {
    static const size_t expected[3][4] = {
        [CP_CROP_HALF_EVEN] = {0, 2, 2, 4}, [CP_CROP_HALF_UP] = {1, 2, 3, 4}, [CP_CROP_FLOOR] = {0, 1, 2, 3}};
    struct cp_preprocess how = usual;
    (void)state;
    for (size_t rule = 0; rule < 3; rule++)
        for (size_t i = 0; i < 4; i++) {
            how.crop = (enum cp_crop_offset)rule;
            spans_are(how, 224, 225 + 2 * i, (struct cp_span){224, 0, 224, 0},
                      (struct cp_span){225 + 2 * i, expected[rule][i], 224, 0});
        }
}

static void no_side_is_lost(void **state) {
    struct cp_preprocess how = usual;
    struct cp_picture picture = {.width = 1, .height = 3000};
    struct cp_span x, y;
    struct cp_error err;
    (void)state;
    how.mode = CP_LONGEST;
    assert_int_equal(cp_preprocess_spans(&how, &picture, "p", &x, &y, &err), CP_BAD_INPUT);
    assert_string_equal(err.what, "a picture of 1 x 3000 becomes 0 x 224");
    how.mode = CP_SHORTEST;
    picture.height = 178956970;
    assert_int_equal(cp_preprocess_spans(&how, &picture, "p", &x, &y, &err), CP_BAD_INPUT);
}

/* A reciprocal of 255 errs by an ulp for 126 of the 256 bytes. */
static void rescaling_by_a_reciprocal(void **state) {
    struct cp_preprocess how = {.std = {1, 1, 1}}, reciprocal = how;
    size_t differing = 0;
    (void)state;
    reciprocal.rescale = CP_RESCALE_RECIPROCAL;
    for (int byte = 0; byte < 256; byte++) {
        const float a = cp_preprocess_normalize(&how, 0, (float)byte);
        const float b = cp_preprocess_normalize(&reciprocal, 0, (float)byte);
        differing += a != b;
        assert_true(b == a || nextafterf(a, b) == b);
    }
    assert_int_equal(differing, 126);
}

/* One affine map moves values by up to 3.6e-7, 548 of the 768. */
static void fused_normalisation(void **state) {
    struct cp_preprocess fused = usual;
    size_t differing = 0;
    float most = 0;
    (void)state;
    fused.normalize = CP_NORMALIZE_FUSED;
    for (size_t c = 0; c < 3; c++)
        for (int byte = 0; byte < 256; byte++) {
            const float difference = fabsf(cp_preprocess_normalize(&usual, c, (float)byte) -
                                           cp_preprocess_normalize(&fused, c, (float)byte));
            differing += difference > 0;
            most = fmaxf(most, difference);
        }
    assert_int_equal(differing, 548);
    assert_true(most > 3.5e-7f && most < 3.6e-7f);
}

/* A column of 65535 pixels becomes 14.7 million rows, of which only the crop is made. */
static void a_long_column(void **state) {
    struct cp_preprocess how = usual;
    struct cp_picture picture = {.width = 1, .height = 65535, .mode = CP_PICTURE_L};
    struct cp_error err;
    static float cropped[3 * 224 * 224];
    (void)state;
    how.resize = cp_resizes[0];
    assert_int_equal(cp_picture_alloc(&picture, "", &err), CP_OK);
    for (size_t i = 0; i < 65535; i++)
        picture.bytes[i] = i == 32767 ? 200 : 10;
    assert_int_equal(cp_preprocess_apply(&how, &picture, "", cropped, NULL, &err), CP_OK);
    struct cp_pixels resized;
    assert_int_equal(cp_preprocess_resized(&how, &picture, "", &resized, &err), CP_OK);
    assert_true(!resized.values && resized.width == 224 && resized.height == (size_t)224 * 65535);
    cp_picture_free(&picture);
    assert_true(cropped[0] < 120 && cropped[112 * 224] > 190); /* the pixel in the middle, 224 rows long */
}

static void cut_is_cropped(const struct cp_preprocess *how, const struct cp_picture *picture) {
    static float cropped[3 * 224 * 224], cut[3 * 224 * 224];
    struct cp_pixels resized;
    struct cp_error err;
    assert_int_equal(cp_preprocess_cropped(how, picture, "", cropped, &err), CP_OK);
    assert_int_equal(cp_preprocess_resized(how, picture, "", &resized, &err), CP_OK);
    cp_preprocess_cut(how, picture, &resized, cut);
    cp_pixels_free(&resized);
    assert_memory_equal(cropped, cut, 3 * how->size * how->size * sizeof *cropped);
}

/* What is observed whole is what the model gets a part of, whoever resizes. */
static void the_whole_holds_the_part(void **state) {
    static const size_t sides[][2] = {{61, 37}, {20, 90}, {31, 31}};
    (void)state;
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++)
        for (size_t r = 0; cp_resizes[r]; r++)
            for (int mode = CP_SHORTEST; mode <= CP_SQUASH; mode++)
                for (int filter = CP_BICUBIC; filter <= CP_BILINEAR; filter++) {
                    struct cp_picture picture = {
                        .width = sides[i][0], .height = sides[i][1], .mode = CP_PICTURE_RGBA};
                    struct cp_preprocess how = usual;
                    struct cp_error err;
                    assert_int_equal(cp_picture_alloc(&picture, "", &err), CP_OK);
                    for (size_t b = 0; b < 4 * picture.width * picture.height; b++)
                        picture.bytes[b] = (uint8_t)(b * b * 7 + b / 3);
                    how.size = 32;
                    how.fill = 9;
                    how.resize = cp_resizes[r];
                    how.mode = (enum cp_resize_mode)mode;
                    how.filter = (enum cp_resize_filter)filter;
                    how.colours = r % 2 ? CP_COLOURS_BGR : CP_COLOURS_RGB;
                    cut_is_cropped(&how, &picture);
                    cp_picture_free(&picture);
                }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sides_and_offsets),        cmocka_unit_test(halves_of_odd_rests),
        cmocka_unit_test(no_side_is_lost),          cmocka_unit_test(rescaling_by_a_reciprocal),
        cmocka_unit_test(fused_normalisation),      cmocka_unit_test(a_long_column),
        cmocka_unit_test(the_whole_holds_the_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
