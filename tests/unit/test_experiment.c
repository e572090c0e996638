/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/experiment.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cp_candidate *candidate(const char *name) {
    for (size_t i = 0; i < experiment.candidate_count; i++)
        if (strcmp(experiment.candidates[i].name, name) == 0)
            return &experiment.candidates[i];
    fail_msg("no candidate '%s'", name);
    return NULL;
}

static void assert_mark(const struct cp_mark *mark, int line, int column) {
    assert_string_equal(mark->source, "e.yaml");
    assert_int_equal(mark->line, line);
    assert_int_equal(mark->column, column);
}

static void example_inputs(const struct cp_experiment_inputs *inputs) {
    assert_int_equal(inputs->image_count, 1);
    assert_string_equal(inputs->images[0].text, "data/fashion-clip/images/*.png");
    assert_mark(&inputs->images[0].mark, 7, 11);
    assert_int_equal(inputs->prompts, CP_PROMPTS_CLASSES);
    assert_string_equal(inputs->texts.path.text, "data/fashion-clip/classes.txt");
    assert_mark(&inputs->texts.path.mark, 8, 22);
    assert_null(inputs->templates.path.text);
    assert_int_equal(inputs->templates.count, 2);
    assert_string_equal(inputs->templates.items[1].text, "a picture of a {}, a fashion item");
    assert_string_equal(inputs->labels.text, "data/fashion-clip/labels.csv");
    assert_int_equal(inputs->limit, CP_ALL);
    assert_false(inputs->truncate);
    assert_false(inputs->synthetic);
}

static void example_is_read(void **state) {
    (void)state;
    parse_experiment(EXPERIMENT_EXAMPLE, NULL);
    assert_string_equal(experiment.name, "quickgelu-vs-gelu");
    assert_string_equal(experiment.hypothesis,
                        "Weights trained with QuickGELU lose accuracy under GELU, from the first block on.");
    assert_string_equal(experiment.model.checkpoint.text, "data/fashion-clip/open_clip_model.safetensors");
    assert_mark(&experiment.model.checkpoint.mark, 4, 15);
    assert_string_equal(experiment.model.config.text, "data/fashion-clip/open_clip_config.json");
    assert_null(experiment.model.init);
    example_inputs(&experiment.inputs);
    assert_string_equal(experiment.baseline.name, "baseline");
    assert_int_equal(experiment.baseline.count, 1);
    assert_setting(&experiment.baseline, 0, "activation", "quick");
    assert_mark(&experiment.baseline.settings[0].mark, 10, 12);
    assert_mark(&experiment.baseline.settings[0].value_mark, 10, 24);
    assert_int_equal(experiment.candidate_count, 3);
    assert_string_equal(experiment.candidates[0].name, "erf");
    assert_mark(&experiment.candidates[1].mark, 13, 3);
    assert_setting(&experiment.candidates[1], 0, "attention.compute", "fp16");
    assert_setting(&experiment.candidates[1], 1, "attention.accumulate", "fp32");
    assert_setting(candidate("last-two"), 0, "activation@visual.4-5", "erf");
    assert_int_equal(experiment.record_count, 3);
    assert_rule(0, "*", CP_MODE_STATS);
    assert_rule(1, "*.mlp.gelu", CP_MODE_FULL);
    assert_rule(2, "*_features", CP_MODE_FULL);
    assert_int_equal(experiment.oracle, CP_ALL);
    assert_int_equal(experiment.threads, 2);
    assert_int_equal(experiment.batch, 0);
    assert_string_equal(experiment.isa, "auto");
    assert_string_equal(experiment.output.text, "results/runs/quickgelu-vs-gelu.h5");
    assert_true(experiment.verdict_k == 2 && experiment.verdict_alpha == 0.05);
}

