/* SPDX-License-Identifier: GPL-3.0-or-later
 * Two models of one config: which tensors differ, where, what they feed, and that equal ones are kept once.
 */
#include "support/spec.h"
#include "support/test.h"

#include "model/share.h"
#include "model/weights_difference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 8 }; /* of both towers of spec_config */

static struct cp_model a, b;
static struct cp_weights_differences found;

static int seed_both(void **state) {
    struct cp_error err;
    (void)make_spec(state);
    return cp_model_counter(&spec_config, 3, &a, &err) != CP_OK ||
           cp_model_counter(&spec_config, 3, &b, &err) != CP_OK;
}

static int free_both(void **state) {
    cp_model_free(&a);
    cp_model_free(&b);
    return free_spec(state);
}

/* The test's own model, to be edited. */
static float *edited(const float *values) {
    return (float *)(uintptr_t)values; /* NOLINT(performance-no-int-to-ptr): made by this test */
}

static void compare(void) {
    struct cp_error err;
    assert_int_equal(cp_weights_differences(&a, &b, &spec_arena, &found, &err), CP_OK);
}

static void assert_found(size_t i, const char *name, size_t differing, size_t first) {
    assert_true(i < found.count);
    assert_string_equal(found.list[i].name, name);
    assert_int_equal(found.list[i].differing, differing);
    assert_int_equal(found.list[i].first, first);
}

static void equal_models_have_none(void **state) {
    (void)state;
    compare();
    assert_int_equal(found.count, 0);
    edited(a.tower[CP_VISUAL].conv1)[5] = NAN; /* the same bits on both sides are the same, */
    edited(b.tower[CP_VISUAL].conv1)[5] = NAN;
    compare();
    assert_int_equal(found.count, 0);
    edited(a.tower[CP_TEXT].ln_post.bias)[2] = 0.0f; /* and values that are equal with other bits are not */
    edited(b.tower[CP_TEXT].ln_post.bias)[2] = -0.0f;
    compare();
    assert_int_equal(found.count, 1);
    assert_found(0, "ln_final.bias", 1, 2);
}

static void tensors_are_named(void **state) {
    const size_t at = 3 * WIDTH + 5;
    (void)state;
    edited(b.tower[CP_VISUAL].blocks[1].in_proj.weight)[at] += 1;
    edited(b.tower[CP_VISUAL].blocks[1].in_proj.weight)[at + 7] += 1;
    edited(b.tower[CP_TEXT].blocks[0].c_fc.bias)[31] = 4;
    *edited(b.logit_scale) = 2;
    compare();
    assert_int_equal(found.count, 3);
    assert_found(0, "visual.transformer.resblocks.1.attn.in_proj_weight", 2, at);
    assert_int_equal(found.list[0].elements, 3 * WIDTH * WIDTH);
    assert_true(found.list[0].a == a.tower[CP_VISUAL].blocks[1].in_proj.weight[at]);
    assert_true(found.list[0].b == b.tower[CP_VISUAL].blocks[1].in_proj.weight[at]);
    assert_found(1, "transformer.resblocks.0.mlp.c_fc.bias", 1, 31);
    assert_found(2, "logit_scale", 1, 0);
}

static void taps_read_their_part(void **state) {
    struct cp_weights_difference at[CP_TAP_TENSORS];
    const struct cp_site q = {.tower = CP_VISUAL, .point = CP_ATTN_Q, .layer = 2};
    const struct cp_site k = {.tower = CP_VISUAL, .point = CP_ATTN_K, .layer = 2};
    const struct cp_site norm = {.tower = CP_TEXT, .point = CP_LN_2, .layer = 1};
    (void)state;
    edited(b.tower[CP_VISUAL].blocks[2].in_proj.weight)[WIDTH * WIDTH + 4] += 1;
    edited(b.tower[CP_VISUAL].blocks[2].in_proj.bias)[WIDTH + 1] += 1;
    edited(b.tower[CP_TEXT].blocks[1].ln_2.bias)[6] += 1;
    compare();
    assert_int_equal(cp_weights_differences_at(&found, &a, &b, &q, at), 0);
    assert_int_equal(cp_weights_differences_at(&found, &a, &b, &k, at), 2);
    assert_string_equal(at[0].name, "visual.transformer.resblocks.2.attn.in_proj_weight");
    assert_int_equal(at[0].first, WIDTH * WIDTH + 4);
    assert_int_equal(at[0].elements, WIDTH * WIDTH);
    assert_string_equal(at[1].name, "visual.transformer.resblocks.2.attn.in_proj_bias");
    assert_int_equal(at[1].first, WIDTH + 1);
    assert_int_equal(cp_weights_differences_at(&found, &a, &b, &norm, at), 1);
    assert_string_equal(at[0].name, "transformer.resblocks.1.ln_2.bias");
}

/* The walk's names and those of the taps are the same: each tensor feeds a tap, under its name, once; of
 * in_proj three read a third. */
struct fed {
    struct cp_sites sites;
    size_t tensors;
};

