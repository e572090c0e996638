/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/glob.h"

#include "support/test.h"

#include <string.h>

static void globs_match_tap_names(void **state) {
    static const struct {
        const char *pattern, *text;
        bool matches;
    } rows[] = {
        {"*", "", true},
        {"*", "visual.transformer.resblocks.0.ln_1", true},
        {"", "", true},
        {"", "a", false},
        {"?", "", false},
        {"*.mlp.gelu", "visual.transformer.resblocks.11.mlp.gelu", true},
        {"*.mlp.gelu", "mlp.gelu", false},
        {"*.mlp.gelu", "visual.transformer.resblocks.11.mlp.gelu2", false},
        {"*_features", "image_features", true},
        {"visual.*", "visual.ln_pre", true},
        {"visual.*", "visual", false},
        {"visual*", "visual", true},
        {"visual.transformer.resblocks.?", "visual.transformer.resblocks.3", true},
        {"visual.transformer.resblocks.?", "visual.transformer.resblocks.11", false},
        {"*.resblocks.*.attn.?", "transformer.resblocks.1.attn.q", true},
        {"*.resblocks.*.attn.?", "transformer.resblocks.1.attn", false},
        {"a*b*c", "aXbXbXc", true},
        {"a*b*c", "aXbXbX", false},
        {"*a", "aaab", false},
        {"*ab", "aab", true}, /* the star must give back what it took */
        {"**?", "x", true},
        {"[ab]", "a", false}, /* no classes: brackets are themselves */
        {"tokens", "token", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (cp_glob_match(rows[i].pattern, rows[i].text) != rows[i].matches)
            fail_msg("'%s' on '%s'", rows[i].pattern, rows[i].text);
}

/* The definition, by recursion. */
static bool defined_match(const char *pattern, const char *text) {
    if (*pattern == '\0')
        return *text == '\0';
    if (*pattern == '*')
        return defined_match(pattern + 1, text) || (*text && defined_match(pattern, text + 1));
    return *text && (*pattern == '?' || *pattern == *text) && defined_match(pattern + 1, text + 1);
}

static void spell(unsigned code, const char *letters, char *word) {
    const unsigned base = (unsigned)strlen(letters);
    for (; code; code /= base + 1)
        if (code % (base + 1))
            *word++ = letters[code % (base + 1) - 1];
    *word = '\0';
}

static void agrees_with_the_definition(void **state) {
    (void)state;
    for (unsigned p = 0; p < 3125; p++) {
        char pattern[8], text[8];
        spell(p, "ab*?", pattern);
        for (unsigned t = 0; t < 243; t++) {
            spell(t, "ab", text);
            if (cp_glob_match(pattern, text) != defined_match(pattern, text))
                fail_msg("'%s' on '%s'", pattern, text);
        }
    }
}

/* A naive matcher needs more than 2^60 steps here. */
static void many_stars_end_in_time(void **state) {
    char pattern[101], text[2001];
    (void)state;
    for (size_t i = 0; i < 100; i += 2)
        memcpy(pattern + i, "*a", 2);
    pattern[100] = '\0';
    memset(text, 'a', 2000);
    text[1999] = 'b';
    text[2000] = '\0';
    assert_false(cp_glob_match(pattern, text));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(globs_match_tap_names),
        cmocka_unit_test(agrees_with_the_definition),
        cmocka_unit_test(many_stars_end_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
