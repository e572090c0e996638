/* SPDX-License-Identifier: GPL-3.0-or-later
 * PyTorch's zip archives (torch/serialization.py, caffe2/serialize/inline_container.h): ROOT/data.pkl is a
 * pickle of views into the storages ROOT/data/KEY. torch.save writes whatever it is given, torch.jit.save a
 * tree of modules; of both the named tensors are taken. */
#include "base/path.h"
#include "base/utf8.h"
#include "checkpoint/internal.h"
#include "checkpoint/pickle.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct archive {
    struct cp_checkpoint *file;
    const char *root; /* "ROOT/", or "" */
    struct cp_zip_record *pickle;
    struct cp_error *err;
};

static enum cp_status bad(const struct archive *a, const char *expected, const char *what) {
    (void)cp_fail(a->err, CP_BAD_INPUT, a->file->path, "%s", what);
    (void)cp_expected(a->err, "%s", expected);
    return CP_BAD_INPUT;
}

/* ---- the records ---- */

static enum cp_status find_pickle(struct archive *a) {
    for (size_t i = 0; i < cp_zip_count(a->file->zip); i++) {
        struct cp_zip_record *record = cp_zip_at(a->file->zip, i);
        if (strcmp(cp_path_name(record->name), "data.pkl") != 0)
            continue;
        if (a->pickle)
            return bad(a, "one", "two records named data.pkl");
        a->pickle = record;
    }
    if (!a->pickle)
        return bad(a, "torch.save's or torch.jit.save's, or nothing but .npy records",
                   "a zip archive without a data.pkl");
    const char *name = a->pickle->name;
    a->root = cp_arena_printf(&a->file->arena, "%.*s", (int)(cp_path_name(name) - name), name);
    return CP_CHECK_ALLOC(a->root, a->err, a->file->path, "the checkpoint");
}

/* ROOT/NAME, or NULL. */
static struct cp_zip_record *find_record(const struct archive *a, const char *name, size_t length) {
    char path[CP_ZIP_NAME + 64];
    (void)snprintf(path, sizeof path, "%s%.*s", a->root, (int)length, name);
    return cp_zip_find(a->file->zip, path);
}

/* PyTorch 2.1 and later write it; before, only little-endian machines wrote archives that others can read. */
static enum cp_status check_byte_order(struct archive *a) {
    struct cp_zip_record *record = find_record(a, "byteorder", strlen("byteorder"));
    const unsigned char *text;
    if (!record)
        return CP_OK;
    CP_TRY(cp_zip_read(a->file->zip, record, 64, &a->file->arena, &text, a->err));
    if (record->size != 6 || memcmp(text, "little", 6) != 0)
        return bad(a, "little", "its record byteorder does not say little");
    return CP_OK;
}

/* Checksums of 0 are what PyTorch writes where it was told to compute none. */
static enum cp_status note_missing_sums(struct archive *a) {
    size_t missing = 0;
    for (size_t i = 0; i < cp_zip_count(a->file->zip); i++)
        missing += cp_zip_at(a->file->zip, i)->crc == 0 && cp_zip_at(a->file->zip, i)->size > 0;
    if (missing == 0)
        return CP_OK;
    return cp_checkpoint_note(a->file, a->err,
                              "%zu of %zu records without a checksum: damage to them cannot be noticed",
                              missing, cp_zip_count(a->file->zip));
}

/* cp_pickle_source's function: the record of a storage. */
static enum cp_status find_storage(void *self, const char *key, size_t length,
                                   struct cp_pickle_storage *storage, struct cp_error *err) {
    const struct archive *a = self;
    const int shown = length < 32 ? (int)length : 32;
    char path[64];
    (void)snprintf(path, sizeof path, "data/%.*s", shown, key);
    struct cp_zip_record *record = length == (size_t)shown ? find_record(a, path, strlen(path)) : NULL;
    size_t bytes;
    if (!record)
        return cp_fail(err, CP_BAD_INPUT, "", "no record data/%.*s of a storage", shown, key),
               cp_expected(err, "one for each storage");
    if (record->deflated)
        return cp_fail(err, CP_BAD_INPUT, "", "the storage data/%.*s is compressed", shown, key),
               cp_expected(err, "stored as it is, as PyTorch writes it");
    if (__builtin_mul_overflow(storage->count, (size_t)cp_dtype_size(storage->dtype), &bytes) ||
        bytes != record->size)
        return cp_fail(err, CP_BAD_INPUT, "", "the storage data/%.*s has %zu bytes", shown, key,
                       record->size),
               cp_expected(err, "%zu elements of %s", storage->count, cp_dtype_name(storage->dtype));
    storage->data = cp_zip_stored(a->file->zip, record);
    storage->record = record;
    return CP_OK;
}

