/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "study/diff.h"
#include "cmd/cmd.h"
#include "cmd/option.h"
#include "cmd/stop.h"
#include "model/weights_difference.h"
#include "report/report.h"
#include "study/run.h"

#include <stdlib.h>
#include <string.h>

struct arguments {
    struct cp_diff diff;
    bool environment;
    const char **overrides; /* [override_count] */
    size_t override_count;
};

static enum cp_status parse_word(struct arguments *a, const char *word, struct cp_error *err) {
    const char *equals = strchr(word, '='), *colon = strchr(word, ':');
    if (equals && !(colon && colon < equals)) /* FILE:NAME, whose NAME may have one */
        a->overrides[a->override_count++] = word;
    else if (!a->diff.a.capture)
        a->diff.a.capture = word;
    else if (!a->diff.b.capture)
        a->diff.b.capture = word;
    else
        return (void)cp_fail(err, CP_USAGE, "", "diff: a third file '%s'", word),
               cp_expected(err, "two captures");
    return CP_OK;
}

static enum cp_status parse(int argc, char **argv, struct arguments *a, struct cp_error *err) {
    const struct cp_cmd_option values[] = {{"--model-a", &a->diff.a.checkpoint},
                                           {"--model-b", &a->diff.b.checkpoint},
                                           {"--model", &a->diff.checkpoint},
                                           {"--config", &a->diff.config},
                                           {"--seed", &a->diff.seed},
                                           {"--map", &a->diff.b.map},
                                           {"--map-a", &a->diff.a.map},
                                           {"--spec-a", &a->diff.a.settings},
                                           {"--spec-b", &a->diff.b.settings},
                                           {"-o", &a->diff.output}};
    const size_t count = sizeof values / sizeof values[0];
    for (int i = 0; i < argc; i++) {
        bool missing;
        if (cp_cmd_option(values, count, argc, argv, &i, &missing))
            continue;
        if (missing)
            return (void)cp_fail(err, CP_USAGE, "", "diff: %s without a value", argv[i]),
                   cp_expected(err, "%s VALUE", argv[i]);
        else if (strcmp(argv[i], "--no-oracle") == 0)
            a->diff.no_oracle = true;
        else if (strcmp(argv[i], "--environment") == 0)
            a->environment = true;
        else if (argv[i][0] == '-')
            return (void)cp_fail(err, CP_USAGE, "", "diff: unknown option '%s'", argv[i]),
                   cp_expected(err, "--model, --model-a, --model-b, --config, --seed, --spec-a, --spec-b, "
                                    "--map, --map-a, --no-oracle, "
                                    "--environment or -o FILE");
        else
            CP_TRY(parse_word(a, argv[i], err));
    }
    if (!a->diff.b.capture)
        return (void)cp_fail(err, CP_USAGE, "", "diff: %s", a->diff.a.capture ? "one file" : "no files"),
               cp_expected(err, "two captures, each FILE.h5 or FILE.h5:NAME");
    return CP_OK;
}

/* ---- the verdict on the whole ---- */

static enum cp_verdict verdict_of(const struct cp_report_tap *tap) {
    return (enum cp_verdict)tap->verdict[CP_FIELD_VERDICT];
}

static bool agrees(const struct cp_report_tap *tap) {
    return verdict_of(tap) == CP_IDENTICAL || verdict_of(tap) == CP_EQUIVALENT;
}

/* The first tap of a tower that both have and that does not agree. */
static const struct cp_report_tap *first_apart(const struct cp_report_candidate *c, enum cp_tower tower) {
    for (size_t t = 0; t < c->taps; t++)
        if (c->tap[t].tower == tower && !agrees(&c->tap[t]) && verdict_of(&c->tap[t]) != CP_UNMATCHED)
            return &c->tap[t];
    return NULL;
}

/* Where the towers join, only what does not come from one of them. */
static void print_first(const struct cp_report_candidate *c) {
    bool found = false;
    for (int tower = CP_VISUAL; tower <= CP_JOINT; tower++) {
        const struct cp_report_tap *tap = first_apart(c, (enum cp_tower)tower);
        if (tap && !(found && tower == CP_JOINT))
            printf("first divergence  %s  %s\n", tap->address, cp_verdict_names[verdict_of(tap)]);
        found = found || tap;
    }
}

