/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/experiment.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>

static void assert_same_text(const struct cp_marked_text *a, const struct cp_marked_text *b) {
    assert_int_equal(a->text == NULL, b->text == NULL);
    if (a->text)
        assert_string_equal(a->text, b->text);
}

static void assert_same_texts(const struct cp_marked_text *a, const struct cp_marked_text *b, size_t a_count,
                              size_t b_count) {
    assert_int_equal(a_count, b_count);
    for (size_t i = 0; i < a_count; i++)
        assert_same_text(&a[i], &b[i]);
}

static void assert_same_settings(const struct cp_candidate *a, const struct cp_candidate *b) {
    assert_string_equal(a->name, b->name);
    assert_same_text(&a->checkpoint, &b->checkpoint);
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++)
        assert_setting(a, i, b->settings[i].address, b->settings[i].value);
}

static void assert_same_inputs(const struct cp_experiment_inputs *a, const struct cp_experiment_inputs *b) {
    assert_same_texts(a->images, b->images, a->image_count, b->image_count);
    assert_int_equal(a->prompts, b->prompts);
    assert_same_text(&a->texts.path, &b->texts.path);
    assert_same_text(&a->templates.path, &b->templates.path);
    assert_same_texts(a->texts.items, b->texts.items, a->texts.count, b->texts.count);
    assert_same_texts(a->templates.items, b->templates.items, a->templates.count, b->templates.count);
    assert_int_equal(a->truncate, b->truncate);
    assert_same_text(&a->labels, &b->labels);
    assert_int_equal(a->limit, b->limit);
    assert_int_equal(a->synthetic, b->synthetic);
    assert_int_equal(a->synthetic_images, b->synthetic_images);
    assert_int_equal(a->synthetic_prompts, b->synthetic_prompts);
    assert_true(a->synthetic_seed == b->synthetic_seed);
}

static void assert_same_check(const struct cp_check_rule *a, const struct cp_check_rule *b) {
    const struct cp_marked_text taps[] = {{.text = a->tap}, {.text = b->tap}};
    const struct cp_marked_text reasons[] = {{.text = a->reason}, {.text = b->reason}};
    assert_string_equal(a->subject, b->subject);
    assert_same_text(&taps[0], &taps[1]);
    assert_same_text(&reasons[0], &reasons[1]);
    for (int k = 0; k < CP_CHECK_KINDS; k++) {
        assert_int_equal(a->limit[k].state, b->limit[k].state);
        assert_true(a->limit[k].number == b->limit[k].number);
    }
}

static void assert_same(const struct cp_experiment *a, const struct cp_experiment *b) {
    const struct cp_marked_text hypotheses[] = {{.text = a->hypothesis}, {.text = b->hypothesis}};
    const struct cp_marked_text inits[] = {{.text = a->model.init}, {.text = b->model.init}};
    assert_string_equal(a->name, b->name);
    assert_same_text(&hypotheses[0], &hypotheses[1]);
    assert_same_text(&a->model.checkpoint, &b->model.checkpoint);
    assert_same_text(&a->model.config, &b->model.config);
    assert_same_text(&inits[0], &inits[1]);
    assert_true(a->model.seed == b->model.seed);
    assert_int_equal(a->model.image_size, b->model.image_size);
    assert_same_inputs(&a->inputs, &b->inputs);
    assert_same_settings(&a->baseline, &b->baseline);
    assert_int_equal(a->candidate_count, b->candidate_count);
    for (size_t i = 0; i < a->candidate_count; i++)
        assert_same_settings(&a->candidates[i], &b->candidates[i]);
    assert_int_equal(a->factor_count, b->factor_count);
    assert_int_equal(a->factorial_first, b->factorial_first);
    for (size_t f = 0; f < a->factor_count; f++)
        assert_same_settings(&a->factors[f], &b->factors[f]);
    assert_int_equal(a->layerwise.count, b->layerwise.count);
    if (a->layerwise.count)
        assert_same_settings(&a->layerwise, &b->layerwise);
    assert_int_equal(a->record_count, b->record_count);
    for (size_t i = 0; i < a->record_count; i++)
        assert_rule(i, b->record[i].glob, b->record[i].mode);
    assert_true(a->oracle == b->oracle && a->threads == b->threads && a->batch == b->batch);
    assert_int_equal(a->ledger, b->ledger);
    assert_int_equal(a->tolerance == NULL, b->tolerance == NULL);
    if (a->tolerance)
        assert_memory_equal(a->tolerance, b->tolerance, sizeof *a->tolerance);
    assert_string_equal(a->isa, b->isa);
    assert_same_text(&a->output, &b->output);
    assert_true(a->verdict_k == b->verdict_k && a->verdict_alpha == b->verdict_alpha);
    assert_int_equal(a->check_count, b->check_count);
    for (size_t r = 0; r < a->check_count; r++)
        assert_same_check(&a->check[r], &b->check[r]);
}

/* The experiment as it stands must print as text that parses to an equal one and prints the same again. */
static void assert_round_trip(void) {
    struct cp_experiment again;
    struct cp_error err;
    const char *text = cp_experiment_print(&experiment, &experiment_arena);
    assert_non_null(text);
    if (cp_experiment_parse("again", text, strlen(text), NULL, 0, &again, &err) != CP_OK)
        fail_msg("%s: %s in\n%s", err.where, err.what, text);
    assert_same(&experiment, &again);
    assert_string_equal(text, cp_experiment_print(&again, &experiment_arena));
    cp_experiment_free(&again);
}