static enum cp_status read_pickle(struct archive *a, bool script, struct cp_pickle_value **root) {
    const struct cp_pickle_source source = {.find = find_storage, .self = a, .script = script};
    const unsigned char *bytes;
    char where[512];
    (void)snprintf(where, sizeof where, "%.280s: record %.160s", a->file->path, a->pickle->name);
    CP_TRY(cp_zip_read(a->file->zip, a->pickle, a->pickle->size, &a->file->arena, &bytes, a->err));
    return cp_pickle_read(&source, where, bytes, a->pickle->size, &a->file->arena, root, a->err);
}

/* ---- the tensors ---- */

/* A walk over containers and objects. What two of them share is met twice, under two names: the number of steps
 * bounds what a few bytes of a pickle can ask for. */
struct walk {
    struct archive *archive;
    char name[CP_CHECKPOINT_NAME + 1]; /* of the value at hand: keys joined by '.' */
    size_t length;
    bool too_long;        /* the name of that value */
    size_t steps, others; /* values that are no tensors */
};
enum { STEPS = 1 << 20 };

static enum cp_status add_tensor(struct walk *w, const struct cp_pickle_tensor *from) {
    struct archive *a = w->archive;
    const struct cp_pickle_storage *storage = from->storage;
    struct cp_checkpoint_tensor tensor = {.dtype = storage->dtype,
                                          .rank = from->rank,
                                          .data = (const unsigned char *)storage->data +
                                                  from->offset * cp_dtype_size(storage->dtype)};
    if (w->too_long)
        return bad(a, "at most 1024 bytes", "the name of a tensor is too long");
    memcpy(tensor.shape, from->shape, sizeof tensor.shape);
    memcpy(tensor.stride, from->stride, sizeof tensor.stride);
    CP_TRY(CP_CHECK_ALLOC(tensor.name = cp_arena_strdup(&a->file->arena, w->name), a->err, a->file->path,
                          "the checkpoint"));
    return cp_checkpoint_add(a->file, &tensor, storage->record, a->err);
}

/* ---- names ---- */

/* Appends to the walk's name; what is longer than a name may be is told where a tensor has it. */
static void append(struct walk *w, const char *text, size_t length) {
    if (length > CP_CHECKPOINT_NAME - w->length) {
        w->too_long = true;
        return;
    }
    memcpy(w->name + w->length, text, length);
    w->length += length;
    w->name[w->length] = '\0';
}

/* Whether the character at a place of a key may be in a name (cp_checkpoint_wrong_name), where keys are joined by dots. */
static bool may_stand(const struct walk *w, const char *text, size_t at, size_t step, size_t length) {
    const unsigned char c = (unsigned char)text[at];
    const bool joined = w->length && w->name[w->length - 1] == '.';
    return step > 0 && c >= ' ' && c != '/' && c != '%' && !(c == '.' && (joined || at + 1 == length));
}

/* A key that is a text, as it is but for what no name may hold, which stands as %2F: metrics beside a model are called
 * "val/loss", and models "ema/0.999". */
static void append_text(struct walk *w, const char *text, size_t length) {
    char escape[4];
    for (size_t at = 0; at < length;) {
        const size_t step = cp_utf8_length((const unsigned char *)text + at, length - at);
        if (may_stand(w, text, at, step, length)) {
            append(w, text + at, step);
            at += step;
        } else {
            (void)snprintf(escape, sizeof escape, "%%%02X", (unsigned char)text[at++]);
            append(w, escape, strlen(escape));
        }
    }
}

/* A key's words: those that are no text, number or None stand as their place in the dict. */
static void append_key(struct walk *w, const struct cp_pickle_value *key, size_t place) {
    char text[32];
    switch (key->kind) {
    case CP_PICKLE_TEXT:
        append_text(w, key->text, key->length);
        return;
    case CP_PICKLE_WHOLE:
        (void)snprintf(text, sizeof text, "%lld", key->whole);
        break;
    case CP_PICKLE_BOOL:
        (void)snprintf(text, sizeof text, "%s", key->whole ? "True" : "False");
        break;
    case CP_PICKLE_NONE:
        (void)snprintf(text, sizeof text, "None");
        break;
    default:
        (void)snprintf(text, sizeof text, "key-%zu", place);
        break;
    }
    append(w, text, strlen(text));
}

/* The value of a key of a dict, or NULL. */
static const struct cp_pickle_value *value_of(const struct cp_pickle_value *dict, const char *key) {
    for (size_t i = 0; i + 1 < dict->count; i += 2)
        if (cp_pickle_is_text(dict->items[i], key))
            return dict->items[i + 1];
    return NULL;
}

