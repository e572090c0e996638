/* SPDX-License-Identifier: GPL-3.0-or-later
 * Scalars that read back the same: quoted only where they must be, numbers in as few digits as suffice. */
#include "format/yaml.h"

#include "base/escape.h"

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

/* Bytes that are no UTF-8 stand as characters of the last private use area, CP_YAML_BYTE and on; so do the
 * bytes of those characters themselves. */
static bool is_bytes(unsigned code, bool utf8) {
    return !utf8 || (code >= CP_YAML_BYTE + 0x80 && code <= CP_YAML_BYTE + 0xff);
}

static void put_quoted(FILE *out, const char *c, size_t length, unsigned code, bool utf8) {
    if (is_bytes(code, utf8))
        for (size_t i = 0; i < length; i++)
            (void)fprintf(out, "\\U%08x", CP_YAML_BYTE + (unsigned char)c[i]);
    else if (cp_is_hidden(code) || cp_is_log_command(c))
        (void)fprintf(out, code < 0x100 ? "\\x%02x" : "\\u%04x", code);
    else
        (void)fprintf(out, *c == '"' || *c == '\\' ? "\\%.*s" : "%.*s", (int)length, c);
}

void cp_yaml_put_text(FILE *out, const char *text) {
    if (reads_plain(text)) {
        (void)fputs(text, out);
        return;
    }
    (void)fputc('"', out);
    while (*text) {
        unsigned code;
        bool utf8;
        const size_t length = cp_character(text, &code, &utf8);
        put_quoted(out, text, length, code, utf8);
        text += length;
    }
    (void)fputc('"', out);
}

/* The bytes of a code point that cp_yaml_put_text escaped: below 0x10000, or CP_YAML_BYTE and on. */
static char *put_code(char *to, unsigned code) {
    if (code >= CP_YAML_BYTE) {
        *to++ = (char)(code - CP_YAML_BYTE);
    } else if (code >= 0x800) {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    } else if (code >= 0x80) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)code;
    }
    return to;
}

/* Hexadecimal digits behind \x, \u or \U; 0: another escape, of one character. */
static size_t digits_of(char letter) {
    return letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
}

void cp_yaml_unquote(char *text) {
    const size_t length = strlen(text);
    char *to = text;
    if (length < 2 || text[0] != '"' || text[length - 1] != '"')
        return;
    text[length - 1] = '\0';
    for (const char *from = text + 1; *from;) {
        char digits[9] = "";
        const size_t count = from[0] == '\\' ? digits_of(from[1]) : 0;
        if (count && strspn(from + 2, "0123456789abcdef") >= count) {
            memcpy(digits, from + 2, count);
            to = put_code(to, (unsigned)strtoul(digits, NULL, 16));
            from += 2 + count;
        } else {
            from += from[0] == '\\' && from[1];
            *to++ = *from++;
        }
    }
    *to = '\0';
}

void cp_yaml_put_number(FILE *out, double value) {
    char text[32];
    int digits = 1;
    do
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
    while (strtod(text, NULL) != value && ++digits <= 17);
    (void)fputs(text, out);
}
