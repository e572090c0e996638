/* SPDX-License-Identifier: GPL-3.0-or-later
 * Weights in HDF5, in the child process that lets the library near them. */
#include "checkpoint/hdf5_child.h"

#include "base/utf8.h"
#include "capture/server.h"
#include "checkpoint/internal.h"
#include "checkpoint/safetensors_write.h"
#include "result/schema.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* gzip makes at most some 1,032 bytes of one. */
enum { TEXTS = 64, TEXT_BYTES = 1 << 16, EXPANSION = 1100, SMALL = 1 << 20 };

struct weights {
    struct cp_capture_server *s;
    hid_t group; /* /tensors */
    struct cp_checkpoint_tensor *tensor;
    const struct cp_checkpoint_tensor **order; /* as the data is written */
    size_t count;
    double bytes; /* so far */
    struct cp_written_text text[TEXTS];
    size_t texts;
};

static bool is_utf8(const char *text) {
    for (size_t left = strlen(text), step; left; text += step, left -= step)
        if ((step = cp_utf8_length((const unsigned char *)text, left)) == 0)
            return false;
    return true;
}

/* Numbers and lists are none of ours, and passed over. */
static herr_t add_text(hid_t root, const char *name, const H5A_info_t *info, void *context) {
    static char value[TEXT_BYTES];
    struct weights *w = context;
    (void)info;
    cp_capture_attribute(root, name, value, sizeof value);
    if (!value[0])
        return 0;
    if (w->texts == TEXTS || !is_utf8(name) || !is_utf8(value)) {
        (void)cp_capture_refuse(
            w->s, "", w->texts == TEXTS ? "has too many attributes" : "has a text that is not UTF-8");
        return -1;
    }
    struct cp_written_text *text = &w->text[w->texts++];
    *text =
        (struct cp_written_text){cp_arena_strdup(&w->s->arena, name), cp_arena_strdup(&w->s->arena, value)};
    if (!text->key || !text->value)
        (void)cp_capture_no_memory(w->s);
    return text->key && text->value ? 0 : -1;
}

static enum cp_status read_texts(struct weights *w) {
    const hid_t root = H5Gopen2(w->s->file, "/", H5P_DEFAULT);
    hsize_t at = 0;
    if (root < 0)
        return cp_capture_refuse_hdf5(w->s, "/", "cannot be opened");
    const herr_t listed = H5Aiterate2(root, H5_INDEX_NAME, H5_ITER_INC, &at, add_text, w);
    (void)H5Gclose(root);
    if (listed >= 0)
        return CP_OK;
    return w->s->err.status ? w->s->err.status
                            : cp_capture_refuse_hdf5(w->s, "/", "has attributes that cannot be read");
}

/* More than the whole file can hold are made up of nothing. */
static enum cp_status check_size(struct weights *w, const char *object) {
    struct stat info;
    if (stat(w->s->source->path, &info) == 0 && w->bytes <= (double)info.st_size * EXPANSION + SMALL)
        return CP_OK;
    return cp_capture_refuse(w->s, object, "is of more values than the file can hold"),
           cp_expected(&w->s->err, "weights that are stored");
}

static enum cp_status read_shape(struct weights *w, hid_t dataset, const char *object,
                                 struct cp_checkpoint_tensor *tensor) {
    hsize_t dims[H5S_MAX_RANK];
    const hid_t space = H5Dget_space(dataset);
    double bytes = sizeof(float);
    tensor->rank = space < 0 ? -1 : H5Sget_simple_extent_dims(space, dims, NULL);
    if (space >= 0)
        (void)H5Sclose(space);
    if (tensor->rank < 0 || tensor->rank > CP_CHECKPOINT_RANK)
        return cp_capture_refuse(w->s, object, "has the wrong number of dimensions"),
               cp_expected(&w->s->err, "0 to %d", CP_CHECKPOINT_RANK);
    for (int d = 0; d < tensor->rank; d++) {
        tensor->shape[d] = (size_t)dims[d];
        bytes *= (double)dims[d];
    }
    w->bytes += bytes;
    return check_size(w, object);
}

static enum cp_status check_dataset(struct weights *w, hid_t dataset, const char *object,
                                    struct cp_checkpoint_tensor *tensor) {
    CP_TRY(cp_capture_check_storage(w->s, dataset, object));
    CP_TRY(cp_capture_check_type(w->s, dataset, H5T_FLOAT, object));
    const hid_t type = H5Dget_type(dataset);
    const size_t size = type < 0 ? 0 : H5Tget_size(type);
    if (type >= 0)
        (void)H5Tclose(type);
    if (size > sizeof(float))
        return cp_capture_refuse(w->s, object, "is float64"), cp_expected(&w->s->err, "float32");
    return read_shape(w, dataset, object, tensor);
}