static void defaults_are_filled_in(void **state) {
    (void)state;
    parse_experiment(
        "{experiment: e, model: {config: c.json, init: counter}, inputs: {synthetic: {images: 32, seed: 5}}}",
        NULL);
    assert_null(experiment.hypothesis);
    assert_null(experiment.model.checkpoint.text);
    assert_string_equal(experiment.model.init, "counter");
    assert_true(experiment.model.seed == 0);
    assert_true(experiment.inputs.synthetic);
    assert_int_equal(experiment.inputs.synthetic_images, 32);
    assert_int_equal(experiment.inputs.synthetic_prompts, 0);
    assert_true(experiment.inputs.synthetic_seed == 5);
    assert_int_equal(experiment.inputs.prompts, CP_PROMPTS_NONE);
    assert_int_equal(experiment.baseline.count, 0);
    assert_int_equal(experiment.candidate_count, 0);
    assert_int_equal(experiment.record_count, 1);
    assert_rule(0, "*", CP_MODE_STATS);
    assert_int_equal(experiment.oracle, CP_ORACLE_AUTO);
    assert_int_equal(experiment.threads, 0);
    assert_int_equal(experiment.batch, 0);
    assert_string_equal(experiment.output.text, "results/runs/e.h5");
    assert_true(experiment.verdict_k == 0 && experiment.verdict_alpha == 0.05);
    assert_int_equal(experiment.ledger, CP_LEDGER_AUTO);
    assert_null(experiment.tolerance);
}

static void alpha_goes_down_to_a_millionth(void **state) {
    (void)state;
    PARSE_EXAMPLE("verdict.alpha=1e-6");
    assert_true(experiment.verdict_alpha == 1e-6);
    PARSE_EXAMPLE("verdict.alpha=0.5");
    assert_true(experiment.verdict_alpha == 0.5);
}

static void ledger_has_four_forms(void **state) {
    static const struct {
        const char *override;
        int ledger;
    } forms[] = {{"ledger=auto", CP_LEDGER_AUTO}, {"ledger=on", CP_ALL}, {"ledger=off", 0}, {"ledger=7", 7}};
    (void)state;
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        PARSE_EXAMPLE(forms[f].override);
        assert_int_equal(experiment.ledger, forms[f].ledger);
    }
}

/* Of the two limits the one that is not said is 0. */
static void tolerance_is_read(void **state) {
    (void)state;
    PARSE_EXAMPLE("verdict.rtol=1e-3");
    assert_non_null(experiment.tolerance);
    assert_true(experiment.tolerance->relative == 1e-3 && experiment.tolerance->absolute == 0);
    PARSE_EXAMPLE("verdict={rtol: 0, atol: 2.5}");
    assert_true(experiment.tolerance->relative == 0 && experiment.tolerance->absolute == 2.5);
}

static void prompts_have_four_forms(void **state) {
    const struct cp_experiment_inputs *inputs = &experiment.inputs;
    (void)state;
    PARSE_EXAMPLE("inputs.prompts=[a cat, '', 3]");
    assert_int_equal(inputs->prompts, CP_PROMPTS_LINES);
    assert_int_equal(inputs->texts.count, 3);
    assert_string_equal(inputs->texts.items[0].text, "a cat");
    assert_string_equal(inputs->texts.items[1].text, "");
    PARSE_EXAMPLE("inputs.prompts={file: p.txt}");
    assert_int_equal(inputs->prompts, CP_PROMPTS_LINES);
    assert_string_equal(inputs->texts.path.text, "p.txt");
    PARSE_EXAMPLE("inputs.prompts={classes: [a, b], templates: t.txt}");
    assert_int_equal(inputs->prompts, CP_PROMPTS_CLASSES);
    assert_int_equal(inputs->texts.count, 2);
    assert_string_equal(inputs->templates.path.text, "t.txt");
    PARSE_EXAMPLE("inputs.prompts=ids.npy");
    assert_int_equal(inputs->prompts, CP_PROMPTS_TOKENS);
    assert_string_equal(inputs->texts.path.text, "ids.npy");
}

