/* SPDX-License-Identifier: GPL-3.0-or-later
 * Safetensors checkpoints; and indices with shards of any format, model.safetensors.index.json or
 * pytorch_model.bin.index.json, as Hugging Face's transformers writes them: {"metadata": {...}, "weight_map": {"TENSOR":
 * "FILE", ...}}. */
#include "checkpoint/internal.h"
#include "format/file.h"
#include "format/json_pull.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* {"":""} */
enum { INDEX_MAX = 1 << 24, ENTRY_BYTES = 6, FILE_NAME = 255 };

static enum cp_status add_tensor(struct cp_checkpoint *file, const struct cp_safetensors *shard,
                                 const struct cp_safetensor *from, struct cp_error *err) {
    struct cp_checkpoint_tensor tensor = {.name = from->name,
                                          .dtype = from->dtype,
                                          .rank = from->rank,
                                          .data = cp_safetensors_data(shard, from)};
    memcpy(tensor.shape, from->shape, sizeof tensor.shape);
    cp_checkpoint_row_major(&tensor);
    return cp_checkpoint_add(file, &tensor, NULL, err);
}

enum cp_status cp_checkpoint_add_safetensors(struct cp_checkpoint *file, const char *path,
                                             struct cp_error *err) {
    CP_TRY(cp_safetensors_open(path, &file->safetensors, err));
    for (size_t i = 0; i < cp_safetensors_count(file->safetensors); i++)
        CP_TRY(add_tensor(file, file->safetensors, cp_safetensors_at(file->safetensors, i), err));
    return CP_OK;
}

enum cp_status cp_checkpoint_read_safetensors(struct cp_checkpoint *file, struct cp_error *err) {
    file->format = CP_FORMAT_SAFETENSORS;
    return cp_checkpoint_add_safetensors(file, file->path, err);
}

/* ---- the index ---- */

struct entry {
    const char *tensor, *shard;
    bool found; /* in that shard */
};

struct index_reader {
    struct cp_checkpoint *file;
    struct cp_json_reader json;
    struct entry *entries;
    size_t count, capacity;
    bool has_map;
    struct cp_error *err;
};

static enum cp_status bad_at(const struct index_reader *r, size_t at, const char *what,
                             const char *expected) {
    char where[512];
    (void)snprintf(where, sizeof where, "%.450s: byte %zu", r->file->path, at);
    return cp_fail(r->err, CP_BAD_INPUT, where, "%s", what), cp_expected(r->err, "%s", expected);
}

static enum cp_status syntax(const struct index_reader *r) {
    if (!r->json.expected)
        return CP_OK;
    return bad_at(r, r->json.at, r->json.at < r->json.size ? "malformed JSON" : "the JSON ends here",
                  r->json.expected);
}

/* A string of at most `most` bytes without NUL. */
static enum cp_status read_text(struct index_reader *r, size_t most, const char **text) {
    char buffer[CP_CHECKPOINT_NAME + 1];
    size_t length = 0;
    if (!cp_json_string(&r->json, buffer, most, &length))
        return syntax(r);
    if (length > most)
        return bad_at(r, r->json.at, "the text before this is too long",
                      most == FILE_NAME ? "at most 255 bytes" : "at most 1024 bytes");
    buffer[length] = '\0';
    if (strlen(buffer) != length)
        return bad_at(r, r->json.at, "the text before this holds a NUL", "a text without NUL");
    *text = cp_arena_strdup(&r->file->arena, buffer);
    return CP_CHECK_ALLOC(*text, r->err, r->file->path, "the checkpoint");
}

