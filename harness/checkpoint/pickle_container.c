/* SPDX-License-Identifier: GPL-3.0-or-later
 * Opcodes of tuples, lists, sets and dicts. */
#include "checkpoint/pickle_internal.h"

#include <string.h>

static enum cp_status append(struct cp_pickle *m, struct cp_pickle_value *container,
                             struct cp_pickle_value *const *items, size_t count) {
    const size_t needed = container->count + count;
    if (needed > container->capacity) {
        const size_t doubled = 2 * container->capacity, capacity = needed > doubled ? needed : doubled;
        struct cp_pickle_value **larger = cp_arena_alloc(m->arena, capacity, sizeof(void *));
        CP_TRY(CP_CHECK_ALLOC(larger, m->err, m->where, "the checkpoint"));
        if (container->count)
            memcpy(larger, container->items, container->count * sizeof(void *));
        container->items = larger;
        container->capacity = capacity;
    }
    if (count)
        memcpy(container->items + container->count, items, count * sizeof(void *));
    container->count = needed;
    return CP_OK;
}

static enum cp_status push_container(struct cp_pickle *m, enum cp_pickle_kind kind,
                                     struct cp_pickle_value *const *items, size_t count) {
    struct cp_pickle_value *value = NULL;
    CP_TRY(cp_pickle_make(m, kind, &value));
    value->items = value->few;
    value->capacity = sizeof value->few / sizeof value->few[0];
    CP_TRY(append(m, value, items, count));
    return cp_pickle_push(m, value);
}

enum cp_status cp_pickle_run_empty_tuple(struct cp_pickle *m) {
    return cp_pickle_push(m, m->empty);
}

enum cp_status cp_pickle_run_empty_list(struct cp_pickle *m) {
    return push_container(m, CP_PICKLE_LIST, NULL, 0);
}

enum cp_status cp_pickle_run_empty_dict(struct cp_pickle *m) {
    return push_container(m, CP_PICKLE_DICT, NULL, 0);
}

/* A container of all items since the last mark. */
static enum cp_status push_marked(struct cp_pickle *m, enum cp_pickle_kind kind) {
    struct cp_pickle_value **items = NULL;
    size_t count = 0;
    CP_TRY(cp_pickle_pop_mark(m, &items, &count));
    return push_container(m, kind, items, count);
}

enum cp_status cp_pickle_run_tuple(struct cp_pickle *m) {
    return push_marked(m, CP_PICKLE_TUPLE);
}

static enum cp_status push_tuple(struct cp_pickle *m, size_t count) {
    struct cp_pickle_value *items[3] = {NULL};
    for (size_t i = count; i > 0; i--)
        CP_TRY(cp_pickle_pop(m, &items[i - 1]));
    return push_container(m, CP_PICKLE_TUPLE, items, count);
}

enum cp_status cp_pickle_run_tuple1(struct cp_pickle *m) {
    return push_tuple(m, 1);
}

enum cp_status cp_pickle_run_tuple2(struct cp_pickle *m) {
    return push_tuple(m, 2);
}

enum cp_status cp_pickle_run_tuple3(struct cp_pickle *m) {
    return push_tuple(m, 3);
}

enum cp_status cp_pickle_run_frozenset(struct cp_pickle *m) {
    return push_marked(m, CP_PICKLE_LIST);
}

/* An object that is given items is a container of its own class. */
static void become(struct cp_pickle_value *object, enum cp_pickle_kind kind) {
    object->kind = kind;
    object->items = object->few;
    object->count = 0;
    object->capacity = 2;
}

/* Puts items, those of a dict in pairs, into the container on the stack. */
static enum cp_status put(struct cp_pickle *m, enum cp_pickle_kind kind, struct cp_pickle_value *const *items,
                          size_t count) {
    struct cp_pickle_value *container = NULL;
    CP_TRY(cp_pickle_top(m, &container));
    if (container->kind == CP_PICKLE_OBJECT && !container->state)
        become(container, kind);
    if (container->kind != kind)
        return cp_pickle_bad(m, kind == CP_PICKLE_DICT ? "a dict" : "a list",
                             "items for something that is not a %s",
                             kind == CP_PICKLE_DICT ? "dict" : "list");
    if (kind == CP_PICKLE_DICT && count % 2)
        return cp_pickle_bad(m, "a value for every key", "an odd number of items for a dict");
    return append(m, container, items, count);
}

/* Puts all items since the last mark into the container below it. */
static enum cp_status put_marked(struct cp_pickle *m, enum cp_pickle_kind kind) {
    struct cp_pickle_value **items = NULL;
    size_t count = 0;
    CP_TRY(cp_pickle_pop_mark(m, &items, &count));
    return put(m, kind, items, count);
}

enum cp_status cp_pickle_run_append(struct cp_pickle *m) {
    struct cp_pickle_value *item = NULL;
    CP_TRY(cp_pickle_pop(m, &item));
    return put(m, CP_PICKLE_LIST, &item, 1);
}

enum cp_status cp_pickle_run_appends(struct cp_pickle *m) {
    return put_marked(m, CP_PICKLE_LIST);
}

enum cp_status cp_pickle_run_setitem(struct cp_pickle *m) {
    struct cp_pickle_value *pair[2] = {NULL};
    CP_TRY(cp_pickle_pop(m, &pair[1]));
    CP_TRY(cp_pickle_pop(m, &pair[0]));
    return put(m, CP_PICKLE_DICT, pair, 2);
}

enum cp_status cp_pickle_run_setitems(struct cp_pickle *m) {
    return put_marked(m, CP_PICKLE_DICT);
}
