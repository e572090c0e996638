/* SPDX-License-Identifier: GPL-3.0-or-later
 * The public header where tests/package/library.py does not look: errors, who ends a pass, batches, both kinds of seeds. */
#include "library/clip-parity.h"

#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 40, LENGTH = 77, EMBED = 64, PIXELS = 3 * 28 * 28 }; /* more than a batch; the demo model's */

static struct clip_parity_error error;
static struct clip_parity_model *model;
static float pixels[IMAGES * PIXELS];

static int open_model(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof pixels / sizeof pixels[0]; i++)
        pixels[i] = sinf((float)i);
    return (int)clip_parity_model_open("data/fashion-clip", NULL, &model, &error);
}

static int close_model(void **state) {
    (void)state;
    clip_parity_model_close(model);
    return 0;
}

static struct clip_parity_pass *pass_of(const char *settings, int threads) {
    struct clip_parity_pass *pass;
    assert_int_equal(clip_parity_pass_create(model, settings, threads, &pass, &error), CLIP_PARITY_OK);
    return pass;
}

static void shape_is_the_config_s(void **state) {
    (void)state;
    const struct clip_parity_shape shape = clip_parity_model_shape(model);
    assert_int_equal(shape.image_size, 28);
    assert_int_equal(shape.context_length, LENGTH);
    assert_int_equal(shape.embed_dim, EMBED);
    assert_null(clip_parity_model_note(model, 0));
}

static void a_missing_model(void **state) {
    (void)state;
    struct clip_parity_model *none = model;
    assert_int_equal(clip_parity_model_open("no-such-model", NULL, &none, &error), CLIP_PARITY_BAD_INPUT);
    assert_null(none);
    assert_int_equal(error.status, CLIP_PARITY_BAD_INPUT);
    assert_non_null(strstr(error.message, "no-such-model"));
    assert_int_equal(clip_parity_model_open("no-such-model", NULL, &none, NULL), CLIP_PARITY_BAD_INPUT);
    clip_parity_model_close(none);
}

static void settings_that_do_not_exist(void **state) {
    (void)state;
    static const struct {
        const char *settings, *says;
    } wrong[] = {{"activation", "'activation' is not a setting"},
                 {"activation=swash", "swash"},
                 {"activation=erf,no.such=1", "no"},
                 {"=erf", "is not a setting"}};
    for (size_t w = 0; w < sizeof wrong / sizeof wrong[0]; w++) {
        struct clip_parity_pass *pass;
        assert_int_equal(clip_parity_pass_create(model, wrong[w].settings, 1, &pass, &error),
                         CLIP_PARITY_BAD_INPUT);
        assert_null(pass);
        assert_non_null(strstr(error.message, wrong[w].says));
        assert_memory_equal(error.message, "settings: ", 10);
        clip_parity_pass_free(pass);
    }
}

static void an_activation_that_nobody_says(void **state) {
    (void)state;
    struct clip_parity_model *silent;
    struct clip_parity_pass *pass;
    assert_int_equal(
        clip_parity_model_open("data/fashion-clip/open_clip_model.safetensors", NULL, &silent, &error),
        CLIP_PARITY_OK);
    assert_non_null(clip_parity_model_note(silent, 0));
    assert_int_equal(clip_parity_pass_create(silent, NULL, 1, &pass, &error), CLIP_PARITY_BAD_INPUT);
    assert_non_null(strstr(error.message, "which activation"));
    assert_int_equal(clip_parity_pass_create(silent, "activation=quick", 1, &pass, &error), CLIP_PARITY_OK);
    clip_parity_pass_free(pass);
    clip_parity_model_close(silent);
}

static void inputs_that_are_none(void **state) {
    (void)state;
    struct clip_parity_pass *pass = pass_of(NULL, 1);
    int32_t ids[LENGTH];
    float features[EMBED], probabilities[1];
    const char *text = "\xff";
    assert_int_equal(clip_parity_tokenize(pass, &text, 1, false, ids, &error), CLIP_PARITY_BAD_INPUT);
    text = "a photo of a dress";
    assert_int_equal(clip_parity_tokenize(pass, &text, 1, false, ids, &error), CLIP_PARITY_OK);
    ids[3] = 49408;
    assert_int_equal(clip_parity_encode_texts(pass, ids, 1, NULL, features, &error), CLIP_PARITY_BAD_INPUT);
    assert_string_equal(error.message, "id 49408 of text 0 (expected 0 to 49407)");
    assert_int_equal(clip_parity_preprocess(pass, "README.md", pixels, &error), CLIP_PARITY_BAD_INPUT);
    assert_int_equal(clip_parity_probabilities(pass, features, 1, features, 0, NULL, probabilities, &error),
                     CLIP_PARITY_BAD_INPUT);
    clip_parity_pass_free(pass);
}

/* Ends the pass at the named tap. */
static int stop(void *user, const struct clip_parity_tap *tap) {
    return strcmp(tap->name, user) == 0;
}