static void last_record_rule_wins(void **state) {
    (void)state;
    parse_experiment(EXPERIMENT_EXAMPLE, NULL);
    assert_int_equal(cp_experiment_record(&experiment, "visual.ln_pre"), CP_MODE_STATS);
    assert_int_equal(cp_experiment_record(&experiment, "visual.transformer.resblocks.0.mlp.gelu"),
                     CP_MODE_FULL);
    assert_int_equal(cp_experiment_record(&experiment, "image_features"), CP_MODE_FULL);
    PARSE_EXAMPLE("record={visual.*: full, visual.ln_*: off, visual.ln_pre: digest}");
    assert_rule(0, "*", CP_MODE_STATS); /* what no rule matches */
    assert_int_equal(cp_experiment_record(&experiment, "visual.conv1"), CP_MODE_FULL);
    assert_int_equal(cp_experiment_record(&experiment, "visual.ln_post"), CP_MODE_OFF);
    assert_int_equal(cp_experiment_record(&experiment, "visual.ln_pre"), CP_MODE_DIGEST);
    assert_int_equal(cp_experiment_record(&experiment, "ln_final"), CP_MODE_STATS);
    PARSE_EXAMPLE("record.*=off", "record.ln_*=full"); /* the command line is later than the file */
    assert_int_equal(experiment.record_count, 2);
    assert_int_equal(cp_experiment_record(&experiment, "image_features"), CP_MODE_OFF);
    assert_int_equal(cp_experiment_record(&experiment, "ln_final"), CP_MODE_FULL);
    PARSE_EXAMPLE("record.*.mlp.gelu=off");
    assert_rule(2, "*.mlp.gelu", CP_MODE_OFF); /* moved behind *_features */
}

static void overrides_replace_and_add(void **state) {
    (void)state;
    PARSE_EXAMPLE("threads=1", "inputs.limit=100", "output=a b.h5", "verdict={k: auto}", "oracle=7",
                  "isa=scalar", "batch=auto", "hypothesis='x=y: z'");
    assert_int_equal(experiment.threads, 1);
    assert_int_equal(experiment.inputs.limit, 100);
    assert_string_equal(experiment.output.text, "a b.h5");
    assert_string_equal(experiment.output.mark.source, "command line: output=a b.h5");
    assert_int_equal(experiment.output.mark.line, 0);
    assert_true(experiment.verdict_k == 0);
    assert_int_equal(experiment.oracle, 7);
    assert_string_equal(experiment.isa, "scalar");
    assert_int_equal(experiment.batch, 0);
    assert_string_equal(experiment.hypothesis, "x=y: z");
    PARSE_EXAMPLE("model={config: c, init: counter}", "model.seed=3", "oracle=off");
    assert_true(experiment.model.seed == 3);
    assert_int_equal(experiment.oracle, 0);
    parse_experiment("{experiment: e, model: {checkpoint: m}, inputs: {images: [a.png, b.npy]}, verdict: }",
                     (const char *const[]){"verdict.k=3.5", "candidates.erf.activation=erf", NULL});
    assert_true(experiment.verdict_k == 3.5);
    assert_setting(candidate("erf"), 0, "activation", "erf");
    assert_int_equal(experiment.inputs.image_count, 2);
}

