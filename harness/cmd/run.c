/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "study/run.h"
#include "cmd/cmd.h"
#include "cmd/stop.h"

#include <stdlib.h>
#include <string.h>

static void dry_run(const struct cp_study *study) {
    const struct cp_estimate e = cp_study_estimate(study);
    printf("%s\n", study->plan);
    printf("# %zu images, %zu prompts, %zu specs, %zu oracles, batch %zu, %d threads, %s\n",
           study->inputs.images, study->inputs.prompts, study->spec_count, study->oracle_count, study->batch,
           study->threads, study->ops->isa);
    printf("# memory about %.0f MB for weights and %.0f MB for buffers; result about %.0f MB\n",
           (double)e.weights / 1e6, (double)e.buffers / 1e6, (double)e.file / 1e6);
    printf("# arithmetic %.1f GFLOP in float32, %.1f GFLOP in the float64 oracles\n", e.flops / 1e9,
           e.oracle_flops / 1e9);
}

static bool is_file(const char *argument) {
    return argument[0] != '-' && !strchr(argument, '=');
}

/* Every experiment is read before the first is run, so that a slip in the last costs no time. */
static enum cp_status check_all(int argc, char **argv, const char *const *overrides, size_t count,
                                struct cp_error *err) {
    for (int i = 0; i < argc; i++) {
        struct cp_experiment experiment;
        if (!is_file(argv[i]))
            continue;
        CP_TRY(cp_experiment_load(argv[i], overrides, count, &experiment, err));
        cp_experiment_free(&experiment);
    }
    return CP_OK;
}

static enum cp_status run_one(const char *path, const char *const *overrides, size_t count, bool dry,
                              bool resume, struct cp_error *err) {
    struct cp_experiment experiment;
    struct cp_study study;
    const struct cp_run_options options = {
        .resume = resume, .progress = stderr, .out = stdout, .signal = cp_cmd_stop()};
    CP_TRY(cp_experiment_load(path, overrides, count, &experiment, err));
    enum cp_status status = cp_study_create(&experiment, path, &study, err);
    if (status == CP_OK) {
        if (dry)
            dry_run(&study);
        else
            status = cp_run_study(&study, &options, err);
        cp_study_free(&study);
    }
    cp_experiment_free(&experiment);
    return status;
}

/* Arguments with '=' are overrides, the rest are files. */
enum cp_status cp_cmd_run(int argc, char **argv, struct cp_error *err) {
    const char **overrides = calloc((size_t)argc + 1, sizeof *overrides);
    size_t count = 0, files = 0;
    bool dry = false, resume = false;
    enum cp_status status = CP_OK;
    if (!overrides)
        return cp_fail(err, CP_INTERNAL, "", "out of memory");
    for (int i = 0; i < argc && status == CP_OK; i++) {
        if (strcmp(argv[i], "--dry-run") == 0)
            dry = true;
        else if (strcmp(argv[i], "--resume") == 0)
            resume = true;
        else if (argv[i][0] == '-')
            status = ((void)cp_fail(err, CP_USAGE, "", "run: unknown option '%s'", argv[i]),
                      cp_expected(err, "--dry-run or --resume"));
        else if (strchr(argv[i], '='))
            overrides[count++] = argv[i];
        else
            files++;
    }
    if (status == CP_OK && files == 0)
        status = ((void)cp_fail(err, CP_USAGE, "", "run: no experiment"), cp_expected(err, "a YAML file"));
    if (status == CP_OK)
        status = check_all(argc, argv, overrides, count, err);
    for (int i = 0; i < argc && status == CP_OK; i++)
        if (is_file(argv[i]))
            status = run_one(argv[i], overrides, count, dry, resume, err);
    free(overrides);
    return status;
}