static void print_unmatched(const struct cp_report_candidate *c) {
    size_t count = 0;
    for (size_t t = 0; t < c->taps; t++)
        count += verdict_of(&c->tap[t]) == CP_UNMATCHED;
    if (count == 0)
        return;
    printf("unmatched, in one capture only: %zu taps (", count);
    for (size_t t = 0, shown = 0; t < c->taps && shown < 4; t++)
        if (verdict_of(&c->tap[t]) == CP_UNMATCHED)
            printf("%s%s", shown++ ? ", " : "", c->tap[t].address);
    printf("%s)\n", count > 4 ? ", ..." : "");
}

static enum cp_status conclude(const char *result, struct cp_error *err) {
    struct cp_report report;
    enum cp_status status = cp_report_load(result, &report, err);
    size_t good = 0, matched = 0;
    if (status == CP_OK) {
        const struct cp_report_candidate *c = &report.candidate[0];
        for (size_t t = 0; t < c->taps; t++) {
            good += agrees(&c->tap[t]);
            matched += verdict_of(&c->tap[t]) != CP_UNMATCHED;
        }
        print_first(c);
        print_unmatched(c);
        printf("agrees at %zu of %zu taps\n", good, c->taps);
        status = matched == 0 ? CP_NOTHING_COMPARED : good == c->taps ? CP_OK : CP_PARITY_FAILURE;
    }
    cp_report_free(&report);
    return status;
}

/* The tensors in which the weights of the two sides differ; whether any do. */
static enum cp_status print_weights(const struct cp_study *study, bool *differ, struct cp_error *err) {
    enum { LINES = 8 };
    struct cp_arena arena = {0};
    struct cp_weights_differences differences = {0};
    enum cp_status status = CP_OK;
    if (study->modelled)
        status =
            cp_weights_differences(study->spec_model[0], study->spec_model[1], &arena, &differences, err);
    if (status == CP_OK)
        cp_weights_differences_print(&differences, LINES, stdout);
    *differ = differences.count > 0;
    cp_arena_free(&arena);
    return status;
}

static enum cp_status compare(const struct arguments *a, const char *text, struct cp_error *err) {
    struct cp_experiment experiment;
    struct cp_study study;
    bool other_weights = false;
    CP_TRY(
        cp_experiment_parse("diff", text, strlen(text), a->overrides, a->override_count, &experiment, err));
    enum cp_status status = cp_study_create(&experiment, "diff", &study, err);
    if (status == CP_OK) {
        const struct cp_run_options options = {.progress = stderr, .out = stdout, .signal = cp_cmd_stop()};
        status = cp_run_study(&study, &options, err);
        if (status == CP_OK)
            status = print_weights(&study, &other_weights, err);
        cp_study_free(&study);
    }
    if (status == CP_OK)
        status = conclude(experiment.output.text, err);
    if (status == CP_OK && other_weights)
        status = CP_PARITY_FAILURE; /* whatever these inputs show */
    cp_experiment_free(&experiment);
    return status;
}

enum cp_status cp_cmd_diff(int argc, char **argv, struct cp_error *err) {
    struct arguments a = {.overrides = calloc((size_t)argc + 1, sizeof *a.overrides)};
    struct cp_arena arena = {0};
    const char *text = NULL;
    enum cp_status status;
    if (!a.overrides)
        return cp_fail(err, CP_INTERNAL, "", "out of memory");
    CP_TRY_DONE(parse(argc, argv, &a, err));
    if (a.environment) {
        status = cp_diff_environments(a.diff.a.capture, a.diff.b.capture, stdout, err);
        goto done;
    }
    CP_TRY_DONE(cp_diff_experiment(&a.diff, &arena, stderr, &text, err));
    status = compare(&a, text, err);
done:
    cp_arena_free(&arena);
    free(a.overrides);
    return status;
}
