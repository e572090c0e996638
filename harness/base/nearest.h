/* SPDX-License-Identifier: GPL-3.0-or-later
 * The name somebody probably meant: nearest match for the "did you mean" of an error. */
#ifndef CP_BASE_NEAREST_H
#define CP_BASE_NEAREST_H

#include "base/status.h"

#include <stddef.h>

enum { CP_EDIT_MAX = 64 };

/* Insertions, deletions, substitutions and swaps of neighbouring bytes that turn a into b, no byte edited
 * twice: the restricted Damerau-Levenshtein distance, or optimal string alignment (Damerau, "A technique for
 * computer detection and correction of spelling errors", Communications of the ACM 7(3), 1964).
 * SIZE_MAX if either is longer than CP_EDIT_MAX bytes. */
size_t cp_edit_distance(const char *a, const char *b);

/* The nearest of names, the first of equals, if at most a third of the word's bytes (one byte for short
 * words) must be edited, those of leading dashes not counted; else NULL. */
const char *cp_nearest(const char *word, const char *const *names, size_t count);

/* Completes an error about a word that is none of names, which end with NULL: behind what is wrong "; did you
 * mean 'NEAREST'?" if one is near, and "one of a, b, c" as expected. Returns the error's status. */
enum cp_status cp_expect_one_of(struct cp_error *err, const char *word, const char *const *names);
/* Behind what is wrong: "; did you mean 'NAME'MORE?" */
void cp_did_you_mean(struct cp_error *err, const char *name, const char *more);

#endif