/* Behind `baseline.`, `sweep.`, `record.` and `candidates.NAME.` dots belong to the address. */
static void overrides_keep_the_dots_of_addresses(void **state) {
    (void)state;
    PARSE_EXAMPLE("baseline.activation=erf", "baseline.attention.compute@visual.4-5=fp16",
                  "candidates.erf.norm.eps=1e-6", "candidates.erf.activation@*.0=tanh",
                  "candidates.fp16-attn.attention.compute=bf16",
                  "candidates.new_one.attention.accumulate=fp16",
                  "candidates.last-two={linear.compute: bf16}");
    assert_int_equal(experiment.baseline.count, 2);
    assert_setting(&experiment.baseline, 0, "activation", "erf");
    assert_setting(&experiment.baseline, 1, "attention.compute@visual.4-5", "fp16");
    assert_string_equal(experiment.baseline.settings[0].mark.source, "command line: baseline.activation=erf");
    assert_setting(candidate("erf"), 0, "activation", "erf");
    assert_setting(candidate("erf"), 1, "norm.eps", "1e-6");
    assert_setting(candidate("erf"), 2, "activation@*.0", "tanh");
    assert_int_equal(experiment.candidates[1].count, 2); /* the setting moved to the end, where it wins */
    assert_setting(candidate("fp16-attn"), 0, "attention.accumulate", "fp32");
    assert_setting(candidate("fp16-attn"), 1, "attention.compute", "bf16");
    assert_int_equal(experiment.candidate_count, 4);
    assert_string_equal(experiment.candidates[2].name, "last-two"); /* a candidate keeps its place */
    assert_setting(&experiment.candidates[2], 0, "linear.compute", "bf16");
    assert_int_equal(experiment.candidates[2].count, 1);
    assert_setting(candidate("new_one"), 0, "attention.accumulate", "fp16");
}

static void sweep_is_the_cross_product(void **state) {
    static const char *const names[] = {
        "attention.compute=fp16,activation@visual=erf,norm=fused",
        "attention.compute=fp16,activation@visual=tanh,norm=fused",
        "attention.compute=fp32,activation@visual=erf,norm=fused",
        "attention.compute=fp32,activation@visual=tanh,norm=fused",
    };
    (void)state;
    PARSE_EXAMPLE("sweep={attention.compute: [fp16, fp32], activation@visual: [erf, tanh], norm: fused}");
    assert_int_equal(experiment.candidate_count, 7);
    for (size_t i = 0; i < 4; i++) {
        const struct cp_candidate *cell = &experiment.candidates[3 + i];
        assert_string_equal(cell->name, names[i]);
        assert_int_equal(cell->count, 3);
        assert_setting(cell, 0, "attention.compute", i < 2 ? "fp16" : "fp32");
        assert_setting(cell, 1, "activation@visual", i % 2 ? "tanh" : "erf");
        assert_setting(cell, 2, "norm", "fused");
    }
    PARSE_EXAMPLE("sweep.norm.eps=[1e-5, 1e-6]");
    assert_setting(candidate("norm.eps=1e-6"), 0, "norm.eps", "1e-6");
}

/* 3 candidates and 997 cells fill the table; one more does not fit. */
/* As candidates={} switches off those of the file. */
static void empty_designs_are_none(void **state) {
    (void)state;
    PARSE_EXAMPLE("sweep={norm: [welford, one_pass]}", "factorial={a: {norm: rmsnorm}}",
                  "layerwise={norm: rmsnorm}", "candidates={}", "sweep={}", "factorial={}", "layerwise={}");
    assert_int_equal(experiment.candidate_count, 0);
    assert_int_equal(experiment.factor_count, 0);
    assert_int_equal(experiment.layerwise.count, 0);
}

static void sweep_has_a_limit(void **state) {
    char override[8192] = "sweep.norm.eps=[0";
    struct cp_error err;
    (void)state;
    for (int i = 1; i < 997; i++)
        (void)snprintf(override + strlen(override), 16, ",%d", i);
    char *end = override + strlen(override);
    (void)snprintf(end, 2, "]");
    PARSE_EXAMPLE(override);
    assert_int_equal(experiment.candidate_count, CP_CANDIDATES_MAX);
    (void)snprintf(end, 8, ",997]");
    const char *const overrides[] = {override};
    cp_experiment_free(&experiment);
    assert_int_equal(cp_experiment_parse("e", EXPERIMENT_EXAMPLE, strlen(EXPERIMENT_EXAMPLE), overrides, 1,
                                         &experiment, &err),
                     CP_BAD_INPUT);
    assert_string_equal(err.what, "sweep: too many candidates");
    assert_string_equal(err.expected, "at most 1000, the cells of the sweep included");
}

