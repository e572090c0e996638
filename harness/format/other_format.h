/* SPDX-License-Identifier: GPL-3.0-or-later
 * Files that are something else than they were taken for, told by their first bytes. */
#ifndef CP_FORMAT_OTHER_FORMAT_H
#define CP_FORMAT_OTHER_FORMAT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether a file that begins so is known to be something else. */
bool cp_is_other_format(const unsigned char *bytes, size_t size);

/* CP_BAD_INPUT, with what the file is and what to do; expected: where nothing better is known. */
enum cp_status cp_other_format(const char *path, const unsigned char *bytes, size_t size,
                               const char *expected, struct cp_error *err);

#endif
