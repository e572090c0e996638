/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/yaml.h"
#include "support/test.h"

#include <string.h>

struct cp_arena yaml_arena;
struct cp_error yaml_error;

int free_yaml(void **state) {
    (void)state;
    cp_arena_free(&yaml_arena);
    return 0;
}

struct cp_yaml *parse_yaml(const char *text) {
    struct cp_yaml *root = NULL;
    if (cp_yaml_parse(&yaml_arena, "t.yaml", text, strlen(text), &root, &yaml_error) != CP_OK)
        fail_msg("%s: %s", yaml_error.where, yaml_error.what);
    return root;
}

void assert_yaml_error(const char *expected) {
    char line[1600];
    cp_error_line(&yaml_error, line, sizeof line);
    assert_string_equal(line, expected);
    assert_int_equal(yaml_error.status, CP_BAD_INPUT);
}
