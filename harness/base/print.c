/* SPDX-License-Identifier: GPL-3.0-or-later
 * fprintf whose texts cannot become syntax: conversions one by one, %s through the terminal's escaping. */
#include "base/escape.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* One conversion, stars already replaced by their numbers: "%-12.3f". */
struct conversion {
    char spec[48];
    size_t used;
    char modifier; /* z, l, L for ll, or 0 */
    char type;
};

struct arguments {
    va_list list;
};

static void add(struct conversion *c, char letter) {
    if (c->used + 1 < sizeof c->spec)
        c->spec[c->used++] = letter;
}

static void add_number(struct conversion *c, int number) {
    char digits[16];
    (void)snprintf(digits, sizeof digits, "%d", number);
    for (const char *d = digits; *d; d++)
        add(c, *d);
}

/* Reads from the % on; returns what follows the conversion. */
static const char *read_conversion(const char *format, struct conversion *c, struct arguments *args) {
    *c = (struct conversion){.used = 0};
    add(c, *format++);
    for (; *format && strchr("-+ #0123456789.*", *format); format++)
        if (*format == '*')
            add_number(c, va_arg(args->list, int));
        else
            add(c, *format);
    for (; *format && strchr("zl", *format); format++) {
        c->modifier = (char)(c->modifier == 'l' ? 'L' : *format);
        add(c, *format);
    }
    c->type = *format;
    add(c, c->type);
    return format + (*format != '\0');
}

/* Characters shown, of at most so many bytes of the text; out NULL: only counted. */
static size_t put_text(FILE *out, cp_show *show, const char *text, size_t bytes) {
    char shown[CP_SHOWN];
    size_t columns = 0, length;
    bool escaped;
    for (const char *at = text; (size_t)(at - text) < bytes && *at; at += length) {
        length = show(text, at, shown, &escaped);
        if (length > bytes - (size_t)(at - text))
            break;
        columns += escaped ? strlen(shown) : 1;
        if (out)
            (void)fputs(shown, out);
    }
    return columns;
}

static void put_string(FILE *out, cp_show *show, const struct conversion *c, const char *text) {
    const char *dot = strchr(c->spec, '.');
    const long precision = dot ? strtol(dot + 1, NULL, 10) : -1;
    const long width = strtol(c->spec + 1, NULL, 10); /* "-12" is to the left */
    const size_t bytes = precision < 0 ? SIZE_MAX : (size_t)precision,
                 columns = put_text(NULL, show, text, bytes);
    const int blanks = (size_t)labs(width) > columns ? (int)((size_t)labs(width) - columns) : 0;
    (void)fprintf(out, "%*s", width > 0 ? blanks : 0, "");
    (void)put_text(out, show, text, bytes);
    (void)fprintf(out, "%*s", width < 0 ? blanks : 0, "");
}

/* NOLINTBEGIN(clang-diagnostic-format-nonliteral,bugprone-branch-clone): the spec is the format's own, and each
 * branch takes another type */
static void put_integer(FILE *out, const struct conversion *c, struct arguments *args) {
    if (c->modifier == 'z')
        (void)fprintf(out, c->spec, va_arg(args->list, size_t));
    else if (c->modifier == 'l')
        (void)fprintf(out, c->spec, va_arg(args->list, long));
    else if (c->modifier == 'L')
        (void)fprintf(out, c->spec, va_arg(args->list, long long));
    else
        (void)fprintf(out, c->spec, va_arg(args->list, int));
}

static void put_conversion(FILE *out, cp_show *show, const struct conversion *c, struct arguments *args) {
    if (c->type == 's')
        put_string(out, show, c, va_arg(args->list, const char *));
    else if (c->type == '%')
        (void)fputc('%', out);
    else if (c->type && strchr("fFeEgG", c->type))
        (void)fprintf(out, c->spec, va_arg(args->list, double));
    else
        put_integer(out, c, args);
}
/* NOLINTEND(clang-diagnostic-format-nonliteral,bugprone-branch-clone) */

static void print(FILE *out, cp_show *show, const char *format, struct arguments *args) {
    struct conversion c;
    while (*format) {
        const size_t plain = strcspn(format, "%");
        (void)fwrite(format, 1, plain, out);
        format += plain;
        if (!*format)
            break;
        format = read_conversion(format, &c, args);
        put_conversion(out, show, &c, args);
    }
}

void cp_print(FILE *out, const char *format, ...) {
    struct arguments args;
    va_start(args.list, format);
    print(out, cp_show_line, format, &args);
    va_end(args.list);
}

void cp_print_html(FILE *out, const char *format, ...) {
    struct arguments args;
    va_start(args.list, format);
    print(out, cp_show_html, format, &args);
    va_end(args.list);
}
