/* SPDX-License-Identifier: GPL-3.0-or-later
 * One pass of the pull parser, with memory for no more entries than the header's bytes can hold. */
#include "checkpoint/safetensors_header.h"

#include "format/json_pull.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* None is shorter: "":{"dtype":"U8","shape":[],"data_offsets":[0,1]} and, in __metadata__, "":"" */
enum { ENTRY_BYTES = 48, METADATA_BYTES = 5 };

struct header_reader {
    const char *path;
    struct cp_json_reader json;
    struct cp_arena *arena;
    struct cp_error *err;
    const char *name; /* of the entry that is being read, or NULL */
};

/* Room for as many as fit in the header's bytes, but no more than there may be. */
static size_t at_most(size_t fit) {
    return fit < CP_SAFETENSORS_TENSORS ? fit : CP_SAFETENSORS_TENSORS;
}

/* An error at a byte of the header. */
static enum cp_status bad_at(const struct header_reader *r, size_t at, const char *what,
                             const char *expected) {
    char where[512];
    (void)snprintf(where, sizeof where, "%.240s: %s%.200s%sheader byte %zu", r->path,
                   r->name ? "tensor " : "", r->name ? r->name : "", r->name ? ", " : "", at);
    (void)cp_fail(r->err, CP_BAD_INPUT, where, "%s", what);
    return cp_expected(r->err, "%s", expected);
}

/* CP_OK, or what the JSON reader stopped at. */
static enum cp_status syntax(const struct header_reader *r) {
    char found[32] = "found the end of the header";
    if (!r->json.expected)
        return CP_OK;
    if (r->json.at < r->json.size) {
        const unsigned char byte = r->json.text[r->json.at];
        (void)snprintf(found, sizeof found, byte > ' ' && byte < 0x7f ? "found '%c'" : "found byte 0x%02x",
                       byte);
    }
    return bad_at(r, r->json.at, found, r->json.expected);
}

/* The name of a tensor or of a string of __metadata__, and the colon behind it. */
static enum cp_status read_name(struct header_reader *r, const char **name) {
    char text[CP_SAFETENSORS_NAME + 1];
    size_t length;
    r->name = NULL;
    if (!cp_json_string(&r->json, text, sizeof text - 1, &length))
        return syntax(r);
    if (length > CP_SAFETENSORS_NAME)
        return bad_at(r, r->json.at, "the name before this is too long", "at most 1024 bytes");
    text[length] = '\0';
    if (strlen(text) != length)
        return bad_at(r, r->json.at, "the name before this holds a NUL", "a name without NUL");
    CP_TRY(CP_CHECK_ALLOC(*name = cp_arena_strdup(r->arena, text), r->err, r->path, "the header"));
    (void)cp_json_expect(&r->json, ':');
    return syntax(r);
}

static int by_key(const void *a, const void *b) {
    const struct cp_safetensors_text *x = a, *y = b;
    return strcmp(x->key, y->key);
}

/* A string's length is known once it was read: a second reading copies it. */
static enum cp_status read_value(struct header_reader *r, const char **value) {
    const struct cp_json_reader before = r->json;
    size_t length = 0;
    if (!cp_json_string(&r->json, NULL, 0, &length))
        return CP_OK; /* the loop over the strings ends, and says why */
    char *text = cp_arena_alloc(r->arena, length + 1, 1);
    CP_TRY(CP_CHECK_ALLOC(text, r->err, r->path, "the header"));
    r->json = before;
    (void)cp_json_string(&r->json, text, length, &length);
    text[length] = '\0';
    *value = text;
    return CP_OK;
}

static enum cp_status read_metadata(struct header_reader *r, struct cp_safetensors_header *header) {
    const size_t most = at_most((r->json.size - r->json.at) / METADATA_BYTES + 1);
    struct cp_safetensors_text *texts = cp_arena_alloc(r->arena, most, sizeof *texts);
    size_t count = 0;
    bool first = true;
    CP_TRY(CP_CHECK_ALLOC(texts, r->err, r->path, "the header"));
    if (!cp_json_expect(&r->json, '{'))
        return syntax(r);
    while (cp_json_more(&r->json, '}', &first)) {
        if (count == most)
            return bad_at(r, r->json.at, "too many strings in __metadata__", "at most 65536");
        CP_TRY(read_name(r, &texts[count].key));
        r->name = "__metadata__";
        CP_TRY(read_value(r, &texts[count++].value));
    }
    CP_TRY(syntax(r));
    qsort(texts, count, sizeof *texts, by_key);
    for (size_t i = 1; i < count; i++)
        if (strcmp(texts[i - 1].key, texts[i].key) == 0) {
            r->name = texts[i].key;
            return bad_at(r, r->json.at, "two strings of __metadata__ have this name", "one");
        }
    header->metadata = texts;
    header->metadata_count = count;
    return CP_OK;
}

const char *const cp_safetensors_dtypes[CP_DTYPE_COUNT] = {
    [CP_FP64] = "F64",   [CP_FP32] = "F32",         [CP_FP16] = "F16",         [CP_BF16] = "BF16",
    [CP_INT64] = "I64",  [CP_INT32] = "I32",        [CP_INT16] = "I16",        [CP_INT8] = "I8",
    [CP_UINT64] = "U64", [CP_UINT32] = "U32",       [CP_UINT16] = "U16",       [CP_UINT8] = "U8",
    [CP_BOOL] = "BOOL",  [CP_FP8_E4M3] = "F8_E4M3", [CP_FP8_E5M2] = "F8_E5M2", [CP_COMPLEX64] = "C64"};

