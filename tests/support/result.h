/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the tests of result files share: a temporary folder and a small file with known content. */
#ifndef CP_TESTS_SUPPORT_RESULT_H
#define CP_TESTS_SUPPORT_RESULT_H

#include "support/folder.h"

#include "result/file.h"

#include <hdf5.h>
#include <stddef.h>

enum { ROWS = 5, CHANNELS = 3 };

extern struct cp_error result_error;

const char *in_folder(const char *name);

int same_bytes(const char *a, const char *b);

struct cp_variable value_variable(const char *group);

float cell(size_t row, size_t channel);

/* What a test may change about the small file that most of them write. */
struct recipe {
    int resume;
    size_t stop; /* commit after this many rows and abandon the run */
    const char *schema, *provenance, *dimension, *label;
    size_t missing_row; /* one row not written */
};

extern const struct recipe USUAL;

/* Returns whether the run was finished. */
int write_small(const char *path, const struct recipe *recipe, char digest[65]);

void assert_failure(enum cp_status status, enum cp_status expected, const char *words);

void assert_text_attribute(hid_t file, const char *object, const char *name, const char *expected);

#endif
