/* SPDX-License-Identifier: GPL-3.0-or-later
 * Variables of a result file: datasets with named dimensions, as netCDF-4 has them, so that xarray reads
 * them. */
#include "result/internal.h"

#include <hdf5_hl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 1 << 20 };

static hid_t stored_type(enum cp_dtype dtype) {
    switch (dtype) {
    case CP_FP64:
        return H5T_IEEE_F64LE;
    case CP_INT64:
        return H5T_STD_I64LE;
    case CP_INT32:
        return H5T_STD_I32LE;
    case CP_UINT8:
        return H5T_STD_U8LE;
    default:
        return H5T_IEEE_F32LE;
    }
}

static hid_t memory_type(enum cp_dtype dtype) {
    switch (dtype) {
    case CP_FP64:
        return H5T_NATIVE_DOUBLE;
    case CP_INT64:
        return H5T_NATIVE_INT64;
    case CP_INT32:
        return H5T_NATIVE_INT32;
    case CP_UINT8:
        return H5T_NATIVE_UINT8;
    default:
        return H5T_NATIVE_FLOAT;
    }
}

/* ---- dimension scales ---- */

static enum cp_status write_scale(struct cp_result *result, hid_t scale, const struct cp_dim *dim,
                                  struct cp_error *err) {
    if (dim->labels != NULL) {
        if (H5Dwrite(scale, result->text_type, H5S_ALL, H5S_ALL, result->transfer, dim->labels) < 0)
            return cp_result_fail(result, err, "cannot write the labels of", dim->name);
        return CP_OK;
    }
    int32_t *index = malloc((dim->length + 1) * sizeof *index);
    CP_TRY(CP_CHECK_ALLOC(index, err, result->partial, "a result"));
    for (size_t i = 0; i < dim->length; i++)
        index[i] = (int32_t)i;
    const herr_t written = H5Dwrite(scale, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, result->transfer, index);
    free(index);
    return written < 0 ? cp_result_fail(result, err, "cannot write the dimension", dim->name) : CP_OK;
}