static void an_observer_ends_the_pass(void **state) {
    (void)state;
    char name[] = "visual.transformer.resblocks.1.mlp.gelu";
    const struct clip_parity_observer observer = {stop, name};
    struct clip_parity_pass *pass = pass_of(NULL, 1);
    float features[EMBED], whole[EMBED];
    assert_int_equal(clip_parity_encode_images(pass, pixels, 1, &observer, features, &error),
                     CLIP_PARITY_INTERRUPTED);
    assert_non_null(strstr(error.message, name));
    assert_int_equal(clip_parity_encode_images(pass, pixels, 1, NULL, features, &error), CLIP_PARITY_OK);
    clip_parity_pass_free(pass);
    pass = pass_of(NULL, 1);
    assert_int_equal(clip_parity_encode_images(pass, pixels, 1, NULL, whole, &error), CLIP_PARITY_OK);
    assert_memory_equal(whole, features, sizeof whole);
    clip_parity_pass_free(pass);
}

/* Which rows of a tap have come. */
struct rows {
    size_t next, calls;
};

static int count_rows(void *user, const struct clip_parity_tap *tap) {
    struct rows *rows = user;
    if (strcmp(tap->name, "image_features") != 0)
        return 0;
    assert_int_equal(tap->first, rows->next);
    assert_int_equal(tap->rank, 2);
    assert_int_equal(tap->shape[1], EMBED);
    rows->next += tap->shape[0];
    rows->calls++;
    return 0;
}

/* One image is as it is among many, on any number of threads, observed or not. */
static void batches_change_no_bit(void **state) {
    (void)state;
    struct rows rows = {0};
    const struct clip_parity_observer observer = {count_rows, &rows};
    struct clip_parity_pass *many = pass_of(NULL, 2), *one = pass_of(NULL, 1);
    float all[IMAGES * EMBED], last[EMBED];
    assert_int_equal(clip_parity_encode_images(many, pixels, IMAGES, &observer, all, &error), CLIP_PARITY_OK);
    assert_int_equal(rows.next, IMAGES);
    assert_int_equal(rows.calls, 2);
    assert_int_equal(clip_parity_encode_images(one, pixels + (IMAGES - 1) * PIXELS, 1, NULL, last, &error),
                     CLIP_PARITY_OK);
    assert_memory_equal(last, all + (IMAGES - 1) * EMBED, sizeof last);
    clip_parity_pass_free(many);
    clip_parity_pass_free(one);
}

/* What is drawn by a seed is drawn anew for each call, as one run does; the caller's pixels stay. */
static void seeds_are_of_a_call(void **state) {
    (void)state;
    static const char *const seeded[] = {"patch_dropout.prob=0.5", "pixel_noise.sigma=0.5"};
    for (size_t s = 0; s < sizeof seeded / sizeof seeded[0]; s++) {
        struct clip_parity_pass *pass = pass_of(seeded[s], 1), *plain = pass_of(NULL, 1);
        float first[2 * EMBED], again[2 * EMBED], others[EMBED];
        float before[PIXELS];
        memcpy(before, pixels, sizeof before);
        assert_int_equal(clip_parity_encode_images(pass, pixels, 2, NULL, first, &error), CLIP_PARITY_OK);
        assert_int_equal(clip_parity_encode_images(pass, pixels, 1, NULL, others, &error), CLIP_PARITY_OK);
        assert_int_equal(clip_parity_encode_images(pass, pixels, 2, NULL, again, &error), CLIP_PARITY_OK);
        assert_memory_equal(first, again, sizeof first);
        assert_memory_equal(before, pixels, sizeof before);
        assert_int_equal(clip_parity_encode_images(plain, pixels, 1, NULL, others, &error), CLIP_PARITY_OK);
        assert_memory_not_equal(first, others, sizeof others);
        clip_parity_pass_free(pass);
        clip_parity_pass_free(plain);
    }
}

static void a_comparison(void **state) {
    (void)state;
    const float x[4] = {1, 2, 3, 4}, y[4] = {1, 2, 3, 5}, nan[4] = {NAN, NAN, NAN, NAN};
    struct clip_parity_difference d;
    assert_int_equal(clip_parity_compare(x, y, 2, 2, &d, &error), CLIP_PARITY_OK);
    assert_true(d.max_abs == 1 && d.worst_row == 1 && d.different == 1 && d.nonfinite == 0);
    assert_true(fabs(d.rel_l2 - 1 / sqrt(39)) < 1e-15);
    assert_int_equal(clip_parity_compare(x, nan, 2, 2, &d, &error), CLIP_PARITY_OK);
    assert_true(isnan(d.rel_l2) && d.worst_row == 0 && d.nonfinite == 4);
    assert_int_equal(clip_parity_compare(x, y, 0, 2, &d, &error), CLIP_PARITY_BAD_INPUT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shape_is_the_config_s),
        cmocka_unit_test(a_missing_model),
        cmocka_unit_test(settings_that_do_not_exist),
        cmocka_unit_test(an_activation_that_nobody_says),
        cmocka_unit_test(inputs_that_are_none),
        cmocka_unit_test(an_observer_ends_the_pass),
        cmocka_unit_test(batches_change_no_bit),
        cmocka_unit_test(seeds_are_of_a_call),
        cmocka_unit_test(a_comparison),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
