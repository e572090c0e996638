/* SPDX-License-Identifier: GPL-3.0-or-later
 * Puts a `key=value` of the command line into the YAML tree before anything is read from it. */
#include "experiment/experiment.h"

#include "experiment/field.h"

#include <string.h>

enum { PARTS_MAX = 4 };

struct key {
    const char *parts[PARTS_MAX];
    size_t count;
    bool ordered; /* the last part is an address or a glob, among which the later wins */
};

/* How many parts of a key end at a dot; what follows them is one part. */
static size_t split_parts(const char *key) {
    const size_t length = strcspn(key, ".");
    for (size_t k = 0; key[length] && k < cp_key_count; k++)
        if (cp_keys[k].parts && strlen(cp_keys[k].path) == length &&
            memcmp(key, cp_keys[k].path, length) == 0)
            return (size_t)cp_keys[k].parts;
    return PARTS_MAX - 1;
}

/* Cuts text, which the key keeps, at its dots. */
static void split(char *text, struct key *key) {
    const size_t splits = split_parts(text);
    key->count = 0;
    for (char *part = text; part;) {
        char *dot = key->count < splits ? strchr(part, '.') : NULL;
        key->parts[key->count++] = part;
        if (dot)
            *dot++ = '\0';
        part = dot;
    }
    key->ordered = splits < PARTS_MAX - 1 && key->count == splits + 1;
}

static enum cp_status place(struct cp_arena *arena, struct cp_yaml *node, const struct key *key,
                            struct cp_yaml *value, struct cp_error *err) {
    for (size_t i = 0; i < key->count; i++) {
        struct cp_yaml_entry entry = {key->parts[i], value->mark, value};
        const bool leaf = i + 1 == key->count;
        if (node->kind != CP_YAML_MAPPING)
            return cp_mark_fail(&value->mark, err, "%s is not a mapping",
                                i ? key->parts[i - 1] : "the experiment");
        struct cp_yaml *inner = cp_yaml_get(node, key->parts[i]);
        if (leaf || !inner || cp_yaml_is_null(inner)) {
            if (!leaf)
                entry.value = inner = cp_yaml_mapping(arena, value->mark);
            CP_TRY(CP_CHECK_ALLOC(entry.value, err, value->mark.source, "an experiment"));
            CP_TRY(cp_yaml_set(arena, node, &entry, leaf && key->ordered, err));
        }
        node = inner;
    }
    return CP_OK;
}

enum cp_status cp_experiment_override(struct cp_arena *arena, struct cp_yaml *root, const char *override,
                                      struct cp_error *err) {
    const char *equals = strchr(override, '=');
    char *source = cp_arena_printf(arena, "command line: %s", override);
    char *text = cp_arena_strdup(arena, override);
    struct cp_yaml *value = NULL;
    struct key key;
    CP_TRY(CP_CHECK_ALLOC(source && text, err, "command line", "an experiment"));
    if (!equals)
        return cp_fail(err, CP_BAD_INPUT, source, "no '='"), cp_expected(err, "key=value");
    CP_TRY(cp_yaml_parse_inline(arena, source, equals + 1, &value, err));
    text[equals - override] = '\0';
    split(text, &key);
    return place(arena, root, &key, value, err);
}
