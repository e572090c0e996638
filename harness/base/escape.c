/* SPDX-License-Identifier: GPL-3.0-or-later
 * Walks a text character by character; each syntax then replaces what it gives a meaning. */
#include "base/escape.h"

#include "base/utf8.h"

#include <ctype.h>
#include <string.h>

/* ---- characters ---- */

size_t cp_character(const char *text, unsigned *code, bool *utf8) {
    const unsigned char *c = (const unsigned char *)text;
    const bool c1 = c[0] == 0xc2 && (c[1] & 0xe0) == 0x80;
    const size_t length = c[0] < 0x80 ? 1 : c1 ? 2 : cp_utf8_length(c, strnlen(text, 4));
    *code = length < 2 ? c[0] : c[0] & (0x7fu >> length);
    *utf8 = length > 0;
    for (size_t i = 1; i < length; i++)
        *code = *code << 6 | (c[i] & 0x3fu);
    return length ? length : 1;
}

bool cp_is_hidden(unsigned code) {
    static const struct {
        unsigned first, last;
    } ranges[] = {{0x00, 0x1f},     {0x7f, 0x9f},     {0x61c, 0x61c},   {0x200e, 0x200f},
                  {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfeff, 0xfeff}, {0xfffe, 0xffff}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

bool cp_is_log_command(const char *text) {
    return strncmp(text, "##[", 3) == 0;
}

size_t cp_visible(const char *text, char shown[CP_SHOWN], bool *escaped) {
    unsigned code;
    bool utf8;
    const size_t length = cp_character(text, &code, &utf8);
    *escaped = !utf8 || cp_is_hidden(code) || cp_is_log_command(text);
    if (*escaped)
        (void)snprintf(shown, CP_SHOWN, utf8 && code >= 0x80 ? "\\u%04x" : "\\x%02x", code & 0xffff);
    else
        (void)snprintf(shown, CP_SHOWN, "%.*s", (int)length, text);
    return length;
}

/* A line's blanks are skipped before the "::", whichever of Unicode's they are. */
static bool begins_command(const char *text, const char *at) {
    const bool starts = at == text || (unsigned char)at[-1] <= ' ' || (unsigned char)at[-1] >= 0x7f;
    return starts && strncmp(at, "::", 2) == 0;
}

size_t cp_show_line(const char *text, const char *at, char shown[CP_SHOWN], bool *escaped) {
    if (!begins_command(text, at))
        return cp_visible(at, shown, escaped);
    *escaped = true;
    (void)snprintf(shown, CP_SHOWN, "\\x%02x", (unsigned)(unsigned char)*at);
    return 1;
}

/* ---- a terminal, a log ---- */

size_t cp_append_visible(char *line, size_t size, size_t used, const char *text) {
    char shown[CP_SHOWN];
    bool escaped;
    for (const char *at = text; *at;) {
        at += cp_show_line(text, at, shown, &escaped);
        if (used + strlen(shown) >= size)
            break;
        memcpy(line + used, shown, strlen(shown));
        used += strlen(shown);
    }
    line[used] = '\0';
    return used;
}

static void put(FILE *out, cp_show *show, const char *text) {
    char shown[CP_SHOWN];
    bool escaped;
    for (const char *at = text; *at;) {
        at += show(text, at, shown, &escaped);
        (void)fputs(shown, out);
    }
}

void cp_put_terminal(FILE *out, const char *text) {
    put(out, cp_show_line, text);
}

static size_t show_block(const char *text, const char *at, char shown[CP_SHOWN], bool *escaped) {
    (void)text;
    if (*at != '\n')
        return cp_visible(at, shown, escaped);
    *escaped = false;
    memcpy(shown, "\n", 2);
    return 1;
}

/* ---- files ---- */

void cp_put_csv(FILE *out, const char *text) {
    const bool quoted = strpbrk(text, ",\"\r\n") != NULL;
    char shown[CP_SHOWN];
    bool escaped;
    if (quoted)
        (void)fputc('"', out);
    if (*text && (strchr("=+-@'\t\r", *text) || strncmp(text, "::", 2) == 0))
        (void)fputc('\'', out);
    while (*text) {
        if (*text == '"')
            (void)fputc('"', out);
        text += cp_visible(text, shown, &escaped);
        (void)fputs(shown, out);
    }
    if (quoted)
        (void)fputc('"', out);
}

/* What stands for a character of HTML or XML that is markup; NULL: itself. */
static const char *entity_of(char c) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    default:
        return NULL;
    }
}