/* The open dataset of a tensor, every link to it checked; -1 after a failure. */
static hid_t open_value(struct weights *w, const char *name) {
    const char *const value = cp_schema_name(CP_SCHEMA_TENSOR_VALUE);
    char object[CP_SCHEMA_PATH];
    hid_t dataset = -1;
    (void)cp_schema_path(CP_SCHEMA_TENSOR, CP_NAMES(name), object);
    if (cp_capture_check_link(w->s, w->group, name, object, 1) != CP_OK)
        return -1;
    const hid_t group = H5Gopen2(w->group, name, H5P_DEFAULT);
    (void)cp_schema_path(CP_SCHEMA_TENSOR_VALUE, CP_NAMES(name), object);
    if (group >= 0 && cp_capture_check_link(w->s, group, value, object, -1) == CP_OK) {
        dataset = H5Dopen2(group, value, H5P_DEFAULT);
        if (dataset < 0)
            (void)cp_capture_refuse_hdf5(w->s, object, "cannot be opened");
    } else if (group < 0) {
        (void)cp_capture_refuse_hdf5(w->s, object, "cannot be opened");
    }
    if (group >= 0)
        (void)H5Gclose(group);
    return dataset;
}

static enum cp_status add_tensor(struct weights *w, const char *name) {
    struct cp_checkpoint_tensor *tensor = &w->tensor[w->count];
    const char *wrong = cp_checkpoint_wrong_name(name);
    if (wrong || strlen(name) > CP_CHECKPOINT_NAME)
        return cp_capture_refuse(w->s, cp_schema[CP_SCHEMA_TENSORS].path, "has a malformed name"),
               cp_expected(&w->s->err, "%s", wrong ? wrong : "at most 1024 bytes");
    *tensor = (struct cp_checkpoint_tensor){.name = name, .dtype = CP_FP32, .index = w->count};
    const hid_t dataset = open_value(w, name);
    if (dataset < 0)
        return w->s->err.status;
    const enum cp_status status = check_dataset(w, dataset, name, tensor);
    (void)H5Dclose(dataset);
    w->order[w->count++] = tensor;
    return status;
}

static enum cp_status list_tensors(struct weights *w) {
    struct cp_capture_names names;
    CP_TRY(cp_capture_list_links(w->s, w->group, cp_schema[CP_SCHEMA_TENSORS].path, &names));
    w->tensor = cp_arena_calloc(&w->s->arena, names.count, sizeof *w->tensor);
    w->order = cp_arena_alloc(&w->s->arena, names.count, sizeof(struct cp_checkpoint_tensor *));
    if (!w->tensor || !w->order)
        return cp_capture_no_memory(w->s);
    for (size_t i = 0; i < names.count; i++)
        CP_TRY(add_tensor(w, names.name[i]));
    return CP_OK;
}

static enum cp_status write_values(struct weights *w, const struct cp_checkpoint_tensor *tensor) {
    const size_t count = cp_checkpoint_elements(tensor);
    const hid_t dataset = open_value(w, tensor->name);
    if (dataset < 0)
        return w->s->err.status;
    float *values = malloc((count + 1) * sizeof *values);
    enum cp_status status = values ? CP_OK : cp_capture_no_memory(w->s);
    if (status == CP_OK && H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        status = cp_capture_refuse_hdf5(w->s, tensor->name, "cannot be read");
    if (status == CP_OK && fwrite(values, sizeof *values, count, w->s->source->out) != count)
        status = cp_capture_no_memory(w->s);
    free(values);
    (void)H5Dclose(dataset);
    return status;
}

static enum cp_status write_image(struct weights *w) {
    FILE *out = w->s->source->out;
    CP_TRY(read_texts(w));
    CP_TRY(list_tensors(w));
    if (!cp_safetensors_begin(out, w->order, w->count, w->text, w->texts))
        return cp_capture_no_memory(w->s);
    for (size_t i = 0; i < w->count; i++)
        CP_TRY(write_values(w, w->order[i]));
    return fflush(out) == 0 ? CP_OK : cp_capture_no_memory(w->s);
}

static enum cp_status has_no_tensors(struct cp_capture_server *s, const char *path) {
    char what[64];
    (void)snprintf(what, sizeof what, "is HDF5 without %s", path);
    return cp_capture_refuse(s, "", what), cp_expected(&s->err, "what `clip-parity convert` writes");
}

enum cp_status cp_hdf5_write_weights(struct cp_capture_server *s) {
    static struct weights w; /* large, and this process does it once */
    const char *const path = cp_schema[CP_SCHEMA_TENSORS].path;
    w = (struct weights){.s = s};
    CP_TRY(cp_capture_open_hdf5(s));
    if (H5Lexists(s->file, path, H5P_DEFAULT) <= 0)
        return has_no_tensors(s, path);
    CP_TRY(cp_capture_check_link(s, s->file, path, path, 0));
    w.group = H5Gopen2(s->file, path, H5P_DEFAULT);
    if (w.group < 0)
        return cp_capture_refuse_hdf5(s, path, "cannot be opened");
    const enum cp_status status = write_image(&w);
    (void)H5Gclose(w.group);
    return status;
}
