/* SPDX-License-Identifier: GPL-3.0-or-later
 * The gate: limits, rules, decisions and inputs on samples made here; the baseline file there and back; the
 * forms that programs read. */
#include "support/experiment.h"
#include "support/folder.h"
#include "support/test.h"

#include "base/hash.h"
#include "gate/gate.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUBJECTS = 2, TAPS = 4, INPUTS = 16 };
#define GELU "visual.transformer.resblocks.0.mlp.gelu"
#define EXAMPLE                                                                                              \
    "experiment: e\nmodel: {init: counter, config: c.json}\ninputs: {synthetic: {images: 16}}\n"             \
    "candidates: {erf: {activation: erf}}\n"

static const char *const names[TAPS] = {"visual.ln_pre", GELU, "text_features", "class_probs"};
static const enum cp_point points[TAPS] = {CP_LN_PRE, CP_MLP_GELU, CP_FEATURES, CP_CLASS_PROBS};
static const char *images[INPUTS] = {"a<b>&\"c\".png", "b\x01.png", "c\xff.png"};
static const struct cp_reader_texts image_names = {3, images};

/* One run, with all its storage. */
struct run {
    struct cp_gate_samples samples;
    struct cp_gate_subject subject[SUBJECTS];
    struct cp_gate_tap tap[SUBJECTS][TAPS];
    struct cp_gate_setting setting[SUBJECTS][1];
    struct cp_gate_file file[2];
    double error[SUBJECTS][TAPS][INPUTS], oracle[SUBJECTS][TAPS][INPUTS];
};
static struct run now, accepted;
static struct cp_gate_verdict verdict;
static struct cp_error err;

static struct cp_gate_tap tap_of(struct run *r, size_t s, size_t t) {
    for (size_t i = 0; i < INPUTS; i++) {
        r->error[s][t][i] = 1e-7 * (1 + 0.2 * cp_counter_unit(1, s * TAPS + t, i));
        r->oracle[s][t][i] = 1 + (double)(s + i);
    }
    return (struct cp_gate_tap){.name = names[t],
                                .bits = "0123456789abcdef",
                                .inputs = INPUTS,
                                .error = r->error[s][t],
                                .oracle = r->oracle[s][t],
                                .worst_token = 4e-7,
                                .ulp = 2,
                                .place = {0, 3, 1.5, 1.25, 7, -2, -2.5, 9},
                                .names = &image_names,
                                .point = points[t]};
}

static void make(struct run *r) {
    static const char *const subjects[SUBJECTS] = {"baseline", "erf"};
    static const char *const values[SUBJECTS] = {"fp32", "fp16"};
    *r = (struct run){0};
    for (size_t s = 0; s < SUBJECTS; s++) {
        for (size_t t = 0; t < TAPS; t++)
            r->tap[s][t] = tap_of(r, s, t);
        r->setting[s][0] = (struct cp_gate_setting){"attention.compute", values[s]};
        r->subject[s] = (struct cp_gate_subject){.name = subjects[s],
                                                 .settings = 1,
                                                 .setting = r->setting[s],
                                                 .taps = TAPS,
                                                 .tap = r->tap[s],
                                                 .decided = s > 0,
                                                 .images = 16,
                                                 .flips = 2,
                                                 .kl_mean = 1e-6,
                                                 .kl_worst = 1e-5,
                                                 .max_dp = 0.1};
    }
    r->file[0] = (struct cp_gate_file){"model.safetensors", "00112233445566ff"};
    r->file[1] = (struct cp_gate_file){"classes.txt", "ff112233445566ff"};
    r->samples = (struct cp_gate_samples){.path = "run.h5",
                                          .name = "e",
                                          .facts = 1,
                                          .fact = {{"version", "1"}},
                                          .images = 16,
                                          .prompts = 4,
                                          .files = 2,
                                          .file = r->file,
                                          .subjects = SUBJECTS,
                                          .subject = r->subject};
}

/* Both sides as they were accepted, the experiment with these rules; then a test changes what it will. */
static void begin(const char *rules) {
    char text[1024];
    (void)snprintf(text, sizeof text, EXAMPLE "check: {%s}\n", rules);
    parse_experiment(text, NULL);
    make(&now);
    make(&accepted);
    accepted.samples.path = "accepted.yaml";
}

static void judge(bool bits) {
    cp_gate_verdict_free(&verdict);
    assert_int_equal(cp_gate_judge(&experiment, &now.samples, &accepted.samples, bits, &verdict, &err),
                     CP_OK);
}

