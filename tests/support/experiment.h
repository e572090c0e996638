/* SPDX-License-Identifier: GPL-3.0-or-later
 * One experiment at a time, parsed from text and overrides. */
#ifndef CP_TESTS_SUPPORT_EXPERIMENT_H
#define CP_TESTS_SUPPORT_EXPERIMENT_H

#include "support/experiment_example.h"

#include "experiment/experiment.h"

#include <stddef.h>

extern struct cp_experiment experiment;
extern struct cp_arena experiment_arena;

int free_experiment(void **state);

/* Parses text, with overrides up to a NULL. */
void parse_experiment(const char *text, const char *const *overrides);

#define PARSE_EXAMPLE(...) parse_experiment(EXPERIMENT_EXAMPLE, (const char *const[]){__VA_ARGS__, NULL})

void assert_setting(const struct cp_candidate *of, size_t index, const char *address, const char *value);

void assert_rule(size_t index, const char *glob, enum cp_record_mode mode);

#endif
