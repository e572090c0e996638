/* SPDX-License-Identifier: GPL-3.0-or-later
 * The digests of a result file. Objects and attributes are visited in order of their names, so it does
 * not depend on the order of creation; texts count with their final 0, so neighbours cannot run together. */
#include "base/digest.h"
#include "result/internal.h"

#include <hdf5_hl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const enum cp_schema_id cp_result_part_digest[CP_RESULT_PARTS] = {
    [CP_RESULT_CONTENT] = CP_SCHEMA_CONTENT_DIGEST, [CP_RESULT_PROVENANCE] = CP_SCHEMA_PROVENANCE_DIGEST};

struct walk {
    enum cp_result_part part;
    struct cp_digest *digest;
    const struct cp_result_reading *how;
    const char *path; /* of the object being visited; "" is the root */
    double texts;     /* bytes of texts that may still come */
    void *buffer;
    size_t capacity;             /* bytes */
    char failed[CP_SCHEMA_PATH]; /* the object at which it ended; "" is the root, or none */
};

static void add_text(struct walk *walk, const char *text) {
    cp_digest_add(walk->digest, text, strlen(text) + 1);
}

/* A quarter of a second, where microseconds are usual, and a second for each 100 MB. */
static void allow(const struct walk *walk, double bytes) {
    if (walk->how->allow)
        walk->how->allow(0.25 + 1e-8 * bytes);
}

static void *reserve(struct walk *walk, size_t size) {
    if (size > walk->capacity) {
        free(walk->buffer);
        walk->buffer = malloc(size);
        walk->capacity = walk->buffer == NULL ? 0 : size;
    }
    return walk->buffer;
}

/* Strings in memory: their texts. Anything else: its bytes, which are little-endian as stored. */
static herr_t add_values(struct walk *walk, hid_t type, hid_t space) {
    const hssize_t count = H5Sget_select_npoints(space);
    if (H5Tis_variable_str(type) <= 0) {
        cp_digest_add(walk->digest, walk->buffer, (size_t)count * H5Tget_size(type));
        return 0;
    }
    for (hssize_t i = 0; i < count; i++) {
        const char *text = ((char **)walk->buffer)[i];
        add_text(walk, text ? text : "");
        walk->texts -= text ? (double)strlen(text) : 0;
    }
    const herr_t freed = H5Dvlen_reclaim(type, space, H5P_DEFAULT, walk->buffer);
    return walk->texts < 0 ? -1 : freed; /* one text, counted again and again, could fill any memory */
}

static void add_type(struct walk *walk, hid_t type, hid_t space) {
    static const char *const signs[] = {"unsigned", "signed"};
    hsize_t shape[H5S_MAX_RANK];
    char text[64];
    const int rank = H5Sget_simple_extent_dims(space, shape, NULL);
    const H5T_class_t class = H5Tget_class(type);
    if (class == H5T_STRING)
        add_text(walk, "text");
    else {
        (void)snprintf(text, sizeof text, "%s %zu",
                       class == H5T_INTEGER ? signs[H5Tget_sign(type) == H5T_SGN_2] : "float",
                       8 * H5Tget_size(type));
        add_text(walk, text);
    }
    for (int d = 0; d < rank; d++) {
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)shape[d]);
        add_text(walk, text);
    }
    add_text(walk, "");
}

/* ---- attributes ---- */

static bool is_named(const char *name, enum cp_schema_id id) {
    return strcmp(name, cp_schema[id].attribute) == 0;
}

/* The root's attributes are of one part or the other, or digests; below it all that is walked counts. */
static bool is_counted(const struct walk *walk, const char *name) {
    if (walk->path[0])
        return true;
    if (is_named(name, CP_SCHEMA_CONTENT_DIGEST) || is_named(name, CP_SCHEMA_PROVENANCE_DIGEST))
        return false;
    const bool of_the_run = is_named(name, CP_SCHEMA_FINGERPRINT) || is_named(name, CP_SCHEMA_PROGRESS);
    return of_the_run == (walk->part == CP_RESULT_PROVENANCE);
}

