/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the fuzz targets share: a file in memory, and what a refusal must look like. */
#ifndef CP_TESTS_SUPPORT_FUZZ_H
#define CP_TESTS_SUPPORT_FUZZ_H

#include "base/status.h"
#include "checkpoint/checkpoint.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A file of these bytes, the same one for every call. */
const char *fuzz_file(const uint8_t *bytes, size_t size);

/* Accepted, or refused as bad input with a place, a reason and what was expected, in one line. */
int fuzz_answer(enum cp_status status, const struct cp_error *err);

/* Opens a checkpoint and reads every value of it that is not made up of repetitions. */
void fuzz_checkpoint(const char *path);

#endif