/* Cell 2^f + ... has the settings of factors f, ... in their order, behind the candidates and the sweep. */
static void factorial_is_every_combination(void **state) {
    static const char *const names[] = {"a", "b_2", "a+b_2", "c", "a+c", "b_2+c", "a+b_2+c"};
    (void)state;
    PARSE_EXAMPLE(
        "sweep={norm: [welford, one_pass]}",
        "factorial={a: {activation: erf}, b_2: {norm.eps: 1e-6, norm: welford}, c: {weights: bf16}}");
    assert_int_equal(experiment.candidate_count, 3 + 2 + 7);
    assert_int_equal(experiment.factorial_first, 5);
    assert_int_equal(experiment.factor_count, 3);
    assert_string_equal(experiment.factors[1].name, "b_2");
    for (size_t i = 0; i < 7; i++)
        assert_string_equal(experiment.candidates[5 + i].name, names[i]);
    const struct cp_candidate *all = candidate("a+b_2+c");
    assert_int_equal(all->count, 4);
    assert_setting(all, 0, "activation", "erf");
    assert_setting(all, 1, "norm.eps", "1e-6");
    assert_setting(all, 2, "norm", "welford");
    assert_setting(all, 3, "weights", "bf16");
    assert_int_equal(candidate("b_2+c")->count, 3);
    PARSE_EXAMPLE("factorial.a.activation@visual.4-5=erf", "factorial.a.norm.eps=1e-6",
                  "factorial.b.norm=welford");
    assert_int_equal(experiment.candidate_count, 3 + 3);
    assert_setting(candidate("a"), 0, "activation@visual.4-5", "erf");
    assert_setting(candidate("a+b"), 1, "norm.eps", "1e-6");
    PARSE_EXAMPLE(
        "factorial={a: {norm: a}, b: {norm: b}, c: {norm: c}, d: {norm: d}, e: {norm: e}, f: {norm: f}, "
        "g: {norm: g}}");
    assert_int_equal(experiment.candidate_count, 3 + 127);
    assert_string_equal(experiment.candidates[129].name, "a+b+c+d+e+f+g");
}

/* The layers are the model's, so that the candidates are not made here. */
static void layerwise_is_kept(void **state) {
    (void)state;
    PARSE_EXAMPLE("layerwise={activation: erf, norm.eps: 1e-6}", "layerwise.attention.compute=bf16",
                  "layerwise.activation=tanh");
    assert_int_equal(experiment.candidate_count, 3);
    assert_int_equal(experiment.layerwise.count, 3);
    assert_setting(&experiment.layerwise, 0, "norm.eps", "1e-6");
    assert_setting(&experiment.layerwise, 1, "attention.compute", "bf16");
    assert_setting(&experiment.layerwise, 2, "activation", "tanh");
}

static void files_are_loaded(void **state) {
    char path[] = "/tmp/clip-parity-experiment-XXXXXX";
    const int descriptor = mkstemp(path);
    static const char *const overrides[] = {"threads=5"};
    struct cp_error err;
    (void)state;
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, EXPERIMENT_EXAMPLE, strlen(EXPERIMENT_EXAMPLE)),
                     strlen(EXPERIMENT_EXAMPLE));
    cp_experiment_free(&experiment);
    assert_int_equal(cp_experiment_load(path, overrides, 1, &experiment, &err), CP_OK);
    assert_int_equal(experiment.threads, 5);
    assert_string_equal(experiment.output.mark.source, path);
    (void)close(descriptor);
    (void)unlink(path);
}

/* The number that a kind is limited to, 0 for auto, -1 for off. */
static double limit_of(const char *subject, const char *tap, enum cp_check_kind kind) {
    const struct cp_check_limit limit = cp_experiment_check(&experiment, subject, tap, kind)->limit[kind];
    return limit.state == CP_CHECK_AUTO ? 0 : limit.state == CP_CHECK_OFF ? -1 : limit.number;
}

