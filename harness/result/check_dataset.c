/* SPDX-License-Identifier: GPL-3.0-or-later
 * One dataset: where its data is, of which type, how much, and what the schema says of its shape. */
#include "result/check.h"
#include "result/check_internal.h"
#include "result/internal.h"

#include <string.h>

static const char as_written[] = "what `clip-parity run` writes";

/* ---- storage ---- */

static enum cp_status check_list(struct cp_check *c, hid_t list, size_t size, const char *object) {
    hsize_t chunk[H5S_MAX_RANK];
    unsigned flags, config;
    size_t values = 0;
    double bytes = (double)size;
    const H5D_layout_t layout = H5Pget_layout(list);
    const int filters = H5Pget_nfilters(list);
    if (layout == H5D_VIRTUAL || H5Pget_external_count(list) != 0)
        return cp_check_refuse(c, object, "data in this file", "has its data in another file");
    if (layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED)
        return cp_check_refuse_hdf5(c, object, "cannot be read");
    if (filters > 1 || (filters == 1 && H5Pget_filter2(list, 0, &flags, &values, NULL, 0, NULL, &config) !=
                                            H5Z_FILTER_FLETCHER32))
        return cp_check_refuse(c, object, as_written, "is stored with a filter");
    const int rank = layout == H5D_CHUNKED ? H5Pget_chunk(list, H5S_MAX_RANK, chunk) : 0;
    for (int d = 0; d < rank; d++)
        bytes *= (double)chunk[d];
    if (rank < 0 || !(bytes <= CP_CHECK_CHUNK))
        return cp_check_refuse(c, object, as_written, "has chunks that are too large");
    return CP_OK;
}

static enum cp_status check_storage(struct cp_check *c, hid_t dataset, size_t size, const char *object) {
    const hid_t list = H5Dget_create_plist(dataset);
    const enum cp_status status =
        list < 0 ? cp_check_refuse_hdf5(c, object, "cannot be read") : check_list(c, list, size, object);
    cp_result_release(list);
    return status;
}

/* ---- size ---- */

/* Fill values take no place in the file, but in the memory of who reads them. */
static enum cp_status check_size(struct cp_check *c, hid_t dataset, double bytes, const char *object) {
    const double stored = (double)H5Dget_storage_size(dataset);
    c->stored += stored;
    c->unstored += bytes > stored ? bytes - stored : 0;
    if (!c->finished)
        return CP_OK;
    if (c->stored > c->file_bytes)
        return cp_check_refuse(c, object, "a file that is whole", "is of more bytes than the file has");
    if (c->unstored > c->file_bytes + CP_CHECK_UNSTORED)
        return cp_check_refuse(c, object, "values that are stored",
                               "is of more values than the file can hold");
    return CP_OK;
}

/* The extents, and how many elements they are. */
static enum cp_status read_shape(struct cp_check *c, hid_t dataset, const char *object, int *rank,
                                 hsize_t shape[CP_MAX_RANK], double *elements) {
    hsize_t dims[H5S_MAX_RANK];
    const hid_t space = H5Dget_space(dataset);
    const H5S_class_t kind = space < 0 ? H5S_NO_CLASS : H5Sget_simple_extent_type(space);
    *rank = space < 0 ? -1 : H5Sget_simple_extent_dims(space, dims, NULL);
    cp_result_release(space);
    *elements = 1;
    if ((kind != H5S_SCALAR && kind != H5S_SIMPLE) || *rank < 0 || *rank > CP_MAX_RANK)
        return cp_check_refuse(c, object, as_written, "has %d dimensions", *rank);
    for (int d = 0; d < *rank; d++) {
        shape[d] = dims[d];
        *elements *= (double)dims[d];
    }
    if (!(*elements <= 0x1p44))
        return cp_check_refuse(c, object, as_written, "has extents of %.3g elements", *elements);
    return CP_OK;
}

/* ---- type ---- */

enum kind { FLOATS, INTEGERS, TEXTS, NEITHER };

static const char *const kind_names[] = {"floating point", "integers", "texts"};

static enum kind kind_of(hid_t type) {
    const hid_t known[] = {H5T_IEEE_F32LE, H5T_IEEE_F64LE, H5T_STD_I64LE, H5T_STD_I32LE, H5T_STD_U8LE};
    if (type >= 0 && H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) > 0)
        return TEXTS;
    for (size_t i = 0; type >= 0 && i < sizeof known / sizeof known[0]; i++)
        if (H5Tequal(type, known[i]) > 0)
            return H5Tget_class(type) == H5T_FLOAT ? FLOATS : INTEGERS;
    return NEITHER;
}

