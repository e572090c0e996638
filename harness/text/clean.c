/* SPDX-License-Identifier: GPL-3.0-or-later
 * ftfy's fixes in its own order, HTML and white space. Mojibake is refused, where ftfy would repair it. */
#include "text/clean.h"

#include "text/html.h"

#include <string.h>

enum { REPLACED_MAX = 3, ESCAPE = 0x1b, SHOWN_CODES = 24 };

/* Ligatures, full and half widths, curly quotes. */
struct replacement {
    uint32_t code, text[REPLACED_MAX]; /* ends with 0 where it is shorter */
};

#include "text/unicode/ftfy.h"

static bool same(struct cp_codes a, struct cp_codes b) {
    return a.count == b.count && memcmp(a.at, b.at, a.count * sizeof *a.at) == 0;
}

static struct cp_codes copy(struct cp_codes text, struct cp_arena *arena) {
    struct cp_codes own = cp_codes_alloc(text.count, arena);
    if (own.at)
        memcpy(own.at, text.at, text.count * sizeof *text.at);
    own.count = own.at ? text.count : 0;
    if (own.at)
        own.at[own.count] = 0;
    return own;
}

/* ---- ftfy ---- */

static const struct replacement *find_replacement(uint32_t code) {
    size_t low = 0, high = sizeof replacements / sizeof replacements[0];
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (replacements[middle].code == code)
            return &replacements[middle];
        if (replacements[middle].code < code)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* fix_latin_ligatures, fix_character_width and uncurl_quotes, which look at one character each. */
static struct cp_codes replace_characters(struct cp_codes text, struct cp_arena *arena) {
    struct cp_codes plain = cp_codes_alloc(REPLACED_MAX * text.count, arena);
    for (size_t i = 0; plain.at && i < text.count; i++) {
        const struct replacement *r = text.at[i] < 0x80 ? NULL : find_replacement(text.at[i]);
        if (!r)
            plain.at[plain.count++] = text.at[i];
        for (size_t k = 0; r && k < REPLACED_MAX && r->text[k]; k++)
            plain.at[plain.count++] = r->text[k];
    }
    return plain;
}

/* fix_line_breaks: \r\n, \r, line and paragraph separators. (U+0085 never comes here: it is mojibake.) */
static void fix_line_breaks(struct cp_codes *text) {
    size_t kept = 0;
    for (size_t i = 0; i < text->count; i++) {
        const uint32_t code = text->at[i];
        if (code == '\r' && i + 1 < text->count && text->at[i + 1] == '\n')
            continue;
        text->at[kept++] = code == '\r' || code == 0x2028 || code == 0x2029 ? '\n' : code;
    }
    text->count = kept;
}

static bool is_ascii_letter(uint32_t code) {
    return (code >= 'A' && code <= 'Z') || (code >= 'a' && code <= 'z');
}

/* Points of ESC [ digits and semicolons, a letter; 0: there is none. */
static size_t escape_length(struct cp_codes text, size_t at) {
    size_t end = at + 2;
    if (text.at[at] != ESCAPE || text.at[at + 1] != '[') /* a zero follows the last point */
        return 0;
    while (end < text.count && (text.at[end] == ';' || cp_unicode_is_decimal(text.at[end])))
        end++;
    return end < text.count && is_ascii_letter(text.at[end]) ? end + 1 - at : 0;
}

/* remove_terminal_escapes */
static void remove_escapes(struct cp_codes *text) {
    size_t kept = 0;
    text->at[text->count] = 0;
    for (size_t i = 0; i < text->count;) {
        const size_t length = escape_length(*text, i);
        if (!length)
            text->at[kept++] = text->at[i];
        i += length ? length : 1;
    }
    text->count = kept;
}

/* ftfy's chardata.py CONTROL_CHARS. */
static bool is_control(uint32_t code) {
    static const uint32_t ranges[][2] = {{0x00, 0x08},     {0x0b, 0x0b},     {0x0e, 0x1f},    {0x7f, 0x7f},
                                         {0x206a, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffc}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (code >= ranges[i][0] && code <= ranges[i][1])
            return true;
    return false;
}

static void remove_controls(struct cp_codes *text) {
    size_t kept = 0;
    for (size_t i = 0; i < text->count; i++)
        if (!is_control(text->at[i]))
            text->at[kept++] = text->at[i];
    text->count = kept;
}

static enum cp_status refuse_mojibake(struct cp_codes text, size_t at, struct cp_error *err) {
    char shown[SHOWN_CODES * CP_UTF8_MAX + 1];
    size_t used = 0;
    for (size_t i = at; i < text.count && i < at + SHOWN_CODES; i++)
        used += cp_codes_encode(text.at[i], (unsigned char *)shown + used);
    shown[used] = '\0';
    return cp_fail(err, CP_BAD_INPUT, "",
                   "prompt has '%s', which ftfy takes for text read in a wrong encoding and repairs", shown),
           cp_expected(err, "the text as it was meant, or token ids from a .npy file");
}

/* One round of ftfy.fix_and_explain. */
static enum cp_status fix_once(struct cp_codes *text, bool unescape, struct cp_arena *arena,
                               struct cp_error *err) {
    size_t at;
    if (unescape)
        *text = cp_html_unescape_ftfy(*text, arena);
    CP_TRY(CP_CHECK_ALLOC(text->at, err, "", "a prompt"));
    if (cp_is_mojibake(*text, &at))
        return refuse_mojibake(*text, at, err);
    *text = replace_characters(*text, arena);
    CP_TRY(CP_CHECK_ALLOC(text->at, err, "", "a prompt"));
    fix_line_breaks(text);
    remove_escapes(text);
    remove_controls(text);
    *text = cp_codes_nfc(*text, arena);
    return CP_CHECK_ALLOC(text->at, err, "", "a prompt");
}

/* Round after round until nothing changes; a round's text lives until the next but one. */
static enum cp_status fix_segment(struct cp_codes *text, bool unescape, struct cp_arena rounds[2],
                                  struct cp_error *err) {
    for (int round = 0;; round = !round) {
        struct cp_codes next = *text;
        cp_arena_reset(&rounds[round]);
        CP_TRY(fix_once(&next, unescape, &rounds[round], err));
        const bool stable = same(next, *text);
        *text = next;
        if (stable)
            return CP_OK;
    }
}

/* ftfy works on line after line; entities stand as they are from the first line that has a <. */
static enum cp_status fix_lines(struct cp_codes *text, struct cp_arena rounds[2], struct cp_arena *arena,
                                struct cp_error *err) {
    /* No point becomes more than four: three of a ligature, or those of a decomposition. */
    struct cp_codes fixed = cp_codes_alloc(4 * text->count, arena);
    bool unescape = true;
    CP_TRY(CP_CHECK_ALLOC(fixed.at, err, "", "a prompt"));
    for (size_t from = 0, to; from < text->count; from = to) {
        for (to = from; to < text->count && text->at[to] != '\n'; to++)
            unescape = unescape && text->at[to] != '<';
        to += to < text->count;
        struct cp_codes line = copy((struct cp_codes){text->at + from, to - from}, arena);
        CP_TRY(CP_CHECK_ALLOC(line.at, err, "", "a prompt"));
        CP_TRY(fix_segment(&line, unescape, rounds, err));
        memcpy(fixed.at + fixed.count, line.at, line.count * sizeof *line.at);
        fixed.count += line.count;
    }
    fixed.at[fixed.count] = 0;
    *text = fixed;
    return CP_OK;
}

enum cp_status cp_clean_ftfy(struct cp_codes *text, struct cp_arena *arena, struct cp_error *err) {
    struct cp_arena rounds[2] = {{0}};
    const enum cp_status status = fix_lines(text, rounds, arena, err);
    cp_arena_free(&rounds[0]);
    cp_arena_free(&rounds[1]);
    return status;
}

/* ---- the rest ---- */

/* str.isspace knows four separators more than regular expressions' \s. */
static bool is_python_space(uint32_t code) {
    return cp_unicode_class(code) == CP_SPACE || (code >= 0x1c && code <= 0x1f);
}

static void strip(struct cp_codes *text) {
    while (text->count > 0 && is_python_space(text->at[0])) {
        text->at++;
        text->count--;
    }
    while (text->count > 0 && is_python_space(text->at[text->count - 1]))
        text->count--;
    text->at[text->count] = 0;
}

enum cp_status cp_clean_html(struct cp_codes *text, struct cp_arena *arena, struct cp_error *err) {
    for (int times = 0; times < 2; times++) {
        bool refused;
        *text = cp_html_unescape(*text, &refused, arena);
        CP_TRY(CP_CHECK_ALLOC(text->at, err, "", "a prompt"));
        if (refused)
            return cp_fail(err, CP_BAD_INPUT, "", "prompt has an HTML number of more than %d digits",
                           CP_HTML_DIGITS_MAX),
                   cp_expected(err, "what Python's int reads");
    }
    strip(text);
    return CP_OK;
}

enum cp_status cp_clean_spaces(struct cp_codes *text, struct cp_arena *arena, struct cp_error *err) {
    struct cp_codes plain = cp_codes_alloc(text->count, arena);
    CP_TRY(CP_CHECK_ALLOC(plain.at, err, "", "a prompt"));
    for (size_t i = 0; i < text->count; i++) {
        const bool space = cp_unicode_class(text->at[i]) == CP_SPACE;
        if (!space || (plain.count > 0 && plain.at[plain.count - 1] != ' '))
            plain.at[plain.count++] = space ? ' ' : text->at[i];
    }
    if (plain.count > 0 && plain.at[plain.count - 1] == ' ')
        plain.count--;
    plain.at[plain.count] = 0;
    *text = plain;
    return CP_OK;
}
