/* SPDX-License-Identifier: GPL-3.0-or-later
 * Runs two captures as a study, names the tensors that differ, and turns the outcome into an exit code. */
#include "task/diff.h"
#include "analysis/analyses.h"
#include "base/escape.h"
#include "cmd/cmd.h"
#include "cmd/stop.h"
#include "format/disk_file.h"
#include "format/output.h"
#include "model/weights_difference.h"
#include "report/data/difference.h"
#include "report/term/term.h"
#include "run/place.h"
#include "run/run.h"

#include <string.h>

struct arguments {
    struct cp_diff diff;
    bool environment, strict, resume, force;
    const char *json;
    struct cp_words overrides;
    struct cp_common common;
};

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
    FILE *const out = cp_output_beside(a->json);
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
    FILE *const table = cp_output_beside(a->json);
    char digest[65];
    const struct cp_run_options options = {.resume = a->resume,
                                           .force = a->force,
                                           .progress = cp_common_notes(&a->common),
                                           .hide_progress = a->common.no_progress,
                                           .out = table,
                                           .details = a->common.verbose,
                                           .signal = cp_cmd_stop()};
    CP_TRY(cp_run_place(study, experiment, &options, err));
    CP_TRY(cp_run_place_beside(study, a->json, &cp_output_json, err));
    cp_print(table, "A  %s\nB  %s\n", a->diff.a.capture, a->diff.b.capture);
    CP_TRY(cp_run_study(study, &options, digest, err));
    return conclude(a, study, digest, err);
}

static enum cp_status compare(const struct arguments *a, const char *text, struct cp_error *err) {
    struct cp_experiment experiment;
    struct cp_study study;
    CP_TRY(cp_experiment_parse("diff", text, strlen(text), a->overrides.word, a->overrides.count, &experiment,
                               err));
    if (experiment.oracle == CP_ORACLE_AUTO)
        experiment.oracle = CP_ALL;
    cp_progress_reading(cp_common_progress(&a->common), "captures");
    enum cp_status status = cp_study_create(&experiment, "diff", cp_analyses, &study, err);
    cp_progress_clear(cp_common_progress(&a->common));
    if (status == CP_OK) {
        status = run(a, &study, &experiment, err);
        cp_study_free(&study);
    }
    cp_experiment_free(&experiment);
    return status;
}

static enum cp_status diff(void *arguments, struct cp_error *err) {
    const struct arguments *a = arguments;
    struct cp_arena arena = {0};
    const char *text = NULL;
    if (a->environment)
        return cp_diff_environments(a->diff.a.capture, a->diff.b.capture, stdout, err);
    enum cp_status status = cp_diff_experiment(&a->diff, &arena, cp_common_notes(&a->common), &text, err);
    if (status == CP_OK)
        status = compare(a, text, err);
    cp_arena_free(&arena);
    return status;
}

/* ---- the table ---- */

/* FILE:NAME is none, whose NAME may have an '='. */
static bool is_override(const char *word) {
    const char *equals = strchr(word, '='), *colon = strchr(word, ':');
    return equals && !(colon && colon < equals);
}

static const struct cp_argument words[] = {
    {"A.h5[:NAME]", CP_WORD_FILE, "the first capture: a file, or the capture NAME in it",
     CP_INTO(struct arguments, diff.a.capture), .missing = "no files",
     .expected = "two captures, each FILE.h5 or FILE.h5:NAME"},
    {"B.h5[:NAME]", CP_WORD_FILE, "the second capture", CP_INTO(struct arguments, diff.b.capture),
     .missing = "one file", .expected = "two captures, each FILE.h5 or FILE.h5:NAME"},
    {"KEY=VALUE", CP_WORD_KEY, "override a key, as for `clip-parity run`",
     CP_INTO(struct arguments, overrides), .takes = is_override},
    {0},
};

