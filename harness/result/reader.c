/* SPDX-License-Identifier: GPL-3.0-or-later
 * Attributes, arrays, texts and labels by way of the HDF5 API, sizes checked before memory is taken. */
#include "result/reader.h"

#include "format/unfinished.h"
#include "result/check.h"
#include "result/driver.h"
#include "result/internal.h"
#include "result/schema.h"

#include <errno.h>
#include <hdf5_hl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than the largest result has; a file that says otherwise is damaged. */
enum { ELEMENTS_MAX = 1 << 28 };

struct cp_reader {
    hid_t file;
    struct cp_journaled *disk; /* of a run that was stopped; NULL: it was finished */
    char path[];
};

static enum cp_status bad(const struct cp_reader *reader, const char *object, const char *why,
                          struct cp_error *err) {
    char where[512];
    (void)snprintf(where, sizeof where, "%.200s: %.250s", reader->path, object);
    return cp_fail(err, CP_BAD_INPUT, where, "%s", why);
}

static bool ends_with_partial(const char *path) {
    static const char ending[] = ".partial";
    const size_t length = strlen(path), tail = sizeof ending - 1;
    return length > tail && strcmp(path + length - tail, ending) == 0;
}

static enum cp_status unfinished(const char *path, struct cp_error *err) {
    return cp_fail(err, CP_BAD_INPUT, path, "holds an unfinished run"),
           cp_expected(err, "a finished one; `clip-parity run ... --resume` continues it");
}

/* Where a run is under way or was stopped, there is PATH.partial and no PATH. */
static enum cp_status missing(const char *path, int why, struct cp_error *err) {
    char partial[512];
    const int length = snprintf(partial, sizeof partial, "%s.partial", path);
    if (why == ENOENT && length > 0 && (size_t)length < sizeof partial && access(partial, F_OK) == 0)
        return unfinished(partial, err);
    return cp_fail(err, CP_BAD_INPUT, path, "cannot be opened: %s", strerror(why)),
           cp_expected(
               err, "a result that `clip-parity run` finished; paths are relative to the current directory");
}

/* What the library does not say when it cannot open a file. */
static enum cp_status check_file(const char *path, struct cp_error *err) {
    struct stat info;
    if (stat(path, &info) != 0 || (S_ISREG(info.st_mode) && access(path, R_OK) != 0))
        return missing(path, errno, err);
    if (!S_ISREG(info.st_mode))
        return cp_fail(err, CP_BAD_INPUT, path, "is not a regular file"), cp_expected(err, "a result");
    return ends_with_partial(path) ? unfinished(path, err) : CP_OK;
}

static enum cp_status make(const char *path, const char *ending, struct cp_reader **out,
                           struct cp_error *err) {
    const size_t size = strlen(path) + strlen(ending) + 1;
    struct cp_reader *reader = malloc(sizeof *reader + size);
    *out = NULL;
    CP_TRY(CP_CHECK_ALLOC(reader, err, path, "a result"));
    (void)H5dont_atexit();
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    *reader = (struct cp_reader){.file = -1};
    (void)snprintf(reader->path, size, "%s%s", path, ending);
    *out = reader;
    return CP_OK;
}

enum cp_status cp_reader_open(const char *path, struct cp_reader **out, struct cp_error *err) {
    struct cp_reader *reader;
    *out = NULL;
    CP_TRY(make(path, "", &reader, err));
    enum cp_status status = check_file(path, err);
    if (status == CP_OK)
        status = cp_result_check(path, err);
    reader->file = status == CP_OK ? H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT) : -1;
    if (status == CP_OK && reader->file < 0)
        status = cp_fail(err, CP_BAD_INPUT, path, "was changed while it was read");
    if (status == CP_OK)
        *out = reader;
    else
        cp_reader_close(reader);
    return status;
}

/* The journal first: what it says of the file holds, not what the bytes after it say. */
static enum cp_status open_partial(struct cp_reader *reader, bool *readable, struct cp_error *err) {
    *readable = false;
    if (access(reader->path, F_OK) != 0)
        return CP_OK;
    CP_TRY(cp_journaled_open(reader->path, &reader->disk, err));
    if (cp_journaled_size(reader->disk) > 0)
        CP_TRY(cp_result_check_partial(reader->path, reader->disk, readable, err));
    const hid_t access_list = *readable ? cp_result_driver_access(reader->disk) : -1;
    reader->file = access_list < 0 ? -1 : H5Fopen(reader->path, H5F_ACC_RDONLY, access_list);
    *readable = reader->file >= 0;
    cp_result_release(access_list);
    return cp_journaled_status(reader->disk, err);
}

enum cp_status cp_reader_open_partial(const char *path, struct cp_reader **out, struct cp_error *err) {
    struct cp_reader *reader;
    bool readable;
    *out = NULL;
    CP_TRY(make(path, ".partial", &reader, err));
    const enum cp_status status = open_partial(reader, &readable, err);
    if (status == CP_OK && readable)
        *out = reader;
    else
        cp_reader_close(reader);
    return status;
}