static const struct cp_gate_finding *finding(size_t subject, const char *name) {
    const struct cp_gate_judged *judged = &verdict.judged[subject];
    for (size_t i = 0; i < judged->findings; i++)
        if (strcmp(judged->finding[i].name, name) == 0)
            return &judged->finding[i];
    fail_msg("no finding of %s", name);
    return NULL;
}

static void assert_outcome(size_t subject, const char *name, enum cp_gate_kind kind,
                           enum cp_gate_outcome outcome) {
    assert_int_equal(finding(subject, name)->measure[kind].outcome, outcome);
}

/* Beside the floor of 2^-24 RMS(oracle). */
static double times(double ratio, double error, double oracle) {
    return ratio * (error + 0x1p-24 * oracle) - 0x1p-24 * oracle;
}

/* A tap of the candidate with other bits, its errors so many times the accepted. */
static struct cp_gate_tap *scaled(size_t t, double ratio) {
    struct cp_gate_tap *tap = &now.tap[1][t];
    (void)strcpy(tap->bits, "fedcba9876543210");
    for (size_t i = 0; i < INPUTS; i++)
        tap->error[i] = times(ratio, tap->error[i], tap->oracle[i]);
    return tap;
}

/* ---- limits ---- */

static void what_was_accepted_passes(void **state) {
    (void)state;
    begin("");
    judge(true);
    assert_true(cp_gate_passed(&verdict));
    assert_int_equal(verdict.compared, SUBJECTS * TAPS + 1);
    assert_false(cp_gate_changed(&verdict));
    assert_false(cp_gate_needs_reason(&verdict));
}

static void other_bits_are_other_bits_alone(void **state) {
    (void)state;
    begin("");
    (void)scaled(0, 1);
    judge(true);
    assert_int_equal(verdict.failed, 1);
    assert_outcome(1, "visual.ln_pre", CP_GATE_BITS_KIND, CP_GATE_FAILED);
    assert_outcome(1, "visual.ln_pre", CP_GATE_RATIO, CP_GATE_PASSED);
    assert_false(cp_gate_needs_reason(&verdict));
    assert_true(cp_gate_changed(&verdict));
    judge(false);
    assert_true(cp_gate_passed(&verdict));
}

static void a_larger_error_is_weighed_against_k(void **state) {
    (void)state;
    static const struct {
        double ratio;
        enum cp_gate_outcome outcome;
    } cases[] = {{0.2, CP_GATE_PASSED}, {1.7, CP_GATE_PASSED}, {2.3, CP_GATE_FAILED}, {NAN, CP_GATE_FAILED}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        begin("");
        (void)scaled(0, cases[c].ratio);
        judge(false);
        assert_outcome(1, "visual.ln_pre", CP_GATE_RATIO, cases[c].outcome);
        assert_int_equal(cp_gate_passed(&verdict), cases[c].outcome == CP_GATE_PASSED);
    }
    begin("");
    (void)scaled(0, 2.3);
    accepted.tap[1][0].type = CP_FP16;
    judge(false);
    assert_outcome(1, "visual.ln_pre", CP_GATE_RATIO, CP_GATE_PASSED);
    begin("");
    (void)scaled(0, 2.3);
    now.tap[1][0].type = CP_FP16; /* half precision now does not widen what float32 was held to */
    judge(false);
    assert_outcome(1, "visual.ln_pre", CP_GATE_RATIO, CP_GATE_FAILED);
}

/* Errors that scatter about twice the accepted. */
static void scatter(void) {
    (void)scaled(0, 1);
    for (size_t i = 0; i < INPUTS; i++)
        now.tap[1][0].error[i] = times(i % 2 ? 3.5 : 1, accepted.error[1][0][i], accepted.oracle[1][0][i]);
}

static void what_is_not_shown_fails_unless_allowed(void **state) {
    char text[CP_GATE_WORDS];
    (void)state;
    begin("");
    scatter();
    judge(false);
    assert_outcome(1, "visual.ln_pre", CP_GATE_RATIO, CP_GATE_FAILED);
    assert_int_equal(finding(1, "visual.ln_pre")->verdict, CP_INCONCLUSIVE);
    assert_true(finding(1, "visual.ln_pre")->needed > INPUTS);
    cp_gate_append(&verdict.judged[1], finding(1, "visual.ln_pre"), CP_GATE_RATIO, text);
    assert_non_null(strstr(text, "; inconclusive with 16 inputs, needs about "));
    begin("visual.ln_*: {inconclusive: allow, reason: few}");
    scatter();
    judge(false);
    assert_outcome(1, "visual.ln_pre", CP_GATE_RATIO, CP_GATE_ALLOWED);
    assert_true(cp_gate_passed(&verdict));
    begin("");
    (void)scaled(0, 1);
    now.tap[1][0].inputs = accepted.tap[1][0].inputs = 11;
    judge(false);
    assert_outcome(1, "visual.ln_pre", CP_GATE_RATIO, CP_GATE_FAILED);
    assert_int_equal(finding(1, "visual.ln_pre")->needed, 12);
}

