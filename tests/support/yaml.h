/* SPDX-License-Identifier: GPL-3.0-or-later
 * YAML trees of a test, in one arena, and the error they give. */
#ifndef CP_TESTS_SUPPORT_YAML_H
#define CP_TESTS_SUPPORT_YAML_H

#include "format/yaml.h"

extern struct cp_arena yaml_arena;
extern struct cp_error yaml_error;

int free_yaml(void **state);

struct cp_yaml *parse_yaml(const char *text);

void assert_yaml_error(const char *expected);

#endif
