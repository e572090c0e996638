/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table of operations: a row for every point, operands that come before it, and the layouts of models
 * that lack a norm, have LayerScale, or normalise after pooling. */
#include "support/test.h"

#include "ledger/case.h"

/* The layouts that exist: any of three properties. */
static struct cp_operation_layout layout_of(int bits) {
    return (struct cp_operation_layout){
        .layer_scale = bits & 1, .no_ln_pre = bits & 2, .norm_after_pool = bits & 4};
}

static bool takes_two(enum cp_operation_kind kind) {
    return kind == CP_OPERATION_SCORES || kind == CP_OPERATION_CONTEXT || kind == CP_OPERATION_ADD ||
           kind == CP_OPERATION_LOGITS;
}

static void every_point_has_a_row(void **state) {
    (void)state;
    for (int point = 0; point < CP_POINT_COUNT; point++) {
        const struct cp_operation *o = &cp_operations[point];
        const bool given = point < CP_PIXELS_NORMALIZED || point == CP_TOKENS;
        assert_int_equal(o->kind == CP_OPERATION_GIVEN, given);
        assert_in_range(o->kind, 0, CP_OPERATION_KINDS - 1);
        assert_int_equal(o->operand[0] == CP_OPERAND_NONE, given);
        assert_int_equal(o->operand[1] != CP_OPERAND_NONE, takes_two(o->kind));
        assert_non_null(cp_kind_of(o->kind));
        assert_int_equal(cp_kind_of(o->kind)->ideal == NULL, given);
        assert_int_equal(cp_kind_of(o->kind)->bound == NULL, given);
        assert_int_equal(cp_kind_of(o->kind)->plain == NULL, given);
    }
}

/* In execution order, except that a norm may stand after the pooling. */
static bool precedes(int operand, int point, struct cp_operation_layout layout) {
    if (layout.norm_after_pool && point == CP_LN_POST && operand == CP_POOLED)
        return true;
    if (layout.norm_after_pool && point == CP_POOLED && operand == CP_LN_POST)
        return false;
    return operand >= CP_POINT_COUNT || operand < point;
}

static void operands_precede(void **state) {
    (void)state;
    for (int bits = 0; bits < 8; bits++)
        for (int point = 0; point < CP_POINT_COUNT; point++) {
            const struct cp_operation_layout layout = layout_of(bits);
            const struct cp_operation o = cp_operation_at((enum cp_point)point, layout);
            assert_int_equal(o.kind, cp_operations[point].kind);
            for (int i = 0; i < CP_OPERANDS; i++) {
                assert_true(precedes(o.operand[i], point, layout));
                if (o.operand[i] < CP_POINT_COUNT)
                    assert_true(cp_operation_exists((enum cp_point)o.operand[i], layout));
                /* What a block computes stays within it, but for the stream. */
                if (o.operand[i] < CP_POINT_COUNT)
                    assert_int_equal(cp_points[o.operand[i]].in_block, cp_points[point].in_block);
            }
        }
}

static int first_operand(enum cp_point point, int bits) {
    return cp_operation_at(point, layout_of(bits)).operand[0];
}

static void layouts(void **state) {
    (void)state;
    /* Without LayerScale the addition takes the layer itself, with it what it scaled. */
    assert_int_equal(cp_operation_at(CP_RESID_MID, layout_of(0)).operand[1], CP_ATTN);
    assert_int_equal(cp_operation_at(CP_RESID_MID, layout_of(1)).operand[1], CP_LS_1);
    assert_int_equal(cp_operation_at(CP_BLOCK, layout_of(0)).operand[1], CP_MLP_C_PROJ);
    assert_int_equal(cp_operation_at(CP_BLOCK, layout_of(1)).operand[1], CP_LS_2);
    assert_int_equal(first_operand(CP_BLOCK, 0), CP_RESID_MID);
    assert_false(cp_operation_exists(CP_LS_1, layout_of(0)));
    assert_true(cp_operation_exists(CP_LS_2, layout_of(1)));
    assert_true(cp_operation_exists(CP_LN_PRE, layout_of(0)));
    assert_false(cp_operation_exists(CP_LN_PRE, layout_of(2)));
    assert_true(cp_operation_exists(CP_LN_POST, layout_of(6)));
    /* The norm before the pooling, or behind it. */
    assert_int_equal(first_operand(CP_LN_POST, 0), CP_OPERAND_RESIDUAL);
    assert_int_equal(first_operand(CP_POOLED, 0), CP_LN_POST);
    assert_int_equal(first_operand(CP_PROJECTED, 0), CP_POOLED);
    assert_int_equal(first_operand(CP_LN_POST, 4), CP_POOLED);
    assert_int_equal(first_operand(CP_POOLED, 4), CP_OPERAND_RESIDUAL);
    assert_int_equal(first_operand(CP_PROJECTED, 4), CP_LN_POST);
}

static void layouts_of_configs(void **state) {
    const struct cp_clip_config config = {
        .vision = {.layer_scale = true, .no_ln_pre = true, .final_ln_after_pool = false},
        .text = {.layer_scale = false, .final_ln_after_pool = true}};
    const struct cp_operation_layout visual = cp_operation_layout(&config, CP_VISUAL),
                                     text = cp_operation_layout(&config, CP_TEXT);
    (void)state;
    assert_true(visual.layer_scale && visual.no_ln_pre && !visual.norm_after_pool);
    assert_true(!text.layer_scale && text.no_ln_pre && text.norm_after_pool);
}

/* q before k, probabilities before values. */
static void attention(void **state) {
    (void)state;
    assert_int_equal(cp_operations[CP_ATTN_SCORES].operand[0], CP_ATTN_Q);
    assert_int_equal(cp_operations[CP_ATTN_SCORES].operand[1], CP_ATTN_K);
    assert_int_equal(cp_operations[CP_ATTN_CONTEXT].operand[0], CP_ATTN_PROBS);
    assert_int_equal(cp_operations[CP_ATTN_CONTEXT].operand[1], CP_ATTN_V);
    for (int point = CP_ATTN_Q; point <= CP_ATTN_V; point++)
        assert_int_equal(cp_operations[point].operand[0], CP_LN_1);
    assert_int_equal(cp_operations[CP_CLASS_LOGITS].operand[1], CP_CLASS_FEATURES);
    assert_int_equal(cp_operations[CP_LOGITS_PER_IMAGE].operand[1], CP_OPERAND_TEXT);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_point_has_a_row),
                                       cmocka_unit_test(operands_precede), cmocka_unit_test(layouts),
                                       cmocka_unit_test(layouts_of_configs), cmocka_unit_test(attention)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