static enum cp_status read_dtype(struct header_reader *r, struct cp_safetensor *t) {
    char text[16];
    size_t length;
    if (!cp_json_string(&r->json, text, sizeof text - 1, &length))
        return syntax(r);
    for (int d = 0; d < CP_DTYPE_COUNT; d++)
        if (cp_safetensors_dtypes[d] && strlen(cp_safetensors_dtypes[d]) == length &&
            memcmp(cp_safetensors_dtypes[d], text, length) == 0) {
            t->dtype = (enum cp_dtype)d;
            return CP_OK;
        }
    return bad_at(
        r, r->json.at, "the dtype before this is unknown",
        "one of F64, F32, F16, BF16, F8_E4M3, F8_E5M2, C64, I64, I32, I16, I8, U64, U32, U16, U8, BOOL");
}

static enum cp_status read_shape(struct header_reader *r, struct cp_safetensor *t) {
    bool first = true;
    if (!cp_json_expect(&r->json, '['))
        return syntax(r);
    for (t->rank = 0; cp_json_more(&r->json, ']', &first); t->rank++) {
        if (t->rank == CP_SAFETENSORS_RANK)
            return bad_at(r, r->json.at, "the rank of the shape is too high", "at most 8 sizes");
        (void)cp_json_whole(&r->json, &t->shape[t->rank]);
    }
    return syntax(r);
}

static enum cp_status read_offsets(struct header_reader *r, struct cp_safetensor *t) {
    struct cp_json_reader *json = &r->json;
    (void)(cp_json_expect(json, '[') && cp_json_whole(json, &t->begin) && cp_json_expect(json, ',') &&
           cp_json_whole(json, &t->end) && cp_json_expect(json, ']'));
    return syntax(r);
}

static enum cp_status read_entry(struct header_reader *r, struct cp_safetensor *t) {
    static const struct {
        const char *name;
        enum cp_status (*read)(struct header_reader *r, struct cp_safetensor *t);
    } fields[] = {{"dtype", read_dtype}, {"shape", read_shape}, {"data_offsets", read_offsets}};
    enum { FIELDS = sizeof fields / sizeof fields[0] };
    bool seen[FIELDS] = {false}, first = true;
    if (!cp_json_expect(&r->json, '{'))
        return syntax(r);
    while (cp_json_more(&r->json, '}', &first)) {
        char key[16] = "";
        size_t length, i = 0;
        if (!cp_json_string(&r->json, key, sizeof key - 1, &length))
            return syntax(r);
        while (i < FIELDS && (strlen(fields[i].name) != length || memcmp(fields[i].name, key, length) != 0))
            i++;
        if (i == FIELDS || seen[i])
            return bad_at(r, r->json.at,
                          i == FIELDS ? "the field before this is unknown"
                                      : "the field before this is there twice",
                          "dtype, shape and data_offsets");
        seen[i] = true;
        if (!cp_json_expect(&r->json, ':'))
            return syntax(r);
        CP_TRY(fields[i].read(r, t));
    }
    CP_TRY(syntax(r));
    if (!seen[0] || !seen[1] || !seen[2])
        return bad_at(r, r->json.at, "the entry that ends here lacks a field",
                      "dtype, shape and data_offsets");
    return CP_OK;
}

/* What follows a tensor's name. */
static enum cp_status read_tensor(struct header_reader *r, const char *name,
                                  struct cp_safetensors_header *header, size_t most) {
    r->name = name;
    if (header->count == most)
        return bad_at(r, r->json.at, "too many tensors", "at most 65536");
    if (strchr(name, '/') || strstr(name, ".."))
        return bad_at(r, r->json.at, "malformed name", "no '/' and no '..'");
    struct cp_safetensor *t = &header->tensors[header->count++];
    t->name = name;
    return read_entry(r, t);
}

enum cp_status cp_safetensors_header_read(const char *path, const unsigned char *text, size_t size,
                                          struct cp_arena *arena, struct cp_safetensors_header *header,
                                          struct cp_error *err) {
    struct header_reader r = {.path = path, .json = {.text = text, .size = size}, .arena = arena, .err = err};
    const size_t most = at_most(size / ENTRY_BYTES + 1);
    bool first = true, metadata = false;
    *header = (struct cp_safetensors_header){0};
    CP_TRY(CP_ARENA_CALLOC(arena, header->tensors, most, r.err, r.path, "the header"));
    if (!cp_json_expect(&r.json, '{'))
        return syntax(&r);
    while (cp_json_more(&r.json, '}', &first)) {
        const char *name = "";
        CP_TRY(read_name(&r, &name));
        if (strcmp(name, "__metadata__") != 0) {
            CP_TRY(read_tensor(&r, name, header, most));
        } else {
            if (metadata)
                return bad_at(&r, r.json.at, "a second __metadata__", "one");
            metadata = true;
            CP_TRY(read_metadata(&r, header));
        }
        r.name = NULL;
    }
    if (!r.json.expected)
        (void)cp_json_end(&r.json);
    return syntax(&r);
}
