/* SPDX-License-Identifier: GPL-3.0-or-later
 * Nodes as strings, numbers, booleans and choices, with errors at line and column; mappings by key. */
#include "format/yaml.h"

#include "base/nearest.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- errors ---- */

void cp_mark_text(const struct cp_mark *mark, char *text, size_t size) {
    if (mark->line > 0)
        (void)snprintf(text, size, "%s:%d:%d", mark->source, mark->line, mark->column);
    else
        (void)snprintf(text, size, "%s", mark->source);
}

enum cp_status cp_mark_within(const struct cp_mark *mark, struct cp_error *err) {
    char where[sizeof err->where];
    cp_mark_text(mark, where, sizeof where);
    cp_error_within(err, where);
    return err->status;
}

enum cp_status cp_mark_fail(const struct cp_mark *mark, struct cp_error *err, const char *format, ...) {
    char what[sizeof err->what], where[sizeof err->where];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    cp_mark_text(mark, where, sizeof where);
    return cp_fail(err, CP_BAD_INPUT, where, "%s", what);
}

enum cp_status cp_yaml_fail(const struct cp_yaml *node, const char *key, const char *problem,
                            struct cp_error *err) {
    enum { SHOWN = 60 };
    if (cp_yaml_is_null(node))
        return cp_mark_fail(&node->mark, err, "%s: no value", key);
    if (node->kind != CP_YAML_SCALAR)
        return cp_mark_fail(&node->mark, err, "%s: a %s %s", key,
                            node->kind == CP_YAML_SEQUENCE ? "list" : "mapping", problem);
    const char quote = node->plain ? '\'' : '"';
    int shown = (int)strnlen(node->text, SHOWN + 1);
    if (shown <= SHOWN)
        return cp_mark_fail(&node->mark, err, "%s: %c%s%c %s", key, quote, node->text, quote, problem);
    while ((node->text[shown] & 0xc0) == 0x80)
        shown--; /* not inside a character */
    return cp_mark_fail(&node->mark, err, "%s: %c%.*s...%c %s", key, quote, shown, node->text, quote,
                        problem);
}

/* ---- mappings ---- */

struct cp_yaml *cp_yaml_mapping(struct cp_arena *arena, struct cp_mark mark) {
    struct cp_yaml *node = cp_arena_calloc(arena, 1, sizeof *node);
    if (node) {
        node->kind = CP_YAML_MAPPING;
        node->mark = mark;
    }
    return node;
}

const struct cp_yaml_entry *cp_yaml_entry(const struct cp_yaml *mapping, const char *key) {
    for (size_t i = 0; i < mapping->count; i++)
        if (strcmp(mapping->entries[i].key, key) == 0)
            return &mapping->entries[i];
    return NULL;
}

struct cp_yaml *cp_yaml_get(const struct cp_yaml *mapping, const char *key) {
    const struct cp_yaml_entry *entry = cp_yaml_entry(mapping, key);
    return entry ? entry->value : NULL;
}

enum cp_status cp_yaml_set(struct cp_arena *arena, struct cp_yaml *mapping, const struct cp_yaml_entry *entry,
                           bool last, struct cp_error *err) {
    const struct cp_yaml_entry *old = cp_yaml_entry(mapping, entry->key);
    struct cp_yaml_entry *entries = cp_arena_alloc(arena, mapping->count + 1, sizeof *entries);
    size_t count = 0;
    CP_TRY(CP_CHECK_ALLOC(entries, err, entry->mark.source, "a mapping"));
    if (!old && mapping->count == CP_YAML_KEYS)
        return cp_mark_fail(&entry->mark, err, "more than %d keys in one mapping", CP_YAML_KEYS);
    for (size_t i = 0; i < mapping->count; i++) {
        if (&mapping->entries[i] != old)
            entries[count++] = mapping->entries[i];
        else if (!last)
            entries[count++] = *entry;
    }
    if (!old || last)
        entries[count++] = *entry;
    mapping->entries = entries;
    mapping->count = count;
    return CP_OK;
}

