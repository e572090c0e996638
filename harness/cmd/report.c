/* SPDX-License-Identifier: GPL-3.0-or-later
 * Picks the form by option or file ending, and writes to a temporary name first. */
#include "base/escape.h"
#include "cmd/cmd.h"
#include "format/disk_file.h"
#include "format/output.h"
#include "report/forms/forms.h"

#include <stdlib.h>
#include <string.h>

struct arguments {
    const char *result, *output;
    const struct cp_report_form *form; /* while parsing NULL: none asked for */
};

static enum cp_status unknown_option(const char *option, struct cp_error *err) {
    char options[256];
    cp_report_form_list(CP_FORM_OPTIONS, ", ", ", ", options, sizeof options);
    (void)cp_fail(err, CP_USAGE, "", "report: unknown option '%s'", option);
    return cp_expected(err, "%s or -o FILE", options);
}

static enum cp_status unknown_ending(const char *output, struct cp_error *err) {
    char endings[256];
    cp_report_form_list(CP_FORM_ENDINGS, ", ", " or ", endings, sizeof endings);
    (void)cp_fail(err, CP_USAGE, "", "report: '%.200s' names no form", output);
    return cp_expected(err, "an ending %s, or an option such as %s", endings, cp_report_forms[0]->option);
}

static enum cp_status choose_form(struct arguments *a, const struct cp_report_form *form,
                                  struct cp_error *err) {
    if (a->form && a->form != form)
        return (void)cp_fail(err, CP_USAGE, "", "report: both %s and %s", a->form->option, form->option),
               cp_expected(err, "one form at a time");
    a->form = form;
    return CP_OK;
}

static enum cp_status parse(int argc, char **argv, struct arguments *a, struct cp_error *err) {
    *a = (struct arguments){0};
    for (int i = 0; i < argc; i++) {
        const struct cp_report_form *form = cp_report_form_of_option(argv[i]);
        if (form)
            CP_TRY(choose_form(a, form, err));
        else if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
            a->output = argv[++i];
        else if (argv[i][0] == '-')
            return unknown_option(argv[i], err);
        else if (a->result)
            return (void)cp_fail(err, CP_USAGE, "", "report: a second file '%s'", argv[i]),
                   cp_expected(err, "one result");
        else
            a->result = argv[i];
    }
    if (!a->result)
        return (void)cp_fail(err, CP_USAGE, "", "report: no result"),
               cp_expected(err, "a file that `clip-parity run` wrote");
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
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): parse refuses a missing result */
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

enum cp_status cp_cmd_report(int argc, char **argv, struct cp_error *err) {
    struct arguments a = {.result = ""};
    struct cp_report report;
    CP_TRY(parse(argc, argv, &a, err));
    enum cp_status status = cp_report_load(a.result, &report, err);
    if (status == CP_OK)
        status = write_report(&report, &a, err);
    cp_report_free(&report);
    return status;
}

void cp_cmd_report_help(FILE *out) {
    char options[256];
    cp_report_form_list(CP_FORM_OPTIONS, " | ", " | ", options, sizeof options);
    cp_print(out,
             "      %s\n"
             "                           the form, else by FILE's ending; to standard output,\n"
             "                           or to -o FILE; the page goes beside the result\n",
             options);
}