static void the_oracle_tells_other_maths(void **state) {
    (void)state;
    begin("");
    now.oracle[1][2][7] *= 1 + 5e-13;
    judge(true);
    assert_true(cp_gate_passed(&verdict));
    now.oracle[1][2][7] *= 1 + 5e-12; /* with the accepted bits */
    judge(true);
    assert_outcome(1, "text_features", CP_GATE_MATHS, CP_GATE_FAILED);
    assert_outcome(1, "text_features", CP_GATE_BITS_KIND, CP_GATE_PASSED);
    begin("");
    now.tap[1][2].inputs = 0; /* no oracle any more */
    judge(true);
    assert_outcome(1, "text_features", CP_GATE_MATHS, CP_GATE_FAILED);
}

static void assert_said(const char *tap, enum cp_gate_kind kind, const char *expected) {
    char text[CP_GATE_WORDS];
    cp_gate_append(&verdict.judged[1], finding(1, tap), kind, text);
    assert_string_equal(text, expected);
}

static void assert_changes(const char *expected) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    cp_gate_changes(&verdict, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, expected));
    free(text);
}

/* Declared maths differ where two oracles tell it; where one is not there nothing is known. */
static void maths_in_words(void **state) {
    (void)state;
    begin("");
    now.oracle[1][2][7] *= 1.5;
    judge(true);
    assert_said("text_features", CP_GATE_MATHS,
                "declared maths differ: the oracle's RMS is off by 5.0e-01, at most 1e-12");
    assert_changes("  erf: declared maths differ at 1 tap\n");
    now.tap[1][2].inputs = 0;
    judge(true);
    assert_said("text_features", CP_GATE_MATHS, "the oracle saw other inputs, or none");
    assert_changes("  erf: oracle not comparable at 1 tap\n");
}

/* That no rounding can be that large is said where a bound shows it, and only there. */
static void contradicted_in_words(void **state) {
    static const struct {
        enum cp_gate_evidence evidence;
        const char *explained, *says;
    } cases[] = {
        {CP_GATE_BY_BOUND, "no causal mask",
         "does not compute what its settings say: no rounding can be that large (300 times its bound); "
         "explained by: no causal mask"},
        {CP_GATE_BY_RERUNS, NULL,
         "does not compute what its settings say: 300 times what legitimate reruns show"},
        {CP_GATE_BY_SLOPE, "norm.eps = 1e-6",
         "does not compute what its settings say: its residual follows another function; explained by: "
         "norm.eps = 1e-6"},
    };
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        begin("");
        now.tap[1][1].contradicted = 300;
        now.tap[1][1].evidence = cases[c].evidence;
        now.tap[1][1].explained = cases[c].explained;
        judge(true);
        assert_outcome(1, GELU, CP_GATE_CONTRADICTED, CP_GATE_FAILED);
        assert_said(GELU, CP_GATE_CONTRADICTED, cases[c].says);
    }
}

/* Where the oracle's RMS is 1 whatever the maths, the settings tell it, together with other bits. */
static void settings_tell_other_maths(void **state) {
    static const struct {
        const char *address, *now, *accepted;
        bool other;
    } cases[] = {
        {"activation", "erf", "quick", true},    {"activation", "quick, from visual.4 on erf", "quick", true},
        {"norm", "one_pass", "two_pass", false}, {"norm", "rmsnorm", "two_pass", true},
        {"norm.eps", "1e-06", "1e-05", true},    {"attention.softmax", "fp16", "fp32", false},
        {"a.new.knob", "1", "2", true}};
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        begin("");
        now.setting[1][0] = (struct cp_gate_setting){cases[c].address, cases[c].now};
        accepted.setting[1][0].address = cases[c].address;
        accepted.setting[1][0].value = cases[c].accepted;
        now.setting[0][0].address = accepted.setting[0][0].address = cases[c].address;
        (void)snprintf(now.tap[1][2].bits, sizeof now.tap[1][2].bits, "other");
        judge(false);
        assert_int_equal(!cp_gate_passed(&verdict), cases[c].other);
        assert_outcome(1, "text_features", CP_GATE_MATHS, cases[c].other ? CP_GATE_FAILED : CP_GATE_PASSED);
        if (cases[c].other)
            assert_said("text_features", CP_GATE_MATHS,
                        "the settings declare different maths, and the bits differ");
        assert_outcome(1, "visual.ln_pre", CP_GATE_MATHS, CP_GATE_PASSED);
    }
}

