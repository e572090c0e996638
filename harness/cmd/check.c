/* SPDX-License-Identifier: GPL-3.0-or-later
 * Judges a run by its baseline, and sends the verdict to the terminal, JUnit, JSON and GitHub as asked. */
#include "base/clock.h"
#include "cmd/cmd.h"
#include "cmd/gate.h"
#include "format/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct arguments {
    struct cp_gate_source source; /* the first, for cp_gate_option */
    const char *junit, *json;     /* files, "-": standard output; NULL: not wanted */
    bool no_bits, all, github;
    double began; /* on the clock */
};

/* ---- what is written ---- */

struct timed {
    const struct cp_gate_verdict *verdict;
    double seconds;
};

static enum cp_status put_junit(const void *context, FILE *out, struct cp_error *err) {
    const struct timed *timed = context;
    (void)err;
    return cp_gate_junit(timed->verdict, timed->seconds, out), CP_OK;
}

static enum cp_status put_json(const void *verdict, FILE *out, struct cp_error *err) {
    (void)err;
    return cp_gate_json(verdict, out), CP_OK;
}

/* Appended, as GitHub asks for it: other steps write there too. */
static enum cp_status append_step_summary(const struct cp_gate_verdict *verdict, struct cp_error *err) {
    const char *path = getenv("GITHUB_STEP_SUMMARY");
    if (!path || !path[0])
        return CP_OK;
    FILE *out = fopen(path, "ae");
    if (out)
        cp_gate_markdown(verdict, out);
    const bool whole = out && !ferror(out);
    if (!out || fclose(out) != 0 || !whole)
        return cp_fail(err, CP_BAD_INPUT, path, "cannot be written: %s", strerror(errno));
    return CP_OK;
}

/* People read what programs do not. */
static enum cp_status report(const struct arguments *a, const struct cp_gate_verdict *verdict,
                             struct cp_error *err) {
    const struct timed timed = {verdict, cp_clock_seconds() - a->began};
    FILE *people = cp_output_beside(a->junit && cp_output_is_stdout(a->junit) ? a->junit : a->json);
    cp_gate_summary(verdict, a->all || a->source.common.verbose, people);
    if (a->junit)
        CP_TRY(cp_output_write(a->junit, put_junit, &timed, err));
    if (a->json)
        CP_TRY(cp_output_write(a->json, put_json, verdict, err));
    if (!a->github)
        return CP_OK;
    cp_gate_github(verdict, a->source.path, people);
    return append_step_summary(verdict, err);
}

/* ---- the whole ---- */

static enum cp_status judge(const struct arguments *a, const struct cp_experiment *experiment,
                            const struct cp_gate_samples *samples, const struct cp_gate_samples *accepted,
                            struct cp_error *err) {
    struct cp_gate_verdict verdict;
    enum cp_status status = cp_gate_judge(experiment, samples, accepted, !a->no_bits, &verdict, err);
    if (status == CP_OK && verdict.inputs == 0 && verdict.compared == 0)
        status = cp_fail(err, CP_NOTHING_COMPARED, samples->path, "no tap was compared"),
        cp_expected(err, "a tap that %.300s has", accepted->path);
    if (status == CP_OK)
        status = report(a, &verdict, err);
    if (status == CP_OK && !cp_gate_passed(&verdict))
        status = CP_PARITY_FAILURE;
    cp_gate_verdict_free(&verdict);
    return status;
}

static enum cp_status read_accepted(const struct arguments *a, struct cp_gate_samples *accepted,
                                    struct cp_error *err) {
    if (access(a->source.baseline, F_OK) != 0)
        return cp_fail(err, CP_BAD_INPUT, a->source.baseline, "is not there"),
               cp_expected(err, "a baseline that `clip-parity accept %.200s` wrote", a->source.path);
    return cp_gate_read(a->source.baseline, accepted, err);
}

