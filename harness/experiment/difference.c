/* SPDX-License-Identifier: GPL-3.0-or-later
 * Two resolved experiments as trees, walked together until a value differs. */
#include "experiment/experiment.h"
#include "experiment/field.h"

#include <string.h>

enum { SHOWN = 60 };

struct walk {
    struct cp_arena *arena;
    struct cp_experiment_difference *found;
    struct cp_error *err;
};

/* A value in a few words. */
static const char *words(const struct cp_yaml *node, struct cp_arena *arena) {
    if (!node)
        return "nothing";
    if (node->kind == CP_YAML_SCALAR)
        return cp_arena_printf(arena, "%.*s%s", SHOWN, node->text, strlen(node->text) > SHOWN ? "..." : "");
    if (node->count == 0)
        return "empty";
    if (node->kind == CP_YAML_MAPPING)
        return cp_arena_printf(arena, "%.*s%s", SHOWN, node->entries[0].key, node->count > 1 ? ", ..." : "");
    return cp_arena_printf(arena, "%zu %s", node->count, node->count == 1 ? "entry" : "entries");
}

static enum cp_status tell(struct walk *w, const char *path, const struct cp_yaml *a,
                           const struct cp_yaml *b) {
    *w->found = (struct cp_experiment_difference){cp_arena_strdup(w->arena, path), words(a, w->arena),
                                                  words(b, w->arena)};
    return CP_CHECK_ALLOC(w->found->key && w->found->a && w->found->b, w->err, "", "a comparison");
}

static enum cp_status compare(struct walk *w, const char *path, const struct cp_yaml *a,
                              const struct cp_yaml *b);

static enum cp_status compare_key(struct walk *w, const char *path, const char *key, const struct cp_yaml *a,
                                  const struct cp_yaml *b) {
    const char *whole = cp_arena_printf(w->arena, "%s%s%s", path, *path ? "." : "", key);
    CP_TRY(CP_CHECK_ALLOC(whole, w->err, "", "a comparison"));
    return cp_key_is_how(whole) ? CP_OK : compare(w, whole, a, b);
}

static enum cp_status compare_mappings(struct walk *w, const char *path, const struct cp_yaml *a,
                                       const struct cp_yaml *b) {
    for (size_t i = 0; i < a->count && !w->found->key; i++)
        CP_TRY(
            compare_key(w, path, a->entries[i].key, a->entries[i].value, cp_yaml_get(b, a->entries[i].key)));
    for (size_t i = 0; i < b->count && !w->found->key; i++)
        if (!cp_yaml_entry(a, b->entries[i].key))
            CP_TRY(compare_key(w, path, b->entries[i].key, NULL, b->entries[i].value));
    return CP_OK;
}

/* Of lists of one length the first entry that differs is shown, else the lengths. */
static enum cp_status compare_lists(struct walk *w, const char *path, const struct cp_yaml *a,
                                    const struct cp_yaml *b) {
    if (a->count != b->count)
        return tell(w, path, a, b);
    for (size_t i = 0; i < a->count && !w->found->key; i++)
        CP_TRY(compare(w, path, a->entries[i].value, b->entries[i].value));
    return CP_OK;
}

static enum cp_status compare(struct walk *w, const char *path, const struct cp_yaml *a,
                              const struct cp_yaml *b) {
    if (!a || !b || a->kind != b->kind)
        return tell(w, path, a, b);
    if (a->kind == CP_YAML_SCALAR)
        return strcmp(a->text, b->text) == 0 ? CP_OK : tell(w, path, a, b);
    return a->kind == CP_YAML_MAPPING ? compare_mappings(w, path, a, b) : compare_lists(w, path, a, b);
}

enum cp_status cp_experiment_difference(const char *a, size_t a_size, const char *b, size_t b_size,
                                        struct cp_arena *arena, struct cp_experiment_difference *difference,
                                        struct cp_error *err) {
    struct walk walk = {arena, difference, err};
    struct cp_yaml *x, *y;
    *difference = (struct cp_experiment_difference){.key = NULL};
    CP_TRY(cp_yaml_parse(arena, "an experiment", a, a_size, &x, err));
    CP_TRY(cp_yaml_parse(arena, "an experiment", b, b_size, &y, err));
    return compare(&walk, "", x, y);
}
