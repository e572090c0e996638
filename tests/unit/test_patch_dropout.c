/* SPDX-License-Identifier: GPL-3.0-or-later
 * What patch_dropout and pixel_noise are to a spec, and that attention over the kept keys is attention over a
 * shorter sequence, to the bit. */
#include "support/spec.h"
#include "support/test.h"

#include "model/patch_dropout.h"

enum { TOKENS = 40, VISIBLE = 19, ROWS = 3 };

static struct cp_spec *other(void) {
    struct cp_spec *made;
    struct cp_error err;
    assert_int_equal(cp_spec_copy(spec, "other", &spec_arena, &made, &err), CP_OK);
    return made;
}

/* Off by default; on, it is another function in the whole image tower and nowhere else. */
static void dropout_acts_in_the_image_tower(void **state) {
    struct cp_spec *dropping = other();
    const size_t text = cp_spec_slot(&spec_config, CP_TEXT, -1);
    (void)state;
    assert_true(cp_spec_same_maths(spec, dropping));
    set_spec(dropping, "patch_dropout", "open_clip");
    assert_true(cp_spec_same_maths(spec, dropping));
    set_spec(dropping, "patch_dropout.prob", "0.5");
    for (size_t slot = 0; slot < spec->slots; slot++) {
        const bool visual = slot > 0 && slot < text;
        assert_int_equal(cp_spec_same_at(spec, dropping, slot), !visual);
        assert_int_equal(cp_spec_same_maths_at(spec, dropping, slot), !visual);
    }
    assert_true(cp_spec_same_pixels(spec, dropping));
}

static void noise_acts_on_pixels(void **state) {
    struct cp_spec *noisy = other();
    const size_t outer = cp_spec_slot(&spec_config, CP_VISUAL, -1);
    (void)state;
    set_spec(noisy, "pixel_noise.sigma", "0.01");
    assert_false(cp_spec_same_pixels(spec, noisy));
    assert_true(cp_spec_same_preprocess(spec, noisy));
    for (size_t slot = 0; slot < spec->slots; slot++)
        assert_int_equal(cp_spec_same_maths_at(spec, noisy, slot), slot != outer);
}

/* Settings without layers, which read back. */
static void differences_are_settings(void **state) {
    struct cp_spec *random = other();
    struct cp_spec_setting *settings;
    struct cp_error err;
    size_t count;
    (void)state;
    set_spec(random, "patch_dropout.prob", "0.25");
    set_spec(random, "patch_dropout.seed", "4294967295");
    set_spec(random, "pixel_noise.sigma", "0.0073");
    assert_int_equal(cp_spec_difference(spec, random, &spec_arena, &settings, &count, &err), CP_OK);
    assert_int_equal(count, 3);
    assert_string_equal(settings[0].address, "pixel_noise.sigma");
    assert_string_equal(settings[0].value, "0.0073");
    assert_string_equal(settings[1].address, "patch_dropout.prob");
    assert_string_equal(settings[2].address, "patch_dropout.seed");
    assert_string_equal(settings[2].value, "4294967295");
    assert_false(cp_spec_same_maths_text("pixel_noise.seed", "1", "2"));
}

/* Of the specs' four patches: one at least. */
static void one_patch_is_kept(void **state) {
    static const struct {
        const char *prob;
        size_t count;
    } cases[] = {{"0.25", 4}, {"0.26", 3}, {"0.5", 3}, {"0.75", 2}, {"0.999", 2}};
    struct cp_error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct cp_patch_mask *list = NULL, *patch_mask;
        set_spec(spec, "patch_dropout.prob", cases[i].prob);
        assert_int_equal(cp_patch_dropout(spec, 5, &spec_arena, &list, &patch_mask, &err), CP_OK);
        assert_int_equal(patch_mask->count, cases[i].count);
        assert_int_equal(patch_mask->images, 5);
        for (size_t image = 0; image < 5; image++)
            assert_int_equal(cp_patch_mask_of(patch_mask, image)[0], 0);
    }
}

static void hidden_keys_are_not_there(void **state) {
    float x[ROWS][TOKENS], shorter[ROWS][VISIBLE];
    uint32_t visible[VISIBLE];
    (void)state;
    for (uint32_t j = 0; j < VISIBLE; j++)
        visible[j] = j < 5 ? j : 2 * j + 1;
    for (size_t row = 0; row < ROWS; row++) {
        for (size_t j = 0; j < TOKENS; j++)
            x[row][j] = (float)((row + 7 * j) % 11) / 3;
        for (size_t j = 0; j < VISIBLE; j++)
            shorter[row][j] = x[row][visible[j]];
    }
    struct cp_softmax_args args = {.x = x[0], .rows = ROWS, .n = VISIBLE, .ld = TOKENS};
    cp_patch_mask_gather(visible, VISIBLE, x[0], ROWS, TOKENS);
    spec->ops->softmax(&args);
    cp_patch_mask_spread(visible, VISIBLE, x[0], ROWS, TOKENS);
    args.x = shorter[0];
    args.ld = VISIBLE;
    spec->ops->softmax(&args);
    for (size_t row = 0; row < ROWS; row++)
        for (size_t j = 0, next = 0; j < TOKENS; j++) {
            const bool seen = next < VISIBLE && visible[next] == j;
            assert_memory_equal(&x[row][j], &(float){seen ? shorter[row][next] : 0}, sizeof(float));
            next += seen;
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(dropout_acts_in_the_image_tower, make_spec),
        cmocka_unit_test_setup(noise_acts_on_pixels, make_spec),
        cmocka_unit_test_setup(differences_are_settings, make_spec),
        cmocka_unit_test_setup(one_patch_is_kept, make_spec),
        cmocka_unit_test_setup(hidden_keys_are_not_there, make_spec),
    };
    return cmocka_run_group_tests(tests, NULL, free_spec);
}