static bool is_walked(const struct walk *walk, const char *path) {
    const bool provenance = strcmp(path, cp_schema[CP_SCHEMA_PROVENANCE].path) == 0;
    return walk->path[0] || provenance == (walk->part == CP_RESULT_PROVENANCE);
}

/* The two attributes that tie dimensions together hold addresses; add_dimensions takes the names instead. */
static int is_reference(const char *name) {
    return strcmp(name, "DIMENSION_LIST") == 0 || strcmp(name, "REFERENCE_LIST") == 0;
}

static herr_t add_attribute(hid_t object, const char *name, const H5A_info_t *info, void *context) {
    struct walk *walk = context;
    (void)info;
    if (!is_counted(walk, name) || is_reference(name))
        return 0;
    const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    const hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute);
    const hid_t space = attribute < 0 ? -1 : H5Aget_space(attribute);
    herr_t result = -1;
    if (type >= 0 && space >= 0) {
        const size_t size = (size_t)H5Sget_simple_extent_npoints(space) * H5Tget_size(type);
        add_text(walk, "attribute");
        add_text(walk, name);
        add_type(walk, type, space);
        if (reserve(walk, size) != NULL && H5Aread(attribute, type, walk->buffer) >= 0)
            result = add_values(walk, type, space);
    }
    cp_result_release(space);
    cp_result_release(type);
    cp_result_release(attribute);
    return result;
}

/* ---- datasets ---- */

static herr_t add_dimension(struct walk *walk, hid_t dataset, const hobj_ref_t *reference) {
    char name[256] = "";
    const hid_t scale = H5Rdereference2(dataset, H5P_DEFAULT, H5R_OBJECT, reference);
    const ssize_t length = scale < 0 ? -1 : H5DSget_scale_name(scale, name, sizeof name);
    cp_result_release(scale);
    add_text(walk, name);
    return length < 0 ? -1 : 0;
}

static herr_t add_dimensions(struct walk *walk, hid_t dataset, hid_t space) {
    hobj_ref_t scale[CP_MAX_RANK];
    const int rank = H5Sget_simple_extent_ndims(space);
    if (cp_result_scales(dataset, rank, scale) < 0)
        return -1;
    for (int d = 0; d < rank; d++)
        if (scale[d] != HADDR_UNDEF && add_dimension(walk, dataset, &scale[d]) < 0)
            return -1;
    return 0;
}

/* Rows of dims[0] to read at a time: those of one chunk, so that each chunk is read once. 0: the data is in
 * another file. */
static hsize_t rows_at_once(hid_t dataset, int rank, const hsize_t *shape) {
    hsize_t chunk[H5S_MAX_RANK];
    const hid_t list = H5Dget_create_plist(dataset);
    const H5D_layout_t layout = list < 0 ? H5D_VIRTUAL : H5Pget_layout(list);
    const bool here = layout != H5D_VIRTUAL && H5Pget_external_count(list) == 0;
    const bool chunked = here && layout == H5D_CHUNKED && H5Pget_chunk(list, H5S_MAX_RANK, chunk) > 0;
    cp_result_release(list);
    if (!here)
        return 0;
    return chunked ? chunk[0] : rank > 0 && shape[0] > 0 ? shape[0] : 1;
}