static bool is_listed(const struct cp_pickle_value *list, const struct cp_pickle_value *text) {
    for (size_t i = 0; list && list->kind == CP_PICKLE_LIST && i < list->count; i++)
        if (list->items[i]->kind == CP_PICKLE_TEXT && list->items[i]->length == text->length &&
            memcmp(list->items[i]->text, text->text, text->length) == 0)
            return true;
    return false;
}

static enum cp_status collect(struct walk *w, const struct cp_pickle_value *value);

static enum cp_status collect_one(struct walk *w, const struct cp_pickle_value *key, size_t place,
                                  const struct cp_pickle_value *value) {
    const size_t length = w->length;
    const bool too_long = w->too_long;
    if (++w->steps > STEPS)
        return bad(w->archive, "at most 1,048,576", "too many values in containers that are shared");
    if (length)
        append(w, ".", 1);
    append_key(w, key, place);
    CP_TRY(collect(w, value));
    w->too_long = too_long;
    w->length = length;
    w->name[length] = '\0';
    return CP_OK;
}

/* The entries of a dict, but those that `without` lists. */
static enum cp_status collect_dict(struct walk *w, const struct cp_pickle_value *dict,
                                   const struct cp_pickle_value *without) {
    for (size_t i = 0; dict && dict->kind == CP_PICKLE_DICT && i + 1 < dict->count; i += 2)
        if (!is_listed(without, dict->items[i]))
            CP_TRY(collect_one(w, dict->items[i], i / 2, dict->items[i + 1]));
    return CP_OK;
}

static enum cp_status collect_list(struct walk *w, const struct cp_pickle_value *list) {
    for (size_t i = 0; i < list->count; i++) {
        const struct cp_pickle_value key = {.kind = CP_PICKLE_WHOLE, .whole = (long long)i};
        CP_TRY(collect_one(w, &key, i, list->items[i]));
    }
    return CP_OK;
}

/* Of an nn.Module what its state_dict() has (torch/nn/modules/module.py); of another object its attributes. */
static enum cp_status collect_object(struct walk *w, const struct cp_pickle_value *attributes) {
    if (!attributes || !value_of(attributes, "_parameters"))
        return collect_dict(w, attributes, NULL);
    CP_TRY(collect_dict(w, value_of(attributes, "_parameters"), NULL));
    CP_TRY(collect_dict(w, value_of(attributes, "_buffers"),
                        value_of(attributes, "_non_persistent_buffers_set")));
    return collect_dict(w, value_of(attributes, "_modules"), NULL);
}

static enum cp_status collect(struct walk *w, const struct cp_pickle_value *value) {
    switch (value->kind) {
    case CP_PICKLE_TENSOR:
        return w->length ? add_tensor(w, value->tensor) : CP_OK;
    case CP_PICKLE_DICT:
        return collect_dict(w, value, NULL);
    case CP_PICKLE_LIST:
    case CP_PICKLE_TUPLE:
        if (w->archive->file->format == CP_FORMAT_TORCH_ZIP)
            return collect_list(w, value);
        break;
    case CP_PICKLE_OBJECT:
        return collect_object(w, value->state);
    default:
        break;
    }
    w->others++;
    return CP_OK;
}

static enum cp_status collect_all(struct archive *a, const struct cp_pickle_value *root) {
    struct walk walk = {.archive = a};
    CP_TRY(collect(&walk, root));
    if (a->file->count == 0)
        return bad(a, "a state dict, a training checkpoint with one in it, or a module",
                   "its data.pkl has no named tensors");
    if (walk.others && a->file->format == CP_FORMAT_TORCH_ZIP)
        CP_TRY(cp_checkpoint_note(a->file, a->err, "%zu %s no tensor%s left alone", walk.others,
                                  walk.others == 1 ? "entry that is" : "entries that are",
                                  walk.others == 1 ? " is" : "s are"));
    return CP_OK;
}

enum cp_status cp_checkpoint_read_torch(struct cp_checkpoint *file, struct cp_error *err) {
    struct archive archive = {.file = file, .err = err}, *a = &archive;
    struct cp_pickle_value *root = NULL;
    CP_TRY(find_pickle(a));
    const bool script = find_record(a, "constants.pkl", strlen("constants.pkl")) != NULL;
    file->format = script ? CP_FORMAT_TORCHSCRIPT : CP_FORMAT_TORCH_ZIP;
    CP_TRY(check_byte_order(a));
    CP_TRY(read_pickle(a, script, &root));
    CP_TRY(note_missing_sums(a));
    return collect_all(a, root);
}
