/* SPDX-License-Identifier: GPL-3.0-or-later
 * Pictures, decoded and preprocessed; one target for each format, which puts its first bytes right so that no
 * execution is spent on another decoder. The last byte says how. */
#ifndef CP_TESTS_SUPPORT_FUZZ_PICTURE_H
#define CP_TESTS_SUPPORT_FUZZ_PICTURE_H

#include "support/fuzz.h"

#include "preprocess/preprocess.h"

#include <stddef.h>
#include <stdint.h>

/* Large pictures are but decoded: the time is for many. */
void fuzz_picture(const uint8_t *bytes, size_t size, unsigned how);

/* A copy with the format's first bytes. Free with free. */
uint8_t *fuzz_picture_copy(const uint8_t *bytes, size_t size, const char *magic, size_t length);

#endif