size_t cp_show_xml(const char *text, const char *at, char shown[CP_SHOWN], bool *escaped) {
    const char *entity = entity_of(*at);
    (void)text;
    if (!entity)
        return cp_visible(at, shown, escaped);
    *escaped = false; /* it is one character */
    (void)snprintf(shown, CP_SHOWN, "%s", entity);
    return 1;
}

size_t cp_show_html(const char *text, const char *at, char shown[CP_SHOWN], bool *escaped) {
    if (*at != '\n' && *at != '\t')
        return cp_show_xml(text, at, shown, escaped);
    *escaped = false;
    (void)snprintf(shown, CP_SHOWN, "%c", *at);
    return 1;
}

void cp_put_html(FILE *out, const char *text) {
    put(out, cp_show_html, text);
}

void cp_put_xml(FILE *out, const char *text) {
    put(out, cp_show_xml, text);
}

void cp_put_markdown_block(FILE *out, const char *kind, const char *text) {
    size_t longest = 3;
    for (const char *tilde = strchr(text, '~'); tilde; tilde = strchr(tilde, '~')) {
        const size_t run = strspn(tilde, "~");
        longest = run > longest ? run : longest;
        tilde += run;
    }
    for (size_t i = 0; i <= longest; i++)
        (void)fputc('~', out);
    (void)fprintf(out, "%s\n", kind);
    put(out, show_block, text);
    (void)fputc('\n', out);
    for (size_t i = 0; i <= longest; i++)
        (void)fputc('~', out);
    (void)fputc('\n', out);
}

/* An underscore inside a word is no markup; a dot is after the digits that begin a text. */
static bool is_markdown(const char *text, const char *c) {
    if (*c == '_')
        return c == text || !isalnum((unsigned char)c[-1]) || !isalnum((unsigned char)c[1]);
    if (strchr("\\`*[]<|~&$", *c))
        return true;
    if (c == text)
        return strchr("#+-=>", *c) != NULL;
    return strchr(".)", *c) && strspn(text, "0123456789") == (size_t)(c - text);
}

void cp_put_markdown(FILE *out, const char *text) {
    char shown[CP_SHOWN];
    bool escaped;
    for (const char *c = text; *c;) {
        const char first = *c;
        if (is_markdown(text, c))
            (void)fputc('\\', out);
        c += cp_visible(c, shown, &escaped);
        if (strchr("\t\r\n", first))
            (void)fputc(' ', out);
        else
            (void)fprintf(out, escaped ? "\\%s" : "%s", shown);
    }
}

/* ---- commands ---- */

static bool is_shown_whole(const char *text) {
    char shown[CP_SHOWN];
    for (bool escaped; *text;) {
        text += cp_visible(text, shown, &escaped);
        if (escaped)
            return false;
    }
    return true;
}

static void put_bash(FILE *out, const char *text) {
    (void)fputs("$'", out);
    for (; *text; text++)
        if (*text == '\'' || *text == '\\')
            (void)fprintf(out, "\\%c", *text);
        else if (*text >= ' ' && *text <= '~')
            (void)fputc(*text, out);
        else
            (void)fprintf(out, "\\x%02x", (unsigned)(unsigned char)*text);
    (void)fputc('\'', out);
}

void cp_put_shell(FILE *out, const char *text) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    if (!is_shown_whole(text)) {
        put_bash(out, text);
        return;
    }
    if (*text && strspn(text, plain) == strlen(text)) {
        (void)fputs(text, out);
        return;
    }
    (void)fputc('\'', out);
    for (; *text; text++)
        if (*text == '\'')
            (void)fputs("'\\''", out);
        else
            (void)fputc(*text, out);
    (void)fputc('\'', out);
}

/* actions/toolkit, core/src/command.ts: a property also ends at ':' and ','. */
void cp_put_github(FILE *out, const char *text, bool property) {
    char shown[CP_SHOWN];
    bool escaped;
    while (*text) {
        const char first = *text;
        text += cp_visible(text, shown, &escaped);
        if (strchr("%\r\n", first) || (property && strchr(":,", first)))
            (void)fprintf(out, "%%%02X", (unsigned)(unsigned char)first);
        else
            (void)fputs(shown, out);
    }
}
