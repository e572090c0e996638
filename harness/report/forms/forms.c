/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table of the report's forms, from the rows of report/forms/forms.def. */
#include "report/forms/forms.h"

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

/* NULL: a form that the list leaves out. */
static const char *name_in(enum cp_report_form_names which, const struct cp_report_form *form) {
    return which == CP_FORM_ENDINGS ? form->ending : form->option;
}

static bool is_last(enum cp_report_form_names which, const struct cp_report_form *const *form) {
    while (*++form)
        if (name_in(which, *form))
            return false;
    return true;
}

void cp_report_form_list(enum cp_report_form_names which, const char *between, const char *last, char *text,
                         size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (const struct cp_report_form *const *form = cp_report_forms; *form; form++) {
        const char *name = name_in(which, *form);
        if (!name || used >= size)
            continue;
        const char *before = used == 0 ? "" : is_last(which, form) ? last : between;
        used += (size_t)snprintf(text + used, size - used, "%s%s", before, name);
    }
}
