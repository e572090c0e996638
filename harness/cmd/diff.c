/* SPDX-License-Identifier: GPL-3.0-or-later
 * Runs two captures as a study, names the tensors that differ, and turns the outcome into an exit code. */
#include "task/diff.h"
#include "analysis/analyses.h"
#include "base/escape.h"
#include "cmd/cmd.h"
#include "cmd/option.h"
#include "cmd/stop.h"
#include "format/disk_file.h"
#include "format/output.h"
#include "model/weights_difference.h"
#include "report/data/difference.h"
#include "report/term/term.h"
#include "run/place.h"
#include "run/run.h"

#include <stdlib.h>
#include <string.h>

struct arguments {
    struct cp_diff diff;
    bool environment, strict, resume, force, verbose;
    const char *json, *rtol, *atol;
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
                                           {"--rtol", &a->rtol},
                                           {"--atol", &a->atol},
                                           {"--json", &a->json},
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
        else if (strcmp(argv[i], "--strict") == 0)
            a->strict = true;
        else if (strcmp(argv[i], "--force") == 0)
            a->force = true;
        else if (strcmp(argv[i], "--resume") == 0)
            a->resume = true;
        else if (strcmp(argv[i], "-v") == 0)
            a->verbose = true;
        else if (argv[i][0] == '-')
            return (void)cp_fail(err, CP_USAGE, "", "diff: unknown option '%s'", argv[i]),
                   cp_expected(
                       err,
                       "--model, --model-a, --model-b, --config, --seed, --spec-a, --spec-b, "
                       "--map, --map-a, --no-oracle, --strict, --resume, --force, --rtol, --atol, --json, "
                       "--environment, -v or -o FILE");
        else
            CP_TRY(parse_word(a, argv[i], err));
    }
    if (!a->diff.b.capture)
        return (void)cp_fail(err, CP_USAGE, "", "diff: %s", a->diff.a.capture ? "one file" : "no files"),
               cp_expected(err, "two captures, each FILE.h5 or FILE.h5:NAME");
    return CP_OK;
}

/* --rtol and --atol are overrides of `verdict`. */
static enum cp_status add_tolerance(struct arguments *a, struct cp_arena *arena, struct cp_error *err) {
    const struct {
        const char *key, *value;
    } limits[] = {{"verdict.rtol", a->rtol}, {"verdict.atol", a->atol}};
    for (size_t i = 0; i < 2; i++) {
        const char *text =
            limits[i].value ? cp_arena_printf(arena, "%s=%s", limits[i].key, limits[i].value) : "";
        CP_TRY(CP_CHECK_ALLOC(text, err, "", "the arguments"));
        if (limits[i].value)
            a->overrides[a->override_count++] = text;
    }
    return CP_OK;
}

/* ---- the verdict on the whole ---- */

/* Of a part whose weights differ: the tensors, and where. */
static const char *tensors_at(const struct cp_study *study, const struct cp_weights_differences *all,
                              const struct cp_agreement_tap *tap, struct cp_arena *arena) {
    struct cp_weights_difference found[CP_TAP_TENSORS];
    const size_t i = cp_sites_find(&study->sites, tap->place.tower, tap->place.point, tap->place.layer);
    const char *text = NULL;
    if (i == study->sites.count)
        return NULL;
    const size_t count = cp_weights_differences_at(all, study->spec_model[0], study->spec_model[1],
                                                   &study->sites.list[i], found);
    for (size_t t = 0; t < count; t++)
        text = cp_arena_printf(arena, "%s%s%s", text ? text : "", text ? ", " : "", found[t].name);
    return text;
}

/* The tensors in which the weights of the two sides differ. */
static enum cp_status name_weights(const struct cp_study *study, struct cp_difference *difference,
                                   struct cp_weights_differences *all, struct cp_arena *arena,
                                   struct cp_error *err) {
    *all = (struct cp_weights_differences){0};
    if (!study->modelled)
        return CP_OK;
    CP_TRY(cp_weights_differences(study->spec_model[0], study->spec_model[1], arena, all, err));
    for (size_t p = 0; p < difference->agreement.parts; p++) {
        struct cp_own_part *part = &difference->agreement.part[p];
        if (part->kind == CP_OWN_WEIGHTS)
            part->tensor = tensors_at(study, all, part->tap, arena);
    }
    return CP_OK;
}

static const char *model_name(const struct arguments *a, const struct cp_study *study) {
    if (a->diff.checkpoint)
        return a->diff.checkpoint;
    return study->experiment->model.checkpoint.text ? study->experiment->model.checkpoint.text
                                                    : "the seeded model";
}

/* What both contradict alike is held against weights, a config or a seed that are not theirs. */
static enum cp_status not_theirs(const struct arguments *a, const struct cp_study *study,
                                 const struct cp_difference *d, struct cp_error *err) {
    const struct cp_own_part *part = d->agreement.shared;
    const char *explanation = cp_own_explanation(part, &d->words);
    if (!study->modelled)
        return (void)cp_fail(
                   err, CP_BAD_INPUT, a->diff.b.capture,
                   "needs its model: without one, %s is taken to be CLIP's, which both files contradict "
                   "while they agree with each other%s%s%s",
                   part->tap->address, explanation ? " (explained by: " : "", explanation ? explanation : "",
                   explanation ? ")" : ""),
               cp_expected(err, "--model, or --config and --seed");
    (void)cp_fail(err, CP_BAD_INPUT, model_name(a, study),
                  "is not the model of these files: both contradict it first at %s, while they agree with "
                  "each other%s%s%s",
                  part->tap->address, explanation ? " (explained by: " : "", explanation ? explanation : "",
                  explanation ? ")" : "");
    return cp_expected(
        err, "the model that they were computed with: --model, --config, --seed, or their settings: "
             "--spec-a, --spec-b");
}