void cp_reader_close(struct cp_reader *reader) {
    if (!reader)
        return;
    cp_result_release(reader->file);
    if (reader->disk)
        cp_unfinished_set(reader->path, CP_UNFINISHED_NONE); /* it was only looked at */
    cp_journaled_close(reader->disk, 0);
    free(reader);
}

const char *cp_reader_path(const struct cp_reader *reader) {
    return reader->path;
}

uint64_t cp_reader_progress(const struct cp_reader *reader) {
    const struct cp_schema_row *row = &cp_schema[CP_SCHEMA_PROGRESS];
    const hid_t attribute =
        H5Aopen_by_name(reader->file, row->path, row->attribute, H5P_DEFAULT, H5P_DEFAULT);
    uint64_t progress = 0;
    if (attribute >= 0 && H5Aread(attribute, H5T_NATIVE_UINT64, &progress) < 0)
        progress = 0;
    cp_result_release(attribute);
    return progress;
}

/* H5Lexists wants every group on the way to be there. */
int cp_reader_has(const struct cp_reader *reader, const char *object) {
    char part[1024];
    for (const char *slash = strchr(object + 1, '/');; slash = strchr(slash + 1, '/')) {
        (void)snprintf(part, sizeof part, "%.*s", slash ? (int)(slash - object) : 1023, object);
        const htri_t there = H5Lexists(reader->file, part, H5P_DEFAULT);
        if (there <= 0 || !slash)
            return there != 0;
    }
}

int cp_reader_has_text(const struct cp_reader *reader, const char *object, const char *name) {
    return H5Aexists_by_name(reader->file, object, name, H5P_DEFAULT) != 0;
}

/* Why an object cannot be read. */
static enum cp_status fail_object(const struct cp_reader *reader, const char *object, const char *why,
                                  struct cp_error *err) {
    if (cp_reader_has(reader, object))
        return bad(reader, object, why, err);
    (void)bad(reader, object, "is not there", err);
    return cp_expected(err, "a result that `clip-parity run` finished");
}

enum cp_status cp_reader_text(const struct cp_reader *reader, const char *object, const char *name,
                              struct cp_arena *arena, const char **text, struct cp_error *err) {
    const hid_t attribute = H5Aopen_by_name(reader->file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute);
    const hid_t space = attribute < 0 ? -1 : H5Aget_space(attribute);
    char *value = NULL;
    enum cp_status status = CP_OK;
    *text = NULL;
    if (type < 0 || H5Tis_variable_str(type) <= 0 || space < 0 || H5Sget_simple_extent_npoints(space) != 1 ||
        H5Aread(attribute, type, &value) < 0 || !value)
        status = bad(reader, object, "has no such text", err), cp_expected(err, "the attribute %s", name);
    else if (!(*text = cp_arena_strdup(arena, value)))
        status = cp_no_memory(err, reader->path, "a result");
    (void)H5free_memory(value);
    cp_result_release(space);
    cp_result_release(type);
    cp_result_release(attribute);
    return status;
}

/* The count of a dataset's elements, or -1. The library's own wraps. */
static hssize_t shape_of(hid_t dataset, struct cp_reader_array *shape) {
    hsize_t dims[H5S_MAX_RANK];
    const hid_t space = dataset < 0 ? -1 : H5Dget_space(dataset);
    const int rank = space < 0 ? -1 : H5Sget_simple_extent_dims(space, dims, NULL);
    double count = rank < 0 || rank > CP_MAX_RANK ? -1 : 1;
    *shape = (struct cp_reader_array){.rank = rank};
    for (int d = 0; d < rank && count >= 0; d++) {
        shape->shape[d] = (size_t)dims[d];
        count *= (double)dims[d];
    }
    cp_result_release(space);
    return count <= ELEMENTS_MAX ? (hssize_t)count : -1;
}

enum cp_status cp_reader_shape(const struct cp_reader *reader, const char *object,
                               struct cp_reader_array *array, struct cp_error *err) {
    const hid_t dataset = H5Dopen2(reader->file, object, H5P_DEFAULT);
    const hssize_t count = shape_of(dataset, array);
    cp_result_release(dataset);
    return count < 0 ? fail_object(reader, object, "is not an array of numbers", err) : CP_OK;
}

enum cp_status cp_reader_numbers(const struct cp_reader *reader, const char *object, struct cp_arena *arena,
                                 struct cp_reader_array *array, struct cp_error *err) {
    const hid_t dataset = H5Dopen2(reader->file, object, H5P_DEFAULT);
    const hssize_t count = shape_of(dataset, array);
    enum cp_status status = CP_OK;
    if (count < 0) {
        status = fail_object(reader, object, "is not an array of numbers", err);
    } else if (!(array->values = cp_arena_alloc(arena, (size_t)count, sizeof(double)))) {
        status = cp_no_memory(err, reader->path, "a result");
    } else if (H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, array->values) < 0) {
        status = bad(reader, object, "cannot be read as numbers", err);
    }
    cp_result_release(dataset);
    return status;
}