static void the_worst_token_and_the_ulps_have_limits(void **state) {
    (void)state;
    begin("");
    now.tap[1][0].worst_token = 4e-7 * 8.1;
    now.tap[1][1].worst_token = 4e-7 * 7.9;
    now.tap[1][2].worst_token = NAN;
    now.tap[1][1].ulp = 3.1;
    now.tap[1][0].ulp = 1000; /* of no elementwise operation */
    judge(true);
    assert_outcome(1, "visual.ln_pre", CP_GATE_WORST_TOKEN, CP_GATE_FAILED);
    assert_outcome(1, GELU, CP_GATE_WORST_TOKEN, CP_GATE_PASSED);
    assert_outcome(1, "text_features", CP_GATE_WORST_TOKEN, CP_GATE_FAILED);
    assert_outcome(1, GELU, CP_GATE_ULP, CP_GATE_FAILED);
    assert_outcome(1, "visual.ln_pre", CP_GATE_ULP, CP_GATE_UNCHECKED);
    begin("");
    now.tap[1][1].ulp = NAN; /* not measured any more */
    judge(true);
    assert_outcome(1, GELU, CP_GATE_ULP, CP_GATE_FAILED);
    begin("");
    accepted.tap[1][1].ulp = 0; /* a correct rounding is half a unit */
    now.tap[1][1].ulp = 0.75;
    judge(true);
    assert_outcome(1, GELU, CP_GATE_ULP, CP_GATE_PASSED);
}

static void new_values_that_are_not_finite_fail(void **state) {
    (void)state;
    begin("");
    now.tap[0][3].nonfinite = accepted.tap[0][3].nonfinite = 3;
    now.tap[1][3].nonfinite = 1;
    judge(true);
    assert_outcome(0, "class_probs", CP_GATE_NONFINITE, CP_GATE_PASSED);
    assert_outcome(1, "class_probs", CP_GATE_NONFINITE, CP_GATE_FAILED);
}

static void what_is_on_one_side_alone_fails(void **state) {
    (void)state;
    begin("");
    now.tap[0][2].name = "text";
    judge(true);
    assert_outcome(0, "text", CP_GATE_UNMATCHED, CP_GATE_FAILED);
    assert_outcome(0, "text_features", CP_GATE_UNMATCHED, CP_GATE_FAILED);
    begin("");
    now.subject[1].name = "tanh";
    judge(true);
    assert_int_equal(verdict.subjects, 3);
    assert_int_equal(verdict.judged[1].failed, TAPS);
    assert_int_equal(verdict.judged[2].failed, TAPS);
    begin("");
    for (size_t t = 0; t < TAPS; t++)
        now.tap[0][t].name = now.tap[1][t].name = "visual";
    now.subject[1].decided = false;
    judge(true);
    assert_int_equal(verdict.compared, 0);
    assert_false(cp_gate_passed(&verdict));
    assert_true(cp_gate_needs_reason(&verdict));
}

static void decisions_have_limits(void **state) {
    (void)state;
    begin("");
    now.subject[1].flips = 3;
    now.subject[1].kl_mean = 3.9e-6;
    judge(true);
    assert_outcome(1, "decisions", CP_GATE_FLIPS, CP_GATE_FAILED);
    assert_outcome(1, "decisions", CP_GATE_KL, CP_GATE_PASSED);
    now.subject[1].flips = 1;
    now.subject[1].kl_mean = 4.1e-6;
    judge(true);
    assert_outcome(1, "decisions", CP_GATE_FLIPS, CP_GATE_PASSED);
    assert_outcome(1, "decisions", CP_GATE_KL, CP_GATE_FAILED);
    now.subject[1].kl_mean = NAN;
    judge(true);
    assert_outcome(1, "decisions", CP_GATE_KL, CP_GATE_FAILED);
    now.subject[1].decided = false;
    judge(true);
    assert_outcome(1, "decisions", CP_GATE_UNMATCHED, CP_GATE_FAILED);
    begin("decisions: {flips: 4, kl: off, reason: noisy}");
    now.subject[1].flips = 4;
    now.subject[1].kl_mean = 1;
    judge(true);
    assert_true(cp_gate_passed(&verdict));
}

