/* SPDX-License-Identifier: GPL-3.0-or-later
 * Tells results from experiments by their first bytes, and runs the latter without printing a table. */
#include "cmd/gate.h"
#include "analysis/analyses.h"
#include "base/regular.h"
#include "cmd/stop.h"
#include "format/disk_file.h"
#include "format/file.h"
#include "run/place.h"
#include "run/run.h"

#include <string.h>

const struct cp_argument cp_gate_arguments[] = {
    {"EXPERIMENT.yaml|RESULT.h5", CP_WORD_FILE, "an experiment to run, or the result of a run",
     CP_INTO(struct cp_gate_source, path), .missing = "no experiment",
     .expected = "a YAML file, or a result that `clip-parity run` wrote"},
    {"KEY=VALUE", CP_WORD_KEY, "override a key, as for `clip-parity run`",
     CP_INTO(struct cp_gate_source, overrides), .takes = cp_is_assignment},
    {0},
};

static const struct cp_option rows[] = {
    {"--baseline", 0, "FILE", CP_WORD_FILE, "the baseline (default: results/baselines/NAME.yaml)",
     CP_INTO(struct cp_gate_source, baseline)},
    {"--resume", 0, NULL, CP_WORD_TEXT, "continue a run that was stopped",
     CP_INTO(struct cp_gate_source, resume)},
    {"--force", 0, NULL, CP_WORD_TEXT, "overwrite a result that has different settings",
     CP_INTO(struct cp_gate_source, force)},
};

bool cp_gate_option(size_t index, struct cp_option *option) {
    if (index >= sizeof rows / sizeof rows[0])
        return false;
    return *option = rows[index], true;
}

static bool is_result(const char *path) {
    const size_t length = strlen(path);
    char start[8] = {0};
    if (length > 3 && strcmp(path + length - 3, ".h5") == 0)
        return true;
    struct cp_error ignored; /* told where it is read */
    FILE *file;
    const bool read =
        cp_regular_stream(path, &file, &ignored) == CP_OK && fread(start, sizeof start, 1, file) == 1;
    if (file)
        (void)fclose(file);
    return read && cp_file_is_hdf5(start, sizeof start);
}

/* What a result's run was cannot be changed any more; what it is held to can. */
static enum cp_status check_overrides(const struct cp_gate_source *source, struct cp_error *err) {
    const struct cp_words *overrides = &source->overrides;
    for (size_t i = 0; i < overrides->count; i++)
        if (strncmp(overrides->word[i], "check.", 6) != 0 && strncmp(overrides->word[i], "check=", 6) != 0)
            return cp_fail(err, CP_USAGE, source->path, "'%s' beside a result", overrides->word[i]),
                   cp_expected(err, "overrides of check alone, or the experiment instead of its result");
    return CP_OK;
}

enum cp_status cp_cmd_gate_open(struct cp_gate_source *source, struct cp_experiment *experiment,
                                struct cp_error *err) {
    const struct cp_words *overrides = &source->overrides;
    source->result = is_result(source->path);
    if (source->result) {
        CP_TRY(check_overrides(source, err));
        CP_TRY(cp_gate_experiment(source->path, overrides->word, overrides->count, experiment, err));
    } else {
        CP_TRY(cp_experiment_load(source->path, overrides->word, overrides->count, experiment, err));
    }
    if (experiment->oracle == CP_ORACLE_AUTO) /* what is accepted is kept of every input */
        experiment->oracle = CP_ALL;
    if (!source->baseline)
        source->baseline = cp_arena_printf(&experiment->arena, "results/baselines/%s.yaml", experiment->name);
    if (source->baseline)
        return CP_OK;
    cp_experiment_free(experiment);
    return cp_no_memory(err, source->path, "a path");
}

/* A verdict in the place of a file that is read would be the end of that file. study NULL: it is of a result. */
static enum cp_status check_writes(const struct cp_gate_source *source, const struct cp_study *study,
                                   struct cp_error *err) {
    static const struct cp_output_form *const forms[CP_GATE_WRITES] = {&cp_output_xml, &cp_output_json};
    for (size_t w = 0; w < CP_GATE_WRITES; w++) {
        const char *path = source->writes[w];
        if (path && (cp_disk_same(path, source->path) || cp_disk_same(path, source->baseline)))
            return cp_fail(err, CP_BAD_INPUT, path, "would overwrite an input"),
                   cp_expected(err, "another name");
        if (study)
            CP_TRY(cp_run_place_beside(study, path, forms[w], err));
    }
    return CP_OK;
}

static enum cp_status run(const struct cp_gate_source *source, struct cp_experiment *experiment,
                          struct cp_error *err) {
    struct cp_study study;
    cp_progress_reading(cp_common_progress(&source->common), source->path);
    enum cp_status status = cp_study_create(experiment, source->path, cp_analyses, &study, err);
    cp_progress_clear(cp_common_progress(&source->common));
    CP_TRY(status);
    char digest[65];
    const struct cp_run_options options = {.resume = source->resume,
                                           .force = source->force,
                                           .progress = cp_common_notes(&source->common),
                                           .hide_progress = source->common.no_progress,
                                           .signal = cp_cmd_stop()};
    status = cp_run_place(&study, experiment, &options, err);
    if (status == CP_OK)
        status = check_writes(source, &study, err);
    if (status == CP_OK)
        status = cp_run_study(&study, &options, digest, err);
    cp_study_free(&study);
    return status;
}

enum cp_status cp_cmd_gate_take(const struct cp_gate_source *source, struct cp_experiment *experiment,
                                struct cp_gate_samples *samples, struct cp_error *err) {
    *samples = (struct cp_gate_samples){0};
    CP_TRY(source->result ? check_writes(source, NULL, err) : run(source, experiment, err));
    return cp_gate_take(source->result ? source->path : experiment->output.text, experiment, samples, err);
}
