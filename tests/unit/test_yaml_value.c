/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/test.h"
#include "support/yaml.h"

#include <string.h>

static void integers(void **state) {
    const struct cp_yaml *list =
        parse_yaml("[7, -7, 9223372036854775807, 9223372036854775808, 1.0, 0x10, 1e3, '7', +7, "
                   "7x, '', ~, [7], 007, -x]");
    static const char *const found[] = {"'9223372036854775808' is out of range",
                                        "'1.0' is not an integer",
                                        "'0x10' is not an integer",
                                        "'1e3' is not an integer",
                                        "\"7\" is not an integer",
                                        "'+7' is not an integer",
                                        "'7x' is not an integer",
                                        "\"\" is not an integer",
                                        "no value",
                                        "a list is not an integer"};
    const int64_t values[] = {7, -7, INT64_MAX};
    int64_t value = 0;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(
            cp_yaml_integer(list->entries[i].value, "n", INT64_MIN, INT64_MAX, &value, &yaml_error), CP_OK);
        assert_true(value == values[i]);
    }
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++) {
        assert_int_equal(cp_yaml_integer(list->entries[i + 3].value, "n", 0, INT64_MAX, &value, &yaml_error),
                         CP_BAD_INPUT);
        assert_string_equal(yaml_error.what + 3, found[i]);
        assert_string_equal(yaml_error.expected, "an integer, at least 0");
    }
    assert_int_equal(cp_yaml_integer(list->entries[13].value, "n", 7, 7, &value, &yaml_error), CP_OK);
    assert_int_equal(cp_yaml_integer(list->entries[14].value, "n", 7, 7, &value, &yaml_error), CP_BAD_INPUT);
    assert_int_equal(cp_yaml_integer(list->entries[0].value, "n", 8, 9, &value, &yaml_error), CP_BAD_INPUT);
    assert_yaml_error("t.yaml:1:2: n: '7' is out of range (expected an integer from 8 to 9)");
    assert_int_equal(cp_yaml_integer(list->entries[0].value, "n", 5, 6, &value, &yaml_error), CP_BAD_INPUT);
}

static void numbers(void **state) {
    const struct cp_yaml *good = parse_yaml("[2, 0.05, .5, 5., 1e-3, -2.5E+2]");
    const struct cp_yaml *bad =
        parse_yaml("[inf, .inf, nan, 0x1p3, 1e, 1e+, ., 1e999, '2', 1_0, 1.2.3, e5, '', ~, {}]");
    static const double values[] = {2, 0.05, 0.5, 5, 1e-3, -250};
    double value = 0;
    (void)state;
    for (size_t i = 0; i < good->count; i++) {
        assert_int_equal(cp_yaml_number(good->entries[i].value, "n", &value, &yaml_error), CP_OK);
        assert_true(value == values[i]);
    }
    for (size_t i = 0; i < bad->count; i++)
        assert_int_equal(cp_yaml_number(bad->entries[i].value, "n", &value, &yaml_error), CP_BAD_INPUT);
    assert_int_equal(cp_yaml_number(bad->entries[4].value, "verdict.k", &value, &yaml_error), CP_BAD_INPUT);
    assert_yaml_error("t.yaml:1:25: verdict.k: '1e' is not a number (expected a finite decimal number)");
}

static void booleans_choices_and_strings(void **state) {
    const struct cp_yaml *list = parse_yaml("[on, off, true, false, yes, no, On, 'on', 1, avx, ~]");
    static const char *const names[] = {"scalar", "avx2", "on", NULL};
    bool value = false;
    int index = -1;
    const char *text = NULL;
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(cp_yaml_boolean(list->entries[i].value, "b", &value, &yaml_error), CP_OK);
        assert_int_equal(value, i % 2 == 0);
    }
    for (size_t i = 6; i < 11; i++)
        assert_int_equal(cp_yaml_boolean(list->entries[i].value, "b", &value, &yaml_error), CP_BAD_INPUT);
    assert_int_equal(cp_yaml_choice(list->entries[7].value, "c", names, &index, &yaml_error), CP_OK);
    assert_int_equal(index, 2);
    assert_int_equal(cp_yaml_choice(list->entries[9].value, "isa", names, &index, &yaml_error), CP_BAD_INPUT);
    assert_yaml_error(
        "t.yaml:1:46: isa: 'avx' is not allowed; did you mean 'avx2'? (expected one of scalar, avx2, on)");
    assert_int_equal(cp_yaml_string(list->entries[8].value, "s", &text, &yaml_error), CP_OK);
    assert_string_equal(text, "1");
    assert_int_equal(cp_yaml_string(list->entries[10].value, "s", &text, &yaml_error), CP_BAD_INPUT);
    assert_yaml_error("t.yaml:1:51: s: no value (expected text)");
    assert_int_equal(cp_yaml_string(list, "s", &text, &yaml_error), CP_BAD_INPUT);
    assert_yaml_error("t.yaml:1:1: s: a list is not text (expected text)");
}

static void unknown_keys(void **state) {
    static const char *const names[] = {"baseline", "candidates", NULL};
    const struct cp_yaml *root = parse_yaml("candidates: 1\nbaselin: 2\n");
    (void)state;
    assert_int_equal(cp_yaml_keys(root, "the experiment", names, &yaml_error), CP_BAD_INPUT);
    assert_yaml_error(
        "t.yaml:2:1: unknown key 'baselin' in the experiment; did you mean 'baseline'? (expected one "
        "of baseline, candidates)");
    assert_int_equal(cp_yaml_keys(root, "x", NULL, &yaml_error), CP_OK);
    assert_int_equal(cp_yaml_keys(root->entries[0].value, "x", NULL, &yaml_error), CP_BAD_INPUT);
    assert_yaml_error("t.yaml:1:13: x: '1' is not a mapping (expected KEY: VALUE, ...)");
}

/* A long value is cut at most 61 bytes in, between two-byte characters. */
static void long_values_are_shortened(void **state) {
    (void)state;
    for (size_t start = 0; start < 2; start++) {
        char text[202] = "x";
        for (size_t i = start; i + 2 < sizeof text; i += 2)
            memcpy(text + i, "\xc3\xa9", 2);
        text[start + 200] = '\0';
        int64_t value = 0;
        assert_int_equal(cp_yaml_integer(parse_yaml(text), "n", 0, 9, &value, &yaml_error), CP_BAD_INPUT);
        const char *end = strstr(yaml_error.what, "...");
        assert_non_null(end);
        assert_int_equal(end - yaml_error.what, strlen("n: '") + 60 + start);
        assert_string_equal(end, "...' is not an integer");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(numbers),
        cmocka_unit_test(booleans_choices_and_strings),
        cmocka_unit_test(unknown_keys),
        cmocka_unit_test(long_values_are_shortened),
    };
    return cmocka_run_group_tests(tests, NULL, free_yaml);
}