/* ---- rules ---- */

static void the_last_rule_that_says_it_wins(void **state) {
    (void)state;
    begin("\"visual.*\": {ratio: 3, reason: a}, \"erf/visual.0.*\": {ratio: 5, reason: b},"
          "\"baseline/*\": {ratio: 7, reason: c}, \"*.gelu\": {bits: off, reason: d}");
    (void)scaled(0, 2.5);
    (void)scaled(1, 4);
    judge(true);
    assert_outcome(1, "visual.ln_pre", CP_GATE_RATIO, CP_GATE_PASSED);
    assert_outcome(1, GELU, CP_GATE_RATIO, CP_GATE_PASSED);
    assert_outcome(1, GELU, CP_GATE_BITS_KIND, CP_GATE_UNCHECKED);
    assert_outcome(1, "visual.ln_pre", CP_GATE_BITS_KIND, CP_GATE_FAILED);
    assert_true(finding(0, GELU)->measure[CP_GATE_RATIO].limit == 7);
    assert_true(finding(1, GELU)->measure[CP_GATE_RATIO].limit == 5);
    assert_true(finding(1, "text_features")->measure[CP_GATE_RATIO].limit == 2);
    assert_int_equal(verdict.rules, 0);
}

static void what_is_looser_needs_a_reason(void **state) {
    static const struct {
        const char *rule, *says; /* says NULL: nothing */
    } cases[] = {
        {"\"*\": {ratio: 2.5}", "*: ratio 2.5 is looser than auto (2)"},
        {"\"*\": {ratio: 2.5, reason: x}", NULL},
        {"\"*\": {ratio: 1.5}", NULL},
        {"erf/visual.ln_pre: {bits: off}", "erf/visual.ln_pre: bits off is looser than the default"},
        {"\"*.gelu\": {ulp: 3.5}", "*/*.gelu: ulp 3.5 is looser than auto (3)"},
        {"\"*.gelu\": {ulp: 2.5}", NULL},
        {"class_probs: {inconclusive: allow}",
         "*/class_probs: inconclusive allow is looser than the default"},
        {"class_probs: {worst_token: 1}", "*/class_probs: worst_token 1 is looser than auto (3.2e-06)"},
        {"decisions: {flips: 3}", "decisions: flips 3 is looser than auto (2)"},
        {"erf/decisions: {kl: off}", "erf/decisions: kl off is looser than the default"},
        {"\"*\": {maths: off}", "*: maths off is looser than the default"},
    };
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        begin(cases[c].rule);
        judge(true);
        assert_int_equal(verdict.rules, cases[c].says != NULL);
        if (cases[c].says)
            assert_string_equal(verdict.rule[0], cases[c].says);
        assert_int_equal(cp_gate_passed(&verdict), cases[c].says == NULL);
    }
}

/* A number is a demand of its own, which the accepted bits do not meet by being so. */
static void a_tighter_number_holds_what_was_accepted(void **state) {
    (void)state;
    begin("\"*.gelu\": {ulp: 1}, visual.ln_pre: {ulp: 1, worst_token: 1e-7}");
    judge(true);
    assert_outcome(1, GELU, CP_GATE_ULP, CP_GATE_FAILED);
    assert_outcome(1, "visual.ln_pre", CP_GATE_ULP, CP_GATE_FAILED);
    assert_outcome(1, "visual.ln_pre", CP_GATE_WORST_TOKEN, CP_GATE_FAILED);
}

/* ---- inputs ---- */

static void other_inputs_are_told_by_name(void **state) {
    (void)state;
    begin("");
    now.file[0].digest[3] = 'a';
    now.samples.images = 15;
    now.file[1].name = "moved.txt";
    judge(true);
    assert_int_equal(verdict.inputs, 2);
    assert_string_equal(verdict.input[0], "15 images, accepted 16");
    assert_string_equal(verdict.input[1], "model.safetensors changed");
    assert_int_equal(verdict.subjects, 0);
    assert_true(!cp_gate_passed(&verdict) && cp_gate_needs_reason(&verdict));
    begin("");
    now.file[1] = (struct cp_gate_file){"other.txt", "0000000000000000"};
    now.samples.name = "f";
    judge(true);
    assert_int_equal(verdict.inputs, 3);
    assert_string_equal(verdict.input[0], "experiment f, accepted e");
    assert_string_equal(verdict.input[1], "other.txt is new");
    assert_string_equal(verdict.input[2], "classes.txt is missing");
}

