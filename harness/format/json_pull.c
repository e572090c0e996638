/* SPDX-License-Identifier: GPL-3.0-or-later
 * A cursor into the text, and functions that consume what they expect there or note where they failed. */
#include "format/json_pull.h"

#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

static bool fail(struct cp_json_reader *json, size_t at, const char *expected) {
    json->at = at;
    json->expected = expected;
    return false;
}

static int peek(const struct cp_json_reader *json) {
    return json->at < json->size ? json->text[json->at] : -1;
}

static int skip_blanks(struct cp_json_reader *json) {
    int next = peek(json);
    for (; next == ' ' || next == '\t' || next == '\n' || next == '\r'; next = peek(json))
        json->at++;
    return next;
}

bool cp_json_expect(struct cp_json_reader *json, char token) {
    static const char *const names[][2] = {{"{", "'{'"}, {"}", "'}'"}, {"[", "'['"},
                                           {"]", "']'"}, {":", "':'"}, {",", "','"}};
    if (skip_blanks(json) == token) {
        json->at++;
        return true;
    }
    size_t i = 0;
    while (names[i][0][0] != token)
        i++;
    return fail(json, json->at, names[i][1]);
}

bool cp_json_more(struct cp_json_reader *json, char end, bool *first) {
    if (json->expected)
        return false;
    const int next = skip_blanks(json);
    if (next == end) {
        json->at++;
        return false;
    }
    if (!*first && next != ',')
        return fail(json, json->at, end == '}' ? "',' or '}'" : "',' or ']'");
    json->at += *first ? 0 : 1;
    *first = false;
    return true;
}

/* The four hexadecimal digits of \uXXXX; 0x10000 if they are not there. */
static unsigned read_hex(struct cp_json_reader *json) {
    unsigned code = 0;
    for (int i = 0; i < 4; i++, json->at++) {
        const int next = peek(json);
        if (next >= '0' && next <= '9')
            code = code << 4 | (unsigned)(next - '0');
        else if ((next | 0x20) >= 'a' && (next | 0x20) <= 'f')
            code = code << 4 | (unsigned)((next | 0x20) - 'a' + 10);
        else
            return 0x10000;
    }
    return code;
}

static size_t encode(unsigned code, char utf8[4]) {
    if (code < 0x80) {
        utf8[0] = (char)code;
        return 1;
    }
    const size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, code >>= 6)
        utf8[i] = (char)(0x80 | (code & 0x3f));
    utf8[0] = (char)(0xf00u >> length | code);
    return length;
}

/* An escape, from its backslash; its bytes as UTF-8, 0 after a failure. */
static size_t read_escape(struct cp_json_reader *json, char utf8[4]) {
    static const char meanings[0x80] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                        ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};
    const size_t start = json->at++;
    const int letter = peek(json);
    json->at++;
    if (letter > 0 && letter < 0x80 && meanings[letter]) {
        utf8[0] = meanings[letter];
        return 1;
    }
    unsigned code = letter == 'u' ? read_hex(json) : 0x10000;
    if (code >= 0xd800 && code < 0xdc00) { /* the first half of a pair */
        const bool paired = json->size - json->at >= 6 && memcmp(json->text + json->at, "\\u", 2) == 0;
        json->at += paired ? 2 : 0;
        const unsigned low = paired ? read_hex(json) : 0;
        code = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00)) : 0xdc00;
        if (code >= 0x10000)
            return encode(code, utf8);
    }
    if (code >= 0x10000 || (code >= 0xd800 && code < 0xe000)) {
        (void)fail(json, start, "an escape of JSON, surrogates in pairs");
        return 0;
    }
    return encode(code, utf8);
}

/* One character of a string as it stands: its bytes, 0 after a failure. JSON allows the control characters
 * from 0x7f to 0x9f, which cp_utf8_length does not. */
static size_t read_plain(struct cp_json_reader *json, char utf8[4]) {
    const unsigned char *text = json->text + json->at;
    const size_t remaining = json->size - json->at;
    size_t length = text[0] == 0x7f ? 1 : cp_utf8_length(text, remaining);
    if (text[0] == 0xc2 && remaining >= 2 && (text[1] & 0xe0) == 0x80)
        length = 2;
    if (text[0] < 0x20 || length == 0) {
        (void)fail(json, json->at, text[0] < 0x20 ? "no control character in a string" : "UTF-8");
        return 0;
    }
    memcpy(utf8, text, length);
    json->at += length;
    return length;
}

/* Bytes from here on that need no second look: printable ASCII but '"' and '\\'. Eight at a time: a header
 * may have 100 MB of them. */
