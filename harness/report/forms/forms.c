/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table of the report's forms, from the rows of report/forms/forms.def. */
#include "report/forms/forms.h"

#include "base/sentence.h"

#include <string.h>
#include <strings.h>

const struct cp_report_form *const cp_report_forms[] = {
#define FORM(name) &cp_report_form_##name,
#include "report/forms/forms.def"
#undef FORM
    NULL,
};

const struct cp_report_form *cp_report_form_of_option(const char *option) {
    const struct cp_report_form *const *form = cp_report_forms;
    while (*form && strcmp((*form)->option, option) != 0)
        form++;
    return *form;
}

const struct cp_report_form *cp_report_form_of_file(const char *path) {
    const char *ending = strrchr(path, '.');
    for (const struct cp_report_form *const *form = cp_report_forms; ending && *form; form++)
        if ((*form)->ending && strcasecmp(ending, (*form)->ending) == 0)
            return *form;
    return NULL;
}

static bool is_last(const struct cp_report_form *const *form) {
    while (*++form)
        if ((*form)->ending)
            return false;
    return true;
}

void cp_report_form_endings(char *text, size_t size) {
    struct cp_sentence s = {text, size, 0};
    text[0] = '\0';
    for (const struct cp_report_form *const *form = cp_report_forms; *form; form++)
        if ((*form)->ending)
            cp_append(&s, "%s%s", s.used == 0 ? "" : is_last(form) ? " or " : ", ", (*form)->ending);
}