/* Of prompts made from templates and classes every one of both is kept, as evenly as can be, and each prompt
 * once. */
static void kept_prompts_are_of_every_template(void **state) {
    static const size_t designs[][2] = {{10, 16}, {16, 16}, {7, 3}, {1, 40}, {40, 1}, {4, 8}};
    (void)state;
    for (size_t d = 0; d < sizeof designs / sizeof designs[0]; d++) {
        const size_t classes = designs[d][0], templates = designs[d][1], all = classes * templates;
        struct cp_gate_kept kept = {.classes = classes, .templates = templates};
        size_t of_class[40] = {0}, of_template[40] = {0}, count = 0;
        bool seen[256] = {false};
        cp_gate_kept_choose(&kept);
        for (size_t k = 0; k < CP_GATE_INPUTS; k++) {
            const size_t input = cp_gate_kept_input(&kept, CP_TEXT, k);
            if (input == SIZE_MAX)
                break;
            assert_true(input < all && !seen[input]);
            seen[input] = true;
            of_class[input / templates]++;
            of_template[input % templates]++;
            count++;
        }
        assert_int_equal(count, all < CP_GATE_INPUTS ? all : CP_GATE_INPUTS);
        for (size_t c = 0; c < classes; c++)
            assert_true(of_class[c] <= count / classes + 1);
        for (size_t t = 0; t < templates; t++)
            assert_true(of_template[t] <= count / templates + 1);
        assert_int_equal(cp_gate_kept_input(&kept, CP_VISUAL, 5), 5);
    }
}

/* A baseline of the first version kept the errors of other prompts. */
static void first_prompts_are_other_inputs(void **state) {
    (void)state;
    begin("");
    accepted.samples.first_prompts = true;
    judge(true);
    assert_int_equal(verdict.inputs, 0); /* no templates */
    begin("");
    accepted.samples.first_prompts = true;
    now.samples.kept.templates = 16;
    judge(true);
    assert_int_equal(verdict.inputs, 1);
    assert_non_null(
        strstr(verdict.input[0], "of the first prompts, not of every template and class; accept again"));
    now.samples.kept.templates = 0;
}

/* ---- the baseline file ---- */

static const char *baseline_path(void) {
    static char path[64];
    (void)snprintf(path, sizeof path, "%s/baseline.yaml", folder);
    return path;
}

static char *read_baseline(void) {
    static char text[1 << 16];
    FILE *file = fopen(baseline_path(), "rb");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    (void)fclose(file);
    return text;
}

static void a_baseline_reads_back(void **state) {
    struct cp_gate_samples read;
    (void)state;
    begin("");
    now.tap[1][0] = now.tap[0][0];
    memcpy(now.oracle[1][1], now.oracle[0][1], sizeof now.oracle[0][1]);
    now.tap[1][1].type = CP_BF16;
    now.tap[0][1].worst_token = NAN;
    now.tap[0][2].error[3] = NAN;
    now.tap[0][3].nonfinite = 5;
    now.subject[1].kl_worst = INFINITY;
    now.setting[0][0].value = "a: \"b\" #c";
    assert_int_equal(cp_gate_write(baseline_path(), &now.samples, "it \"is\" so", &err), CP_OK);
    assert_non_null(strstr(read_baseline(), "\n      - visual.ln_pre: same\n"));
    assert_non_null(strstr(read_baseline(), "oracle: same}"));
    assert_int_equal(cp_gate_read(baseline_path(), &read, &err), CP_OK);
    assert_string_equal(read.reason, "it \"is\" so");
    assert_string_equal(cp_gate_value(&read, &read.subject[0], "attention.compute"), "a: \"b\" #c");
    assert_int_equal(read.subject[1].tap[1].type, CP_BF16);
    assert_true(read.subject[0].tap[3].nonfinite == 5 && isnan(read.subject[1].kl_worst));
    cp_gate_verdict_free(&verdict);
    assert_int_equal(cp_gate_judge(&experiment, &now.samples, &read, true, &verdict, &err), CP_OK);
    assert_true(cp_gate_passed(&verdict));
    assert_false(cp_gate_changed(&verdict));
    cp_gate_samples_free(&read);
}

