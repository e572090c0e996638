/* SPDX-License-Identifier: GPL-3.0-or-later
 * All forms of the report, what asks for each, and their names in help and messages. */
#ifndef CP_REPORT_FORMS_FORMS_H
#define CP_REPORT_FORMS_FORMS_H

#include "report/data/form.h"

#include <stddef.h>

#define FORM(name) extern const struct cp_report_form cp_report_form_##name;
#include "report/forms/forms.def"
#undef FORM

/* In the order of forms.def, NULL after the last. */
extern const struct cp_report_form *const cp_report_forms[];

/* The form of an option such as "--html"; NULL: none. */
const struct cp_report_form *cp_report_form_of_option(const char *option);
/* The form that a file's name asks for by its ending, in either case; NULL: none. */
const struct cp_report_form *cp_report_form_of_file(const char *path);

/* ".html, .md or .csv": the endings that ask for a form. The text is cut to size. */
void cp_report_form_endings(char *text, size_t size);

#endif
