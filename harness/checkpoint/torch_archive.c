/* SPDX-License-Identifier: GPL-3.0-or-later
 * PyTorch's zip archives (torch/serialization.py, caffe2/serialize/inline_container.h): ROOT/data.pkl is a
 * pickle of views into the storages ROOT/data/KEY. torch.save writes whatever it is given, torch.jit.save a
 * tree of modules; of both the named tensors are taken. */
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

/* The part of a path behind its last '/'. */
static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static enum cp_status find_pickle(struct archive *a) {
    for (size_t i = 0; i < cp_zip_count(a->file->zip); i++) {
        struct cp_zip_record *record = cp_zip_at(a->file->zip, i);
        if (strcmp(base_name(record->name), "data.pkl") != 0)
            continue;
        if (a->pickle)
            return bad(a, "one", "two records named data.pkl");
        a->pickle = record;
    }
    if (!a->pickle)
        return bad(a, "torch.save's or torch.jit.save's, or nothing but .npy records",
                   "a zip archive without a data.pkl");
    const char *name = a->pickle->name;
    a->root = cp_arena_printf(&a->file->arena, "%.*s", (int)(base_name(name) - name), name);
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

/* A walk over dicts and modules. What two of them share is met twice, under two names: the number of steps
 * bounds what a few bytes of a pickle can ask for. */
struct walk {
    struct archive *archive;
    char name[CP_CHECKPOINT_NAME + 1]; /* of the value at hand: keys joined by '.' */
    size_t length;
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
    memcpy(tensor.shape, from->shape, sizeof tensor.shape);
    memcpy(tensor.stride, from->stride, sizeof tensor.stride);
    CP_TRY(CP_CHECK_ALLOC(tensor.name = cp_arena_strdup(&a->file->arena, w->name), a->err, a->file->path,
                          "the checkpoint"));
    return cp_checkpoint_add(a->file, &tensor, storage->record, a->err);
}

/* Appends ".KEY" to the walk's name. */
static enum cp_status enter(struct walk *w, const struct cp_pickle_value *key) {
    const size_t dot = w->length ? 1 : 0, left = CP_CHECKPOINT_NAME - w->length;
    if (key->length + dot > left || memchr(key->text, '\0', key->length))
        return bad(w->archive, "at most 1024 bytes without NUL", "a malformed name of a tensor");
    if (dot)
        w->name[w->length++] = '.';
    memcpy(w->name + w->length, key->text, key->length);
    w->length += key->length;
    w->name[w->length] = '\0';
    return CP_OK;
}

static const struct cp_pickle_value *attributes(const struct cp_pickle_value *value) {
    return value->kind == CP_PICKLE_OBJECT ? value->state : value->kind == CP_PICKLE_DICT ? value : NULL;
}

static enum cp_status collect(struct walk *w, const struct cp_pickle_value *dict) {
    const size_t length = w->length;
    for (size_t i = 0; dict && i < dict->count; i += 2) {
        const struct cp_pickle_value *key = dict->items[i], *value = dict->items[i + 1];
        if (++w->steps > STEPS)
            return bad(w->archive, "at most 1,048,576", "too many values in containers that are shared");
        if (key->kind != CP_PICKLE_TEXT || (value->kind != CP_PICKLE_TENSOR && !attributes(value))) {
            w->others++;
            continue;
        }
        CP_TRY(enter(w, key));
        CP_TRY(value->kind == CP_PICKLE_TENSOR ? add_tensor(w, value->tensor)
                                               : collect(w, attributes(value)));
        w->length = length;
        w->name[length] = '\0';
    }
    return CP_OK;
}

static bool holds_tensors(const struct cp_pickle_value *dict) {
    for (size_t i = 0; i < dict->count; i += 2)
        if (dict->items[i + 1]->kind == CP_PICKLE_TENSOR)
            return true;
    return false;
}

/* The keys of a training checkpoint but the state dict's, as a note. */
static enum cp_status note_keys(struct archive *a, const struct cp_pickle_value *root, const char *taken) {
    char keys[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < root->count && used < sizeof keys; i += 2) {
        const struct cp_pickle_value *key = root->items[i];
        if (key->kind == CP_PICKLE_TEXT && !cp_pickle_is_text(key, taken))
            used += (size_t)snprintf(keys + used, sizeof keys - used, "%s%.*s", used ? ", " : "",
                                     key->length < 40 ? (int)key->length : 40, key->text);
    }
    return cp_checkpoint_note(a->file, a->err, "a training checkpoint: the tensors of %s; left alone: %s",
                              taken, keys[0] ? keys : "nothing");
}

/* The state dict: the dict itself, or what training programs keep it under. */
static enum cp_status find_state(struct archive *a, const struct cp_pickle_value *root,
                                 const struct cp_pickle_value **state) {
    static const char *const keys[] = {"state_dict", "model_state_dict", "model"};
    *state = root;
    for (size_t k = 0; k < sizeof keys / sizeof keys[0] && !holds_tensors(root); k++)
        for (size_t i = 0; i < root->count; i += 2)
            if (cp_pickle_is_text(root->items[i], keys[k]) && root->items[i + 1]->kind == CP_PICKLE_DICT) {
                *state = root->items[i + 1];
                return note_keys(a, root, keys[k]);
            }
    return CP_OK;
}

/* nn.DataParallel and DistributedDataParallel put "module." before every name. */
static enum cp_status strip_prefix(struct archive *a) {
    static const char prefix[] = "module.";
    struct cp_checkpoint *file = a->file;
    for (size_t i = 0; i < file->count; i++)
        if (strncmp(file->tensors[i].name, prefix, sizeof prefix - 1) != 0)
            return CP_OK;
    for (size_t i = 0; i < file->count; i++)
        file->tensors[i].name += sizeof prefix - 1;
    return cp_checkpoint_note(file, a->err, "prefix %s stripped from every name", prefix);
}

static enum cp_status collect_all(struct archive *a, const struct cp_pickle_value *root) {
    struct walk walk = {.archive = a};
    const struct cp_pickle_value *state = attributes(root);
    if (root->kind == CP_PICKLE_DICT)
        CP_TRY(find_state(a, root, &state));
    if (state)
        CP_TRY(collect(&walk, state));
    if (a->file->count == 0)
        return bad(a, "a state dict, a training checkpoint with a state_dict, or a TorchScript module",
                   "its data.pkl holds no named tensors");
    if (walk.others && a->file->format == CP_FORMAT_TORCH_ZIP)
        CP_TRY(cp_checkpoint_note(a->file, a->err, "%zu entries that are no tensors are left alone",
                                  walk.others));
    return strip_prefix(a);
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
