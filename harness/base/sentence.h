/* SPDX-License-Identifier: GPL-3.0-or-later
 * A text being put together in a buffer; what does not fit is cut. */
#ifndef CP_BASE_SENTENCE_H
#define CP_BASE_SENTENCE_H

#include "base/status.h"

#include <stddef.h>
#include <stdio.h>

struct cp_sentence {
    char *text;
    size_t size, used;
};
void cp_append(struct cp_sentence *sentence, const char *format, ...) CP_PRINTF(2, 3);
/* What makes a plural of one word: "s", or "" of one. */
const char *cp_plural(size_t count);
/* "10,000" */
void cp_append_count(struct cp_sentence *sentence, size_t count);
/* "2.5", "10,000" or "1.2e+12": a positive number of times, to two digits where it is small. */
void cp_append_multiple(struct cp_sentence *sentence, double multiple);

/* Lines of 80 columns, broken at blanks, indented by `first` and then by `others`. */
enum { CP_COLUMNS = 80 };
void cp_print_wrapped(const char *text, int first, int others, FILE *out);

#endif