static enum cp_status copy_texts(const struct cp_reader *reader, char **values, size_t count,
                                 struct cp_arena *arena, struct cp_reader_texts *texts,
                                 struct cp_error *err) {
    texts->items = cp_arena_alloc(arena, count, sizeof(char *));
    texts->count = texts->items ? count : 0;
    for (size_t i = 0; i < texts->count; i++) {
        CP_TRY(CP_CHECK_ALLOC(texts->items[i] = cp_arena_strdup(arena, values[i] ? values[i] : ""), err,
                              reader->path, "a result"));
    }
    return CP_CHECK_ALLOC(texts->items, err, reader->path, "a result");
}

/* object: what to call the dataset where it is refused. */
static enum cp_status read_texts(const struct cp_reader *reader, const char *object, hid_t dataset,
                                 struct cp_arena *arena, struct cp_reader_texts *texts,
                                 struct cp_error *err) {
    struct cp_reader_array shape;
    const hssize_t count = shape_of(dataset, &shape);
    const hid_t type = count < 0 ? -1 : H5Dget_type(dataset), space = count < 0 ? -1 : H5Dget_space(dataset);
    char **values = count < 0 ? NULL : calloc((size_t)count + 1, sizeof(char *));
    enum cp_status status;
    *texts = (struct cp_reader_texts){0};
    if (count >= 0 && !values)
        status = cp_no_memory(err, reader->path, "texts");
    else if (type < 0 || H5Tis_variable_str(type) <= 0 ||
             H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        status = fail_object(reader, object, "does not hold texts", err);
    else
        status = copy_texts(reader, values, (size_t)count, arena, texts, err);
    if (values && type >= 0 && space >= 0)
        (void)H5Dvlen_reclaim(type, space, H5P_DEFAULT, values);
    free(values);
    cp_result_release(space);
    cp_result_release(type);
    return status;
}

enum cp_status cp_reader_texts(const struct cp_reader *reader, const char *object, struct cp_arena *arena,
                               struct cp_reader_texts *texts, struct cp_error *err) {
    const hid_t dataset = H5Dopen2(reader->file, object, H5P_DEFAULT);
    const enum cp_status status = read_texts(reader, object, dataset, arena, texts, err);
    cp_result_release(dataset);
    return status;
}

struct labels {
    const struct cp_reader *reader;
    const char *object;
    struct cp_arena *arena;
    struct cp_reader_texts *texts;
    struct cp_error *err;
    enum cp_status status;
};

/* A scale is only had here: HDF5 finds the name of one by searching the whole file. */
static herr_t read_scale(hid_t dataset, unsigned dim, hid_t scale, void *context) {
    struct labels *labels = context;
    (void)dataset;
    (void)dim;
    labels->status =
        read_texts(labels->reader, labels->object, scale, labels->arena, labels->texts, labels->err);
    return 1;
}

enum cp_status cp_reader_labels(const struct cp_reader *reader, const char *object, int dim,
                                struct cp_arena *arena, struct cp_reader_texts *labels,
                                struct cp_error *err) {
    struct labels context = {reader, object, arena, labels, err, CP_OK};
    const hid_t dataset = H5Dopen2(reader->file, object, H5P_DEFAULT);
    *labels = (struct cp_reader_texts){0};
    const herr_t found =
        dataset < 0 ? -1 : H5DSiterate_scales(dataset, (unsigned)dim, NULL, read_scale, &context);
    cp_result_release(dataset);
    return found > 0 ? context.status : bad(reader, object, "names no coordinates", err);
}

struct listing {
    struct cp_arena *arena;
    struct cp_reader_texts *names;
    size_t most;
};

static herr_t add_group(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    struct listing *listing = context;
    H5O_info_t object;
    if (info->type != H5L_TYPE_HARD ||
        H5Oget_info_by_name2(group, name, &object, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
        return -1;
    if (object.type != H5O_TYPE_GROUP)
        return 0;
    const char *copy = cp_arena_strdup(listing->arena, name);
    if (!copy || listing->names->count == listing->most)
        return -1;
    listing->names->items[listing->names->count++] = copy;
    return 0;
}

enum cp_status cp_reader_groups(const struct cp_reader *reader, const char *group, struct cp_arena *arena,
                                struct cp_reader_texts *names, struct cp_error *err) {
    H5G_info_t info;
    *names = (struct cp_reader_texts){0};
    if (H5Gget_info_by_name(reader->file, group, &info, H5P_DEFAULT) < 0)
        return fail_object(reader, group, "is not a group", err);
    struct listing listing = {arena, names, (size_t)info.nlinks};
    CP_TRY(CP_CHECK_ALLOC(names->items = cp_arena_alloc(arena, listing.most, sizeof(char *)), err,
                          reader->path, "a result"));
    if (H5Literate_by_name(reader->file, group, H5_INDEX_CRT_ORDER, H5_ITER_INC, NULL, add_group, &listing,
                           H5P_DEFAULT) < 0)
        return bad(reader, group, "cannot be listed", err);
    return CP_OK;
}
