/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table of the report's forms: a new row is tested here without a new line. */
#include "report/forms/forms.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>

static void every_form_can_be_asked_for(void **state) {
    (void)state;
    assert_non_null(cp_report_forms[0]->ending);
    for (const struct cp_report_form *const *form = cp_report_forms; *form; form++) {
        char file[64];
        assert_int_equal(strncmp((*form)->option, "--", 2), 0);
        assert_ptr_equal(cp_report_form_of_option((*form)->option), *form);
        (void)snprintf(file, sizeof file, "a.b/page%s", (*form)->ending ? (*form)->ending : ".none");
        assert_ptr_equal(cp_report_form_of_file(file), (*form)->ending ? *form : NULL);
    }
    assert_null(cp_report_form_of_option("html"));
    assert_null(cp_report_form_of_file("html"));
    assert_ptr_equal(cp_report_form_of_file("page.HTML"), &cp_report_form_html);
}

static bool is_there(const char *list, const char *name) {
    return name && strstr(list, name);
}

static void the_list_names_every_ending(void **state) {
    char endings[256], cut[10];
    (void)state;
    cp_report_form_endings(endings, sizeof endings);
    for (const struct cp_report_form *const *form = cp_report_forms; *form; form++)
        assert_int_equal(is_there(endings, (*form)->ending), (*form)->ending != NULL);
    assert_int_equal(strncmp(endings, ".html, .md, ", 12), 0);
    assert_non_null(strstr(endings, " or ."));
    assert_null(strstr(strstr(endings, " or .") + 1, ", "));
    cp_report_form_endings(cut, sizeof cut);
    assert_string_equal(cut, ".html, .m");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_can_be_asked_for),
        cmocka_unit_test(the_list_names_every_ending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