static const struct cp_option options[] = {
    {"--model", 0, "CHECKPOINT", CP_WORD_FILE, "weights of both sides, if the captures name none",
     CP_INTO(struct arguments, diff.checkpoint)},
    {"--model-a", 0, "CHECKPOINT", CP_WORD_FILE, "weights of A only",
     CP_INTO(struct arguments, diff.a.checkpoint)},
    {"--model-b", 0, "CHECKPOINT", CP_WORD_FILE, "weights of B only",
     CP_INTO(struct arguments, diff.b.checkpoint)},
    {"--config", 0, "FILE", CP_WORD_FILE, "the model's config", CP_INTO(struct arguments, diff.config)},
    {"--seed", 0, "N", CP_WORD_TEXT, "the seed, if the weights are seeded",
     CP_INTO(struct arguments, diff.seed)},
    {"--spec-a", 0, "ADDRESS=VALUE,...", CP_WORD_SETTINGS, "settings of A, if its capture has none",
     CP_INTO(struct arguments, diff.a.settings)},
    {"--spec-b", 0, "ADDRESS=VALUE,...", CP_WORD_SETTINGS, "settings of B, if its capture has none",
     CP_INTO(struct arguments, diff.b.settings)},
    {"--map", 0, "FILE", CP_WORD_FILE, "maps B's tap names to open_clip's (docs/capture.md)",
     CP_INTO(struct arguments, diff.b.map)},
    {"--map-a", 0, "FILE", CP_WORD_FILE, "maps A's tap names", CP_INTO(struct arguments, diff.a.map)},
    {"--no-oracle", 0, NULL, CP_WORD_TEXT, "compare the captures with each other only",
     CP_INTO(struct arguments, diff.no_oracle)},
    {"--strict", 0, NULL, CP_WORD_TEXT, "fail on taps that only one side has",
     CP_INTO(struct arguments, strict)},
    {"--rtol", 0, "R", CP_WORD_TEXT, "judge by |b - a| <= A + R |a| instead of verdicts",
     CP_OVERRIDE(struct arguments, overrides, "verdict.rtol")},
    {"--atol", 0, "A", CP_WORD_TEXT, "as --rtol; whichever is not given is 0",
     CP_OVERRIDE(struct arguments, overrides, "verdict.atol")},
    {"--environment", 0, NULL, CP_WORD_TEXT, "only print what each was made with, side by side",
     CP_INTO(struct arguments, environment)},
    {"--json", 0, "FILE", CP_WORD_FILE, "write the verdict as JSON (-: to standard output)",
     CP_INTO(struct arguments, json)},
    {"--output", 'o', "RESULT.h5", CP_WORD_FILE, "write the result there (default: results/runs/A-vs-B.h5)",
     CP_INTO(struct arguments, diff.output)},
    {"--resume", 0, NULL, CP_WORD_TEXT, "continue a comparison that was stopped",
     CP_INTO(struct arguments, resume)},
    {"--force", 0, NULL, CP_WORD_TEXT, "overwrite a result that has different settings",
     CP_INTO(struct arguments, force)},
    {0},
};

#define CAPTURES "reference/golden/captures/"
static const struct cp_example examples[] = {
    {"Two PyTorch captures", "clip-parity diff " CAPTURES "quick-fp32.h5 \\\n    " CAPTURES "quick-bf16.h5"},
    {"With a tolerance instead of verdicts",
     "clip-parity diff " CAPTURES "quick-fp32.h5 \\\n    " CAPTURES "hf-quick-fp32.h5 --rtol 1e-4"},
    {0},
};

const struct cp_command cp_cmd_diff = {
    .name = "diff",
    .group = CP_COMMANDS_EXPERIMENT,
    .summary = "find where two captures first diverge, and why",
    .about = "Compares two captured forward passes tap by tap, checks every operation of both against its "
             "ideal function, and names the first difference and its cause. docs/capture.md says how to "
             "capture a pass from PyTorch or another system.\n",
    .example = examples,
    .argument = words,
    .excess = "a third file",
    .expected = "two captures",
    .option = options,
    .common = CP_COMMON_VERBOSE | CP_COMMON_RUN | CP_COMMON_COLOR,
    .common_at = offsetof(struct arguments, common),
    .size = sizeof(struct arguments),
    .run = diff,
};
