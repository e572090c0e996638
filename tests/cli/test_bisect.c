/* SPDX-License-Identifier: GPL-3.0-or-later
 * The program's bisect on the demo model: the founding case, injected faults among rounding, both directions,
 * and that the command it prints reproduces what it found. */
#include "support/program.h"
#include "support/result.h"
#include "support/test.h"

#include "num/metrics.h"
#include "tap/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BISECT "bisect experiments/quickgelu-vs-gelu.yaml "
#define FEW "threads=1 inputs.limit=4 'inputs.prompts=[a bag, a dress]' inputs.labels=off "

enum { IMAGES_RUN = 4 };

static char text[65536];

/* Runs it; what it prints to standard output. */
static const char *answer(const char *arguments, int code) {
    char line[1024];
    (void)snprintf(line, sizeof line, "%s 2>/dev/null", arguments);
    const int got = run_program(line, text, sizeof text);
    if (got != code)
        fail_msg("%s: exit code %d\n%s", arguments, got, text);
    return text;
}

/* The lines between "smallest set ..." or "1-minimal set ..." and "tried", "reached" or "left", joined by
 * commas. */
static const char *set_of(const char *out) {
    static char set[1024];
    const char *line = strstr(out, "\nsmallest set ");
    line = line ? line : strstr(out, "\n1-minimal set ");
    assert_non_null(line);
    set[0] = '\0';
    for (line = strchr(line + 1, '\n'); strncmp(line, "\n  ", 3) == 0; line = strchr(line + 1, '\n'))
        (void)snprintf(set + strlen(set), sizeof set - strlen(set), "%s%.*s", set[0] ? ", " : "",
                       (int)(strchr(line + 1, '\n') - line - 3), line + 3);
    return set;
}

static void assert_set(const char *arguments, const char *set) {
    const char *found = set_of(answer(arguments, 0));
    if (strcmp(found, set) != 0)
        fail_msg("%s finds %s, expected %s", arguments, found, set);
}

/* QuickGELU's weights under GELU: one block's activation does half of the harm, and every setting is one. */
static void founding_case(void **state) {
    (void)state;
    assert_set(BISECT "erf threads=1", "activation@visual.0: erf");
    assert_non_null(strstr(text, "differs in 13 swaps; "));
    assert_set(BISECT "erf --settings threads=1", "activation: erf");
    assert_non_null(strstr(text, "13 swaps, 1 setting; 0 tests"));
    assert_set(BISECT "erf --share 1 --at image_features --layers " FEW, "activation@visual.0-5: erf");
}

/* Three neighbouring blocks do half of the harm, two others as well: the fewest are named, and what was
 * tried. */
static void words_of_the_search(void **state) {
    (void)state;
    assert_set(BISECT "erf threads=1 inputs.limit=16", "activation@visual.0-1: erf");
    assert_non_null(strstr(text, "\nsmallest set that reaches 50 % of the divergence: 2 swaps\n"));
    assert_non_null(strstr(text, "\ntried   no single swap is enough\nreached class_probs "));
    (void)answer(BISECT "erf threads=1 inputs.limit=16 --layers --share 0.9", 0);
    assert_non_null(strstr(text, "\n1-minimal set that reaches 90 % of the divergence: 6 layers\n"));
    assert_non_null(strstr(text, "\ntried   no layer of the set can be left out; not every smaller set was "
                                 "tried,\n        but no single layer and no pair is enough\nreached "));
    (void)answer(BISECT "erf threads=1 inputs.limit=4", 0);
    assert_null(strstr(text, "\ntried "));
}

