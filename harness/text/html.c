/* SPDX-License-Identifier: GPL-3.0-or-later
 * Looks names and numbers up in generated tables, and follows each library in where one ends. */
#include "text/html.h"

#include <string.h>

enum { VALUE_MAX = 3, NAME_MAX_CODES = 32, FTFY_NAME_MAX = 24, REPLACEMENT = 0xfffd, CODE_END = 0x110000 };

struct html_name {
    const char *name; /* with its semicolon, where it needs one */
    uint32_t value[VALUE_MAX];
    bool ftfy; /* one of its own: Python does not know it */
};
struct html_number {
    uint32_t number, code;
};
struct html_range {
    uint32_t first, last;
};

#include "text/unicode/html.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

/* As strcmp, of code points. */
static int compare(const uint32_t *codes, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (codes[i] != (unsigned char)name[i])
            return codes[i] < (unsigned char)name[i] ? -1 : 1;
    return name[count] ? -1 : 0;
}

static const struct html_name *find_name(const uint32_t *codes, size_t count) {
    size_t low = 0, high = COUNT(html_names);
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = compare(codes, count, html_names[middle].name);
        if (order == 0)
            return &html_names[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static void append(struct cp_codes *text, const uint32_t *codes, size_t count) {
    memcpy(text->at + text->count, codes, count * sizeof *codes);
    text->count += count;
}

static void append_value(struct cp_codes *text, const struct html_name *name) {
    for (size_t i = 0; i < VALUE_MAX && name->value[i]; i++)
        text->at[text->count++] = name->value[i];
}

static unsigned digit(uint32_t code) {
    if (code >= '0' && code <= '9')
        return code - '0';
    if ((code | 0x20) >= 'a' && (code | 0x20) <= 'f' && code < 0x80)
        return (code | 0x20) - 'a' + 10;
    return 16;
}

/* What a number stands for: one code, or none. */
static void append_number(struct cp_codes *text, uint32_t number) {
    for (size_t i = 0; i < COUNT(html_numbers); i++)
        if (html_numbers[i].number == number) {
            text->at[text->count++] = html_numbers[i].code;
            return;
        }
    for (size_t i = 0; i < COUNT(html_dropped); i++)
        if (number >= html_dropped[i].first && number <= html_dropped[i].last)
            return;
    text->at[text->count++] =
        number >= CODE_END || (number >= 0xd800 && number < 0xe000) ? REPLACEMENT : number;
}

/* at: behind "&#". The codes of a number with its semicolon, 0 if there is none. A zero follows the text. */
static size_t read_number(const uint32_t *at, uint32_t *number, size_t *digits) {
    const unsigned base = at[0] == 'x' || at[0] == 'X' ? 16 : 10;
    const size_t first = base == 16;
    size_t i = first;
    for (*number = 0; digit(at[i]) < base; i++)
        if (*number < CODE_END)
            *number = *number * base + digit(at[i]);
    *digits = base == 10 ? i - first : 0;
    if (i == first)
        return 0;
    return at[i] == ';' ? i + 1 : i;
}

/* at: behind an &. The codes of what the standard takes for a name, its semicolon too. */
static size_t name_length(const uint32_t *at) {
    size_t count = 0;
    while (count < NAME_MAX_CODES && at[count] &&
           !(at[count] < 0x80 && strchr("\t\n\f <&#;", (int)at[count])))
        count++;
    return count && at[count] == ';' ? count + 1 : count;
}

/* The name itself, or the longest one that it begins with. */
static void append_named(struct cp_codes *text, const uint32_t *at, size_t length) {
    for (size_t count = length; count > 0; count--) {
        const struct html_name *name = count == length || count > 1 ? find_name(at, count) : NULL;
        if (!name || name->ftfy)
            continue;
        append_value(text, name);
        append(text, at + count, length - count);
        return;
    }
    text->at[text->count++] = '&';
    append(text, at, length);
}

struct cp_codes cp_html_unescape(struct cp_codes text, bool *refused, struct cp_arena *arena) {
    struct cp_codes plain = cp_codes_alloc(text.count, arena);
    *refused = false;
    for (size_t i = 0; plain.at && i < text.count && !*refused;) {
        const uint32_t *at = &text.at[i + 1];
        uint32_t number;
        size_t digits = 0, length = 0;
        if (text.at[i] != '&') {
            plain.at[plain.count++] = text.at[i++];
            continue;
        }
        if (at[0] == '#' && (length = read_number(at + 1, &number, &digits)) > 0) {
            append_number(&plain, number);
            length++;
        } else if ((length = name_length(at)) > 0) {
            append_named(&plain, at, length);
        } else {
            plain.at[plain.count++] = '&';
        }
        *refused = digits > CP_HTML_DIGITS_MAX;
        i += 1 + length;
    }
    if (plain.at)
        plain.at[plain.count] = 0;
    return plain;
}

static bool is_alphanumeric(uint32_t code) {
    return (code >= '0' && code <= '9') || (code >= 'A' && code <= 'Z') || (code >= 'a' && code <= 'z');
}

/* at: behind an &. The codes of #?[0-9A-Za-z]{1,24}; or 0. */
static size_t ftfy_length(const uint32_t *at) {
    const size_t first = at[0] == '#';
    size_t count = first;
    while (count - first < FTFY_NAME_MAX && is_alphanumeric(at[count]))
        count++;
    return count > first && at[count] == ';' ? count + 1 : 0;
}

/* A number is replaced where all of it is read and none of it gives a semicolon. */
static bool append_ftfy(struct cp_codes *text, const uint32_t *at, size_t length) {
    uint32_t number;
    size_t digits;
    if (at[0] == '#') {
        if (read_number(at + 1, &number, &digits) != length - 1 || number == ';')
            return false;
        append_number(text, number);
        return true;
    }
    const struct html_name *name = find_name(at, length);
    if (name)
        append_value(text, name);
    return name != NULL;
}

struct cp_codes cp_html_unescape_ftfy(struct cp_codes text, struct cp_arena *arena) {
    struct cp_codes plain = cp_codes_alloc(text.count, arena);
    for (size_t i = 0; plain.at && i < text.count;) {
        const size_t length = text.at[i] == '&' ? ftfy_length(&text.at[i + 1]) : 0;
        if (length && append_ftfy(&plain, &text.at[i + 1], length)) {
            i += 1 + length;
            continue;
        }
        plain.at[plain.count++] = text.at[i++];
    }
    if (plain.at)
        plain.at[plain.count] = 0;
    return plain;
}
