/* SPDX-License-Identifier: GPL-3.0-or-later
 * Files that are mapped and shortened by somebody meanwhile: reading what is gone raises SIGBUS. There is no
 * way on from there, so the program ends with the line and the exit code of CP_BAD_INPUT. Reading instead of
 * mapping would cost every run a copy of its weights. */
#ifndef CP_FORMAT_MAPPING_H
#define CP_FORMAT_MAPPING_H

#include "base/status.h"

#include <stddef.h>

/* From now on SIGBUS in these bytes is the file's fault; fails where there is no memory for that. Of more than
 * 1,024 files at a time the others are not guarded. */
enum cp_status cp_mapping_guard(const char *path, const void *start, size_t size, struct cp_error *err);
/* Before they are unmapped. */
void cp_mapping_release(const void *start);

#endif
