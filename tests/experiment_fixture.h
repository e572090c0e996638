/* SPDX-License-Identifier: GPL-3.0-or-later
 * One experiment at a time, parsed from text and overrides. */
#ifndef CP_TESTS_EXPERIMENT_FIXTURE_H
#define CP_TESTS_EXPERIMENT_FIXTURE_H

#include "experiment/experiment.h"

#include "experiment_example.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct cp_experiment experiment;
static struct cp_arena arena;

static inline int release(void **state) {
    (void)state;
    cp_experiment_free(&experiment);
    cp_arena_free(&arena);
    return 0;
}

/* Parses text, with overrides up to a NULL. */
static inline void parse(const char *text, const char *const *overrides) {
    struct cp_error err;
    size_t count = 0;
    while (overrides && overrides[count])
        count++;
    cp_experiment_free(&experiment);
    if (cp_experiment_parse("e.yaml", text, strlen(text), overrides, count, &experiment, &err) != CP_OK)
        fail_msg("%s: %s (expected %s)", err.where, err.what, err.expected);
}

#define PARSE_EXAMPLE(...) parse(example, (const char *const[]){__VA_ARGS__, NULL})

static inline void assert_setting(const struct cp_candidate *of, size_t index, const char *address,
                                  const char *value) {
    assert_true(index < of->count);
    assert_string_equal(of->settings[index].address, address);
    assert_string_equal(of->settings[index].value, value);
}

static inline void assert_rule(size_t index, const char *glob, enum cp_record_mode mode) {
    assert_true(index < experiment.record_count);
    assert_string_equal(experiment.record[index].glob, glob);
    assert_int_equal(experiment.record[index].mode, mode);
}

#endif
