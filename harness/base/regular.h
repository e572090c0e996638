/* SPDX-License-Identifier: GPL-3.0-or-later
 * Opening input files. */
#ifndef CP_BASE_REGULAR_H
#define CP_BASE_REGULAR_H

#include "base/status.h"

#include <stddef.h>

/* Opens a regular file for reading; the caller closes fd. CP_BAD_INPUT for anything else (a FIFO, a folder, a
 * device), at once: opening a FIFO does not wait for its writer. */
enum cp_status cp_open_regular(const char *path, int *fd, size_t *size, struct cp_error *err);

#endif
