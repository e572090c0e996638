/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a pickle has made, walked once: not too deep, and without cycles. */
#include "checkpoint/pickle_internal.h"

/* The walk's marks: NEW values have not been met, OPEN ones hold the value at hand. */
enum { NEW, OPEN, CLOSED };

/* A module may know its parent. What an object holds of a value that is being walked is dropped, so that the walk
 * ends. */
static void cut_cycle(const struct cp_pickle *m, struct cp_pickle_value *value) {
    if (value->kind == CP_PICKLE_OBJECT && value->state && value->state->mark == OPEN)
        value->state = NULL;
    const bool holds =
        value->kind == CP_PICKLE_TUPLE || value->kind == CP_PICKLE_LIST || value->kind == CP_PICKLE_DICT;
    for (size_t i = 0; holds && i < value->count; i++)
        if (value->items[i]->kind == CP_PICKLE_OBJECT && value->items[i]->mark == OPEN)
            value->items[i] = m->none;
}

/* Every value once, however often it is held: linear in the pickle. */
static enum cp_status check(struct cp_pickle *m, struct cp_pickle_value *value, int depth) {
    const bool holds =
        value->kind == CP_PICKLE_TUPLE || value->kind == CP_PICKLE_LIST || value->kind == CP_PICKLE_DICT;
    m->start = value->at;
    if (value->mark == OPEN)
        return cp_pickle_bad(m, "containers without cycles", "what is made here holds itself");
    if (value->mark == CLOSED)
        return CP_OK;
    if (depth == CP_PICKLE_DEPTH)
        return cp_pickle_bad(m, "at most 128 deep", "containers too deep in each other");
    value->mark = OPEN;
    if (!m->source->script)
        cut_cycle(m, value);
    for (size_t i = 0; holds && i < value->count; i++)
        CP_TRY(check(m, value->items[i], depth + 1));
    if (value->kind == CP_PICKLE_OBJECT && value->state)
        CP_TRY(check(m, value->state, depth + 1));
    value->mark = CLOSED;
    return CP_OK;
}

enum cp_status cp_pickle_check_nesting(struct cp_pickle *m, struct cp_pickle_value *root) {
    return check(m, root, 0);
}
