/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/nearest.h"

#include "support/test.h"

#include <string.h>

/* The distances that textbooks give: Levenshtein's, with a swap of neighbours counted once. "ca" to "abc" is
 * 3 in the restricted form (2 in the unrestricted one). */
static void distances_are_the_known_ones(void **state) {
    static const struct {
        const char *a, *b;
        size_t distance;
    } rows[] = {
        {"", "", 0},         {"", "abc", 3},         {"kitten", "sitting", 3},   {"saturday", "sunday", 3},
        {"ab", "ba", 1},     {"ca", "abc", 3},       {"threads", "thraeds", 1},  {"flaw", "lawn", 2},
        {"abcd", "badc", 2}, {"gumbo", "gambol", 2}, {"baselin", "baseline", 1}, {"a", "b", 1},
        {"abc", "abc", 0},   {"xabc", "abc", 1},     {"candidates", "candid", 4}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(cp_edit_distance(rows[i].a, rows[i].b), rows[i].distance);
        assert_int_equal(cp_edit_distance(rows[i].b, rows[i].a), rows[i].distance);
    }
}

static void long_words_have_no_distance(void **state) {
    char word[CP_EDIT_MAX + 2];
    (void)state;
    memset(word, 'x', sizeof word);
    word[CP_EDIT_MAX] = '\0';
    assert_int_equal(cp_edit_distance(word, ""), CP_EDIT_MAX);
    word[CP_EDIT_MAX] = 'x';
    word[CP_EDIT_MAX + 1] = '\0';
    assert_true(cp_edit_distance(word, word) == SIZE_MAX);
    const char *const names[] = {word};
    assert_null(cp_nearest(word, names, 1));
}

static void nearest_is_near(void **state) {
    static const char *const names[] = {"baseline", "candidates", "oracle", "isa", "k", "kk"};
    const size_t count = sizeof names / sizeof names[0];
    (void)state;
    assert_string_equal(cp_nearest("baselin", names, count), "baseline");
    assert_string_equal(cp_nearest("candiadtes", names, count), "candidates");
    assert_string_equal(cp_nearest("orcale", names, count), "oracle");
    assert_string_equal(cp_nearest("isb", names, count), "isa");
    assert_string_equal(cp_nearest("x", names, count), "k"); /* the first of equals */
    assert_null(cp_nearest("hypothesis", names, count));
    assert_null(cp_nearest("base", names, count)); /* 4 bytes away, 1 allowed */
    assert_null(cp_nearest("isa", names, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_the_known_ones),
        cmocka_unit_test(long_words_have_no_distance),
        cmocka_unit_test(nearest_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
