/* SPDX-License-Identifier: GPL-3.0-or-later
 * What opcodes work with: errors, values, the pickle's bytes, the stack and the marks on it. */
#include "checkpoint/pickle_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void cp_pickle_place(const struct cp_pickle *m) {
    (void)snprintf(m->err->where, sizeof m->err->where, "%.450s, byte %zu", m->where, m->start);
}

enum cp_status cp_pickle_bad(const struct cp_pickle *m, const char *expected, const char *format, ...) {
    char what[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    (void)cp_fail(m->err, CP_BAD_INPUT, "", "%s", what);
    cp_pickle_place(m);
    (void)cp_expected(m->err, "%s", expected);
    return CP_BAD_INPUT;
}

bool cp_pickle_is_text(const struct cp_pickle_value *value, const char *text) {
    return value->kind == CP_PICKLE_TEXT && value->length == strlen(text) &&
           memcmp(value->text, text, value->length) == 0;
}

enum cp_status cp_pickle_make(struct cp_pickle *m, enum cp_pickle_kind kind, struct cp_pickle_value **value) {
    if (++m->values > CP_PICKLE_VALUES) {
        (void)cp_pickle_bad(m, "at most 1,048,576", "too many values");
        return CP_BAD_INPUT;
    }
    CP_TRY(CP_ARENA_CALLOC(m->arena, *value, 1, m->err, m->where, "the checkpoint"));
    (*value)->kind = kind;
    (*value)->at = m->start;
    return CP_OK;
}

/* ---- the pickle's bytes ---- */

enum cp_status cp_pickle_take(struct cp_pickle *m, size_t count, const unsigned char **bytes) {
    const size_t end = m->frame_end ? m->frame_end : m->size;
    if (count > end - m->at) {
        (void)cp_pickle_bad(m, m->frame_end ? "all of it in its frame" : "all of it in the pickle",
                            "an opcode of %zu more bytes where %zu are left", count, end - m->at);
        return CP_BAD_INPUT;
    }
    *bytes = m->bytes + m->at;
    m->at += count;
    return CP_OK;
}

/* A little-endian number of count <= 8 bytes. */
enum cp_status cp_pickle_take_size(struct cp_pickle *m, size_t count, size_t *number) {
    const unsigned char *bytes = NULL;
    CP_TRY(cp_pickle_take(m, count, &bytes));
    *number = 0;
    for (size_t i = count; i > 0; i--)
        *number = *number << 8 | bytes[i - 1];
    return CP_OK;
}

/* Up to a line feed, which is taken too. */
enum cp_status cp_pickle_take_line(struct cp_pickle *m, struct cp_pickle_value *text) {
    const size_t end = m->frame_end ? m->frame_end : m->size;
    const unsigned char *start = m->bytes + m->at, *feed = memchr(start, '\n', end - m->at);
    if (!feed)
        return cp_pickle_bad(m, "a line feed", "a line without an end");
    text->text = (const char *)start;
    text->length = (size_t)(feed - start);
    m->at += text->length + 1;
    return CP_OK;
}

/* ---- the stack ---- */

enum cp_status cp_pickle_push(struct cp_pickle *m, struct cp_pickle_value *value) {
    m->stack[m->depth++] = value;
    return CP_OK;
}

enum cp_status cp_pickle_top(struct cp_pickle *m, struct cp_pickle_value **value) {
    const size_t floor = m->mark_count ? m->marks[m->mark_count - 1] : 0;
    if (m->depth == floor) {
        (void)cp_pickle_bad(m, "a value", m->mark_count ? "found a MARK on the stack" : "stack underflow");
        return CP_BAD_INPUT;
    }
    *value = m->stack[m->depth - 1];
    return CP_OK;
}

enum cp_status cp_pickle_pop(struct cp_pickle *m, struct cp_pickle_value **value) {
    CP_TRY(cp_pickle_top(m, value));
    m->depth--;
    return CP_OK;
}

/* Takes the topmost mark and what is above it, which stays readable until the next push. */
enum cp_status cp_pickle_pop_mark(struct cp_pickle *m, struct cp_pickle_value ***items, size_t *count) {
    if (m->mark_count == 0)
        return cp_pickle_bad(m, "a MARK before it", "no MARK on the stack");
    const size_t base = m->marks[--m->mark_count];
    *items = m->stack + base;
    *count = m->depth - base;
    m->depth = base;
    return CP_OK;
}