static void the_last_check_that_says_it_wins(void **state) {
    static const char gelu[] = "visual.transformer.resblocks.5.mlp.gelu";
    (void)state;
    PARSE_EXAMPLE("threads=1");
    assert_int_equal(experiment.check_count, 2);
    for (int k = CP_CHECK_BITS; k <= CP_CHECK_INCONCLUSIVE; k++)
        assert_true(limit_of("baseline", gelu, (enum cp_check_kind)k) == 0);
    assert_true(limit_of("erf", NULL, CP_CHECK_FLIPS) == 0 && limit_of("erf", NULL, CP_CHECK_KL) == 0);
    PARSE_EXAMPLE(
        "check={'*': {ratio: 3}, '*.gelu': {ulp: 4, maths: off}, 'e*/visual.5.*': {ratio: 5, ulp: 6}, "
        "'erf/decisions': {flips: 7}, visual.conv1: {bits: on, inconclusive: allow}}",
        "check.*.gelu={ulp: 8}");
    assert_true(limit_of("baseline", gelu, CP_CHECK_RATIO) == 3);
    assert_true(limit_of("erf", gelu, CP_CHECK_RATIO) == 5);
    assert_true(limit_of("erf", gelu, CP_CHECK_ULP) == 8); /* an override goes to the end, and replaces */
    assert_true(limit_of("erf", gelu, CP_CHECK_MATHS) == 0);
    assert_true(limit_of("erf", "visual.conv1", CP_CHECK_INCONCLUSIVE) == -1);
    assert_true(limit_of("erf", NULL, CP_CHECK_FLIPS) == 7 && limit_of("tanh", NULL, CP_CHECK_FLIPS) == 0);
}

static const char *tolerance_of(const char *candidate, const char *tap, struct cp_tolerance *tolerance) {
    const struct cp_check_rule *rule = cp_experiment_tolerance(&experiment, candidate, tap, tolerance);
    return rule ? rule->where : "none";
}

static void a_tolerance_is_of_one_rule(void **state) {
    struct cp_tolerance t;
    (void)state;
    PARSE_EXAMPLE("threads=1");
    assert_string_equal(tolerance_of("erf", "logits", &t), "none");
    PARSE_EXAMPLE("check={'*': {rtol: 1, atol: 2, ratio: 3}, '*.gelu': {atol: 4}, 'erf/visual.conv1': {rtol: "
                  "off}, '*.conv1': {ulp: 1}}");
    assert_string_equal(tolerance_of("erf", "logits", &t), "*");
    assert_true(t.relative == 1 && t.absolute == 2);
    assert_string_equal(tolerance_of("erf", "visual.transformer.resblocks.5.mlp.gelu", &t), "*/*.gelu");
    assert_true(t.relative == 0 && t.absolute == 4);
    assert_string_equal(tolerance_of("erf", "visual.conv1", &t), "none");
    assert_string_equal(tolerance_of("tanh", "visual.conv1", &t), "*");
    assert_true(limit_of("erf", "visual.transformer.resblocks.5.mlp.gelu", CP_CHECK_RATIO) == 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(example_is_read),
        cmocka_unit_test(defaults_are_filled_in),
        cmocka_unit_test(alpha_goes_down_to_a_millionth),
        cmocka_unit_test(ledger_has_four_forms),
        cmocka_unit_test(tolerance_is_read),
        cmocka_unit_test(prompts_have_four_forms),
        cmocka_unit_test(last_record_rule_wins),
        cmocka_unit_test(overrides_replace_and_add),
        cmocka_unit_test(overrides_keep_the_dots_of_addresses),
        cmocka_unit_test(sweep_is_the_cross_product),
        cmocka_unit_test(empty_designs_are_none),
        cmocka_unit_test(sweep_has_a_limit),
        cmocka_unit_test(factorial_is_every_combination),
        cmocka_unit_test(layerwise_is_kept),
        cmocka_unit_test(files_are_loaded),
        cmocka_unit_test(the_last_check_that_says_it_wins),
        cmocka_unit_test(a_tolerance_is_of_one_rule),
    };
    return cmocka_run_group_tests(tests, NULL, free_experiment);
}
