/* SPDX-License-Identifier: GPL-3.0-or-later
 * Prints what a new baseline changes, and refuses to write one that allows more unless given a reason. */
#include "base/escape.h"
#include "cmd/cmd.h"
#include "cmd/gate.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct arguments {
    struct cp_gate_source source;
    const char *reason; /* NULL: none */
};

static enum cp_status parse(int argc, char **argv, struct arguments *a, struct cp_error *err) {
    for (int i = 0; i < argc; i++) {
        bool taken;
        if (strcmp(argv[i], "--reason") == 0 && i + 1 < argc && argv[i + 1][0]) {
            a->reason = argv[++i];
            continue;
        }
        CP_TRY(cp_cmd_gate_argument(&a->source, argv, argc, &i, &taken, err));
        if (!taken)
            return cp_fail(err, CP_USAGE, "", "accept: unknown option '%s'", argv[i]),
                   cp_expected(err, "--baseline FILE, --reason TEXT, --resume or --force");
    }
    return CP_OK;
}

static enum cp_status write_baseline(const struct arguments *a, const struct cp_gate_samples *samples,
                                     struct cp_error *err) {
    size_t taps = 0;
    struct stat info = {0};
    CP_TRY(cp_gate_write(a->source.baseline, samples, a->reason, err));
    for (size_t s = 0; s < samples->subjects; s++)
        taps += samples->subject[s].taps;
    (void)stat(a->source.baseline, &info);
    cp_print(stdout, "accepted %s: %zu specs, %zu taps, %zu images, %zu prompts, %.0f kB\n",
             a->source.baseline, samples->subjects, taps, samples->images, samples->prompts,
             (double)info.st_size / 1e3);
    return CP_OK;
}

/* Says what changes; whether it may, and whether anything does. */
static enum cp_status weigh(const struct arguments *a, const struct cp_gate_verdict *verdict, bool *changed,
                            struct cp_error *err) {
    *changed = cp_gate_changed(verdict) || a->reason;
    if (!*changed)
        cp_print(stdout, "unchanged %s\n", a->source.baseline);
    else
        cp_gate_changes(verdict, stdout);
    if (!cp_gate_needs_reason(verdict) || a->reason)
        return CP_OK;
    return cp_fail(err, CP_PARITY_FAILURE, a->source.baseline, "allows less than this run needs"),
           cp_expected(err, "--reason TEXT; `clip-parity check` says where");
}

/* What contradicts its own settings is not accepted without saying why. */
static enum cp_status check_contradicted(const struct arguments *a, const struct cp_gate_samples *samples,
                                         struct cp_error *err) {
    const struct cp_gate_tap *tap = cp_gate_contradicted(samples);
    if (!tap)
        return CP_OK;
    cp_print(stdout, "contradicted: %s does not compute what its settings say%s%s\n", tap->name,
             tap->explained ? "; explained by: " : "", tap->explained ? tap->explained : "");
    if (a->reason)
        return CP_OK;
    return cp_fail(err, CP_PARITY_FAILURE, a->source.baseline, "would accept what contradicts itself at %s",
                   tap->name),
           cp_expected(err, "--reason TEXT, or settings that say what is computed");
}

/* accepted: what the baseline file holds, NULL where there is none. */
static enum cp_status accept(const struct arguments *a, struct cp_experiment *experiment,
                             const struct cp_gate_samples *accepted, struct cp_error *err) {
    struct cp_gate_samples samples;
    struct cp_gate_verdict verdict = {0};
    bool changed = true;
    enum cp_status status;
    CP_TRY_DONE(cp_cmd_gate_take(&a->source, experiment, &samples, err));
    CP_TRY_DONE(check_contradicted(a, &samples, err));
    if (accepted) {
        CP_TRY_DONE(cp_gate_judge(experiment, &samples, accepted, true, &verdict, err));
        CP_TRY_DONE(weigh(a, &verdict, &changed, err));
    }
    if (changed)
        status = write_baseline(a, &samples, err);
done:
    cp_gate_verdict_free(&verdict);
    cp_gate_samples_free(&samples);
    return status;
}

static enum cp_status accept_over(const struct arguments *a, struct cp_experiment *experiment,
                                  struct cp_error *err) {
    struct cp_gate_samples accepted = {0};
    struct stat info;
    const bool there = stat(a->source.baseline, &info) == 0;
    enum cp_status status = there ? cp_gate_read(a->source.baseline, &accepted, err) : CP_OK;
    if (status == CP_OK)
        status = accept(a, experiment, there ? &accepted : NULL, err);
    cp_gate_samples_free(&accepted);
    return status;
}

enum cp_status cp_cmd_accept(int argc, char **argv, struct cp_error *err) {
    struct arguments a = {
        .source = {.command = "accept", .override = calloc((size_t)argc + 1, sizeof *a.source.override)}};
    struct cp_experiment experiment;
    enum cp_status status;
    CP_TRY(CP_CHECK_ALLOC(a.source.override, err, "", "the arguments"));
    CP_TRY_DONE(parse(argc, argv, &a, err));
    CP_TRY_DONE(cp_cmd_gate_open(&a.source, &experiment, err));
    status = accept_over(&a, &experiment, err);
    cp_experiment_free(&experiment);
done:
    free(a.source.override);
    return status;
}