static enum cp_status create_scale(struct cp_result *result, hid_t group, const struct cp_dim *dim,
                                   hid_t *scale, struct cp_error *err) {
    const hsize_t length = dim->length;
    const hid_t type = dim->labels != NULL ? result->text_type : H5T_STD_I32LE;
    const hid_t space = H5Screate_simple(1, &length, NULL);
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    char long_name[128];
    *scale = -1;
    if (space >= 0 && list >= 0 && H5Pset_obj_track_times(list, 0) >= 0)
        *scale = H5Dcreate2(group, dim->name, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    cp_result_release(list);
    cp_result_release(space);
    if (*scale < 0 || H5DSset_scale(*scale, dim->name) < 0)
        return cp_result_fail(result, err, "cannot make the dimension", dim->name);
    (void)snprintf(long_name, sizeof long_name, "%s %s", dim->name, dim->labels != NULL ? "name" : "index");
    CP_TRY(cp_result_attribute_text(result, *scale, CP_SCHEMA_LONG_NAME, long_name, err));
    CP_TRY(cp_result_attribute_text(result, *scale, CP_SCHEMA_UNITS, CP_SCHEMA_NO_UNIT, err));
    return write_scale(result, *scale, dim, err);
}

static enum cp_status open_scale(struct cp_result *result, hid_t group, const struct cp_dim *dim,
                                 hid_t *scale, struct cp_error *err) {
    const htri_t exists = H5Lexists(group, dim->name, H5P_DEFAULT);
    if (exists == 0)
        return create_scale(result, group, dim, scale, err);
    *scale = exists < 0 ? -1 : H5Dopen2(group, dim->name, H5P_DEFAULT);
    const hid_t space = *scale < 0 ? -1 : H5Dget_space(*scale);
    const hssize_t length = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
    cp_result_release(space);
    if (length < 0)
        return cp_result_fail(result, err, "cannot open the dimension", dim->name);
    if ((size_t)length != dim->length)
        return cp_fail(err, CP_INTERNAL, result->partial,
                       "dimension %s has two lengths in one group: %zu and %zu", dim->name, (size_t)length,
                       dim->length);
    return CP_OK;
}

static enum cp_status attach_scales(struct cp_result *result, hid_t group, hid_t dataset,
                                    const struct cp_variable *variable, struct cp_error *err) {
    for (int d = 0; d < variable->rank; d++) {
        hid_t scale = -1;
        enum cp_status status = open_scale(result, group, &variable->dims[d], &scale, err);
        if (status == CP_OK && H5DSattach_scale(dataset, scale, (unsigned)d) < 0)
            status = cp_result_fail(result, err, "cannot attach the dimension", variable->dims[d].name);
        cp_result_release(scale);
        CP_TRY(status);
    }
    return CP_OK;
}

/* ---- datasets ---- */

/* As many whole rows as fit into CHUNK_BYTES, in chunks of about equal size; a row that does not fit is
 * itself cut along its first dimension, and so on. */
static void choose_chunk(const struct cp_result_entry *entry, hsize_t chunk[CP_MAX_RANK]) {
    hsize_t inner = H5Tget_size(stored_type(entry->dtype));
    for (int d = 0; d < entry->rank; d++)
        inner *= entry->shape[d];
    for (int d = 0; d < entry->rank; d++) {
        inner /= entry->shape[d];
        const hsize_t fitting = inner < CHUNK_BYTES ? CHUNK_BYTES / inner : 1;
        const hsize_t chunks = (entry->shape[d] + fitting - 1) / fitting;
        chunk[d] = (entry->shape[d] + chunks - 1) / chunks;
    }
}

static int set_fill(hid_t list, enum cp_dtype dtype) {
    const double nan_fill = NAN;
    if (H5Tget_class(stored_type(dtype)) != H5T_FLOAT)
        return 1;
    return H5Pset_fill_value(list, H5T_NATIVE_DOUBLE, &nan_fill) >= 0;
}

static hid_t create_list(const struct cp_result_entry *entry) {
    hsize_t chunk[CP_MAX_RANK];
    int empty = entry->rank == 0;
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    for (int d = 0; d < entry->rank; d++)
        empty |= entry->shape[d] == 0;
    if (list < 0 || H5Pset_obj_track_times(list, 0) < 0 || !set_fill(list, entry->dtype))
        goto failed;
    if (empty)
        return list;
    choose_chunk(entry, chunk);
    if (H5Pset_chunk(list, entry->rank, chunk) >= 0 && H5Pset_fletcher32(list) >= 0)
        return list;
failed:
    cp_result_release(list);
    return -1;
}

static enum cp_status create_dataset(struct cp_result *result, hid_t group,
                                     const struct cp_variable *variable, const struct cp_result_entry *entry,
                                     struct cp_error *err) {
    const hid_t space =
        entry->rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(entry->rank, entry->shape, NULL);
    const hid_t list = create_list(entry);
    hid_t dataset = -1;
    enum cp_status status = CP_OK;
    if (space >= 0 && list >= 0)
        dataset = H5Dcreate2(group, variable->name, stored_type(entry->dtype), space, H5P_DEFAULT, list,
                             H5P_DEFAULT);
    if (dataset < 0) {
        status = cp_result_fail(result, err, "cannot make the variable", entry->path);
        goto done;
    }
    CP_TRY_DONE(attach_scales(result, group, dataset, variable, err));
    CP_TRY_DONE(cp_result_attribute_text(result, dataset, CP_SCHEMA_LONG_NAME, variable->long_name, err));
    CP_TRY_DONE(cp_result_attribute_text(result, dataset, CP_SCHEMA_UNITS, variable->units, err));
    if (variable->arithmetic_dtype != NULL)
        CP_TRY_DONE(cp_result_attribute_text(result, dataset, CP_SCHEMA_ARITHMETIC_DTYPE,
                                             variable->arithmetic_dtype, err));
done:
    cp_result_release(dataset);
    cp_result_release(list);
    cp_result_release(space);
    return status;
}

/* The dataset that an earlier run made: same type and shape? */
static enum cp_status check_dataset(struct cp_result *result, hid_t group, const char *name,
                                    const struct cp_result_entry *entry, struct cp_error *err) {
    hsize_t shape[H5S_MAX_RANK] = {0};
    const hid_t dataset = H5Dopen2(group, name, H5P_DEFAULT);
    const hid_t space = dataset < 0 ? -1 : H5Dget_space(dataset);
    const hid_t type = dataset < 0 ? -1 : H5Dget_type(dataset);
    const int same = space >= 0 && type >= 0 && H5Tequal(type, stored_type(entry->dtype)) > 0 &&
                     H5Sget_simple_extent_ndims(space) == entry->rank &&
                     H5Sget_simple_extent_dims(space, shape, NULL) >= 0 &&
                     memcmp(shape, entry->shape, (size_t)entry->rank * sizeof *shape) == 0;
    cp_result_release(type);
    cp_result_release(space);
    cp_result_release(dataset);
    if (!same) {
        (void)cp_fail(err, CP_BAD_INPUT, result->partial, "%s has another type or shape than this run's",
                      entry->path);
        return cp_expected(err, "a partial result of the same experiment; delete it to start afresh");
    }
    return CP_OK;
}

/* NULL when out of memory. */
static struct cp_result_entry *add_entry(struct cp_result *result, const struct cp_variable *variable) {
    if (result->count == result->capacity) {
        const size_t capacity = result->capacity == 0 ? 64 : result->capacity * 2;
        struct cp_result_entry *entries = realloc(result->entries, capacity * sizeof *entries);
        if (entries == NULL)
            return NULL;
        result->entries = entries;
        result->capacity = capacity;
    }
    struct cp_result_entry *entry = &result->entries[result->count];
    *entry = (struct cp_result_entry){.dtype = variable->dtype, .rank = variable->rank};
    for (int d = 0; d < variable->rank; d++)
        entry->shape[d] = variable->dims[d].length;
    if (asprintf(&entry->path, "%s/%s", variable->group, variable->name) < 0)
        return NULL;
    result->count++;
    return entry;
}

enum cp_status cp_result_define(struct cp_result *result, const struct cp_variable *variable, int *handle,
                                struct cp_error *err) {
    enum cp_status status = CP_OK;
    hid_t group = -1;
    CP_TRY(cp_journaled_status(result->disk, err));
    const struct cp_result_entry *entry = add_entry(result, variable);
    CP_TRY(CP_CHECK_ALLOC(entry, err, result->partial, "a result"));
    CP_TRY_DONE(cp_result_open_group(result, variable->group, &group, err));
    if (H5Lexists(group, variable->name, H5P_DEFAULT) > 0)
        CP_TRY_DONE(check_dataset(result, group, variable->name, entry, err));
    else
        CP_TRY_DONE(create_dataset(result, group, variable, entry, err));
    *handle = (int)result->count - 1;
done:
    cp_result_release(group);
    return status;
}

/* Selects the rows in `space` and makes the space that describes them in memory. That has the same rank: with
 * any other the library maps element by element, at a tenth of the speed. */
static hid_t select_rows(const struct cp_result_entry *entry, hid_t space, hsize_t first_row, hsize_t rows) {
    hsize_t start[CP_MAX_RANK] = {first_row};
    hsize_t count[CP_MAX_RANK];
    if (entry->rank == 0)
        return H5Screate(H5S_SCALAR);
    memcpy(count, entry->shape, sizeof count);
    count[0] = rows;
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0)
        return -1;
    return H5Screate_simple(entry->rank, count, NULL);
}

