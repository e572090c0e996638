/* SPDX-License-Identifier: GPL-3.0-or-later
 * JSON text (RFC 8259) of a known form, read from front to back: no tree, no recursion, no allocation, so
 * that hostile text costs no more than its own length. */
#ifndef CP_FORMAT_JSON_PULL_H
#define CP_FORMAT_JSON_PULL_H

#include <stdbool.h>
#include <stddef.h>

/* Every function skips blanks first. After a failure `expected` says what should have been at byte `at`; do
 * not read on then. */
struct cp_json_reader {
    const unsigned char *text;
    size_t size, at;
    const char *expected; /* NULL: no failure yet */
};

/* Reads one of {}[]:, where it must stand. */
bool cp_json_expect(struct cp_json_reader *json, char token);

/* Whether an object or a list goes on: reads the comma before every item but the first (*first: set to true
 * by the caller), or the end. False at the end and after a failure. */
bool cp_json_more(struct cp_json_reader *json, char end, bool *first);

/* A string, unescaped: UTF-8, *length bytes, of which the first size are in text. "\u0000" gives a NUL. */
bool cp_json_string(struct cp_json_reader *json, char *text, size_t size, size_t *length);

/* A number from 0 to SIZE_MAX without fraction and exponent. */
bool cp_json_whole(struct cp_json_reader *json, size_t *value);

/* Any value, at most 64 lists and objects in each other. */
bool cp_json_skip(struct cp_json_reader *json);

/* Whether nothing but blanks is left. */
bool cp_json_end(struct cp_json_reader *json);

#endif
