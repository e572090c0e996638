/* SPDX-License-Identifier: GPL-3.0-or-later
 * Finds out what the terminal can show, and fits text to its columns. */
#include "report/term/term.h"

#include "base/escape.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

static enum cp_screen_ink_when ink_when;

void cp_screen_ink_when(enum cp_screen_ink_when when) {
    ink_when = when;
}

static bool is_coloured(bool terminal) {
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    if (ink_when != CP_SCREEN_INK_AUTO)
        return ink_when == CP_SCREEN_INK_ALWAYS;
    return terminal && !(no_color && no_color[0]) && term && term[0] && strcmp(term, "dumb") != 0;
}

struct cp_screen cp_screen_of(FILE *out) {
    const bool terminal = isatty(fileno(out)) == 1;
    struct cp_screen screen = {.out = out, .width = CP_SCREEN_MOST};
    struct winsize size;
    if (terminal && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 &&
        size.ws_col < CP_SCREEN_MOST)
        screen.width = size.ws_col < CP_SCREEN_LEAST ? CP_SCREEN_LEAST : size.ws_col;
    screen.colour = is_coloured(terminal);
    screen.unicode = setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    return screen;
}

void cp_screen_ink(const struct cp_screen *s, enum cp_ink ink) {
    static const char *const codes[CP_INK_INKS] = {"0", "1", "2", "31", "33", "32"};
    if (s->colour)
        (void)fprintf(s->out, "\033[%sm", codes[ink]);
}

/* One character of a text: its bytes, its columns, and what is shown for it. */
struct character {
    size_t bytes, columns;
    char shown[CP_SHOWN];
};

/* What the locale has no character for is a question mark. */
static struct character next_character(const struct cp_screen *s, const char *text, const char *at) {
    struct character c;
    mbstate_t state = {0};
    wchar_t wide;
    bool escaped;
    c.bytes = cp_show_line(text, at, c.shown, &escaped);
    c.columns = strlen(c.shown);
    if (escaped || (unsigned char)*at < 0x80)
        return c;
    const bool known = s->unicode && mbrtowc(&wide, at, c.bytes, &state) == c.bytes;
    const int columns = known ? wcwidth(wide) : -1;
    c.columns = columns < 0 ? 1 : (size_t)columns;
    if (columns < 0)
        memcpy(c.shown, "?", 2);
    return c;
}

static size_t columns_of(const struct cp_screen *s, const char *text, const char *end) {
    size_t columns = 0;
    struct character c;
    for (const char *at = text; at < end; at += c.bytes) {
        c = next_character(s, text, at);
        columns += c.columns;
    }
    return columns;
}

/* As much of a text as fits; the columns it took. */
static size_t put_fitting(const struct cp_screen *s, const char *text, const char *end, size_t columns) {
    size_t used = 0;
    struct character c;
    for (const char *at = text; at < end; at += c.bytes) {
        c = next_character(s, text, at);
        if (used + c.columns > columns)
            break;
        (void)fputs(c.shown, s->out);
        used += c.columns;
    }
    return used;
}

void cp_screen_cell(const struct cp_screen *s, const char *text, size_t columns) {
    const size_t used = put_fitting(s, text, text + strlen(text), columns);
    (void)fprintf(s->out, "%*s", (int)(columns - used), "");
}

/* Returns the columns it took. */
static size_t put_short(const struct cp_screen *s, const char *text, size_t columns) {
    const char *end = text + strlen(text);
    if (columns_of(s, text, end) <= columns)
        return put_fitting(s, text, end, columns);
    const size_t used = put_fitting(s, text, end, columns - 3);
    (void)fputs("...", s->out);
    return used + 3;
}

void cp_screen_short(const struct cp_screen *s, const char *text, size_t columns) {
    const size_t used = put_short(s, text, columns);
    (void)fprintf(s->out, "%*s", (int)(columns - used), "");
}

void cp_screen_end(const struct cp_screen *s, const char *text, size_t used) {
    (void)put_short(s, text, s->width - used);
    (void)fputc('\n', s->out);
}

/* The end of a word; "95 %" is one. */
static const char *word_end(const char *text) {
    const char *end = text + strcspn(text, " \n");
    while (end > text && end[0] == ' ' && end[1] == '%')
        end += 1 + strcspn(end + 1, " \n");
    return end;
}

void cp_screen_wrap(const struct cp_screen *s, const char *text, size_t indent) {
    size_t used = s->width; /* so that the first word begins a line */
    bool begun = false;
    while (*text) {
        text += strspn(text, " \n");
        const char *end = word_end(text);
        const size_t columns = columns_of(s, text, end);
        if (end == text)
            break;
        if (used + 1 + columns > s->width) {
            (void)fprintf(s->out, "%s%*s", begun ? "\n" : "", (int)indent, "");
            used = indent;
        } else {
            (void)fputc(' ', s->out);
            used++;
        }
        used += put_fitting(s, text, end, s->width - used);
        begun = true;
        text = end;
    }
    (void)fputc('\n', s->out);
}

void cp_screen_bar(const struct cp_screen *s, int level) {
    static const char *const blocks[] = {" ",      "\u2581", "\u2582", "\u2583", "\u2584",
                                         "\u2585", "\u2586", "\u2587", "\u2588"};
    static const char plain[] = " .:-=+*#@";
    if (level > 8)
        (void)fputc('!', s->out);
    else if (s->unicode)
        (void)fputs(blocks[level < 0 ? 0 : level], s->out);
    else
        (void)fputc(plain[level < 0 ? 0 : level], s->out);
}

void cp_screen_shade(const struct cp_screen *s, int level) {
    static const char *const blocks[] = {"\u00b7", "\u2591", "\u2592", "\u2593", "\u2588"};
    static const char plain[] = ".:+*#";
    if (level < 0)
        (void)fputc(' ', s->out);
    else if (level > 4)
        (void)fputc('!', s->out);
    else if (s->unicode)
        (void)fputs(blocks[level], s->out);
    else
        (void)fputc(plain[level], s->out);
}