enum transfer { TO_FILE, FROM_FILE };

/* A chunk whose rewriting was cut short by a kill fails its checksum, though its committed rows were
 * rewritten with the same bytes. Writing the missing rows reads that chunk first: without verifying it
 * (result->rewriting). */
static enum cp_status transfer(struct cp_result *result, int handle, size_t first_row, size_t rows,
                               enum transfer way, const void *from, void *to, struct cp_error *err) {
    const struct cp_result_entry *entry = &result->entries[handle];
    const size_t length = entry->rank == 0 ? 1 : entry->shape[0];
    enum cp_status status = CP_OK;
    CP_TRY(cp_journaled_status(result->disk, err));
    if (first_row > length || rows > length - first_row)
        return cp_fail(err, CP_INTERNAL, result->partial, "rows %zu to %zu of %s, which has %zu", first_row,
                       first_row + rows, entry->path, length);
    const hid_t dataset = H5Dopen2(result->file, entry->path, H5P_DEFAULT);
    const hid_t space = dataset < 0 ? -1 : H5Dget_space(dataset);
    const hid_t memory = space < 0 ? -1 : select_rows(entry, space, first_row, rows);
    herr_t code = -1;
    if (memory >= 0 && way == TO_FILE)
        code = H5Dwrite(dataset, memory_type(entry->dtype), memory, space, result->rewriting, from);
    else if (memory >= 0)
        code = H5Dread(dataset, memory_type(entry->dtype), memory, space, H5P_DEFAULT, to);
    if (code < 0)
        status = cp_result_fail(result, err, way == TO_FILE ? "cannot write" : "cannot read", entry->path);
    cp_result_release(memory);
    cp_result_release(space);
    cp_result_release(dataset);
    return status == CP_OK ? cp_journaled_status(result->disk, err) : status;
}

enum cp_status cp_result_write(struct cp_result *result, int handle, size_t first_row, size_t rows,
                               const void *data, struct cp_error *err) {
    return transfer(result, handle, first_row, rows, TO_FILE, data, NULL, err);
}

enum cp_status cp_result_read(struct cp_result *result, int handle, size_t first_row, size_t rows, void *data,
                              struct cp_error *err) {
    return transfer(result, handle, first_row, rows, FROM_FILE, NULL, data, err);
}