/* Every kind of fault, in one block, among swaps that only round. */
static void injected_faults(void **state) {
    static const char *const faults[] = {"activation@visual.1", "eps@visual.2",     "head_scale@visual.3",
                                         "transpose@visual.4",  "softmax@visual.5", "weight_bit@visual.0",
                                         "weight_bit@text.1",   "transpose@text.3"};
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char arguments[512], expected[64];
        (void)snprintf(expected, sizeof expected, "inject.%s: %zu", faults[i], 7 + i);
        (void)snprintf(arguments, sizeof arguments,
                       BISECT FEW "--share 0.9 %s'candidates={f: {norm: welford, %s}}'",
                       strstr(faults[i], "text") ? "--at text_features " : "--at image_features ", expected);
        assert_set(arguments, expected);
        (void)snprintf(arguments, sizeof arguments,
                       BISECT FEW "--remove %s'candidates={f: {norm: welford, %s}}'",
                       strstr(faults[i], "text") ? "--at text_features " : "--at image_features ", expected);
        assert_set(arguments, expected);
    }
}

/* Two faults in one tower, one in the other: each must go to cure its tower, and either alone does half. */
static void several_faults(void **state) {
    static const char candidate[] =
        FEW "'candidates={f: {inject.head_scale@visual.1: 4, inject.head_scale@visual.4: 4, norm: welford, "
            "inject.transpose@text.2: 1}}'";
    char arguments[1024];
    (void)state;
    (void)snprintf(arguments, sizeof arguments, BISECT "--remove --share 0.01 --at image_features %s",
                   candidate);
    assert_set(arguments, "inject.head_scale@visual.1: 4, inject.head_scale@visual.4: 4");
    assert_non_null(strstr(text, "\nleft    image_features "));
    assert_non_null(strstr(text, " 'candidates={bisected: {norm: welford, inject.transpose@text.2: 1}}' "));
    (void)snprintf(arguments, sizeof arguments, BISECT "--share 0.99 --layers --at text_features %s",
                   candidate);
    assert_set(arguments, "norm@text.2: welford, inject.transpose@text.2: 1");
    assert_non_null(strstr(text, "differs in 16 swaps, 13 layers; "));
}

/* Mean over images of the relative L2 that a run of the printed command stores. */
static double divergence_of_run(const char *command, const char *tap) {
    double metrics[IMAGES_RUN][CP_PART_COUNT][CP_METRIC_COUNT] = {{{0}}}, mean = 0;
    char path[128], arguments[1024];
    static char ignored[65536];
    const char *end = strchr(command, '\n');
    assert_non_null(end);
    (void)snprintf(arguments, sizeof arguments,
                   "%.*s oracle=off local=off floor=0 'record={\"*\": \"off\", \"*_features\": digest, "
                   "probs: digest}' output=$OUT",
                   (int)(end - command), command);
    if (run_program(arguments, ignored, sizeof ignored) != 0)
        fail_msg("clip-parity %s\n%s", arguments, ignored);
    (void)snprintf(path, sizeof path, "/metrics/bisected/%s/metrics", tap);
    assert_int_equal(
        read_dataset(scratch_output(), path, H5T_NATIVE_DOUBLE, metrics, sizeof metrics / sizeof(double)),
        sizeof metrics / sizeof(double));
    for (size_t i = 0; i < IMAGES_RUN; i++)
        mean += metrics[i][CP_TOTAL][CP_REL_L2] / IMAGES_RUN;
    (void)unlink(scratch_output());
    return mean;
}

static void assert_reproduces(const char *arguments, const char *label) {
    static const char prefix[] = "\nrun     clip-parity ";
    static char copy[sizeof text];
    char tap[32] = "";
    double percent = 0, full = 0;
    (void)snprintf(copy, sizeof copy, "%s", answer(arguments, 0));
    const char *shares = strstr(copy, label), *command = strstr(copy, prefix);
    assert_true(shares && command);
    assert_int_equal(sscanf(shares + strlen(label), "%31s %lf %% of %lf", tap, &percent, &full), 3);
    const double share = 100 * strtod(strstr(arguments, "--share ") + strlen("--share "), NULL);
    assert_true(strcmp(label, "\nleft ") == 0 ? percent < share : percent >= share);
    const double run = divergence_of_run(command + strlen(prefix), tap);
    if (!(fabs(run / (percent / 100 * full) - 1) < 0.01))
        fail_msg("%s: the run gives %.4g, bisect said %.4g", arguments, run, percent / 100 * full);
}

