/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reads all experiments before the first one runs; with --dry-run prints the plan and its cost instead. */
#include "run/run.h"
#include "analysis/analyses.h"
#include "base/progress.h"
#include "cmd/cmd.h"
#include "cmd/dry_run.h"
#include "cmd/stop.h"
#include "report/forms/forms.h"
#include "report/term/term.h"
#include "run/analysis.h"
#include "run/place.h"

struct arguments {
    struct cp_words files, overrides;
    bool dry, resume, force;
    const char *json;
    struct cp_common common;
};

/* Every experiment is read before the first is run, so that a slip in the last costs no time. */
static enum cp_status check_all(const struct arguments *a, struct cp_error *err) {
    for (size_t f = 0; f < a->files.count; f++) {
        struct cp_experiment experiment;
        CP_TRY(cp_experiment_load(a->files.word[f], a->overrides.word, a->overrides.count, &experiment, err));
        cp_experiment_free(&experiment);
    }
    return CP_OK;
}

static enum cp_status put_json(const void *report, FILE *out, struct cp_error *err) {
    return cp_report_form_json.write(report, out, err);
}

/* The table comes from the result that was written: what is said is what is in the file. */
static enum cp_status tell(const struct arguments *a, const struct cp_study *study, const char *digest,
                           struct cp_error *err) {
    const struct cp_term_result result = {study->experiment->output.text, digest, true};
    struct cp_report report;
    if (study->spec_count == 1)
        return cp_term_outcome(NULL, &result, cp_output_beside(a->json), err);
    CP_TRY(cp_report_load(result.path, &report, err));
    enum cp_status status = cp_term_outcome(&report, &result, cp_output_beside(a->json), err);
    if (status == CP_OK && a->json)
        status = cp_output_write(a->json, put_json, &report, err);
    cp_report_free(&report);
    return status;
}

static enum cp_status run_study(const struct arguments *a, struct cp_study *study,
                                struct cp_experiment *experiment, struct cp_error *err) {
    char digest[65];
    const struct cp_run_options options = {.resume = a->resume,
                                           .force = a->force,
                                           .progress = cp_common_notes(&a->common),
                                           .hide_progress = a->common.no_progress,
                                           .out = cp_output_beside(a->json),
                                           .details = a->common.verbose,
                                           .signal = cp_cmd_stop()};
    if (a->json && study->spec_count == 1)
        return cp_fail(err, CP_BAD_INPUT, experiment->name, "compares nothing, so there is no JSON"),
               cp_expected(err, "a candidate");
    CP_TRY(cp_run_place(study, experiment, &options, err));
    CP_TRY(cp_run_place_beside(study, a->json, &cp_output_json, err));
    CP_TRY(cp_run_study(study, &options, digest, err));
    return tell(a, study, digest, err);
}

static enum cp_status run_one(const struct arguments *a, const char *path, struct cp_error *err) {
    struct cp_experiment experiment;
    struct cp_study study;
    CP_TRY(cp_experiment_load(path, a->overrides.word, a->overrides.count, &experiment, err));
    cp_progress_reading(cp_common_progress(&a->common), path);
    enum cp_status status = cp_study_create(&experiment, path, cp_analyses, &study, err);
    cp_progress_clear(cp_common_progress(&a->common));
    if (status == CP_OK) {
        cp_notes_print(&study.notes, cp_common_notes(&a->common));
        status = a->dry ? cp_cmd_dry_run(&study, a->common.verbose, stdout, err)
                        : run_study(a, &study, &experiment, err);
        cp_study_free(&study);
    }
    cp_experiment_free(&experiment);
    return status;
}

static enum cp_status run(void *arguments, struct cp_error *err) {
    const struct arguments *a = arguments;
    if (a->json && a->files.count > 1)
        return cp_fail(err, CP_USAGE, "", "run: --json with %zu experiments", a->files.count),
               cp_expected(err, "one");
    CP_TRY(check_all(a, err));
    for (size_t f = 0; f < a->files.count; f++)
        CP_TRY(run_one(a, a->files.word[f], err));
    return CP_OK;
}

/* ---- the table ---- */

static const struct cp_argument words[] = {
    {"EXPERIMENT.yaml", CP_WORD_FILE, "experiment files (docs/experiment.md)",
     CP_INTO(struct arguments, files), .missing = "no experiment", .expected = "a YAML file"},
    {"KEY=VALUE", CP_WORD_KEY, "override a key of the experiment (see `clip-parity list keys`)",
     CP_INTO(struct arguments, overrides), .takes = cp_is_assignment},
    {0},
};

static const struct cp_option options[] = {
    {"--dry-run", 0, NULL, CP_WORD_TEXT, "print passes, sizes and time only; with -v also every setting",
     CP_INTO(struct arguments, dry)},
    {"--output", 'o', "FILE", CP_WORD_FILE, "write the result to FILE (default: results/runs/NAME.h5)",
     CP_OVERRIDE(struct arguments, overrides, "output")},
    {"--json", 0, "FILE", CP_WORD_FILE, "write the report as JSON, too (-: to standard output)",
     CP_INTO(struct arguments, json)},
    {"--resume", 0, NULL, CP_WORD_TEXT, "continue a run that was stopped", CP_INTO(struct arguments, resume)},
    {"--force", 0, NULL, CP_WORD_TEXT, "overwrite a result that has different settings",
     CP_INTO(struct arguments, force)},
    {"--from", 0, "CAPTURE.h5", CP_WORD_FILE, "start every pass from a tensor of a capture",
     CP_OVERRIDE(struct arguments, overrides, "graft.from")},
    {"--at", 0, "TAP", CP_WORD_TAP, "the tensor to start from (see `clip-parity list taps`)",
     CP_OVERRIDE(struct arguments, overrides, "graft.at")},
    {0},
};

static const struct cp_example examples[] = {
    {"Swap QuickGELU for GELU", "clip-parity run experiments/quickgelu-vs-gelu.yaml"},
    {"Override keys: 10 images, one thread",
     "clip-parity run experiments/norm-variants.yaml inputs.limit=10 threads=1"},
    {"Add a candidate and look at the plan", "clip-parity run experiments/norm-variants.yaml --dry-run \\\n"
                                             "    candidates.mine.norm.eps=1e-6"},
    {0},
};

const struct cp_command cp_cmd_run = {
    .name = "run",
    .group = CP_COMMANDS_EXPERIMENT,
    .summary = "run experiments and compare every layer",
    .about = "Runs every pass of each experiment over the same inputs, compares all layers with the "
             "baseline, prints a table, and writes a result file for `clip-parity report`.\n"
             "KEY=VALUE overrides any key of the experiment file. Dots lead into sections, and values are "
             "YAML: inputs.limit=10, baseline.activation=erf, candidates.NAME.norm.eps=1e-6, or "
             "'candidates={a: {norm: rmsnorm}}' for a whole section.\n",
    .example = examples,
    .argument = words,
    .option = options,
    .common = CP_COMMON_VERBOSE | CP_COMMON_RUN | CP_COMMON_COLOR,
    .common_at = offsetof(struct arguments, common),
    .size = sizeof(struct arguments),
    .run = run,
};