/* One piece of a good file is replaced; what is refused is told with its place. */
static void a_damaged_baseline_is_one_line(void **state) {
    static const struct {
        const char *from, *to, *says;
    } cases[] = {
        {"clip-parity-baseline/2", "clip-parity-baseline/3", "3:9: schema: 'clip-parity-baseline/3'"},
        {"experiment: e", "experimen: e", "did you mean 'experiment'?"},
        {"images: 16\n", "images: -1\n", "images: '-1' is out of range"},
        {"00112233445566ff", "00112233445566fg", "is not a digest (expected 16 hexadecimal digits)"},
        {"0123456789abcdef", "0123456789abcde", "is not a digest"},
        {"  baseline:", "  base:", "subjects: the first is not the baseline"},
        {"oracle: 1 2", "oracle: 1 x", "oracle: no number after 1"},
        {"oracle: 1 2", "oracle: 2", "16 errors, 15 oracles"},
        {"ulp: 2", "ulp: two", "ulp: 'two'"},
        {"worst_token: 4e-07", "worst_token: -4e-07", "is negative"},
        {"error: 1", "error: -1", "error: no number after 0"},
        {"- visual.ln_pre: {", "- class_probs: {", "taps: a second 'class_probs'"},
        {"- visual.ln_pre: {", "- {", "taps: 4 names in one"},
        {"taps:\n", "taps: {}\n    tap:\n", "unknown key 'tap'"},
        {"flips: 2", "flip: 2", "unknown key 'flip' in decisions"},
        {"bits: 0", "type: fp8, bits: 0", "type: 'fp8'"},
        {"made:", "made: [", "baseline.yaml:"},
        {"schema", "\xff", "byte 0xff at offset"},
        {"subjects:", "subjects: {}\nx:", "unknown key 'x'"},
    };
    (void)state;
    begin("");
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct cp_gate_samples read;
        char line[2048];
        assert_int_equal(cp_gate_write(baseline_path(), &now.samples, NULL, &err), CP_OK);
        char *text = read_baseline(), *at = strstr(text, cases[c].from);
        assert_non_null(at);
        FILE *file = fopen(baseline_path(), "wb");
        (void)fprintf(file, "%.*s%s%s", (int)(at - text), text, cases[c].to, at + strlen(cases[c].from));
        (void)fclose(file);
        assert_int_equal(cp_gate_read(baseline_path(), &read, &err), CP_BAD_INPUT);
        cp_gate_samples_free(&read);
        cp_error_line(&err, line, sizeof line);
        if (!strstr(line, cases[c].says) || !strstr(line, "baseline.yaml") || strchr(line, '\n'))
            fail_msg("%s gives %s", cases[c].to, line);
    }
}

/* ---- forms ---- */

typedef void form(const struct cp_gate_verdict *of, FILE *out);

static char *written(form *put) {
    static char text[1 << 18];
    FILE *out = fmemopen(text, sizeof text, "w");
    assert_non_null(out);
    put(&verdict, out);
    (void)fclose(out);
    return text;
}

static void a_person_reads_the_first(const struct cp_gate_verdict *of, FILE *out) {
    cp_gate_summary(of, false, out);
}

static void fail_hostile(void) {
    begin("");
    (void)scaled(0, 5)->names;
    now.tap[1][1].worst_token = 1;
    now.tap[1][1].place.input = 1;
    now.tap[1][2].worst_token = 1;
    now.tap[1][2].place.input = 2;
    now.setting[1][0].value = "<tanh> & \"x\"";
    judge(true);
}

static void the_summary_names_the_first(void **state) {
    (void)state;
    fail_hostile();
    const char *text = written(a_person_reads_the_first);
    assert_non_null(strstr(text, "FAIL  e: 3 of 9 taps and decisions, in 1 of 2 specs\n"));
    assert_non_null(strstr(text, "PASS  baseline: 4 taps\n"));
    assert_non_null(strstr(text, "\n    visual.ln_pre: error 5 times the accepted"));
    assert_non_null(strstr(text, "\n    visual.0.mlp.gelu: worst token's error 1, accepted 4e-07"));
    for (const char *line = text, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        assert_true(end - line <= 80);
    }
}

static void junit(const struct cp_gate_verdict *v, FILE *out) {
    cp_gate_junit(v, 12.3456, out);
}