static enum cp_status read_entry(struct index_reader *r) {
    struct entry *e = &r->entries[r->count];
    if (r->count == r->capacity)
        return bad_at(r, r->json.at, "too many tensors", "at most 65536");
    CP_TRY(read_text(r, CP_CHECKPOINT_NAME, &e->tensor));
    if (!cp_json_expect(&r->json, ':'))
        return syntax(r);
    CP_TRY(read_text(r, FILE_NAME, &e->shard));
    if (e->shard[0] == '\0' || strchr(e->shard, '/') || strcmp(e->shard, ".") == 0 ||
        strcmp(e->shard, "..") == 0)
        return bad_at(r, r->json.at, "the shard before this is outside the index's folder",
                      "the name of a file beside the index");
    r->count++;
    return CP_OK;
}

static enum cp_status read_map(struct index_reader *r) {
    const size_t fit = (r->json.size - r->json.at) / ENTRY_BYTES + 1;
    bool first = true;
    if (r->has_map)
        return bad_at(r, r->json.at, "a second weight_map", "one");
    r->has_map = true;
    r->capacity = fit < CP_CHECKPOINT_TENSORS ? fit : CP_CHECKPOINT_TENSORS;
    CP_TRY(CP_ARENA_ALLOC(&r->file->arena, r->entries, r->capacity, r->err, r->file->path, "the checkpoint"));
    if (!cp_json_expect(&r->json, '{'))
        return syntax(r);
    while (cp_json_more(&r->json, '}', &first))
        CP_TRY(read_entry(r));
    return syntax(r);
}

static enum cp_status refuse_key(const struct index_reader *r, const char *key) {
    return cp_fail(r->err, CP_BAD_INPUT, r->file->path,
                   "is JSON with the key '%.60s', and no index of shards", key),
           cp_expected(
               r->err,
               "weights, or an index with weight_map and metadata; a config is given with --config, or "
               "by the folder that it is in");
}

/* {"metadata": anything, "weight_map": {...}} */
static enum cp_status read_index(struct index_reader *r) {
    bool first = true;
    if (!cp_json_expect(&r->json, '{'))
        return syntax(r);
    while (cp_json_more(&r->json, '}', &first)) {
        const char *key = "";
        CP_TRY(read_text(r, CP_CHECKPOINT_NAME, &key));
        if (!cp_json_expect(&r->json, ':'))
            return syntax(r);
        if (strcmp(key, "weight_map") == 0)
            CP_TRY(read_map(r));
        else if (strcmp(key, "metadata") == 0)
            (void)cp_json_skip(&r->json);
        else
            return refuse_key(r, key);
    }
    if (!r->json.expected)
        (void)cp_json_end(&r->json);
    CP_TRY(syntax(r));
    if (r->count == 0)
        return bad_at(r, r->json.size, "an index of no tensors", "a weight_map of them");
    return CP_OK;
}

/* ---- its shards ---- */

static int by_shard(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    const int order = strcmp(x->shard, y->shard);
    return order ? order : strcmp(x->tensor, y->tensor);
}

static int by_tensor(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    return strcmp(x->tensor, y->tensor);
}

static enum cp_status add_shard(struct index_reader *r, const char *path, const char *name) {
    struct cp_checkpoint *file = r->file, **shard = &file->shards[file->shard_count];
    CP_TRY(cp_checkpoint_open_shard(path, shard, r->err));
    file->shard_count++;
    if ((*shard)->format != CP_FORMAT_SAFETENSORS)
        file->format = CP_FORMAT_TORCH_INDEX;
    for (size_t i = 0; i < (*shard)->count; i++) {
        CP_TRY(cp_checkpoint_add(file, &(*shard)->tensors[i], NULL, r->err));
        file->records[file->count - 1] = (*shard)->records[i];
    }
    for (size_t i = 0; i < (*shard)->notes.count; i++)
        CP_TRY(cp_checkpoint_note(file, r->err, "%s: %s", name, (*shard)->notes.lines[i]));
    return CP_OK;
}

