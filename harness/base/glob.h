/* SPDX-License-Identifier: GPL-3.0-or-later
 * Patterns over tap names. */
#ifndef CP_BASE_GLOB_H
#define CP_BASE_GLOB_H

#include <stdbool.h>

/* True if pattern covers the whole of text: '*' is any run of bytes, empty or with dots in it, '?' exactly
 * one byte, anything else itself. Time is at most the product of the lengths. */
bool cp_glob_match(const char *pattern, const char *text);

#endif
