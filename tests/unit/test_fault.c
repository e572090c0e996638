/* SPDX-License-Identifier: GPL-3.0-or-later
 * Faults and permutations as settings: what each comes to, that it is seeded, and that without one nothing is
 * changed. */
#include "support/spec.h"
#include "support/test.h"

#include "model/fault.h"
#include "model/permute.h"
#include "model/tap_weights.h"

#include <string.h>

static struct cp_choice *choice_at(int layer) {
    return &spec->choice[cp_spec_slot(&spec_config, CP_VISUAL, layer)];
}

static void without_a_seed_nothing_changes(void **state) {
    const struct cp_choice *choice = choice_at(0);
    (void)state;
    assert_int_equal(cp_fault_activation(spec->ops, choice), choice->variant[CP_ACTIVATION]);
    assert_true(cp_fault_eps(choice, CP_LN_1) == 1e-5 && cp_fault_eps(choice, CP_LN_2) == 1e-5);
    assert_true(cp_fault_head_factor(choice, 0, 1) == 1);
    assert_int_equal(cp_fault_softmax(choice), CP_FP32);
    assert_false(cp_fault_transposes(choice));
    assert_int_equal(cp_choice_permutation(choice), 0);
}

static void a_fault_is_in_its_block_alone(void **state) {
    (void)state;
    set_spec(spec, "inject.activation@visual.1", "7");
    set_spec(spec, "inject.eps@visual.1", "7");
    set_spec(spec, "inject.softmax@visual.1", "7");
    const struct cp_choice *faulty = choice_at(1), *clean = choice_at(2);
    const int other = cp_fault_activation(spec->ops, faulty);
    assert_string_not_equal(spec->ops->activations[other]->info.maths,
                            spec->ops->activations[faulty->variant[CP_ACTIVATION]]->info.maths);
    assert_int_equal(cp_fault_activation(spec->ops, clean), clean->variant[CP_ACTIVATION]);
    assert_true((cp_fault_eps(faulty, CP_LN_1) != 1e-5) != (cp_fault_eps(faulty, CP_LN_2) != 1e-5));
    assert_true(cp_fault_softmax(faulty) != CP_FP32 && cp_fault_softmax(clean) == CP_FP32);
}

/* One head, whichever the seed draws; over seeds, every head and every kind is drawn. */
static void one_head_is_scaled(void **state) {
    size_t drawn[4] = {0};
    (void)state;
    for (int seed = 1; seed <= 64; seed++) {
        size_t scaled = 0;
        choice_at(0)->number[CP_INJECT_HEAD_SCALE] = seed;
        for (size_t head = 0; head < 4; head++)
            if (cp_fault_head_factor(choice_at(0), head, 4) != 1) {
                scaled++;
                drawn[head]++;
            }
        assert_int_equal(scaled, 1);
    }
    for (size_t head = 0; head < 4; head++)
        assert_true(drawn[head] > 4);
}

static void one_bit_is_flipped(void **state) {
    struct cp_model model;
    const struct cp_model *faulty, *again;
    struct cp_error err;
    size_t changed = 0;
    (void)state;
    assert_int_equal(cp_model_counter(&spec_config, 3, &model, &err), CP_OK);
    set_spec(spec, "inject.weight_bit@visual.1", "9");
    assert_int_equal(cp_fault_model(spec, &model, &spec_arena, &faulty, &err), CP_OK);
    assert_int_equal(cp_fault_model(spec, &model, &spec_arena, &again, &err), CP_OK);
    for (int point = CP_LN_1; point <= CP_BLOCK; point++) {
        const struct cp_site site = {.tower = CP_VISUAL, .point = (enum cp_point)point, .layer = 1};
        const struct cp_tap_weights x = cp_tap_weights(&model, &site), y = cp_tap_weights(faulty, &site);
        for (size_t t = 0; t < x.count; t++)
            for (size_t i = 0; i < x.tensor[t].elements; i++)
                changed += (size_t)__builtin_popcount(cp_bits(x.tensor[t].values[i]) ^
                                                      cp_bits(y.tensor[t].values[i]));
        assert_false(cp_tap_weights_differ(faulty, again, &site));
    }
    assert_int_equal(changed, 1);
    assert_ptr_equal(faulty->tower[CP_VISUAL].blocks[0].c_fc.weight,
                     model.tower[CP_VISUAL].blocks[0].c_fc.weight);
    set_spec(spec, "inject.weight_bit@visual.1", "0");
    assert_int_equal(cp_fault_model(spec, &model, &spec_arena, &faulty, &err), CP_OK);
    assert_ptr_equal(faulty, &model);
    cp_model_free(&model);
}

