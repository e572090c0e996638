/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reads all experiments before the first one runs; with --dry-run prints the plan and its cost instead. */
#include "run/run.h"
#include "analysis/analyses.h"
#include "base/escape.h"
#include "base/progress.h"
#include "cmd/cmd.h"
#include "cmd/dry_run.h"
#include "cmd/stop.h"
#include "report/term/term.h"
#include "run/analysis.h"
#include "run/place.h"

#include <stdlib.h>
#include <string.h>

struct arguments {
    const char **files, **overrides; /* [file_count], [override_count] */
    size_t file_count, override_count;
    bool dry, verbose, resume, force;
    struct cp_arena arena;
};

/* Every experiment is read before the first is run, so that a slip in the last costs no time. */
static enum cp_status check_all(const struct arguments *a, struct cp_error *err) {
    for (size_t f = 0; f < a->file_count; f++) {
        struct cp_experiment experiment;
        CP_TRY(cp_experiment_load(a->files[f], a->overrides, a->override_count, &experiment, err));
        cp_experiment_free(&experiment);
    }
    return CP_OK;
}

/* The table comes from the result that was written: what is said is what is in the file. */
static enum cp_status tell(const struct cp_study *study, const char *digest, struct cp_error *err) {
    const struct cp_term_result result = {study->experiment->output.text, digest, true};
    struct cp_report report;
    if (study->spec_count == 1)
        return cp_term_outcome(NULL, &result, stdout, err);
    CP_TRY(cp_report_load(result.path, &report, err));
    const enum cp_status status = cp_term_outcome(&report, &result, stdout, err);
    cp_report_free(&report);
    return status;
}

static enum cp_status run_one(const struct arguments *a, const char *path, struct cp_error *err) {
    struct cp_experiment experiment;
    struct cp_study study;
    char digest[65];
    const struct cp_run_options options = {.resume = a->resume,
                                           .force = a->force,
                                           .progress = stderr,
                                           .out = stdout,
                                           .details = a->verbose,
                                           .signal = cp_cmd_stop()};
    CP_TRY(cp_experiment_load(path, a->overrides, a->override_count, &experiment, err));
    cp_progress_reading(stderr, path);
    enum cp_status status = cp_study_create(&experiment, path, cp_analyses, &study, err);
    cp_progress_clear(stderr);
    if (status == CP_OK) {
        cp_notes_print(&study.notes, stderr);
        if (a->dry)
            status = cp_cmd_dry_run(&study, a->verbose, stdout, err);
        else if ((status = cp_run_place(&study, &experiment, &options, err)) == CP_OK &&
                 (status = cp_run_study(&study, &options, digest, err)) == CP_OK)
            status = tell(&study, digest, err);
        cp_study_free(&study);
    }
    cp_experiment_free(&experiment);
    return status;
}

/* --from FILE and --at TAP are overrides of `graft`. */
static enum cp_status add_graft(struct arguments *a, const char *key, const char *value,
                                struct cp_error *err) {
    const char *override = value ? cp_arena_printf(&a->arena, "%s=\"%s\"", key, value) : NULL;
    if (!value || strpbrk(value, "\"\\"))
        return (void)cp_fail(err, CP_USAGE, "", "run: --from or --at without a plain name"),
               cp_expected(err, "--from CAPTURE.h5 --at TAP");
    CP_TRY(CP_CHECK_ALLOC(override, err, "", "the arguments"));
    a->overrides[a->override_count++] = override;
    return CP_OK;
}

/* Arguments with '=' are overrides, the rest are files. */
static enum cp_status parse(int argc, char **argv, struct arguments *a, struct cp_error *err) {
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--dry-run") == 0)
            a->dry = true;
        else if (strcmp(argv[i], "-v") == 0)
            a->verbose = true;
        else if (strcmp(argv[i], "--resume") == 0)
            a->resume = true;
        else if (strcmp(argv[i], "--force") == 0)
            a->force = true;
        else if (strcmp(argv[i], "--from") == 0 || strcmp(argv[i], "--at") == 0) {
            const char *key = strcmp(argv[i], "--at") == 0 ? "graft.at" : "graft.from";
            CP_TRY(add_graft(a, key, i + 1 < argc ? argv[i + 1] : NULL, err));
            i++;
        } else if (argv[i][0] == '-')
            return (void)cp_fail(err, CP_USAGE, "", "run: unknown option '%s'", argv[i]),
                   cp_expected(err, "--dry-run, -v, --resume, --force, or --from CAPTURE.h5 --at TAP");
        else if (strchr(argv[i], '='))
            a->overrides[a->override_count++] = argv[i];
        else
            a->files[a->file_count++] = argv[i];
    }
    if (a->file_count == 0)
        return (void)cp_fail(err, CP_USAGE, "", "run: no experiment"), cp_expected(err, "a YAML file");
    return CP_OK;
}

static enum cp_status run_all(int argc, char **argv, struct arguments *a, struct cp_error *err) {
    a->files = calloc((size_t)argc + 1, sizeof *a->files);
    a->overrides = calloc((size_t)argc + 1, sizeof *a->overrides);
    CP_TRY(CP_CHECK_ALLOC(a->files && a->overrides, err, "", "the arguments"));
    CP_TRY(parse(argc, argv, a, err));
    CP_TRY(check_all(a, err));
    for (size_t f = 0; f < a->file_count; f++)
        CP_TRY(run_one(a, a->files[f], err));
    return CP_OK;
}

enum cp_status cp_cmd_run(int argc, char **argv, struct cp_error *err) {
    struct arguments a = {0};
    const enum cp_status status = run_all(argc, argv, &a, err);
    cp_arena_free(&a.arena);
    free(a.files);
    free(a.overrides);
    return status;
}
