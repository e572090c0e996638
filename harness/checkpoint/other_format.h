/* SPDX-License-Identifier: GPL-3.0-or-later
 * Files that are no checkpoint of a known format, told by their first bytes. */
#ifndef CP_CHECKPOINT_OTHER_FORMAT_H
#define CP_CHECKPOINT_OTHER_FORMAT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether a file that begins so is known to be something else. */
bool cp_checkpoint_is_other(const unsigned char *bytes, size_t size);

/* CP_BAD_INPUT, with what the file is and what to do. */
enum cp_status cp_checkpoint_other_format(const char *path, const unsigned char *bytes, size_t size,
                                          struct cp_error *err);

#endif
