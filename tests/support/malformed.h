/* SPDX-License-Identifier: GPL-3.0-or-later
 * Bad files: written to a temporary folder, read in a child process, refused in one line, within a second and
 * 256 MiB. */
#ifndef CP_TESTS_SUPPORT_MALFORMED_H
#define CP_TESTS_SUPPORT_MALFORMED_H

#include "support/clock.h"
#include "support/folder.h"
#include "support/sanitized.h"

#include "base/status.h"

#include <stddef.h>

/* Reads the whole file at path; what it read is dropped. */
typedef enum cp_status file_reader(const char *path, struct cp_error *err);

/* The path of a file of the folder with these bytes; the same for every call. */
const char *written(const char *name, const void *bytes, size_t size);

/* One line of visible characters. */
void assert_one_line(const char *line);

/* Reads in a child, which may neither crash nor hang nor grow. Its status, and its line (4096), "" for CP_OK.
 */
enum cp_status read_in_child(file_reader *reader, const char *path, char *line);

/* Refused as bad input by a line that names the file first, says this, and what was expected. */
void assert_refused(file_reader *reader, const char *path, const char *says);

void assert_accepted(file_reader *reader, const char *path);

/* A FIFO without a writer, a folder and a device are refused at once. */
void assert_only_regular_files(file_reader *reader);

#endif