/* JSON in the place of a file that is read would be the end of that file. */
static enum cp_status check_json(const struct arguments *a, const struct cp_study *study,
                                 struct cp_error *err) {
    if (!a->json || cp_output_is_stdout(a->json))
        return CP_OK;
    const char *result = study->experiment->output.text;
    const bool same = strcmp(a->json, result) == 0 || cp_disk_same(a->json, result);
    if (!same && !cp_study_reads(study, a->json))
        return cp_output_check(a->json, &cp_output_json, err);
    return (void)cp_fail(err, CP_BAD_INPUT, a->json,
                         same ? "would overwrite the result" : "would overwrite an input"),
           cp_expected(err, "another name for --json");
}

struct verdict {
    const struct cp_difference *difference;
    const struct cp_diff *of;
};

static enum cp_status put_json(const void *context, FILE *out, struct cp_error *err) {
    const struct verdict *verdict = context;
    (void)err;
    cp_difference_json(verdict->difference, verdict->of->a.capture, verdict->of->b.capture, out);
    return CP_OK;
}

static enum cp_status conclude(const struct arguments *a, const struct cp_study *study, const char *digest,
                               struct cp_error *err) {
    enum { TENSORS = 8 };
    const struct cp_agreement_options options = {.strict = a->strict,
                                                 .tolerance = study->experiment->tolerance != NULL};
    struct cp_report report;
    struct cp_arena arena = {0};
    struct cp_difference d;
    struct cp_weights_differences weights;
    enum cp_status status;
    CP_TRY_DONE(cp_report_load(study->experiment->output.text, &report, err));
    CP_TRY_DONE(cp_difference(&report, &report.candidate[0], "A", "B", &options, &arena, &d, err));
    CP_TRY_DONE(name_weights(study, &d, &weights, &arena, err));
    if (d.agreement.shared && weights.count == 0 && !d.agreement.tolerance) {
        status = not_theirs(a, study, &d, err);
        goto done;
    }
    d.agreement.pass = d.agreement.pass && (weights.count == 0 || d.agreement.tolerance);
    FILE *const out = a->json && cp_output_is_stdout(a->json) ? stderr : stdout;
    CP_TRY_DONE(
        cp_term_outcome(&report, &(struct cp_term_result){.path = report.path, .digest = digest}, out, err));
    cp_weights_differences_print(&weights, TENSORS, out);
    cp_difference_print(&d, out);
    if (a->json)
        CP_TRY_DONE(cp_output_write(a->json, put_json, &(struct verdict){&d, &a->diff}, err));
    status = d.agreement.pass ? CP_OK : d.agreement.nothing ? CP_NOTHING_COMPARED : CP_PARITY_FAILURE;
done:
    cp_report_free(&report);
    cp_arena_free(&arena);
    return status;
}

static enum cp_status run(const struct arguments *a, struct cp_study *study, struct cp_experiment *experiment,
                          struct cp_error *err) {
    /* With JSON on standard output the table goes to standard error. */
    FILE *const table = a->json && cp_output_is_stdout(a->json) ? stderr : stdout;
    char digest[65];
    const struct cp_run_options options = {.resume = a->resume,
                                           .force = a->force,
                                           .progress = stderr,
                                           .out = table,
                                           .details = a->verbose,
                                           .signal = cp_cmd_stop()};
    CP_TRY(cp_run_place(study, experiment, &options, err));
    CP_TRY(check_json(a, study, err));
    cp_print(table, "A  %s\nB  %s\n", a->diff.a.capture, a->diff.b.capture);
    CP_TRY(cp_run_study(study, &options, digest, err));
    return conclude(a, study, digest, err);
}

static enum cp_status compare(const struct arguments *a, const char *text, struct cp_error *err) {
    struct cp_experiment experiment;
    struct cp_study study;
    CP_TRY(
        cp_experiment_parse("diff", text, strlen(text), a->overrides, a->override_count, &experiment, err));
    cp_progress_reading(stderr, "captures");
    enum cp_status status = cp_study_create(&experiment, "diff", cp_analyses, &study, err);
    cp_progress_clear(stderr);
    if (status == CP_OK) {
        status = run(a, &study, &experiment, err);
        cp_study_free(&study);
    }
    cp_experiment_free(&experiment);
    return status;
}

enum cp_status cp_cmd_diff(int argc, char **argv, struct cp_error *err) {
    struct arguments a = {.overrides = calloc((size_t)argc + 3, sizeof *a.overrides)};
    struct cp_arena arena = {0};
    const char *text = NULL;
    enum cp_status status;
    CP_TRY(CP_CHECK_ALLOC(a.overrides, err, "", "the arguments"));
    CP_TRY_DONE(parse(argc, argv, &a, err));
    if (a.environment) {
        status = cp_diff_environments(a.diff.a.capture, a.diff.b.capture, stdout, err);
        goto done;
    }
    CP_TRY_DONE(add_tolerance(&a, &arena, err));
    CP_TRY_DONE(cp_diff_experiment(&a.diff, &arena, stderr, &text, err));
    status = compare(&a, text, err);
done:
    cp_arena_free(&arena);
    free(a.overrides);
    return status;
}
