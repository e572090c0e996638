/* SPDX-License-Identifier: GPL-3.0-or-later
 * Walks the table of families, for every shape that a tower can have: a new row is tested here without a new line. */
#include "support/test.h"

#include "ledger/case.h"
#include "model/pass.h"

/* A shape of a family with any of three properties. */
static struct cp_tower_shape shape_of(int family, int bits) {
    return (struct cp_tower_shape){.family = (enum cp_family_id)family,
                                   .norm_first = bits & 1,
                                   .layer_scale = bits & 2,
                                   .unprojected = bits & 4};
}
enum { SHAPES = 8 };

typedef void (*visit_part)(const struct cp_tower_shape *shape, enum cp_tower tower, enum cp_tower_part part,
                           const struct cp_step *steps, size_t count);

static void each_part(visit_part visit) {
    struct cp_step steps[CP_STEPS_MOST];
    for (int family = 0; family < CP_FAMILY_COUNT; family++)
        for (int bits = 0; bits < SHAPES; bits++)
            for (enum cp_tower tower = CP_VISUAL; tower < CP_TOWERS; tower++)
                for (enum cp_tower_part part = CP_TOWER_STEM; part < CP_TOWER_PARTS; part++) {
                    const struct cp_tower_shape shape = shape_of(family, bits);
                    const size_t count = cp_family_steps(&shape, tower, part, steps);
                    assert_in_range(count, 1, CP_STEPS_MOST);
                    visit(&shape, tower, part, steps, count);
                }
}

static bool takes_two(enum cp_operation_kind kind) {
    return kind == CP_OPERATION_SCORES || kind == CP_OPERATION_CONTEXT || kind == CP_OPERATION_ADD ||
           kind == CP_OPERATION_LOGITS;
}

static void every_family_says_what_it_is(void **state) {
    (void)state;
    for (int f = 0; f < CP_FAMILY_COUNT; f++) {
        assert_true(cp_families[f]->name[0] && cp_families[f]->what[0] && cp_families[f]->source[0]);
        for (int g = 0; g < f; g++)
            assert_string_not_equal(cp_families[f]->name, cp_families[g]->name);
    }
}

/* A point has the names of its tower and stands once, in a block or not as its row says; it reads as many operands as
 * its kind takes. */
static void rows_are_whole(const struct cp_tower_shape *shape, enum cp_tower tower, enum cp_tower_part part,
                           const struct cp_step *steps, size_t count) {
    (void)shape;
    for (size_t i = 0; i < count; i++) {
        const struct cp_point_row *row = &cp_points[steps[i].point];
        const bool given = row->kind == CP_OPERATION_GIVEN;
        assert_non_null(cp_point_name(steps[i].point, tower));
        assert_int_equal(row->in_block, part == CP_TOWER_BLOCK);
        assert_int_equal(steps[i].operand[0] == CP_OPERAND_NONE, given);
        assert_int_equal(steps[i].operand[1] != CP_OPERAND_NONE, takes_two(row->kind));
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(steps[i].point, steps[j].point);
    }
}

static void steps_are_whole(void **state) {
    (void)state;
    each_part(rows_are_whole);
}

/* The forward pass, as far as it says where a value is kept. */
static float places[20];
static struct cp_workspace workspace = {.pixels = &places[0],
                                        .h = &places[1],
                                        .q = &places[2],
                                        .k = &places[3],
                                        .v = &places[4],
                                        .scores = &places[5],
                                        .context = &places[6],
                                        .branch = &places[7],
                                        .mlp = &places[8],
                                        .gelu = &places[9],
                                        .pooled = &places[10],
                                        .projected = &places[11]};
static struct cp_pass pass = {.ws = &workspace, .x = &places[12], .features = &places[13]};

static size_t place_of(int operand) {
    const float *place = cp_pass_value(&pass, operand);
    assert_non_null(place);
    return (size_t)(place - places);
}

/* Every operand is what is last written at its place: given from before the part, or a step's of this part. */
static void operands_are_still_there(const struct cp_tower_shape *shape, enum cp_tower tower,
                                     enum cp_tower_part part, const struct cp_step *steps, size_t count) {
    int owner[sizeof places / sizeof *places];
    (void)shape, (void)tower;
    for (size_t i = 0; i < sizeof owner / sizeof *owner; i++)
        owner[i] = CP_OPERAND_NONE;
    if (part != CP_TOWER_STEM)
        owner[place_of(CP_OPERAND_RESIDUAL)] = CP_OPERAND_RESIDUAL;
    for (size_t i = 0; i < count; i++) {
        for (int k = 0; k < CP_OPERANDS; k++) {
            const int operand = steps[i].operand[k];
            if (operand != CP_OPERAND_NONE && operand != CP_PIXELS_CROPPED)
                assert_int_equal(owner[place_of(operand)], operand);
        }
        owner[place_of((int)steps[i].point)] = (int)steps[i].point;
        if (steps[i].point == CP_ATTN_SCORES)
            owner[place_of(CP_LN_1)] = CP_OPERAND_NONE;
    }
}

static void nothing_is_read_that_was_overwritten(void **state) {
    (void)state;
    each_part(operands_are_still_there);
}

/* What the next part starts from. */
static void last_step(const struct cp_tower_shape *shape, enum cp_tower tower, enum cp_tower_part part,
                      const struct cp_step *steps, size_t count) {
    (void)shape, (void)tower;
    const enum cp_point last = steps[count - 1].point;
    assert_true(part == CP_TOWER_HEAD ? last == CP_FEATURES : cp_step_is_residual(last));
}

static void parts_end_with_the_stream_or_the_features(void **state) {
    (void)state;
    each_part(last_step);
}

