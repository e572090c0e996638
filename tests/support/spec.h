/* SPDX-License-Identifier: GPL-3.0-or-later
 * A spec of a small model, three image layers and two prompt layers, new for each test. */
#ifndef CP_TESTS_SUPPORT_SPEC_H
#define CP_TESTS_SUPPORT_SPEC_H

#include "spec/spec.h"

enum { IMAGE_LAYERS = 3, PROMPT_LAYERS = 2, SLOTS = 1 + 1 + IMAGE_LAYERS + 1 + PROMPT_LAYERS };

extern struct cp_clip_config spec_config;
extern struct cp_arena spec_arena;
extern struct cp_spec *spec;

int make_spec(void **state);

int free_spec(void **state);

void set_spec(struct cp_spec *of, const char *address, const char *value);

#endif
