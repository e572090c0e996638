/* SPDX-License-Identifier: GPL-3.0-or-later
 * Specs: what an address covers, every variant and knob of the tables, `auto`, the precision shorthand, and
 * which settings are maths. */
#include "support/spec.h"
#include "support/test.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char *variant_at(const struct cp_spec *of, size_t slot, enum cp_component_id component) {
    return cp_components[component]->variant(of->ops, of->choice[slot].variant[component])->name;
}

static const char *option_at(const struct cp_spec *of, size_t slot, enum cp_knob_id knob) {
    return cp_knob((int)knob)->options[of->choice[slot].option[knob]];
}

/* ---- addresses ---- */

/* The slots in order: joint, visual outside its blocks, visual.0 to .2, text outside, text.0 and .1. */
static void test_layers(void **state) {
    static const struct {
        const char *layers, *covered; /* a digit for each slot */
    } cases[] = {
        {"", "11111111"},
        {"@*", "11111111"},
        {"@visual", "01111000"},
        {"@text", "00000111"},
        {"@visual.0", "00100000"},
        {"@visual.2", "00001000"},
        {"@visual.1-2", "00011000"},
        {"@text.1", "00000001"},
        {"@text.0-1", "00000011"},
        {"@*.0", "00100010"},
        {"@*.0-1", "00110011"},
        {"@visual.0-0", "00100000"},
        {"@joint", "10000000"},
        {"@visual.outer", "01000000"},
        {"@text.outer", "00000100"},
        {"@*.outer", "01000100"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char address[64];
        (void)make_spec(state);
        assert_int_equal(spec->slots, SLOTS);
        (void)snprintf(address, sizeof address, "norm%s", cases[i].layers);
        set_spec(spec, address, "rmsnorm");
        (void)snprintf(address, sizeof address, "attention.softmax%s", cases[i].layers);
        set_spec(spec, address, "bf16");
        (void)snprintf(address, sizeof address, "norm.eps%s", cases[i].layers);
        set_spec(spec, address, "0.25");
        for (size_t slot = 0; slot < SLOTS; slot++) {
            const bool covered = cases[i].covered[slot] == '1';
            assert_string_equal(variant_at(spec, slot, CP_NORM), covered ? "rmsnorm" : "two_pass");
            assert_string_equal(option_at(spec, slot, CP_ATTENTION_SOFTMAX), covered ? "bf16" : "fp32");
            assert_true((spec->choice[slot].number[CP_NORM_EPS] == 0.25) == covered);
        }
    }
}

static void test_slots(void **state) {
    size_t slot = 0;
    (void)state;
    assert_int_equal(cp_spec_slot(&spec_config, CP_JOINT, -1), slot++);
    for (int layer = -1; layer < IMAGE_LAYERS; layer++)
        assert_int_equal(cp_spec_slot(&spec_config, CP_VISUAL, layer), slot++);
    for (int layer = -1; layer < PROMPT_LAYERS; layer++)
        assert_int_equal(cp_spec_slot(&spec_config, CP_TEXT, layer), slot++);
    assert_int_equal(slot, SLOTS);
}

/* ---- values ---- */

/* Every variant and option in the tables can be set by its name, and prints. */
static void test_tables(void **state) {
    char address[64];
    (void)state;
    for (int c = 0; c < CP_COMPONENT_COUNT; c++) {
        const struct cp_variant *variant;
        for (int i = 0; (variant = cp_components[c]->variant(spec->ops, i)) != NULL; i++) {
            set_spec(spec, cp_components[c]->name, variant->name);
            for (size_t slot = 0; slot < SLOTS; slot++)
                assert_int_equal(spec->choice[slot].variant[c], i);
        }
    }
    for (int k = 0; k < CP_KNOB_COUNT; k++)
        for (int o = 0; cp_knob(k)->options && cp_knob(k)->options[o]; o++) {
            (void)snprintf(address, sizeof address, "%s.%s", cp_components[cp_knob_component(k)]->name,
                           cp_knob(k)->name);
            set_spec(spec, address, cp_knob(k)->options[o]);
            for (size_t slot = 0; slot < SLOTS; slot++)
                assert_int_equal(spec->choice[slot].option[k], o);
        }
}

/* The index of a type's option is the type, on which cp_choice_type rests. */
static void test_types_are_indices(void **state) {
    static const char *const names[] = {[CP_FP32] = "fp32", [CP_FP16] = "fp16", [CP_BF16] = "bf16"};
    (void)state;
    for (int type = CP_FP32; type <= CP_BF16; type++) {
        set_spec(spec, "attention.compute", names[type]);
        set_spec(spec, "residual", names[type]);
        assert_int_equal(cp_choice_type(&spec->choice[2], CP_ATTENTION_COMPUTE), type);
        assert_int_equal(cp_choice_residual(&spec->choice[2]), type);
    }
}

/* What the config says of each tower. */
static void test_auto(void **state) {
    static const struct {
        enum cp_config_activation visual, text;
    } cases[] = {{CP_CONFIG_QUICK, CP_CONFIG_QUICK},
                 {CP_CONFIG_ERF, CP_CONFIG_ERF},
                 {CP_CONFIG_TANH, CP_CONFIG_ERF},
                 {CP_CONFIG_ERF, CP_CONFIG_QUICK}};
    struct cp_error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        spec_config.vision.activation = cases[i].visual;
        spec_config.text.activation = cases[i].text;
        assert_int_equal(cp_spec_create("s", &spec_config, cp_ops_find(NULL), &spec_arena, &spec, &err),
                         CP_OK);
        for (int again = 0; again < 2; again++) {
            for (size_t slot = 1; slot < SLOTS; slot++)
                assert_string_equal(
                    variant_at(spec, slot, CP_ACTIVATION),
                    cp_config_activation_names[slot < 2 + IMAGE_LAYERS ? cases[i].visual : cases[i].text]);
            set_spec(spec, "activation", "quick");
            set_spec(spec, "activation", "auto"); /* back to what it was */
        }
    }
}