static herr_t add_rows(struct walk *walk, hid_t dataset, hid_t type, hid_t space) {
    hsize_t start[H5S_MAX_RANK] = {0};
    hsize_t count[H5S_MAX_RANK] = {0};
    const int rank = H5Sget_simple_extent_dims(space, count, NULL);
    const hsize_t rows = rank > 0 ? count[0] : 1;
    const hsize_t step = rows_at_once(dataset, rank, count);
    herr_t result = step ? 0 : -1;
    for (; start[0] < rows && result >= 0; start[0] += step) {
        count[0] = rows - start[0] < step ? rows - start[0] : step;
        if (rank > 0 && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0)
            return -1;
        const hid_t memory = rank > 0 ? H5Screate_simple(rank, count, NULL) : H5Screate(H5S_SCALAR);
        const size_t size = (size_t)H5Sget_select_npoints(space) * H5Tget_size(type);
        allow(walk, (double)size);
        result = -1;
        if (memory >= 0 && reserve(walk, size + 1) != NULL &&
            H5Dread(dataset, type, memory, space, walk->how->transfer, walk->buffer) >= 0)
            result = add_values(walk, type, memory);
        cp_result_release(memory);
    }
    return result;
}

static herr_t add_dataset(struct walk *walk, hid_t dataset) {
    const hid_t type = H5Dget_type(dataset);
    const hid_t space = H5Dget_space(dataset);
    herr_t result = -1;
    if (type >= 0 && space >= 0) {
        add_type(walk, type, space);
        if (add_dimensions(walk, dataset, space) >= 0)
            result = add_rows(walk, dataset, type, space);
    }
    cp_result_release(space);
    cp_result_release(type);
    return result;
}

/* ---- groups ---- */

static herr_t add_object(hid_t object, struct walk *walk);

static herr_t add_member(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    struct walk *walk = context;
    const char *const parent = walk->path;
    char *path = NULL;
    if (info->type != H5L_TYPE_HARD)
        return -1;
    if (asprintf(&path, "%s/%s", parent, name) < 0)
        return -1;
    herr_t result = 0;
    if (is_walked(walk, path)) {
        const hid_t object = H5Oopen(group, name, H5P_DEFAULT);
        walk->path = path;
        result = object < 0 ? -1 : add_object(object, walk);
        if (result < 0 && !walk->failed[0])
            (void)snprintf(walk->failed, sizeof walk->failed, "%s", path);
        walk->path = parent;
        cp_result_release(object);
    }
    free(path);
    return result;
}

static herr_t add_object(hid_t object, struct walk *walk) {
    allow(walk, 0);
    const int is_dataset = H5Iget_type(object) == H5I_DATASET;
    add_text(walk, is_dataset ? "dataset" : "group");
    add_text(walk, walk->path);
    if (is_dataset && add_dataset(walk, object) < 0)
        return -1;
    if (H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, add_attribute, walk) < 0)
        return -1;
    return is_dataset ? 0 : H5Literate(object, H5_INDEX_NAME, H5_ITER_INC, NULL, add_member, walk);
}

enum cp_status cp_result_digest_file(hid_t file, enum cp_result_part part,
                                     const struct cp_result_reading *how, char digest[65],
                                     char object[CP_SCHEMA_PATH], struct cp_error *err) {
    struct walk walk = {.part = part, .how = how, .path = "", .texts = how->texts};
    object[0] = '\0';
    CP_TRY(cp_digest_start(&walk.digest, err));
    const hid_t root = H5Gopen2(file, "/", H5P_DEFAULT);
    const herr_t walked = root < 0 ? -1 : add_object(root, &walk);
    cp_digest_finish_hex(walk.digest, digest);
    cp_result_release(root);
    free(walk.buffer);
    (void)snprintf(object, CP_SCHEMA_PATH, "%s", walk.failed);
    return walked < 0 ? CP_INTERNAL : CP_OK;
}

enum cp_status cp_result_digest(struct cp_result *result, enum cp_result_part part, char digest[65],
                                struct cp_error *err) {
    const struct cp_result_reading how = {.transfer = result->transfer, .texts = INFINITY};
    char object[CP_SCHEMA_PATH];
    if (cp_result_digest_file(result->file, part, &how, digest, object, err) == CP_OK)
        return CP_OK;
    return cp_result_fail(result, err, "cannot digest", object[0] ? object : "the file");
}
