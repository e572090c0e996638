/* SPDX-License-Identifier: GPL-3.0-or-later
 * A form of the report. Each is one struct, cp_report_form_NAME in its own folder's file, and one row of
 * report/forms/forms.def; the options, help and messages of `clip-parity report` come from these. */
#ifndef CP_REPORT_DATA_FORM_H
#define CP_REPORT_DATA_FORM_H

#include "format/output.h"
#include "report/data/report.h"

struct cp_report_form {
    const char *option; /* "--html" */
    const char *help;   /* what it writes, in one line */
    const char *ending; /* ".html", by which a file's name asks for it; NULL: none does */
    bool
        beside; /* where nothing says where, it goes to a file beside the result, and not to standard output */
    struct cp_output_form file; /* how a file of it begins */
    /* A stream that cannot be written is left to the caller, by ferror; after a failure it has a part. */
    enum cp_status (*write)(const struct cp_report *report, FILE *out, struct cp_error *err);
};

#endif