static void maths_is_told_from_arithmetic(void **state) {
    static const struct {
        const char *address;
        bool same_maths;
    } cases[] = {{"inject.activation@visual.1", false}, {"inject.eps@visual.1", false},
                 {"inject.head_scale@visual.1", false}, {"inject.transpose@visual.1", false},
                 {"inject.weight_bit@visual.1", false}, {"inject.softmax@visual.1", true},
                 {"linear.permute@visual.1", true}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cp_spec *other;
        struct cp_error err;
        const size_t slot = cp_spec_slot(&spec_config, CP_VISUAL, 1);
        assert_int_equal(cp_spec_copy(spec, "other", &spec_arena, &other, &err), CP_OK);
        set_spec(other, cases[i].address, "3");
        assert_int_equal(cp_spec_same_maths(spec, other), cases[i].same_maths);
        assert_false(cp_spec_same_at(spec, other, slot));
        assert_true(cp_spec_same_at(spec, other, slot + 1));
    }
}

static void a_permutation_holds_every_index_once(void **state) {
    uint32_t order[300], again[300], other[300];
    bool seen[300] = {false};
    (void)state;
    cp_permutation(5, 300, order);
    cp_permutation(5, 300, again);
    cp_permutation(6, 300, other);
    assert_memory_equal(order, again, sizeof order);
    assert_memory_not_equal(order, other, sizeof order);
    for (size_t i = 0; i < 300; i++) {
        assert_true(order[i] < 300 && !seen[order[i]]);
        seen[order[i]] = true;
    }
    const float x[6] = {0, 1, 2, 10, 11, 12};
    const uint32_t turned[3] = {2, 0, 1};
    float y[6];
    cp_permute_columns(x, 2, 3, turned, y, NULL);
    assert_memory_equal(y, ((const float[]){2, 0, 1, 12, 10, 11}), sizeof y);
    cp_permute_rows(x, 3, 2, turned, y);
    assert_memory_equal(y, ((const float[]){11, 12, 0, 1, 2, 10}), sizeof y);
}

static void what_is_no_seed_is_refused(void **state) {
    static const char *const values[] = {"", "-1", "1.5", "x", "1x", "1e3", "+2", " 3", "1000000000"};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct cp_error err;
        assert_int_equal(cp_spec_set(spec, "inject.eps@visual.0", values[i], &err), CP_BAD_INPUT);
        assert_non_null(strstr(err.what, "is not a seed"));
        assert_non_null(strstr(err.expected, "1 to 999999999"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_a_seed_nothing_changes, make_spec),
        cmocka_unit_test_setup(a_fault_is_in_its_block_alone, make_spec),
        cmocka_unit_test_setup(one_head_is_scaled, make_spec),
        cmocka_unit_test_setup(one_bit_is_flipped, make_spec),
        cmocka_unit_test_setup(maths_is_told_from_arithmetic, make_spec),
        cmocka_unit_test_setup(a_permutation_holds_every_index_once, make_spec),
        cmocka_unit_test_setup(what_is_no_seed_is_refused, make_spec),
    };
    return cmocka_run_group_tests(tests, NULL, free_spec);
}
