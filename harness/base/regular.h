/* SPDX-License-Identifier: GPL-3.0-or-later
 * Opening what is to be read to its end: a FIFO or a terminal would be waited for. */
#ifndef CP_BASE_REGULAR_H
#define CP_BASE_REGULAR_H

#include "base/status.h"

#include <stddef.h>
#include <stdio.h>

/* A descriptor to close, and the bytes in the file; CP_BAD_INPUT where it is not a regular file. */
enum cp_status cp_regular_open(const char *path, int *fd, size_t *size, struct cp_error *err);
/* The same as a stream. */
enum cp_status cp_regular_stream(const char *path, FILE **file, struct cp_error *err);

#endif
