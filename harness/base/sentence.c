/* SPDX-License-Identifier: GPL-3.0-or-later
 * printf into a buffer that never overflows, numbers as people read them, and word wrap. */
#include "base/sentence.h"

#include "base/escape.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void cp_append(struct cp_sentence *s, const char *format, ...) {
    va_list list;
    va_start(list, format);
    const int length = vsnprintf(s->text + s->used, s->size - s->used, format, list);
    va_end(list);
    s->used += length > 0 ? (size_t)length : 0;
    s->used = s->used < s->size ? s->used : s->size - 1;
}

const char *cp_plural(size_t count) {
    return count == 1 ? "" : "s";
}

void cp_append_count(struct cp_sentence *s, size_t count) {
    if (count >= 1000) {
        cp_append_count(s, count / 1000);
        cp_append(s, ",%03zu", count % 1000);
    } else {
        cp_append(s, "%zu", count);
    }
}

void cp_append_multiple(struct cp_sentence *s, double multiple) {
    if (multiple < 100)
        cp_append(s, multiple >= 1 && multiple < 10 ? "%.1f" : "%.2g", multiple);
    else if (multiple < 1e9)
        cp_append_count(s, (size_t)llround(multiple));
    else
        cp_append(s, "%.1e", multiple);
}

void cp_print_wrapped(const char *text, int first, int others, FILE *out) {
    size_t width = (size_t)(CP_COLUMNS - first);
    if (*text)
        (void)fprintf(out, "%*s", first, "");
    while (strlen(text) > width) {
        size_t cut = width;
        while (cut > 0 && text[cut] != ' ')
            cut--;
        if (cut == 0)
            cut = strcspn(text, " ");
        cp_print(out, "%.*s\n", (int)cut, text);
        text += cut + strspn(text + cut, " ");
        if (*text)
            (void)fprintf(out, "%*s", others, "");
        width = (size_t)(CP_COLUMNS - others);
    }
    if (*text)
        cp_print(out, "%s\n", text);
}
