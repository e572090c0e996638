/* SPDX-License-Identifier: GPL-3.0-or-later
 * Picks the form by option or file ending, and writes to a temporary name first. */
#include "base/escape.h"
#include "cmd/cmd.h"
#include "format/disk_file.h"
#include "format/output.h"
#include "report/forms/forms.h"

#include <string.h>

struct arguments {
    const char *result, *output;
    const struct cp_report_form *form; /* NULL: none asked for */
    struct cp_common common;
};

static enum cp_status unknown_ending(const char *output, struct cp_error *err) {
    char endings[256];
    cp_report_form_endings(endings, sizeof endings);
    (void)cp_fail(err, CP_USAGE, "", "report: '%.200s' names no form", output);
    return cp_expected(err, "an ending %s, or an option such as %s", endings, cp_report_forms[0]->option);
}

/* By -o, unless an option chose it already. */
static enum cp_status find_form(struct arguments *a, struct cp_error *err) {
    if (!a->form)
        a->form = a->output && !cp_output_is_stdout(a->output) ? cp_report_form_of_file(a->output)
                                                               : cp_report_forms[0];
    return a->form ? CP_OK : unknown_ending(a->output, err);
}

struct written {
    const struct cp_report *report;
    const struct cp_report_form *form;
};

static enum cp_status put(const void *context, FILE *out, struct cp_error *err) {
    const struct written *w = context;
    return w->form->write(w->report, out, err);
}

/* "results/runs/x.html" for "results/runs/x.h5". */
static const char *beside(struct cp_report *report, const char *result, const char *ending) {
    const size_t length = strlen(result);
    const bool named = length > 3 && strcmp(result + length - 3, ".h5") == 0;
    return cp_arena_printf(&report->arena, "%.*s%s", (int)(named ? length - 3 : length), result, ending);
}

/* Where -o says, "-" being standard output; else the page beside the result, and what was asked for by its option to
 * standard output. */
static enum cp_status write_report(struct cp_report *report, const struct arguments *a,
                                   struct cp_error *err) {
    const struct cp_report_form *form = a->form;
    const struct written written = {report, form};
    if (a->output && cp_disk_same(a->output, a->result))
        return cp_fail(err, CP_BAD_INPUT, a->output, "would overwrite the result"),
               cp_expected(err, "another name");
    if (a->output ? cp_output_is_stdout(a->output) : !form->beside)
        return form->write(report, stdout, err);
    const char *path = a->output ? a->output : beside(report, a->result, form->ending);
    CP_TRY(CP_CHECK_ALLOC(path, err, a->result, "a path"));
    CP_TRY(cp_output_check(path, &form->file, err));
    CP_TRY(cp_output_write(path, put, &written, err));
    cp_print(stdout, "report  %s\n", path);
    return CP_OK;
}

static enum cp_status run(void *arguments, struct cp_error *err) {
    struct arguments *a = arguments;
    struct cp_report report;
    CP_TRY(find_form(a, err));
    enum cp_status status = cp_report_load(a->result, &report, err);
    if (status == CP_OK)
        status = write_report(&report, a, err);
    cp_report_free(&report);
    return status;
}

/* ---- the table ---- */

static enum cp_status choose_form(void *arguments, const struct cp_option *option, const char *value,
                                  struct cp_error *err) {
    struct arguments *a = arguments;
    const struct cp_report_form *form = cp_report_form_of_option(option->name);
    (void)value;
    if (a->form && a->form != form)
        return cp_fail(err, CP_USAGE, "", "report: both %s and %s", a->form->option, option->name),
               cp_expected(err, "one form at a time");
    a->form = form;
    return CP_OK;
}

/* Each form of the report is an option. */
static bool form_option(size_t index, struct cp_option *option) {
    size_t forms = 0;
    while (cp_report_forms[forms])
        forms++;
    if (index >= forms)
        return false;
    const struct cp_report_form *form = cp_report_forms[index];
    *option = (struct cp_option){.name = form->option, .help = form->help, .take = choose_form};
    return true;
}

static const struct cp_argument words[] = {
    {"RESULT.h5", CP_WORD_FILE, "a result that `clip-parity run` or `diff` wrote",
     CP_INTO(struct arguments, result), .missing = "no result",
     .expected = "a file that `clip-parity run` wrote"},
    {0},
};

static const struct cp_option options[] = {
    {"--output", 'o', "FILE", CP_WORD_FILE, "write to FILE; its ending chooses the form (-: standard output)",
     CP_INTO(struct arguments, output)},
    {0},
};

static const struct cp_example examples[] = {
    {"Write results/runs/quickgelu-vs-gelu.html", "clip-parity report results/runs/quickgelu-vs-gelu.h5"},
    {"Read it in the terminal", "clip-parity report results/runs/quickgelu-vs-gelu.h5 --term"},
    {"Markdown for a pull request", "clip-parity report results/runs/quickgelu-vs-gelu.h5 -o report.md"},
    {0},
};

const struct cp_command cp_cmd_report = {
    .name = "report",
    .group = CP_COMMANDS_EXPERIMENT,
    .summary = "show where a result diverges, and why",
    .about = "Turns a result into a report. By default it is a page beside the result, one HTML file that "
             "needs no network; every other form goes to standard output.\n",
    .example = examples,
    .argument = words,
    .excess = "a second file",
    .expected = "one result",
    .option = options,
    .further = form_option,
    .common = CP_COMMON_COLOR,
    .common_at = offsetof(struct arguments, common),
    .size = sizeof(struct arguments),
    .run = run,
};