static size_t plain_run(const struct cp_json_reader *json) {
    static const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
    size_t at = json->at;
    for (uint64_t word; json->size - at >= sizeof word; at += sizeof word) {
        memcpy(&word, json->text + at, sizeof word);
        const uint64_t quote = word ^ ones * '"', slash = word ^ ones * '\\', del = word ^ ones * 0x7f;
        /* A byte's top bit stays or becomes 1 where it is below ' ', above 0x7e, or one of the two. */
        if ((word | (word - ones * ' ') | (quote - ones) | (slash - ones) | (del - ones)) & tops)
            break;
    }
    while (at < json->size && json->text[at] >= ' ' && json->text[at] < 0x7f && json->text[at] != '"' &&
           json->text[at] != '\\')
        at++;
    return at - json->at;
}

static void put(char *text, size_t size, size_t *length, const void *bytes, size_t count) {
    if (*length < size)
        memcpy(text + *length, bytes, count < size - *length ? count : size - *length);
    *length += count;
}

bool cp_json_string(struct cp_json_reader *json, char *text, size_t size, size_t *length) {
    if (skip_blanks(json) != '"')
        return fail(json, json->at, "a string");
    *length = 0;
    for (json->at++;;) {
        const size_t run = plain_run(json);
        if (run > 0)
            put(text, size, length, json->text + json->at, run);
        json->at += run;
        if (json->at >= json->size)
            return fail(json, json->at, "'\"'");
        if (peek(json) == '"')
            break;
        char utf8[4];
        const size_t bytes = peek(json) == '\\' ? read_escape(json, utf8) : read_plain(json, utf8);
        if (bytes == 0)
            return false;
        for (size_t i = 0; i < bytes; i++, ++*length) /* few: no call for them */
            if (*length < size)
                text[*length] = utf8[i];
    }
    json->at++;
    return true;
}

bool cp_json_whole(struct cp_json_reader *json, size_t *value) {
    static const char expected[] = "a whole number from 0 to 2^64 - 1";
    (void)skip_blanks(json);
    const size_t start = json->at;
    *value = 0;
    for (int next = peek(json); next >= '0' && next <= '9'; next = peek(json)) {
        if (json->at == start + 1 && json->text[start] == '0') /* JSON has no leading zeros */
            return fail(json, json->at, expected);
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, (size_t)(next - '0'), value))
            return fail(json, start, expected);
        json->at++;
    }
    const int next = peek(json);
    if (json->at == start || next == '.' || next == 'e' || next == 'E')
        return fail(json, json->at, expected);
    return true;
}

static size_t skip_digits(struct cp_json_reader *json) {
    const size_t start = json->at;
    while (peek(json) >= '0' && peek(json) <= '9')
        json->at++;
    return json->at - start;
}

static bool skip_number(struct cp_json_reader *json) {
    json->at += peek(json) == '-' ? 1 : 0;
    bool right = skip_digits(json) > 0;
    if (right && peek(json) == '.') {
        json->at++;
        right = skip_digits(json) > 0;
    }
    if (right && (peek(json) == 'e' || peek(json) == 'E')) {
        json->at++;
        json->at += peek(json) == '-' || peek(json) == '+' ? 1 : 0;
        right = skip_digits(json) > 0;
    }
    return right || fail(json, json->at, "a value");
}

static bool skip_scalar(struct cp_json_reader *json) {
    static const char *const words[] = {"true", "false", "null"};
    size_t length;
    if (skip_blanks(json) == '"')
        return cp_json_string(json, NULL, 0, &length);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (json->size - json->at >= strlen(words[i]) &&
            memcmp(json->text + json->at, words[i], strlen(words[i])) == 0) {
            json->at += strlen(words[i]);
            return true;
        }
    return skip_number(json);
}

/* Reads the ends that stand here, then the name and the colon of an object's next value. */
static bool skip_between(struct cp_json_reader *json, const char *ends, bool *first, size_t *depth) {
    size_t length;
    while (*depth && !cp_json_more(json, ends[*depth - 1], &first[*depth - 1])) {
        if (json->expected)
            return false;
        --*depth;
    }
    if (*depth == 0 || ends[*depth - 1] == ']')
        return true;
    return cp_json_string(json, NULL, 0, &length) && cp_json_expect(json, ':');
}

bool cp_json_skip(struct cp_json_reader *json) {
    enum { DEPTH = 64 };
    char ends[DEPTH];
    bool first[DEPTH];
    size_t depth = 0;
    do {
        const int next = skip_blanks(json);
        if (next == '{' || next == '[') {
            if (depth == DEPTH)
                return fail(json, json->at, "at most 64 lists and objects in each other");
            ends[depth] = next == '{' ? '}' : ']';
            first[depth++] = true;
            json->at++;
        } else if (!skip_scalar(json)) {
            return false;
        }
        if (!skip_between(json, ends, first, &depth))
            return false;
    } while (depth);
    return true;
}

bool cp_json_end(struct cp_json_reader *json) {
    return skip_blanks(json) < 0 || fail(json, json->at, "nothing but blanks");
}
