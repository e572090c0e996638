/* SPDX-License-Identifier: GPL-3.0-or-later
 * The names of a checkpoint's tensors: sorted, without what PyTorch's wrappers put into them, and those of one
 * model alone. */
#include "checkpoint/internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- order ---- */

static int by_name(const void *a, const void *b) {
    const struct cp_checkpoint_tensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static enum cp_status sort_names(struct cp_checkpoint *file, struct cp_error *err) {
    char where[512];
    for (size_t i = 0; i < file->count; i++)
        file->by_name[i] = &file->tensors[i];
    qsort(file->by_name, file->count, sizeof(struct cp_checkpoint_tensor *), by_name);
    for (size_t i = 1; i < file->count; i++)
        if (strcmp(file->by_name[i - 1]->name, file->by_name[i]->name) == 0)
            return cp_fail(err, CP_BAD_INPUT, cp_checkpoint_place(file, file->by_name[i]->name, where),
                           "two tensors have this name"),
                   cp_expected(err, "one");
    return CP_OK;
}

const struct cp_checkpoint_tensor *cp_checkpoint_find(const struct cp_checkpoint *file, const char *name) {
    const struct cp_checkpoint_tensor key = {.name = name}, *pointer = &key;
    const struct cp_checkpoint_tensor **found =
        bsearch(&pointer, file->by_name, file->count, sizeof(struct cp_checkpoint_tensor *), by_name);
    return found ? *found : NULL;
}

/* ---- wrappers ---- */

/* What torch.compile, activation checkpointing and FSDP put before the names of what they wrap, anywhere in a model. */
static const char *const wrappers[] = {"_orig_mod.", "_checkpoint_wrapped_module.", "_fsdp_wrapped_module.",
                                       "_fpw_module."};
enum { WRAPPERS = sizeof wrappers / sizeof wrappers[0] };

/* Where a wrapper's word stands in a name; NULL: it has none. */
static const char *find_wrapper(const char *name, size_t *which) {
    for (size_t w = 0; w < WRAPPERS; w++) {
        const char *at = strstr(name, wrappers[w]);
        if (at && (at == name || at[-1] == '.')) {
            *which = w;
            return at;
        }
    }
    return NULL;
}

static enum cp_status unwrap(struct cp_checkpoint *file, struct cp_error *err) {
    size_t which = 0, stripped[WRAPPERS] = {0};
    for (size_t i = 0; i < file->count; i++) {
        if (!find_wrapper(file->tensors[i].name, &which))
            continue;
        char *name = cp_arena_strdup(&file->arena, file->tensors[i].name);
        CP_TRY(CP_CHECK_ALLOC(name, err, file->path, "the checkpoint"));
        for (const char *at = find_wrapper(name, &which); at; at = find_wrapper(name, &which)) {
            const char *rest = at + strlen(wrappers[which]);
            memmove(name + (at - name), rest, strlen(rest) + 1);
            stripped[which]++;
        }
        file->tensors[i].name = name;
    }
    for (size_t w = 0; w < WRAPPERS; w++)
        file->wrapped = file->wrapped || stripped[w];
    for (size_t w = 0; w < WRAPPERS; w++)
        if (stripped[w])
            CP_TRY(cp_checkpoint_note(file, err, "%s stripped from %zu of %zu names", wrappers[w],
                                      stripped[w], file->count));
    return CP_OK;
}

enum cp_status cp_checkpoint_name(struct cp_checkpoint *file, struct cp_error *err) {
    CP_TRY(unwrap(file, err));
    CP_TRY(CP_CHECK_ALLOC(
        file->by_name = cp_arena_alloc(&file->arena, file->count, sizeof(struct cp_checkpoint_tensor *)), err,
        file->path, "the checkpoint"));
    return sort_names(file, err);
}

/* ---- one model of several ---- */

enum cp_status cp_checkpoint_select(struct cp_checkpoint *file, const bool *keep, size_t prefix,
                                    const char *instead, struct cp_error *err) {
    size_t kept = 0;
    for (size_t i = 0; i < file->count; i++) {
        if (!keep[i])
            continue;
        if (prefix && !kept)
            CP_TRY(CP_CHECK_ALLOC(
                file->prefix = cp_arena_printf(&file->arena, "%.*s", (int)prefix, file->tensors[i].name), err,
                file->path, "the checkpoint"));
        struct cp_checkpoint_tensor *t = &file->tensors[kept];
        *t = file->tensors[i];
        file->records[kept] = file->records[i];
        t->index = kept++;
        t->name += prefix;
        if (*instead)
            t->name = cp_arena_printf(&file->arena, "%s%s", instead, t->name);
        CP_TRY(CP_CHECK_ALLOC(t->name, err, file->path, "the checkpoint"));
    }
    file->count = kept;
    return sort_names(file, err);
}

const char *cp_checkpoint_prefix(const struct cp_checkpoint *file) {
    return file->prefix ? file->prefix : "";
}

bool cp_checkpoint_was_wrapped(const struct cp_checkpoint *file) {
    return file->wrapped;
}

void cp_checkpoint_channels_first(struct cp_checkpoint *file, const struct cp_checkpoint_tensor *tensor) {
    struct cp_checkpoint_tensor *t = &file->tensors[tensor->index];
    const struct cp_checkpoint_tensor last = *t;
    static const int order[] = {0, 3, 1, 2};
    for (int d = 0; d < 4; d++) {
        t->shape[d] = last.shape[order[d]];
        t->stride[d] = last.stride[order[d]];
    }
}
