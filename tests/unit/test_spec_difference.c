/* SPDX-License-Identifier: GPL-3.0-or-later
 * The settings that make one spec of another: how they are merged, and that they do. */
#include "support/spec.h"
#include "support/test.h"

#include "base/hash.h"

#include <stdio.h>

static struct cp_spec *copy(const char *name) {
    struct cp_error err;
    struct cp_spec *made = NULL;
    assert_int_equal(cp_spec_copy(spec, name, &spec_arena, &made, &err), CP_OK);
    return made;
}

/* The difference as "address=value address=value". */
static const char *difference(const struct cp_spec *from, const struct cp_spec *to) {
    struct cp_spec_setting *settings = NULL;
    struct cp_error err;
    size_t count = 0;
    const char *text = "";
    assert_int_equal(cp_spec_difference(from, to, &spec_arena, &settings, &count, &err), CP_OK);
    for (size_t i = 0; i < count; i++)
        text = cp_arena_printf(&spec_arena, "%s%s%s=%s", text, i ? " " : "", settings[i].address,
                               settings[i].value);
    return text;
}

static void settings_are_merged(void **state) {
    static const struct {
        const char *set[4][2];
        const char *difference;
    } cases[] = {
        {{{"activation", "quick"}}, ""},
        {{{"activation", "erf"}}, "activation=erf"},
        {{{"activation@visual", "erf"}}, "activation@visual=erf"},
        {{{"activation@visual.0-1", "erf"}}, "activation@visual.0-1=erf"},
        {{{"activation@visual.0-2", "erf"}}, "activation@visual.0-2=erf"},
        {{{"activation@visual.0", "erf"}, {"activation@visual.1", "tanh"}},
         "activation@visual.0=erf activation@visual.1=tanh"},
        {{{"activation@*.0", "erf"}, {"activation@visual.2", "erf"}},
         "activation@visual.0=erf activation@visual.2=erf activation@text.0=erf"},
        {{{"norm", "welford"}, {"norm@text.1", "two_pass"}},
         "norm@joint=welford norm@visual=welford norm@text.outer=welford norm@text.0=welford"},
        {{{"norm.eps@text", "1e-3"}, {"weights@joint", "fp16"}, {"weights@visual.outer", "fp16"}},
         "norm.eps@text=0.001 weights@joint=fp16 weights@visual.outer=fp16"},
        {{{"inject.head_scale@visual.1", "1000"}, {"attention.compute@text.0-1", "bf16"}},
         "attention.compute@text.0-1=bf16 inject.head_scale@visual.1=1000"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cp_spec *to = copy("to");
        for (size_t s = 0; s < 4 && cases[i].set[s][0]; s++)
            set_spec(to, cases[i].set[s][0], cases[i].set[s][1]);
        assert_string_equal(difference(spec, to), cases[i].difference);
    }
}

static uint64_t draws;

static size_t draw(size_t below) {
    return (size_t)(cp_counter_hash(9, 0, draws++) % below);
}

static void random_settings(struct cp_spec *of) {
    static const char *const settings[][2] = {
        {"activation", "erf"},        {"activation", "tanh"},        {"norm", "welford"},
        {"norm.eps", "1e-3"},         {"norm.eps", "0.25"},          {"attention.compute", "fp16"},
        {"attention.scale", "sqrt"},  {"linear.compute", "bf16"},    {"residual", "fp16"},
        {"weights", "bf16"},          {"weights.scope", "all"},      {"linear.permute", "100"},
        {"inject.activation", "123"}, {"inject.weight_bit", "9999"}, {"precision", "fp16"}};
    static const char *const layers[] = {
        "",          "@visual",   "@text",       "@joint",      "@visual.outer",
        "@text.0",   "@visual.1", "@visual.0-1", "@visual.1-2", "@text.outer",
        "@text.0-1", "@*.0",      "@*.outer"};
    for (size_t i = draw(6); i > 0; i--) {
        const char *const *setting = settings[draw(sizeof settings / sizeof *settings)];
        char address[64];
        (void)snprintf(address, sizeof address, "%s%s", setting[0],
                       layers[draw(sizeof layers / sizeof *layers)]);
        set_spec(of, address, setting[1]);
    }
}

/* Applied to the one they give the other, whatever both are; equal specs have none. */
static void settings_give_the_other(void **state) {
    (void)state;
    for (size_t trial = 0; trial < 500; trial++) {
        struct cp_spec *from = copy("from"), *to = copy("to");
        struct cp_spec_setting *settings = NULL;
        struct cp_error err;
        size_t count = 0;
        random_settings(from);
        random_settings(to);
        assert_int_equal(cp_spec_difference(from, to, &spec_arena, &settings, &count, &err), CP_OK);
        for (size_t i = 0; i < count; i++)
            set_spec(from, settings[i].address, settings[i].value);
        for (size_t slot = 0; slot < SLOTS; slot++)
            assert_true(cp_spec_same_at(from, to, slot));
        assert_string_equal(difference(from, to), "");
    }
}

/* Values are taken one by one. */
static void values_are_taken(void **state) {
    struct cp_spec *to = copy("to"), *from = copy("from");
    (void)state;
    set_spec(from, "norm.eps", "0.25");
    set_spec(from, "norm", "rmsnorm");
    set_spec(from, "attention.compute", "fp16");
    cp_spec_take(to, from, 3, CP_NORM, CP_NORM_EPS);
    cp_spec_take(to, from, 5, CP_NORM, -1);
    cp_spec_take(to, from, 0, CP_ATTENTION, CP_ATTENTION_COMPUTE);
    assert_string_equal(difference(spec, to),
                        "norm@text.outer=rmsnorm norm.eps@visual.1=0.25 attention.compute@joint=fp16");
    assert_true(cp_spec_same_value(to, from, 3, CP_NORM, CP_NORM_EPS));
    assert_false(cp_spec_same_value(to, from, 3, CP_NORM, -1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(settings_are_merged, make_spec),
        cmocka_unit_test_setup(settings_give_the_other, make_spec),
        cmocka_unit_test_setup(values_are_taken, make_spec),
    };
    return cmocka_run_group_tests(tests, NULL, free_spec);
}