static void xml_has_no_markup_of_names(void **state) {
    (void)state;
    fail_hostile();
    const char *text = written(junit);
    assert_non_null(
        strstr(text, "(a&lt;b&gt;&amp;&quot;c&quot;.png), token 3: 1.5, oracle 1.25; channel 7: -2"));
    assert_non_null(strstr(text, "(b\\x01.png)"));
    assert_non_null(strstr(text, "(c\\xff.png)"));
    assert_non_null(strstr(text, "attention.compute: &lt;tanh&gt; &amp; &quot;x&quot;, accepted fp16"));
    assert_non_null(
        strstr(text, "<testsuite name=\"e.erf\" tests=\"5\" failures=\"3\" errors=\"0\" skipped=\"0\">"));
    assert_non_null(strstr(text, " failures=\"3\" errors=\"0\" time=\"12.346\">"));
    assert_non_null(strstr(text, "<failure type=\"ratio\" message=\"error 5 times the accepted"));
}

/* One cause is one failure. */
static void what_fails_behind_the_first_is_skipped(void **state) {
    (void)state;
    begin("");
    now.tap[1][0].worst_token = now.tap[1][1].worst_token = now.tap[1][2].worst_token = 1;
    judge(true);
    const char *text = written(junit);
    assert_non_null(
        strstr(text, "<testsuite name=\"e.erf\" tests=\"5\" failures=\"2\" errors=\"0\" skipped=\"1\">"));
    assert_non_null(
        strstr(text, "name=\"" GELU "\">\n      <skipped message=\"fails behind visual.ln_pre\"/>\n"));
    assert_null(strstr(text, "fails behind text_features"));
}

static void json_is_json(void **state) {
    json_error_t where;
    (void)state;
    fail_hostile();
    json_t *root = json_loads(written(cp_gate_json), 0, &where);
    if (!root)
        fail_msg("%d:%d: %s", where.line, where.column, where.text);
    json_t *taps = json_object_get(json_array_get(json_object_get(root, "specs"), 1), "taps");
    json_t *ratio = json_object_get(json_object_get(json_array_get(taps, 0), "kinds"), "ratio");
    assert_int_equal(json_array_size(taps), TAPS + 1);
    assert_string_equal(json_string_value(json_object_get(ratio, "outcome")), "fail");
    assert_true(fabs(json_number_value(json_object_get(ratio, "value")) - 5) < 0.01);
    assert_true(json_is_false(json_object_get(root, "passed")));
    json_decref(root);
}

static void github_commands_are_escaped(void **state) {
    char text[8192];
    FILE *out = fmemopen(text, sizeof text, "w");
    (void)state;
    fail_hostile();
    cp_gate_github(&verdict, "a,b:c%.yaml", out);
    (void)fclose(out);
    assert_int_equal(strncmp(text,
                             "::error file=a%2Cb%3Ac%25.yaml,title=erf%3A 3 taps%2C from visual.ln_pre on::"
                             "error 5 times the accepted",
                             100),
                     0);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    assert_non_null(
        strstr(written(cp_gate_markdown), "| erf | FAIL | 3 of 5 | visual.ln_pre | error 5 times"));
}

static int release_all(void **state) {
    cp_gate_verdict_free(&verdict);
    (void)free_experiment(state);
    return remove_folder(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_accepted_passes),
        cmocka_unit_test(other_bits_are_other_bits_alone),
        cmocka_unit_test(a_larger_error_is_weighed_against_k),
        cmocka_unit_test(what_is_not_shown_fails_unless_allowed),
        cmocka_unit_test(the_oracle_tells_other_maths),
        cmocka_unit_test(maths_in_words),
        cmocka_unit_test(contradicted_in_words),
        cmocka_unit_test(settings_tell_other_maths),
        cmocka_unit_test(the_worst_token_and_the_ulps_have_limits),
        cmocka_unit_test(new_values_that_are_not_finite_fail),
        cmocka_unit_test(what_is_on_one_side_alone_fails),
        cmocka_unit_test(decisions_have_limits),
        cmocka_unit_test(the_last_rule_that_says_it_wins),
        cmocka_unit_test(what_is_looser_needs_a_reason),
        cmocka_unit_test(a_tighter_number_holds_what_was_accepted),
        cmocka_unit_test(other_inputs_are_told_by_name),
        cmocka_unit_test(kept_prompts_are_of_every_template),
        cmocka_unit_test(first_prompts_are_other_inputs),
        cmocka_unit_test(a_baseline_reads_back),
        cmocka_unit_test(a_damaged_baseline_is_one_line),
        cmocka_unit_test(the_summary_names_the_first),
        cmocka_unit_test(xml_has_no_markup_of_names),
        cmocka_unit_test(what_fails_behind_the_first_is_skipped),
        cmocka_unit_test(json_is_json),
        cmocka_unit_test(github_commands_are_escaped),
    };
    return cmocka_run_group_tests(tests, make_folder, release_all);
}