enum cp_status cp_yaml_keys(const struct cp_yaml *node, const char *key, const char *const *names,
                            struct cp_error *err) {
    if (node->kind != CP_YAML_MAPPING)
        return cp_yaml_fail(node, key, "is not a mapping", err), cp_expected(err, "KEY: VALUE, ...");
    for (size_t i = 0; names && i < node->count; i++) {
        const struct cp_yaml_entry *entry = &node->entries[i];
        size_t known = 0;
        while (names[known] && strcmp(names[known], entry->key) != 0)
            known++;
        if (!names[known])
            return cp_mark_fail(&entry->mark, err, "unknown key '%.100s' in %s", entry->key, key),
                   cp_expect_one_of(err, entry->key, names);
    }
    return CP_OK;
}

/* ---- scalars ---- */

bool cp_yaml_is_null(const struct cp_yaml *node) {
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    if (node->kind != CP_YAML_SCALAR || !node->plain)
        return false;
    for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++)
        if (strcmp(node->text, nulls[i]) == 0)
            return true;
    return false;
}

static bool has_text(const struct cp_yaml *node) {
    return node->kind == CP_YAML_SCALAR && !cp_yaml_is_null(node);
}

/* Written without quotes: what is quoted is text, not a number or a boolean. */
static bool is_bare(const struct cp_yaml *node) {
    return has_text(node) && node->plain;
}

enum cp_status cp_yaml_string(const struct cp_yaml *node, const char *key, const char **value,
                              struct cp_error *err) {
    if (!has_text(node))
        return cp_yaml_fail(node, key, "is not text", err), cp_expected(err, "text");
    *value = node->text;
    return CP_OK;
}

enum cp_status cp_yaml_integer(const struct cp_yaml *node, const char *key, int64_t min, int64_t max,
                               int64_t *value, struct cp_error *err) {
    const char *digits = is_bare(node) ? node->text + (node->text[0] == '-') : "";
    const bool decimal = digits[0] != '\0' && digits[strspn(digits, "0123456789")] == '\0';
    errno = 0;
    const long long read = decimal ? strtoll(node->text, NULL, 10) : 0;
    if (!decimal || errno == ERANGE || read < min || read > max)
        return cp_yaml_fail(node, key, decimal ? "is out of range" : "is not an integer", err),
               cp_expected(err,
                           max == INT64_MAX ? "an integer, at least %lld" : "an integer from %lld to %lld",
                           (long long)min, (long long)max);
    *value = read;
    return CP_OK;
}

/* Digits with at most one point among or around them, then an optional exponent; strtod alone takes
 * hexadecimal, inf and nan too. */
static bool is_decimal(const char *text) {
    text += *text == '-' || *text == '+';
    const size_t whole = strspn(text, "0123456789");
    text += whole;
    size_t fraction = 0;
    if (*text == '.') {
        fraction = strspn(++text, "0123456789");
        text += fraction;
    }
    if (whole + fraction == 0)
        return false;
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '-' || *text == '+';
        if (!*text)
            return false;
        text += strspn(text, "0123456789");
    }
    return *text == '\0';
}

enum cp_status cp_yaml_number(const struct cp_yaml *node, const char *key, double *value,
                              struct cp_error *err) {
    const double read = is_bare(node) && is_decimal(node->text) ? strtod(node->text, NULL) : (double)NAN;
    if (!isfinite(read))
        return cp_yaml_fail(node, key, "is not a number", err), cp_expected(err, "a finite decimal number");
    *value = read;
    return CP_OK;
}

enum cp_status cp_yaml_boolean(const struct cp_yaml *node, const char *key, bool *value,
                               struct cp_error *err) {
    static const char *const words[] = {"off", "on", "false", "true", "no", "yes", NULL};
    int index = 0;
    if (!is_bare(node))
        return cp_yaml_fail(node, key, "is not a boolean", err), cp_expected(err, "on or off");
    CP_TRY(cp_yaml_choice(node, key, words, &index, err));
    *value = index % 2 == 1;
    return CP_OK;
}

enum cp_status cp_yaml_choice(const struct cp_yaml *node, const char *key, const char *const *names,
                              int *index, struct cp_error *err) {
    for (int i = 0; has_text(node) && names[i]; i++) {
        if (strcmp(names[i], node->text) == 0) {
            *index = i;
            return CP_OK;
        }
    }
    return cp_yaml_fail(node, key, "is not allowed", err),
           cp_expect_one_of(err, has_text(node) ? node->text : "", names);
}
