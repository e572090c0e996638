/* SPDX-License-Identifier: GPL-3.0-or-later
 * Attributes, and the two of them that tie datasets to their dimensions. */
#include "result/check_internal.h"
#include "result/internal.h"

#include <hdf5_hl.h>
#include <stdlib.h>
#include <string.h>

/* ---- attributes ---- */

struct attributes {
    struct cp_check *check;
    const char *object;
};

/* The library's own: vectors of references, which it reads itself. */
static bool is_reference(const char *name) {
    return strcmp(name, "DIMENSION_LIST") == 0 || strcmp(name, "REFERENCE_LIST") == 0;
}

static bool is_value(hid_t type) {
    const H5T_class_t class = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
    return class == H5T_STRING || ((class == H5T_INTEGER || class == H5T_FLOAT) && H5Tget_size(type) <= 8);
}

static herr_t check_attribute(hid_t object, const char *name, const H5A_info_t *info, void *context) {
    const struct attributes *attributes = context;
    struct cp_check *c = attributes->check;
    (void)info;
    if (is_reference(name))
        return 0;
    const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    const hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute);
    const hid_t space = attribute < 0 ? -1 : H5Aget_space(attribute);
    const bool single = space >= 0 && H5Sget_simple_extent_npoints(space) == 1;
    const bool value = is_value(type);
    cp_result_release(space);
    cp_result_release(type);
    cp_result_release(attribute);
    if (single && value)
        return 0;
    (void)cp_check_refuse(c, attributes->object, "one text or number",
                          "has an attribute %.200s of another type", name);
    return -1;
}

enum cp_status cp_check_attributes(struct cp_check *c, hid_t object, const char *path) {
    struct attributes attributes = {c, path};
    if (H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, check_attribute, &attributes) >= 0)
        return CP_OK;
    return c->err.status ? c->err.status
                         : cp_check_refuse_hdf5(c, path, "has attributes that cannot be read");
}

/* ---- dimensions ---- */

struct dimension {
    struct cp_check *check;
    const char *object;
    hsize_t length;
    int found;
};

static enum cp_status note_scale(struct cp_check *c, haddr_t address, const char *object) {
    if (c->scales == c->scale_capacity) {
        c->scale_capacity = c->scale_capacity ? 2 * c->scale_capacity : 1 << 10;
        struct cp_check_scale *scale = realloc(c->scale, c->scale_capacity * sizeof *scale);
        if (!scale)
            return cp_check_no_memory(c);
        c->scale = scale;
    }
    c->scale[c->scales] = (struct cp_check_scale){address, cp_arena_strdup(&c->arena, object)};
    return c->scale[c->scales++].object ? CP_OK : cp_check_no_memory(c);
}

static herr_t check_scale(hid_t dataset, unsigned dim, hid_t scale, void *context) {
    struct dimension *dimension = context;
    struct cp_check *c = dimension->check;
    hsize_t length[H5S_MAX_RANK] = {0};
    H5O_info_t info;
    const hid_t space = H5Dget_space(scale);
    const int rank = space < 0 ? -1 : H5Sget_simple_extent_dims(space, length, NULL);
    (void)dataset;
    cp_result_release(space);
    if (rank < 0 || H5Oget_info2(scale, &info, H5O_INFO_BASIC) < 0)
        return (void)cp_check_refuse_hdf5(c, dimension->object, "has a dimension that cannot be read"), -1;
    dimension->found++;
    if (rank != 1 || length[0] != dimension->length) {
        (void)cp_check_refuse(
            c, dimension->object, "lengths that agree", "has %llu places on axis %u, and its dimension %llu",
            (unsigned long long)dimension->length, dim, rank == 1 ? (unsigned long long)length[0] : 0);
        return -1;
    }
    return note_scale(c, info.addr, dimension->object) == CP_OK ? 0 : -1;
}

enum cp_status cp_check_dimensions(struct cp_check *c, hid_t dataset, const char *object, int rank,
                                   const hsize_t *shape) {
    if (H5DSis_scale(dataset) > 0)
        return CP_OK;
    for (int d = 0; d < rank; d++) {
        struct dimension dimension = {c, object, shape[d], 0};
        if (H5DSiterate_scales(dataset, (unsigned)d, NULL, check_scale, &dimension) < 0)
            return c->err.status ? c->err.status
                                 : cp_check_refuse_hdf5(c, object, "has dimensions that cannot be read");
        if (dimension.found > 1)
            return cp_check_refuse(c, object, "one", "has several names for axis %d", d);
    }
    return CP_OK;
}
