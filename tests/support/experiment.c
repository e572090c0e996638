/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/experiment.h"
#include "support/test.h"

#include <string.h>

struct cp_experiment experiment;
struct cp_arena experiment_arena;

int free_experiment(void **state) {
    (void)state;
    cp_experiment_free(&experiment);
    cp_arena_free(&experiment_arena);
    return 0;
}

void parse_experiment(const char *text, const char *const *overrides) {
    struct cp_error err;
    size_t count = 0;
    while (overrides && overrides[count])
        count++;
    cp_experiment_free(&experiment);
    if (cp_experiment_parse("e.yaml", text, strlen(text), overrides, count, &experiment, &err) != CP_OK)
        fail_msg("%s: %s (expected %s)", err.where, err.what, err.expected);
}

void assert_setting(const struct cp_candidate *of, size_t index, const char *address, const char *value) {
    assert_true(index < of->count);
    assert_string_equal(of->settings[index].address, address);
    assert_string_equal(of->settings[index].value, value);
}

void assert_rule(size_t index, const char *glob, enum cp_record_mode mode) {
    assert_true(index < experiment.record_count);
    assert_string_equal(experiment.record[index].glob, glob);
    assert_int_equal(experiment.record[index].mode, mode);
}
