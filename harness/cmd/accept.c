/* SPDX-License-Identifier: GPL-3.0-or-later
 * Prints what a new baseline changes, and refuses to write one that allows more unless given a reason. */
#include "base/escape.h"
#include "cmd/cmd.h"
#include "cmd/gate.h"
#include "format/output.h"

#include <sys/stat.h>

struct arguments {
    struct cp_gate_source source; /* the first, for cp_gate_option */
    const char *reason, *json;    /* NULL: none */
    FILE *people;
};

static enum cp_status write_baseline(const struct arguments *a, const struct cp_gate_samples *samples,
                                     struct cp_error *err) {
    size_t taps = 0;
    struct stat info = {0};
    CP_TRY(cp_gate_write(a->source.baseline, samples, a->reason, err));
    for (size_t s = 0; s < samples->subjects; s++)
        taps += samples->subject[s].taps;
    (void)stat(a->source.baseline, &info);
    cp_print(a->people, "accepted %s: %zu specs, %zu taps, %zu images, %zu prompts, %.0f kB\n",
             a->source.baseline, samples->subjects, taps, samples->images, samples->prompts,
             (double)info.st_size / 1e3);
    return CP_OK;
}

/* Says what changes; whether it may, and whether anything does. */
static enum cp_status weigh(const struct arguments *a, const struct cp_gate_verdict *verdict, bool *changed,
                            struct cp_error *err) {
    *changed = cp_gate_changed(verdict) || a->reason;
    if (!*changed)
        cp_print(a->people, "unchanged %s\n", a->source.baseline);
    else
        cp_gate_changes(verdict, a->people);
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
    cp_print(a->people, "contradicted: %s does not compute what its settings say%s%s\n", tap->name,
             tap->explained ? "; explained by: " : "", tap->explained ? tap->explained : "");
    if (a->reason)
        return CP_OK;
    return cp_fail(err, CP_PARITY_FAILURE, a->source.baseline, "would accept what contradicts itself at %s",
                   tap->name),
           cp_expected(err, "--reason TEXT, or settings that say what is computed");
}

/* ---- for programs ---- */

struct told {
    const struct arguments *arguments;
    enum cp_gate_acceptance outcome;
    const struct cp_gate_samples *samples;
    const struct cp_gate_verdict *verdict; /* NULL: none */
};

static enum cp_status put_json(const void *context, FILE *out, struct cp_error *err) {
    const struct told *t = context;
    (void)err;
    cp_gate_acceptance_json(t->outcome, t->arguments->source.baseline, t->arguments->reason, t->samples,
                            t->verdict, out);
    return CP_OK;
}

/* What was refused is told as well. status: of the acceptance. */
static enum cp_status tell(const struct told *told, enum cp_status status, struct cp_error *err) {
    struct cp_error own = {0};
    if (!told->arguments->json || (status != CP_OK && status != CP_PARITY_FAILURE))
        return status;
    const enum cp_status written = cp_output_write(told->arguments->json, put_json, told, &own);
    if (written == CP_OK)
        return status;
    *err = own;
    return written;
}

/* ---- the whole ---- */

/* Weighs a run, and writes what it changes. accepted: what the baseline file holds, NULL where there is none. */
static enum cp_status take_over(struct told *t, const struct cp_experiment *experiment,
                                const struct cp_gate_samples *accepted, struct cp_gate_verdict *verdict,
                                struct cp_error *err) {
    bool changed = true;
    CP_TRY(check_contradicted(t->arguments, t->samples, err));
    if (accepted) {
        CP_TRY(cp_gate_judge(experiment, t->samples, accepted, true, verdict, err));
        t->verdict = verdict;
        CP_TRY(weigh(t->arguments, verdict, &changed, err));
    }
    if (changed)
        CP_TRY(write_baseline(t->arguments, t->samples, err));
    t->outcome = changed ? CP_GATE_ACCEPTED : CP_GATE_UNCHANGED;
    return CP_OK;
}

static enum cp_status accept(const struct arguments *a, struct cp_experiment *experiment,
                             const struct cp_gate_samples *accepted, struct cp_error *err) {
    struct cp_gate_samples samples;
    struct cp_gate_verdict verdict = {0};
    struct told told = {a, CP_GATE_REFUSED, &samples, NULL};
    enum cp_status status = cp_cmd_gate_take(&a->source, experiment, &samples, err);
    if (status == CP_OK)
        status = tell(&told, take_over(&told, experiment, accepted, &verdict, err), err);
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

static enum cp_status run(void *arguments, struct cp_error *err) {
    struct arguments *a = arguments;
    struct cp_experiment experiment;
    if (a->reason && !a->reason[0])
        return cp_fail(err, CP_USAGE, "", "accept: --reason without a text"),
               cp_expected(err, "--reason TEXT");
    a->people = cp_output_beside(a->json);
    a->source.writes[1] = a->json;
    CP_TRY(cp_output_check(a->json, &cp_output_json, err));
    CP_TRY(cp_cmd_gate_open(&a->source, &experiment, err));
    const enum cp_status status = accept_over(a, &experiment, err);
    cp_experiment_free(&experiment);
    return status;
}

/* ---- the table ---- */

static const struct cp_option options[] = {
    {"--reason", 0, "TEXT", CP_WORD_TEXT, "why a run that is worse is accepted",
     CP_INTO(struct arguments, reason)},
    {"--json", 0, "FILE", CP_WORD_FILE, "write JSON (-: to standard output)",
     CP_INTO(struct arguments, json)},
    {0},
};

static const struct cp_example examples[] = {
    {"Accept what the experiment computes now", "clip-parity accept experiments/gate/norm-variants.yaml"},
    {0},
};

const struct cp_command cp_cmd_accept = {
    .name = "accept",
    .group = CP_COMMANDS_GATE,
    .summary = "accept a run as the baseline",
    .about = "Runs an experiment, or reads its result, prints what changes, and writes the baseline that "
             "`clip-parity check` compares with: a text file to be reviewed and committed. A run that is "
             "worse than the baseline allows needs --reason.\n",
    .example = examples,
    .argument = cp_gate_arguments,
    .excess = "a second file",
    .expected = "one experiment or result",
    .option = options,
    .further = cp_gate_option,
    .common = CP_COMMON_RUN,
    .common_at = offsetof(struct arguments, source.common),
    .size = sizeof(struct arguments),
    .initial = &(const struct arguments){.source = {.command = "accept"}},
    .run = run,
};
