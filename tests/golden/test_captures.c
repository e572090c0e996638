/* SPDX-License-Identifier: GPL-3.0-or-later
 * Forward passes of open_clip v2.24, OpenAI's CLIP and Hugging Face's module tree (reference/golden/captures)
 * against this program's own, and against each other. */
#include "support/program.h"
#include "support/test.h"

#include "report/data/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CAPTURES "reference/golden/captures/"

/* tokens among them. */
enum { TAPS = 73 };

static char text[1 << 16];
static struct cp_report report;

static void read_result(void) {
    struct cp_error err = {0};
    if (cp_report_load(scratch_output(), &report, &err) != CP_OK)
        fail_msg("%s: %s", err.where, err.what);
}

/* A capture as the candidate, judged against our own pass over its inputs; our settings, and the capture's.
 */
static const struct cp_report_candidate *against_ours(const char *capture, const char *ours,
                                                      const char *settings) {
    char experiment[64], arguments[256];
    (void)snprintf(experiment, sizeof experiment, "/tmp/clip-parity-captures-%ld.yaml", (long)getpid());
    FILE *file = fopen(experiment, "w");
    assert_non_null(file);
    (void)fprintf(file,
                  "experiment: captures\nmodel: {init: counter, seed: 915, config: " CAPTURES "model.json}\n"
                  "inputs: {capture: " CAPTURES "%s.h5}\nbaseline: {%s}\n"
                  "candidates: {theirs: {capture: " CAPTURES "%s.h5, %s}}\n",
                  capture, ours, capture, settings);
    assert_int_equal(fclose(file), 0);
    (void)snprintf(arguments, sizeof arguments, "run %s output=$OUT", experiment);
    if (run_program(arguments, text, sizeof text) != 0)
        fail_msg("%s", text);
    (void)unlink(experiment);
    read_result();
    assert_int_equal(report.candidate[0].taps, TAPS);
    return &report.candidate[0];
}

static int verdict_of(const struct cp_report_tap *tap) {
    return (int)tap->verdict[CP_FIELD_VERDICT];
}

/* In fp32 every tap errs as little as ours, or is the same to the bit. */
static void fp32_is_equivalent_everywhere(void **state) {
    (void)state;
    for (int erf = 0; erf < 2; erf++) {
        const char *settings = erf ? "activation: erf" : "activation: quick";
        const struct cp_report_candidate *c =
            against_ours(erf ? "erf-fp32" : "quick-fp32", settings, settings);
        double most = 0;
        for (size_t t = 0; t < c->taps; t++) {
            const int verdict = verdict_of(&c->tap[t]);
            if (verdict != CP_EQUIVALENT && verdict != CP_IDENTICAL)
                fail_msg("%s: %s is %s", settings, c->tap[t].name, cp_verdict_names[verdict]);
            most = fmax(most, c->tap[t].verdict[CP_FIELD_RATIO]);
        }
        print_message("open_clip %s fp32: %d of %d taps equivalent or identical; largest error ratio %.2f\n",
                      settings, TAPS, TAPS, most);
        cp_report_free(&report);
    }
}

/* With the wrong activation each tower's first divergence is block 0's, and it is another function. */
static void the_wrong_activation_is_found(void **state) {
    (void)state;
    const struct cp_report_candidate *c = against_ours("quick-fp32", "activation: erf", "activation: quick");
    assert_string_equal(cp_report_first(c, CP_VISUAL)->name, "visual.transformer.resblocks.0.mlp.gelu");
    assert_string_equal(cp_report_first(c, CP_TEXT)->name, "transformer.resblocks.0.mlp.gelu");
    cp_report_free(&report);
    /* Said to be what it is not, it is contradicted at the activations, and degraded behind the first. */
    c = against_ours("quick-fp32", "activation: erf", "activation: erf");
    size_t contradicted = 0;
    for (size_t t = 0; t < c->taps; t++) {
        const bool activation = strstr(c->tap[t].name, ".mlp.gelu") != NULL;
        assert_int_equal(verdict_of(&c->tap[t]) == CP_CONTRADICTED_VERDICT, activation);
        contradicted += activation;
        assert_true(contradicted > 0 || verdict_of(&c->tap[t]) != CP_DEGRADED);
    }
    assert_int_equal(contradicted, 4);
    cp_report_free(&report);
}

/* bf16 differs from our own bf16 in rounding alone, and errs less than 3 times as much, k of half precision.
 */
static void bf16_is_within_its_ratio(void **state) {
    (void)state;
    for (int erf = 0; erf < 2; erf++) {
        char settings[64];
        (void)snprintf(settings, sizeof settings, "activation: %s, precision: bf16", erf ? "erf" : "quick");
        const struct cp_report_candidate *c =
            against_ours(erf ? "erf-bf16" : "quick-bf16", settings, settings);
        double most = 0;
        size_t good = 0, same = 0;
        for (size_t t = 0; t < c->taps; t++) {
            const struct cp_report_tap *tap = &c->tap[t];
            assert_true(!(tap->verdict[CP_FIELD_SEMANTIC] > 1e-12));
            good += verdict_of(tap) == CP_EQUIVALENT || verdict_of(tap) == CP_IDENTICAL;
            same += verdict_of(tap) == CP_IDENTICAL;
            most = fmax(most, tap->verdict[CP_FIELD_RATIO]);
        }
        assert_int_equal(good, TAPS);
        assert_true(!erf || same == TAPS); /* PyTorch's bf16 to the bit */
        print_message("open_clip %s: %zu of %d taps equivalent or identical, %zu identical; largest error "
                      "ratio %.2f\n",
                      settings, good, TAPS, same, most);
        cp_report_free(&report);
    }
}

/* The other systems' captures, of fewer inputs, say by themselves what they are. */
static void systems_agree_with_each_other(void **state) {
    static const char *const others[] = {"openai-quick-fp32", "hf-quick-fp32"};
    (void)state;
    for (int o = 0; o < 2; o++) {
        char arguments[256];
        (void)snprintf(arguments, sizeof arguments, "diff " CAPTURES "%s.h5 " CAPTURES "%s.h5 -o $OUT",
                       others[0], others[o]);
        const int code = run_program(arguments, text, sizeof text);
        assert_int_equal(code, CP_OK); /* of 8 inputs no ratio is decided, but every operation is explained */
        read_result();
        for (size_t t = 0; t < report.candidate[0].taps; t++) {
            const struct cp_report_tap *tap = &report.candidate[0].tap[t];
            const int verdict = verdict_of(tap);
            assert_true(verdict == CP_IDENTICAL || (o && verdict == CP_INCONCLUSIVE));
            assert_true(!(tap->verdict[CP_FIELD_RATIO] > 2));
        }
        cp_report_free(&report);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fp32_is_equivalent_everywhere),
        cmocka_unit_test(the_wrong_activation_is_found),
        cmocka_unit_test(bf16_is_within_its_ratio),
        cmocka_unit_test(systems_agree_with_each_other),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(scratch_output());
    return failed;
}