static void print_parses_back(void **state) {
    (void)state;
    parse_experiment(EXPERIMENT_EXAMPLE, NULL);
    assert_round_trip();
    PARSE_EXAMPLE("sweep={attention.compute: [fp16, fp32], norm: [a+b, '\"', on]}", "record.*=full",
                  "candidates.null={}", "candidates.erf.activation='null'", "verdict={k: 2.1, alpha: 1e-3}",
                  "oracle=12", "ledger=off", "inputs.limit=3", "inputs.truncate=on",
                  "inputs.prompts=[~a, 'null', '- b', 'c: d', '#e', '']");
    assert_round_trip();
    PARSE_EXAMPLE("verdict.alpha=0.050000000000000010", "verdict.k=1.0000000000000002", "oracle=off",
                  "verdict.rtol=1.0000000000000002e-3", "verdict.atol=0.1", "ledger=9", "threads=auto",
                  "inputs.prompts={file: '@odd name,\t[x].txt'}");
    assert_round_trip();
    PARSE_EXAMPLE(
        "factorial={a: {norm: rmsnorm}, null: {norm.eps: 1e-6, weights: bf16}, -c: {activation: erf}}",
        "ledger=on", "sweep={norm: [welford, one_pass]}", "layerwise={activation: erf, norm.eps: 'null'}");
    assert_round_trip();
    PARSE_EXAMPLE("candidates={a+b: {norm: rmsnorm}}", "factorial={a: {norm: rmsnorm}}");
    assert_round_trip();
    PARSE_EXAMPLE("baseline.checkpoint=a.pt",
                  "candidates={none: {checkpoint: 'b: c.pt'}, erf: {activation: erf}}",
                  "candidates.erf.checkpoint=d.pt");
    assert_string_equal(experiment.baseline.checkpoint.text, "a.pt");
    assert_string_equal(experiment.candidates[0].checkpoint.text, "b: c.pt");
    assert_int_equal(experiment.candidates[0].count, 0);
    assert_string_equal(experiment.candidates[1].checkpoint.text, "d.pt");
    assert_setting(&experiment.candidates[1], 0, "activation", "erf");
    assert_round_trip();
    PARSE_EXAMPLE("candidates={}", "sweep={}", "factorial={}", "layerwise={}");
    assert_round_trip();
    PARSE_EXAMPLE(
        "check={'*': {ratio: 3, reason: 'a: \"b\"'}, '*.gelu': {ulp: 0.1, inconclusive: allow}, "
        "decisions: {flips: 2}, 'erf/visual.?': {bits: off, maths: on}, 'erf/decisions': {kl: off}}",
        "check.*={worst_token: off}", "check.decisions={kl: 1e-9}");
    assert_round_trip();
    PARSE_EXAMPLE(
        "check={'a*/decisions': {kl: off}, '*.gelu': {ulp: auto}, decisions: {flips: off}, '*': {}}");
    assert_round_trip();
    PARSE_EXAMPLE("inputs={prompts: t.npy}", "model={checkpoint: '12'}", "sweep.norm=[1, -1, .5]");
    assert_round_trip();
    parse_experiment(
        "{experiment: 1.5, model: {config: c, init: counter, image_size: 36, seed: 9223372036854775807}, "
        "inputs: {synthetic: "
        "{prompts: 2}}, candidates: }",
        (const char *const[]){"candidates={}", NULL});
    assert_round_trip();
}

/* Prompts of every character YAML can hold, some only through an escape. */
static void print_parses_back_any_text(void **state) {
    static const char *const pieces[] = {
        "\\x01", "\\x07", "\\t",   "\\n",   "\\r",     "\\x1b",    "\\\"",    "\\\\",    "\\x7f",
        "\\x80", "\\x85", "\\x9f", "\\xa0", "\\u2028", "\\u2029",  "\\uFEFF", "\\uFFFD", "\\U0001F600",
        " ",     "  ",    "'",     ":",     "#",       "%",        "{",       "}",       ",",
        "&",     "*",     "-",     "?",     "a",       "\xc3\xa9", "|",       ">"};
    uint64_t seed = 1;
    (void)state;
    for (int trial = 0; trial < 300; trial++) {
        char text[1024];
        size_t used = (size_t)snprintf(text, sizeof text,
                                       "{experiment: e, model: {checkpoint: m}, inputs: {prompts: [\"");
        for (int i = 0; i < 12; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            used += (size_t)snprintf(text + used, sizeof text - used, "%s",
                                     pieces[(seed >> 33) % (sizeof pieces / sizeof pieces[0])]);
        }
        (void)snprintf(text + used, sizeof text - used, "\"]}}");
        parse_experiment(text, NULL);
        assert_round_trip();
    }
}

static void equal_experiments_print_alike(void **state) {
    (void)state;
    parse_experiment("{inputs: {images: a.png}, experiment: e, model: {checkpoint: m}}", NULL);
    const char *first = cp_experiment_print(&experiment, &experiment_arena);
    parse_experiment(
        "experiment: 'e'\nmodel:\n  checkpoint: \"m\"\ninputs:\n  images: [a.png]\nrecord: {'*': stats}\n"
        "oracle: auto\nbatch: auto\nverdict: {k: auto, alpha: 5e-2}\noutput: results/runs/e.h5\n",
        NULL);
    assert_string_equal(first, cp_experiment_print(&experiment, &experiment_arena));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(print_parses_back),
        cmocka_unit_test(print_parses_back_any_text),
        cmocka_unit_test(equal_experiments_print_alike),
    };
    return cmocka_run_group_tests(tests, NULL, free_experiment);
}
