/* SPDX-License-Identifier: GPL-3.0-or-later
 * The file around the header: its offsets are checked against the data, tensors are found by name. */
#include "checkpoint/safetensors.h"

#include "base/arena.h"
#include "checkpoint/safetensors_header.h"
#include "format/file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cp_safetensors {
    char *path;
    struct cp_file map;
    const unsigned char *data;
    size_t data_size, count;
    struct cp_safetensor *tensors;   /* by name */
    struct cp_safetensor **in_order; /* of the data */
    struct cp_safetensors_text *metadata;
    size_t metadata_count;
    struct cp_arena arena;
};

/* The place of an error in a tensor, for cp_fail. */
static const char *place(const struct cp_safetensors *file, const char *name, char where[512]) {
    (void)snprintf(where, 512, "%.280s: tensor %.200s", file->path, name);
    return where;
}

static int by_name(const void *a, const void *b) {
    const struct cp_safetensor *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int by_offset(const void *a, const void *b) {
    const struct cp_safetensor *x = *(const struct cp_safetensor *const *)a,
                               *y = *(const struct cp_safetensor *const *)b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return strcmp(x->name, y->name);
}

static enum cp_status check_tensor(const struct cp_safetensors *file, const struct cp_safetensor *t,
                                   struct cp_error *err) {
    char where[512];
    size_t bytes = cp_dtype_size(t->dtype);
    if (t->begin > t->end)
        return cp_fail(err, CP_BAD_INPUT, place(file, t->name, where), "data_offsets [%zu, %zu] are reversed",
                       t->begin, t->end),
               cp_expected(err, "begin <= end");
    if (t->end > file->data_size)
        return cp_fail(err, CP_BAD_INPUT, place(file, t->name, where),
                       "data_offsets end at %zu, past the end of the file, which may be cut short", t->end),
               cp_expected(err, "at most the file's %zu bytes of data", file->data_size);
    for (int d = 0; d < t->rank; d++)
        if (__builtin_mul_overflow(bytes, t->shape[d], &bytes))
            return cp_fail(err, CP_BAD_INPUT, place(file, t->name, where),
                           "the product of its shape overflows"),
                   cp_expected(err, "fewer than 2^64 bytes");
    if (bytes != t->end - t->begin)
        return cp_fail(err, CP_BAD_INPUT, place(file, t->name, where), "data_offsets hold %zu bytes",
                       t->end - t->begin),
               cp_expected(err, "%zu, by its shape and dtype", bytes);
    return CP_OK;
}

/* No name twice, and the tensors end to end from the first byte of the data to the last. */
static enum cp_status check_cover(const struct cp_safetensors *file, struct cp_error *err) {
    char where[512];
    size_t at = 0;
    for (size_t i = 1; i < file->count; i++)
        if (strcmp(file->tensors[i - 1].name, file->tensors[i].name) == 0)
            return cp_fail(err, CP_BAD_INPUT, place(file, file->tensors[i].name, where),
                           "two tensors have this name"),
                   cp_expected(err, "one");
    for (size_t i = 0; i < file->count; i++) {
        const struct cp_safetensor *t = file->in_order[i];
        if (t->begin != at)
            return cp_fail(err, CP_BAD_INPUT, place(file, t->name, where), "begins at %zu, %s", t->begin,
                           t->begin < at ? "an overlap" : "a hole before it"),
                   cp_expected(err, "%zu, where the tensor before it ends", at);
        at = t->end;
    }
    if (at != file->data_size)
        return cp_fail(err, CP_BAD_INPUT, file->path, "%zu bytes follow the last tensor",
                       file->data_size - at),
               cp_expected(err, "none");
    return CP_OK;
}

static enum cp_status read_tensors(struct cp_safetensors *file, const unsigned char *text, size_t size,
                                   struct cp_error *err) {
    struct cp_safetensors_header header;
    CP_TRY(cp_safetensors_header_read(file->path, text, size, &file->arena, &header, err));
    for (size_t i = 0; i < header.count; i++)
        CP_TRY(check_tensor(file, &header.tensors[i], err));
    CP_TRY(CP_CHECK_ALLOC(file->in_order =
                              cp_arena_alloc(&file->arena, header.count, sizeof(struct cp_safetensor *)),
                          err, file->path, "the header"));
    file->tensors = header.tensors;
    file->count = header.count;
    file->metadata = header.metadata;
    file->metadata_count = header.metadata_count;
    qsort(file->tensors, file->count, sizeof *file->tensors, by_name);
    for (size_t i = 0; i < file->count; i++)
        file->in_order[i] = &file->tensors[i];
    qsort(file->in_order, file->count, sizeof(struct cp_safetensor *), by_offset);
    for (size_t i = 0; i < file->count; i++)
        file->in_order[i]->index = i;
    return check_cover(file, err);
}

static enum cp_status read_all(struct cp_safetensors *file, struct cp_error *err) {
    uint64_t length = 0;
    if (file->map.size < sizeof length)
        return cp_fail(err, CP_BAD_INPUT, file->path, "%zu bytes are too few for a safetensors file",
                       file->map.size),
               cp_expected(err, "8 bytes of header length first");
    memcpy(&length, file->map.bytes, sizeof length);
    if (length < 2 || length > CP_SAFETENSORS_HEADER)
        return cp_fail(err, CP_BAD_INPUT, file->path, "a header of %llu bytes", (unsigned long long)length),
               cp_expected(err, "2 to %d", CP_SAFETENSORS_HEADER);
    const size_t rest = file->map.size - sizeof length, size = (size_t)length;
    if (size > rest)
        return cp_fail(err, CP_BAD_INPUT, file->path,
                       "a header of %zu bytes, past the end of the file, which may be cut short", size),
               cp_expected(err, "at most %zu", rest);
    const unsigned char *header = file->map.bytes + sizeof length;
    if (header[0] != '{')
        return cp_fail(err, CP_BAD_INPUT, file->path, "header byte 0: 0x%02x does not begin a JSON object",
                       header[0]),
               cp_expected(err, "'{'");
    file->data = header + size;
    file->data_size = rest - size;
    return read_tensors(file, header, size, err);
}

enum cp_status cp_safetensors_open(const char *path, struct cp_safetensors **out, struct cp_error *err) {
    struct cp_safetensors *file = calloc(1, sizeof *file);
    *out = NULL;
    if (file)
        file->path = cp_arena_strdup(&file->arena, path);
    if (!file || !file->path) {
        cp_safetensors_close(file);
        return cp_no_memory(err, path, "the checkpoint");
    }
    enum cp_status status = cp_file_map(path, &file->map, err);
    if (status == CP_OK)
        status = read_all(file, err);
    if (status == CP_OK)
        *out = file;
    else
        cp_safetensors_close(file);
    return status;
}

size_t cp_safetensors_count(const struct cp_safetensors *file) {
    return file->count;
}

const struct cp_safetensor *cp_safetensors_at(const struct cp_safetensors *file, size_t index) {
    return file->in_order[index];
}

const struct cp_safetensor *cp_safetensors_find(const struct cp_safetensors *file, const char *name) {
    const struct cp_safetensor key = {.name = name};
    return bsearch(&key, file->tensors, file->count, sizeof key, by_name);
}

const void *cp_safetensors_data(const struct cp_safetensors *file, const struct cp_safetensor *tensor) {
    return file->data + tensor->begin;
}

const char *cp_safetensors_metadata(const struct cp_safetensors *file, const char *key) {
    for (size_t i = 0; i < file->metadata_count; i++)
        if (strcmp(file->metadata[i].key, key) == 0)
            return file->metadata[i].value;
    return NULL;
}

void cp_safetensors_close(struct cp_safetensors *file) {
    if (!file)
        return;
    cp_file_unmap(&file->map);
    cp_arena_free(&file->arena);
    free(file);
}