static void test_eps_of_each_tower(void **state) {
    (void)state;
    for (size_t slot = 1; slot < SLOTS; slot++)
        assert_true(spec->choice[slot].number[CP_NORM_EPS] == (slot < 2 + IMAGE_LAYERS ? 1e-5 : 1e-6));
    set_spec(spec, "norm.eps@text.0", "1e-3");
    assert_true(cp_spec_at(spec, CP_TEXT, 0)->number[CP_NORM_EPS] == 1e-3);
    assert_true(cp_spec_at(spec, CP_TEXT, 1)->number[CP_NORM_EPS] == 1e-6);
}

/* ---- precision ---- */

/* The rows of open_clip's table that have no autocast (src/open_clip/factory.py, model.py): what each means
 * for weights, which of them, and activations; norms keep float32 statistics in all, and the softmax its own
 * type. */
static void test_precision(void **state) {
    static const struct {
        const char *name, *type, *scope;
    } rows[] = {
        {"fp16", "fp16", "linear"},   {"bf16", "bf16", "linear"}, {"pure_fp16", "fp16", "all"},
        {"pure_bf16", "bf16", "all"}, {"fp32", "fp32", "linear"},
    };
    static const enum cp_knob_id typed[] = {CP_LINEAR_COMPUTE, CP_ACTIVATION_COMPUTE, CP_ATTENTION_COMPUTE};
    static const enum cp_knob_id kept[] = {CP_NORM_STATS, CP_ATTENTION_SOFTMAX, CP_ATTENTION_ACCUMULATE,
                                           CP_LINEAR_ACCUMULATE};
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        set_spec(spec, "precision", rows[r].name);
        for (size_t slot = 0; slot < SLOTS; slot++) {
            assert_string_equal(variant_at(spec, slot, CP_WEIGHTS), rows[r].type);
            assert_string_equal(variant_at(spec, slot, CP_RESIDUAL), rows[r].type);
            assert_string_equal(option_at(spec, slot, CP_WEIGHTS_SCOPE), rows[r].scope);
            for (size_t k = 0; k < sizeof typed / sizeof *typed; k++)
                assert_string_equal(option_at(spec, slot, typed[k]), rows[r].type);
            for (size_t k = 0; k < sizeof kept / sizeof *kept; k++)
                assert_string_equal(option_at(spec, slot, kept[k]), "fp32");
            assert_string_equal(variant_at(spec, slot, CP_NORM), "two_pass");
        }
    }
}

static void test_precision_of_layers(void **state) {
    const size_t changed = cp_spec_slot(&spec_config, CP_VISUAL, 1);
    (void)state;
    set_spec(spec, "precision@visual.1", "pure_bf16");
    set_spec(spec, "attention.compute@visual.1", "fp16"); /* the later setting wins */
    for (size_t slot = 0; slot < SLOTS; slot++) {
        assert_string_equal(variant_at(spec, slot, CP_WEIGHTS), slot == changed ? "bf16" : "fp32");
        assert_string_equal(option_at(spec, slot, CP_WEIGHTS_SCOPE), slot == changed ? "all" : "linear");
        assert_string_equal(option_at(spec, slot, CP_ATTENTION_COMPUTE), slot == changed ? "fp16" : "fp32");
    }
}

/* ---- maths, copies, types, text ---- */

static void test_same_maths(void **state) {
    static const struct {
        const char *address, *value;
        bool same;
    } cases[] = {
        {"activation", "quick", true},
        {"activation@text.1", "erf", false},
        {"activation@visual.0", "tanh", false},
        {"norm", "welford", true},
        {"norm", "one_pass", true},
        {"norm@visual.2", "rmsnorm", false},
        {"norm.eps@visual", "1e-5", true},
        {"norm.eps@visual.1", "2e-5", false},
        {"norm.stats", "fp16", true},
        {"attention.compute", "fp16", true},
        {"attention.scale", "sqrt", true},
        {"linear.accumulate", "fp16", true},
        {"weights", "bf16", true},
        {"residual", "fp16", true},
        {"precision", "pure_fp16", true},
    };
    struct cp_error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cp_spec *copy;
        const char *before = cp_spec_print(spec, &spec_arena);
        assert_int_equal(cp_spec_copy(spec, "copy", &spec_arena, &copy, &err), CP_OK);
        assert_string_equal(copy->name, "copy");
        assert_string_equal(cp_spec_print(copy, &spec_arena), before);
        set_spec(copy, cases[i].address, cases[i].value);
        assert_int_equal(cp_spec_same_maths(spec, copy), cases[i].same);
        assert_int_equal(cp_spec_same_maths(copy, spec), cases[i].same);
        assert_string_equal(cp_spec_print(spec, &spec_arena), before); /* not the copy's */
    }
}