static enum cp_status open_shard(struct index_reader *r, const char *name) {
    struct cp_checkpoint *file = r->file;
    const char *slash = strrchr(file->path, '/');
    const char *path =
        cp_arena_printf(&file->arena, "%.*s%s", slash ? (int)(slash + 1 - file->path) : 0, file->path, name);
    CP_TRY(CP_CHECK_ALLOC(path, r->err, file->path, "the checkpoint"));
    file->paths[file->path_count++] = path;
    const size_t first = file->count;
    CP_TRY(add_shard(r, path, name));
    for (size_t i = first; i < file->count; i++) {
        const struct entry key = {.tensor = file->tensors[i].name};
        struct entry *listed = bsearch(&key, r->entries, r->count, sizeof key, by_tensor);
        char where[512];
        (void)snprintf(where, sizeof where, "%.280s: tensor %.200s", path, key.tensor);
        if (!listed || strcmp(listed->shard, name) != 0)
            return cp_fail(r->err, CP_BAD_INPUT, where, "the index has it in %.200s",
                           listed ? listed->shard : "no shard"),
                   cp_expected(r->err, "each tensor in the shard that the index says");
        listed->found = true;
    }
    return CP_OK;
}

static enum cp_status check_complete(const struct index_reader *r) {
    char where[512];
    for (size_t i = 0; i < r->count; i++)
        if (!r->entries[i].found)
            return cp_fail(r->err, CP_BAD_INPUT, cp_checkpoint_place(r->file, r->entries[i].tensor, where),
                           "is not in its shard %.200s", r->entries[i].shard),
                   cp_expected(r->err, "each tensor in the shard that the index says");
    return CP_OK;
}

/* The names of the shards, each once; the entries are sorted by tensor then. */
static enum cp_status list_shards(struct index_reader *r, const char ***names, size_t *count) {
    qsort(r->entries, r->count, sizeof *r->entries, by_shard);
    CP_TRY(CP_ARENA_ALLOC(&r->file->arena, *names, r->count, r->err, r->file->path, "the checkpoint"));
    for (size_t i = 0; i < r->count; i++)
        if (i == 0 || strcmp(r->entries[i - 1].shard, r->entries[i].shard) != 0)
            (*names)[(*count)++] = r->entries[i].shard;
    qsort(r->entries, r->count, sizeof *r->entries, by_tensor);
    return CP_OK;
}

static enum cp_status read_shards(struct index_reader *r) {
    const char **names = NULL;
    size_t shards = 0;
    char where[512];
    CP_TRY(list_shards(r, &names, &shards));
    if (shards > CP_CHECKPOINT_FILES)
        return cp_fail(r->err, CP_BAD_INPUT, r->file->path, "%zu shards", shards),
               cp_expected(r->err, "at most %d", CP_CHECKPOINT_FILES);
    for (size_t i = 1; i < r->count; i++)
        if (strcmp(r->entries[i - 1].tensor, r->entries[i].tensor) == 0)
            return cp_fail(r->err, CP_BAD_INPUT, cp_checkpoint_place(r->file, r->entries[i].tensor, where),
                           "is in the index twice"),
                   cp_expected(r->err, "one shard for each tensor");
    r->file->shards = cp_arena_alloc(&r->file->arena, shards, sizeof(struct cp_checkpoint *));
    CP_TRY(CP_CHECK_ALLOC(r->file->shards, r->err, r->file->path, "the checkpoint"));
    for (size_t i = 0; i < shards; i++)
        CP_TRY(open_shard(r, names[i]));
    return check_complete(r);
}

enum cp_status cp_checkpoint_read_index(struct cp_checkpoint *file, struct cp_error *err) {
    struct cp_file text;
    struct index_reader r = {.file = file, .err = err};
    file->format = CP_FORMAT_SAFETENSORS_INDEX;
    CP_TRY(cp_file_read(file->path, INDEX_MAX, &file->arena, &text, err));
    r.json = (struct cp_json_reader){.text = text.bytes, .size = text.size};
    CP_TRY(read_index(&r));
    return read_shards(&r);
}