static void every_point_has_a_row(void **state) {
    (void)state;
    for (int point = 0; point < CP_POINT_COUNT; point++) {
        const struct cp_point_row *row = &cp_points[point];
        const bool given = point < CP_PIXELS_NORMALIZED || point == CP_TOKENS;
        assert_true(row->words && row->what && row->hugging_face && (row->visual || row->text || row->joint));
        assert_in_range(row->kind, 0, CP_OPERATION_KINDS - 1);
        assert_int_equal(row->kind == CP_OPERATION_GIVEN, given);
        assert_non_null(cp_kind_of(row->kind));
        assert_int_equal(cp_kind_of(row->kind)->ideal == NULL, given);
        assert_int_equal(cp_kind_of(row->kind)->bound == NULL, given);
        assert_int_equal(cp_kind_of(row->kind)->plain == NULL, given);
    }
}

/* ---- the plain ViT and CLIPA's, by hand from open_clip's transformer.py ---- */

static int operand_of(int family, int bits, enum cp_tower tower, enum cp_point point, int which) {
    const struct cp_tower_shape shape = shape_of(family, bits);
    struct cp_step step;
    assert_true(cp_family_step(&shape, tower, point, &step));
    return step.operand[which];
}

static bool has(int bits, enum cp_tower tower, enum cp_point point) {
    const struct cp_tower_shape shape = shape_of(CP_FAMILY_VIT, bits);
    struct cp_step step;
    return cp_family_step(&shape, tower, point, &step);
}

static void layer_scale_and_the_first_norm(void **state) {
    (void)state;
    assert_int_equal(operand_of(CP_FAMILY_VIT, 0, CP_TEXT, CP_RESID_MID, 1), CP_ATTN);
    assert_int_equal(operand_of(CP_FAMILY_VIT, 2, CP_TEXT, CP_RESID_MID, 1), CP_LS_1);
    assert_int_equal(operand_of(CP_FAMILY_VIT, 0, CP_TEXT, CP_BLOCK, 1), CP_MLP_C_PROJ);
    assert_int_equal(operand_of(CP_FAMILY_VIT, 2, CP_TEXT, CP_BLOCK, 1), CP_LS_2);
    assert_int_equal(operand_of(CP_FAMILY_VIT, 2, CP_TEXT, CP_BLOCK, 0), CP_RESID_MID);
    assert_int_equal(operand_of(CP_FAMILY_VIT, 0, CP_VISUAL, CP_EMBED, 0), CP_CONV1);
    assert_int_equal(operand_of(CP_FAMILY_VIT, 0, CP_TEXT, CP_EMBED, 0), CP_TOKEN_EMBEDDING);
    assert_false(has(0, CP_VISUAL, CP_LS_1));
    assert_true(has(2, CP_VISUAL, CP_LS_2));
    assert_false(has(2, CP_VISUAL, CP_LN_PRE));
    assert_true(has(1, CP_VISUAL, CP_LN_PRE));
    assert_false(has(1, CP_TEXT, CP_LN_PRE));
    assert_false(has(1, CP_TEXT, CP_CONV1));
}

static void the_norm_before_the_pooling_or_behind(void **state) {
    (void)state;
    for (enum cp_tower tower = CP_VISUAL; tower < CP_TOWERS; tower++) {
        assert_int_equal(operand_of(CP_FAMILY_VIT, 1, tower, CP_LN_POST, 0), CP_OPERAND_RESIDUAL);
        assert_int_equal(operand_of(CP_FAMILY_VIT, 1, tower, CP_POOLED, 0), CP_LN_POST);
        assert_int_equal(operand_of(CP_FAMILY_VIT, 1, tower, CP_PROJECTED, 0), CP_POOLED);
        assert_int_equal(operand_of(CP_FAMILY_POOL_FIRST, 1, tower, CP_POOLED, 0), CP_OPERAND_RESIDUAL);
        assert_int_equal(operand_of(CP_FAMILY_POOL_FIRST, 1, tower, CP_LN_POST, 0), CP_POOLED);
        assert_int_equal(operand_of(CP_FAMILY_POOL_FIRST, 1, tower, CP_PROJECTED, 0), CP_LN_POST);
    }
}

/* q before k, probabilities before values. */
static void attention_and_what_joins_the_towers(void **state) {
    (void)state;
    assert_int_equal(operand_of(CP_FAMILY_VIT, 0, CP_VISUAL, CP_ATTN_SCORES, 0), CP_ATTN_Q);
    assert_int_equal(operand_of(CP_FAMILY_VIT, 0, CP_VISUAL, CP_ATTN_SCORES, 1), CP_ATTN_K);
    assert_int_equal(operand_of(CP_FAMILY_VIT, 0, CP_VISUAL, CP_ATTN_CONTEXT, 0), CP_ATTN_PROBS);
    assert_int_equal(operand_of(CP_FAMILY_VIT, 0, CP_VISUAL, CP_ATTN_CONTEXT, 1), CP_ATTN_V);
    assert_int_equal(operand_of(CP_FAMILY_VIT, 0, CP_JOINT, CP_CLASS_LOGITS, 1), CP_CLASS_FEATURES);
    assert_int_equal(operand_of(CP_FAMILY_VIT, 0, CP_JOINT, CP_LOGITS_PER_IMAGE, 1), CP_OPERAND_TEXT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_says_what_it_is),
        cmocka_unit_test(steps_are_whole),
        cmocka_unit_test(nothing_is_read_that_was_overwritten),
        cmocka_unit_test(parts_end_with_the_stream_or_the_features),
        cmocka_unit_test(every_point_has_a_row),
        cmocka_unit_test(layer_scale_and_the_first_norm),
        cmocka_unit_test(the_norm_before_the_pooling_or_behind),
        cmocka_unit_test(attention_and_what_joins_the_towers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
