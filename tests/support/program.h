/* SPDX-License-Identifier: GPL-3.0-or-later
 * Running the program from a test, and reading what it wrote. */
#ifndef CP_TESTS_SUPPORT_PROGRAM_H
#define CP_TESTS_SUPPORT_PROGRAM_H

#include <hdf5.h>
#include <stddef.h>

/* A result file of this process alone; in the arguments of run_program it is $OUT. */
const char *scratch_output(void);

/* Runs the program with arguments for a shell; its exit code. Standard output and error go to text (both,
 * cut). */
int run_program(const char *arguments, char *text, size_t size);

/* ... and its exit code must be this. */
void run_expecting(int expected, const char *arguments, char *text, size_t size);

/* ... and says this (NULL: whatever); else all it printed goes to standard error, as cmocka cuts a message off at 1,024
 * characters. */
void run_saying(const char *arguments, int expected, const char *says, char *text, size_t size);
void unexpected_output(const char *arguments, int code, const char *says, const char *text);

void write_text(const char *path, const char *content);

/* A whole dataset as type into values, which has room for count; the number of elements, or -1. */
long read_dataset(const char *file, const char *path, hid_t type, void *values, size_t count);

#endif