static void test_site_types(void **state) {
    static const struct {
        enum cp_point point;
        int layer;
        enum cp_dtype type;
    } cases[] = {
        {CP_PIXELS_NORMALIZED, -1, CP_FP32},
        {CP_CONV1, -1, CP_FP32},
        {CP_LN_1, 1, CP_BF16},
        {CP_ATTN_Q, 1, CP_FP16},
        {CP_ATTN_SCORES, 1, CP_FP16},
        {CP_ATTN_CONTEXT, 1, CP_FP16},
        {CP_ATTN_Q, 0, CP_FP32},
        {CP_ATTN, 1, CP_FP32},
        {CP_MLP_GELU, 1, CP_FP16},
        {CP_MLP_GELU, 2, CP_FP32},
        {CP_BLOCK, 1, CP_BF16},
        {CP_BLOCK, 2, CP_FP32},
    };
    (void)state;
    set_spec(spec, "attention.compute@visual.1", "fp16");
    set_spec(spec, "activation.compute@visual.1", "fp16");
    set_spec(spec, "residual@visual.1", "bf16");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct cp_site site = {
            .tower = CP_VISUAL, .point = cases[i].point, .layer = cases[i].layer, .rank = 2};
        assert_int_equal(cp_spec_site_type(spec, &site), cases[i].type);
    }
}

static void test_print(void **state) {
    (void)state;
    set_spec(spec, "activation@visual.1-2", "erf");
    set_spec(spec, "norm.eps", "0.5");
    const char *text = cp_spec_print(spec, &spec_arena);
    assert_ptr_equal(strstr(text, "activation: quick, from visual.1 on erf, from text.outer on quick\n"),
                     text);
    assert_non_null(strstr(text, "\nactivation.compute: fp32\n"));
    assert_non_null(strstr(text, "\nnorm: two_pass\nnorm.eps: 0.5\nnorm.stats: fp32\n"));
    assert_non_null(strstr(text, "\nattention: eager\nattention.compute: fp32\n"));
}

/* A row's word in capitals against the name in the component's file. */
static void assert_row(const char *row, const char *name) {
    char lower[64];
    size_t i = 0;
    for (; row[i]; i++)
        lower[i] = (char)tolower((unsigned char)row[i]);
    lower[i] = '\0';
    assert_string_equal(lower, name);
}

/* The rows of spec/components.def name the components' structs and their knobs, all of them, in order. */
static void rows_are_the_structs(void **state) {
    size_t own = 0;
    (void)state;
#define COMPONENT(NAME, object) assert_row(#NAME, cp_components[CP_##NAME]->name);
#define KNOB(COMPONENT, NAME) assert_row(#NAME, cp_knob(CP_##COMPONENT##_##NAME)->name);
#include "spec/components.def"
#undef COMPONENT
#undef KNOB
    for (int c = 0; c < CP_COMPONENT_COUNT; c++)
        for (const struct cp_knob *k = cp_components[c]->knobs; k && k->name; k++)
            own++;
    assert_int_equal(own, CP_KNOB_COUNT);
}

/* Every knob has a default, or says how the config gives it, and its default is one of its values. */
static void defaults_are_values(void **state) {
    (void)state;
    for (int k = 0; k < CP_KNOB_COUNT; k++) {
        const struct cp_knob *knob = cp_knob(k);
        bool found = !knob->initial || !knob->options;
        for (int o = 0; !found && knob->options[o]; o++)
            found = strcmp(knob->options[o], knob->initial) == 0;
        assert_true(found);
        assert_true((knob->options != NULL) == (knob->number == CP_NO_NUMBER));
        assert_true(knob->initial ||
                    (knob->options ? knob->option_by_config != NULL : knob->number_by_config != NULL));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_the_structs),
        cmocka_unit_test(defaults_are_values),
        cmocka_unit_test_setup(test_layers, make_spec),
        cmocka_unit_test_setup(test_slots, make_spec),
        cmocka_unit_test_setup(test_tables, make_spec),
        cmocka_unit_test_setup(test_types_are_indices, make_spec),
        cmocka_unit_test_setup(test_auto, make_spec),
        cmocka_unit_test_setup(test_eps_of_each_tower, make_spec),
        cmocka_unit_test_setup(test_precision, make_spec),
        cmocka_unit_test_setup(test_precision_of_layers, make_spec),
        cmocka_unit_test_setup(test_same_maths, make_spec),
        cmocka_unit_test_setup(test_site_types, make_spec),
        cmocka_unit_test_setup(test_print, make_spec),
    };
    return cmocka_run_group_tests(tests, NULL, free_spec);
}
