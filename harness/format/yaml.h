/* SPDX-License-Identifier: GPL-3.0-or-later
 * YAML 1.2 files as a plain tree in which every node and key knows where it was written.
 *
 * Only what a file for people needs: one document, UTF-8, scalars, sequences, mappings with scalar keys.
 * Refused, each with its line and column: duplicate keys, tags, anchors and aliases (so no file expands when
 * read, and each value has one place), more than CP_YAML_DEPTH levels, CP_YAML_KEYS keys in a mapping or
 * CP_YAML_BYTES bytes. Scalars stay text until a reader asks for a type. */
#ifndef CP_FORMAT_YAML_H
#define CP_FORMAT_YAML_H

#include "base/arena.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { CP_YAML_DEPTH = 32, CP_YAML_KEYS = 1024, CP_YAML_BYTES = 1 << 20 };

/* Where something was written. */
struct cp_mark {
    const char *source; /* a file's path, or another origin such as "command line: threads=1" */
    int line, column;   /* from 1, columns in characters; line 0: the source has no lines */
};

enum cp_yaml_kind { CP_YAML_SCALAR, CP_YAML_SEQUENCE, CP_YAML_MAPPING };

struct cp_yaml {
    enum cp_yaml_kind kind;
    struct cp_mark mark;
    const char *text; /* scalar: valid UTF-8 without NUL */
    bool plain;       /* scalar: written without quotes, so it may be a number, a boolean or null */
    size_t count;     /* sequence, mapping: entries, in the file's order */
    struct cp_yaml_entry *entries; /* (count) */
};

struct cp_yaml_entry {
    const char *key; /* NULL in a sequence */
    struct cp_mark mark;
    struct cp_yaml *value;
};

/* Parses size bytes of text, or the file at path, of at most CP_YAML_BYTES (or `most`). The tree, the copies
 * of its strings and of source lie in arena. */
enum cp_status cp_yaml_parse(struct cp_arena *arena, const char *source, const char *text, size_t size,
                             struct cp_yaml **root, struct cp_error *err);
enum cp_status cp_yaml_load(struct cp_arena *arena, const char *path, struct cp_yaml **root,
                            struct cp_error *err);
enum cp_status cp_yaml_load_most(struct cp_arena *arena, const char *path, size_t most, struct cp_yaml **root,
                                 struct cp_error *err);
/* As cp_yaml_parse for a value given elsewhere than in a file: every mark has
 * line 0. */
enum cp_status cp_yaml_parse_inline(struct cp_arena *arena, const char *source, const char *text,
                                    struct cp_yaml **root, struct cp_error *err);

/* An empty mapping; NULL when out of memory. */
struct cp_yaml *cp_yaml_mapping(struct cp_arena *arena, struct cp_mark mark);
/* Puts entry in the place of the one with its key, or at the end if there is none or `last` is true. The
 * entry's strings and value are not copied. CP_BAD_INPUT: there are CP_YAML_KEYS already. */
enum cp_status cp_yaml_set(struct cp_arena *arena, struct cp_yaml *mapping, const struct cp_yaml_entry *entry,
                           bool last, struct cp_error *err);

/* The entry or the value for key in a mapping; NULL if absent. */
const struct cp_yaml_entry *cp_yaml_entry(const struct cp_yaml *mapping, const char *key);
struct cp_yaml *cp_yaml_get(const struct cp_yaml *mapping, const char *key);
/* True for an unquoted scalar that is empty, ~ or null: a key without a value. */
bool cp_yaml_is_null(const struct cp_yaml *node);

/* Typed readers. key is the name the error uses ("model.seed"); the error has the node's place, the key, the
 * value found and what is allowed. A string is any scalar's text, quoted or not; integers are decimal,
 * numbers finite decimals, booleans on, off, true, false, yes, no, all without quotes. */
enum cp_status cp_yaml_string(const struct cp_yaml *node, const char *key, const char **value,
                              struct cp_error *err);
enum cp_status cp_yaml_integer(const struct cp_yaml *node, const char *key, int64_t min, int64_t max,
                               int64_t *value, struct cp_error *err);
enum cp_status cp_yaml_number(const struct cp_yaml *node, const char *key, double *value,
                              struct cp_error *err);
enum cp_status cp_yaml_boolean(const struct cp_yaml *node, const char *key, bool *value,
                               struct cp_error *err);
/* One of names (ends with NULL), by index. */
enum cp_status cp_yaml_choice(const struct cp_yaml *node, const char *key, const char *const *names,
                              int *index, struct cp_error *err);
/* Fails unless node is a mapping (key: its name in errors) whose keys are all in names (ends with NULL; names
 * NULL: any key). */
enum cp_status cp_yaml_keys(const struct cp_yaml *node, const char *key, const char *const *names,
                            struct cp_error *err);

/* YAML has no bytes, names of files do: one that is no UTF-8, from 0x80 on, is written as the code point
 * CP_YAML_BYTE + byte, and any scalar's code point of that kind is read as the byte. */
enum { CP_YAML_BYTE = 0x10f700 };
/* Writes a text as a scalar, plain where it reads back as the same text, else in double quotes; and a number
 * in the fewest digits that read back as it. */
void cp_yaml_put_text(FILE *out, const char *text);
/* The text of what cp_yaml_put_text wrote, in place. */
void cp_yaml_unquote(char *text);
void cp_yaml_put_number(FILE *out, double value);

/* Fills err as cp_fail(err, CP_BAD_INPUT, ...) at "source:line:column"; also for checks made on a value
 * later. */
enum cp_status cp_mark_fail(const struct cp_mark *mark, struct cp_error *err, const char *format, ...)
    CP_PRINTF(3, 4);
/* "source:line:column", or "source" where there are no lines: a prefix for cp_error_within. */
void cp_mark_text(const struct cp_mark *mark, char *text, size_t size);
/* Puts it before the place of a failure. Returns the failure. */
enum cp_status cp_mark_within(const struct cp_mark *mark, struct cp_error *err);
/* Fails at mark with "key: VALUE <problem>", VALUE being what node holds ('text', a list, ...), shortened. */
enum cp_status cp_yaml_fail(const struct cp_yaml *node, const char *key, const char *problem,
                            struct cp_error *err);

#endif
