/* SPDX-License-Identifier: GPL-3.0-or-later
 * YAML trees of a test, in one arena, and the error they give. */
#ifndef CP_TESTS_YAML_FIXTURE_H
#define CP_TESTS_YAML_FIXTURE_H

#include "format/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct cp_arena arena;
static struct cp_error err;

static inline int release(void **state) {
    (void)state;
    cp_arena_free(&arena);
    return 0;
}

static inline struct cp_yaml *parsed(const char *text) {
    struct cp_yaml *root = NULL;
    if (cp_yaml_parse(&arena, "t.yaml", text, strlen(text), &root, &err) != CP_OK)
        fail_msg("%s: %s", err.where, err.what);
    return root;
}

static inline void assert_line(const char *expected) {
    char line[1600];
    cp_error_line(&err, line, sizeof line);
    assert_string_equal(line, expected);
    assert_int_equal(err.status, CP_BAD_INPUT);
}

#endif