/* What is there already is read before anything is run, and names are looked at: a slip there costs no run. */
static enum cp_status check(const struct arguments *a, struct cp_experiment *experiment,
                            struct cp_error *err) {
    struct cp_gate_samples accepted = {0}, samples = {0};
    enum cp_status status;
    CP_TRY(cp_output_check(a->junit, &cp_output_xml, err));
    CP_TRY(cp_output_check(a->json, &cp_output_json, err));
    if (a->source.result)
        CP_TRY_DONE(cp_cmd_gate_take(&a->source, experiment, &samples, err));
    CP_TRY_DONE(read_accepted(a, &accepted, err));
    if (!a->source.result)
        CP_TRY_DONE(cp_cmd_gate_take(&a->source, experiment, &samples, err));
    status = judge(a, experiment, &samples, &accepted, err);
done:
    cp_gate_samples_free(&samples);
    cp_gate_samples_free(&accepted);
    return status;
}

static enum cp_status run(void *arguments, struct cp_error *err) {
    struct arguments *a = arguments;
    struct cp_experiment experiment;
    const char *actions = getenv("GITHUB_ACTIONS");
    a->began = cp_clock_seconds();
    a->github = a->github || (actions && strcmp(actions, "true") == 0);
    a->source.writes[0] = a->junit;
    a->source.writes[1] = a->json;
    if (a->junit && a->json && cp_output_is_stdout(a->junit) && cp_output_is_stdout(a->json))
        return cp_fail(err, CP_USAGE, "", "check: --junit and --json both to standard output"),
               cp_expected(err, "a file for one of them");
    CP_TRY(cp_cmd_gate_open(&a->source, &experiment, err));
    const enum cp_status status = check(a, &experiment, err);
    cp_experiment_free(&experiment);
    return status;
}

/* ---- the table ---- */

static const struct cp_option options[] = {
    {"--no-bits", 0, NULL, CP_WORD_TEXT, "ignore bit changes; check accuracy only",
     CP_INTO(struct arguments, no_bits)},
    {"--all", 0, NULL, CP_WORD_TEXT, "print every tap, not only failures; same as -v",
     CP_INTO(struct arguments, all)},
    {"--junit", 0, "FILE", CP_WORD_FILE, "write JUnit XML (-: to standard output)",
     CP_INTO(struct arguments, junit)},
    {"--json", 0, "FILE", CP_WORD_FILE, "write JSON (-: to standard output)",
     CP_INTO(struct arguments, json)},
    {"--github", 0, NULL, CP_WORD_TEXT, "print GitHub annotations (default in GitHub Actions)",
     CP_INTO(struct arguments, github)},
    {0},
};

static const struct cp_example examples[] = {
    {"Run an experiment and compare it with its baseline",
     "clip-parity check experiments/gate/norm-variants.yaml"},
    {"Check accuracy only, and report to a CI server",
     "clip-parity check experiments/gate/norm-variants.yaml --no-bits \\\n"
     "    --junit check.xml"},
    {0},
};

const struct cp_command cp_cmd_check = {
    .name = "check",
    .group = CP_COMMANDS_GATE,
    .summary = "check whether a run still matches its baseline",
    .about = "Runs an experiment, or reads its result, and compares it tap by tap with the baseline that "
             "`clip-parity accept` wrote. On a mismatch it names the first tap and exits with 1. "
             "docs/gate.md explains the limits, docs/ci.md the use in CI.\n",
    .example = examples,
    .argument = cp_gate_arguments,
    .excess = "a second file",
    .expected = "one experiment or result",
    .option = options,
    .further = cp_gate_option,
    .common = CP_COMMON_VERBOSE | CP_COMMON_RUN | CP_COMMON_COLOR,
    .common_at = offsetof(struct arguments, source.common),
    .size = sizeof(struct arguments),
    .initial = &(const struct arguments){.source = {.command = "check"}},
    .run = run,
};