static enum cp_status feeds(void *self, const struct cp_model_tensor *tensor, struct cp_error *err) {
    struct fed *fed = self;
    size_t elements = 0;
    (void)err;
    for (size_t i = 0; i < fed->sites.count; i++) {
        const struct cp_tap_weights w = cp_tap_weights(&a, &fed->sites.list[i]);
        for (size_t t = 0; t < w.count; t++)
            if (strcmp(w.tensor[t].name, tensor->name) == 0) {
                assert_ptr_equal(w.tensor[t].values, *tensor->values + w.tensor[t].first);
                elements += w.tensor[t].elements;
            }
    }
    if (elements != cp_model_tensor_elements(tensor))
        fail_msg("%s: %zu elements of %zu feed a tap", tensor->name, elements,
                 cp_model_tensor_elements(tensor));
    fed->tensors++;
    return CP_OK;
}

static void every_tensor_feeds_a_tap(void **state) {
    struct cp_error err;
    struct fed fed = {.tensors = 0};
    (void)state;
    assert_int_equal(cp_sites_create(&spec_config, 1, 1, 0, &spec_arena, &fed.sites, &err), CP_OK);
    assert_int_equal(cp_each_tensor(&a, feeds, &fed, &err), CP_OK);
    assert_int_equal(fed.tensors, 4 + 4 + 12 * IMAGE_LAYERS + 3 + 2 + 12 * PROMPT_LAYERS + 1);
}

static void they_are_printed(void **state) {
    char *text = NULL;
    size_t size;
    (void)state;
    edited(a.tower[CP_VISUAL].conv1)[WIDTH * 48 / 2 + 17] = 0.5f;
    edited(b.tower[CP_VISUAL].conv1)[WIDTH * 48 / 2 + 17] = -0.25f;
    edited(a.logit_scale)[0] = 1;
    edited(b.logit_scale)[0] = 2;
    compare();
    FILE *out = open_memstream(&text, &size);
    cp_weights_differences_print(&found, 1, out);
    cp_weights_differences_print(&found, 2, out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "weights differ: visual.conv1.weight from element [4, 1, 0, 1] on: 0.5, -0.25 "
                              "(1 of 384)\n"
                              "weights differ: 1 more tensor\n"
                              "weights differ: visual.conv1.weight from element [4, 1, 0, 1] on: 0.5, -0.25 "
                              "(1 of 384)\n"
                              "weights differ: logit_scale: 1, 2 (1 of 1)\n");
    free(text);
}

static void equal_tensors_are_kept_once(void **state) {
    struct cp_error err;
    const struct cp_model *with[] = {&a};
    size_t same;
    (void)state;
    edited(b.tower[CP_VISUAL].blocks[1].ln_1.bias)[0] = 9;
    assert_int_equal(cp_model_share(&b, with, 1, &same, &err), CP_OK);
    assert_int_equal(same, 1);
    assert_int_equal(b.bytes, WIDTH * sizeof(float));
    assert_true(b.tower[CP_VISUAL].blocks[1].ln_1.bias[0] == 9);
    assert_ptr_equal(a.tower[CP_VISUAL].conv1, b.tower[CP_VISUAL].conv1);
    assert_true(cp_model_same_tower(&a, &b, CP_TEXT));
    assert_false(cp_model_same_tower(&a, &b, CP_VISUAL));
    assert_true(cp_model_same_part(&a, &b, CP_VISUAL, CP_SHARE_STEM));
    assert_true(cp_model_same_part(&a, &b, CP_VISUAL, 0));
    assert_false(cp_model_same_part(&a, &b, CP_VISUAL, 1));
    assert_true(cp_model_same_part(&a, &b, CP_VISUAL, CP_SHARE_HEAD));
    compare();
    assert_int_equal(found.count, 1);
}

static void a_model_of_equal_tensors_is_told(void **state) {
    struct cp_error err;
    struct cp_model c;
    const struct cp_model *with[] = {&a, &b};
    size_t same;
    (void)state;
    edited(a.tower[CP_TEXT].token_embedding)[3] = 7;
    assert_int_equal(cp_model_counter(&spec_config, 3, &c, &err), CP_OK);
    assert_int_equal(cp_model_share(&c, with, 2, &same, &err), CP_OK);
    assert_int_equal(same, 1);
    assert_int_equal(c.bytes, 0);
    cp_model_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(equal_models_have_none, seed_both, free_both),
        cmocka_unit_test_setup_teardown(tensors_are_named, seed_both, free_both),
        cmocka_unit_test_setup_teardown(taps_read_their_part, seed_both, free_both),
        cmocka_unit_test_setup_teardown(every_tensor_feeds_a_tap, seed_both, free_both),
        cmocka_unit_test_setup_teardown(they_are_printed, seed_both, free_both),
        cmocka_unit_test_setup_teardown(equal_tensors_are_kept_once, seed_both, free_both),
        cmocka_unit_test_setup_teardown(a_model_of_equal_tensors_is_told, seed_both, free_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