/* The settings printed give the divergence printed, as the metrics of an ordinary run have it. */
static void command_reproduces(void **state) {
    (void)state;
    assert_reproduces(BISECT "erf --share 0.9 " FEW, "\nreached ");
    assert_reproduces(BISECT "erf --remove --share 0.7 " FEW, "\nleft ");
    assert_reproduces(BISECT "--settings --share 0.95 --at image_features " FEW
                             "'candidates={f: {precision: pure_bf16, norm.eps: 1e-4}}'",
                      "\nreached ");
    assert_reproduces(BISECT
                      "--remove --share 0.5 --at image_features " FEW
                      "'candidates={f: {weights: bf16, inject.weight_bit@visual.2: 5, norm: rmsnorm}}'",
                      "\nleft ");
}

/* How many inputs are computed at once decides nothing. */
static void the_batch_is_no_setting(void **state) {
    static char whole[sizeof text];
    (void)state;
    (void)snprintf(whole, sizeof whole, "%s", answer(BISECT "erf " FEW "batch=32", 0));
    const char *one = answer(BISECT "erf " FEW "batch=1", 0), *end = strstr(one, "\nrun     ");
    assert_non_null(end);
    assert_int_equal(strncmp(whole, one, (size_t)(end - one)), 0);
}

static void exit_codes(void **state) {
    static const struct {
        const char *arguments;
        int code;
        const char *says;
    } cases[] = {
        {"bisect", 4, "no experiment"},
        {BISECT, 4, "several candidates (expected one of erf, tanh, erf-last-two)"},
        {BISECT "er", 4, "no candidate 'er'"},
        {BISECT "erf tanh", 4, "a second candidate 'tanh'"},
        {BISECT "erf --share", 4, "--share without a value (expected --share X)"},
        {BISECT "erf --share 0", 4, "--share '0' (expected a number above 0, at most 1)"},
        {BISECT "erf --share nan", 4, "--share 'nan'"},
        {BISECT "erf --layers --settings", 4, "both --layers and --settings"},
        {BISECT "erf --fast", 4, "unknown option '--fast'"},
        {BISECT "erf --at logits " FEW, 4, "no output 'logits'"},
        {BISECT "erf candidates.erf.norm=rms", 3, "unknown variant 'rms'"},
        {BISECT "'candidates={}'", 5, "no candidate"},
        {BISECT "'candidates={same: {activation: quick}}'", 5, "same: has the baseline's settings"},
        {BISECT "'candidates={idle: {inject.eps@joint: 3}}' " FEW, 5,
         "idle: the outputs have the baseline's bits"},
        {BISECT "'candidates={f: {activation@visual: erf}}' --at text_features " FEW, 5, "text_features has"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int code = run_program(cases[i].arguments, text, sizeof text);
        if (code != cases[i].code || !strstr(text, cases[i].says))
            fail_msg("clip-parity %s: %d, %s", cases[i].arguments, code, text);
        assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    }
}

/* Cells of other designs are candidates too; one prompt's probability is always 1, so features are judged. */
static void other_candidates(void **state) {
    (void)state;
    assert_set("bisect experiments/which-layer.yaml activation=erf@visual.3 threads=1 inputs.limit=8",
               "activation@visual.3: erf");
    assert_set("bisect experiments/full-factorial.yaml eps+weights --settings threads=1 inputs.limit=8",
               "weights: bf16");
    (void)answer(BISECT "erf inputs.limit=8 'inputs.prompts=[a bag]' inputs.labels=off", 0);
    assert_non_null(strstr(text, "\nreached image_features "));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(founding_case),      cmocka_unit_test(words_of_the_search),
        cmocka_unit_test(injected_faults),    cmocka_unit_test(several_faults),
        cmocka_unit_test(command_reproduces), cmocka_unit_test(the_batch_is_no_setting),
        cmocka_unit_test(exit_codes),         cmocka_unit_test(other_candidates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
