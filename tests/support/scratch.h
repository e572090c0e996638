/* SPDX-License-Identifier: GPL-3.0-or-later
 * One file of a test's making, in memory, and the error line of what reads it. */
#ifndef CP_TESTS_SUPPORT_SCRATCH_H
#define CP_TESTS_SUPPORT_SCRATCH_H

#include "base/status.h"

#include <stddef.h>

extern char scratch_path[64];
extern int scratch_fd;

/* Group setup and teardown: one file in memory, which every test of the group writes anew. It is in no
 * folder, so that nothing is left behind. */
int make_scratch(void **state);

int remove_scratch(void **state);

void write_scratch(const void *bytes, size_t size);

/* The error line of status and err, behind the scratch file's path, with which it must begin. */
const char *line_of(enum cp_status status, const struct cp_error *err);

void assert_line(const char *found, const char *expected, const char *of);

#endif