static enum cp_status read_type(struct cp_check *c, hid_t dataset, const char *object, enum kind *kind,
                                size_t *size) {
    const hid_t type = H5Dget_type(dataset);
    *kind = kind_of(type);
    *size = type < 0 ? 0 : H5Tget_size(type);
    cp_result_release(type);
    if (*kind == NEITHER || *size == 0)
        return cp_check_refuse(c, object, "float32, float64, int32, int64, uint8 or texts",
                               "holds values of another type");
    return CP_OK;
}

/* ---- the schema ---- */

/* Whether a path is of a row's, in which words in capitals stand for any. */
static bool is_of(const char *path, const char *pattern) {
    while (*path && *pattern) {
        const size_t length = strcspn(path, "/"), wanted = strcspn(pattern, "/");
        const bool any = *pattern >= 'A' && *pattern <= 'Z';
        if (!any && (length != wanted || strncmp(path, pattern, length) != 0))
            return false;
        path += length;
        pattern += wanted;
        if (*path != *pattern)
            return false;
        path += *path == '/';
        pattern += *pattern == '/';
    }
    return !*path && !*pattern;
}

static const struct cp_schema_row *row_of(const char *path) {
    for (int id = 0; id < CP_SCHEMA_COUNT; id++) {
        const struct cp_schema_row *row = &cp_schema[id];
        if ((row->kind == CP_SCHEMA_IS_VARIABLE || row->kind == CP_SCHEMA_IS_DOCUMENT) &&
            is_of(path, row->path))
            return row;
    }
    return NULL;
}

static enum kind kind_of_row(const struct cp_schema_row *row) {
    if (row->kind == CP_SCHEMA_IS_DOCUMENT)
        return TEXTS;
    return row->dtype == CP_INT64 || row->dtype == CP_INT32 || row->dtype == CP_UINT8 ? INTEGERS : FLOATS;
}

static enum cp_status check_row(struct cp_check *c, const char *object, enum kind kind, int rank) {
    const struct cp_schema_row *row = row_of(object);
    int wanted = 0;
    if (!row)
        return CP_OK;
    while (wanted < CP_MAX_RANK && row->dims[wanted] && strcmp(row->dims[wanted], "...") != 0)
        wanted++;
    const bool more = wanted < CP_MAX_RANK && row->dims[wanted];
    if (kind != kind_of_row(row))
        return cp_check_refuse(c, object, kind_names[kind_of_row(row)], "holds values of another type");
    if (more ? rank < wanted : rank != wanted)
        return cp_check_refuse(c, object, as_written, "has %d dimensions instead of %d", rank, wanted);
    return CP_OK;
}

/* ---- lengths ---- */

static const char *const shared_names[CP_CHECK_SHARED] = {"image", "prompt", "class"};

/* A dimension of that name has one length, wherever it is. */
static enum cp_status check_shared(struct cp_check *c, const char *object, int rank, const hsize_t *shape) {
    const char *name = strrchr(object, '/') + 1;
    for (int s = 0; s < CP_CHECK_SHARED && rank == 1; s++) {
        if (strcmp(name, shared_names[s]) != 0)
            continue;
        if (c->shared[s] && c->shared[s] != shape[0])
            return cp_check_refuse(c, object, "one length in the whole file",
                                   "is %llu long, where another is %llu", (unsigned long long)shape[0],
                                   (unsigned long long)c->shared[s]);
        c->shared[s] = shape[0];
    }
    return CP_OK;
}

enum cp_status cp_check_dataset(struct cp_check *c, hid_t dataset, const char *object, hsize_t *length) {
    hsize_t shape[CP_MAX_RANK] = {0};
    enum kind kind;
    size_t size;
    int rank;
    double elements;
    CP_TRY(read_type(c, dataset, object, &kind, &size));
    CP_TRY(read_shape(c, dataset, object, &rank, shape, &elements));
    CP_TRY(check_storage(c, dataset, size, object));
    CP_TRY(check_size(c, dataset, elements * (double)size, object));
    CP_TRY(check_row(c, object, kind, rank));
    CP_TRY(check_shared(c, object, rank, shape));
    if (rank == 1)
        *length = shape[0];
    return cp_check_dimensions(c, dataset, object, rank, shape);
}
