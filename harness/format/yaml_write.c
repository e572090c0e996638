/* SPDX-License-Identifier: GPL-3.0-or-later
 * Scalars that read back the same: quoted only where they must be, numbers in as few digits as suffice. */
#include "format/yaml.h"

#include "format/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

/* Plain where that reads back as the same text in every place of a file, else in double quotes. */
static bool reads_plain(const char *text) {
    const size_t length = strlen(text);
    const bool first = length > 0 && strchr(NAME_CHARACTERS "/", text[0]) && text[0] != '-';
    return first && strspn(text, NAME_CHARACTERS "/.@+") == length && strcasecmp(text, "null") != 0;
}

void cp_yaml_put_text(FILE *out, const char *text) {
    if (reads_plain(text)) {
        (void)fputs(text, out);
        return;
    }
    (void)fputc('"', out);
    for (const unsigned char *c = (const unsigned char *)text; *c;) {
        const size_t length = cp_utf8_length(c, strlen((const char *)c));
        if (length == 0 && *c == 0xc2) { /* a C1 control, two bytes */
            (void)fprintf(out, "\\x%02x", c[1]);
            c += 2;
        } else if (length == 0 || *c == '\t' || *c == '\n' || *c == '\r') {
            (void)fprintf(out, "\\x%02x", *c++);
        } else {
            if (*c == '"' || *c == '\\')
                (void)fputc('\\', out);
            (void)fwrite(c, 1, length, out);
            c += length;
        }
    }
    (void)fputc('"', out);
}

void cp_yaml_put_number(FILE *out, double value) {
    char text[32];
    int digits = 1;
    do
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
    while (strtod(text, NULL) != value && ++digits <= 17);
    (void)fputs(text, out);
}
