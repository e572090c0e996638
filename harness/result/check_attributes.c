/* SPDX-License-Identifier: GPL-3.0-or-later
 * Attributes, and the two of them that tie datasets to their dimensions. */
#include "result/check_internal.h"
#include "result/internal.h"

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

static enum cp_status note_axis(struct cp_check *c, haddr_t scale, hsize_t length, const char *object) {
    if (c->axes == c->axis_capacity) {
        c->axis_capacity = c->axis_capacity ? 2 * c->axis_capacity : 1 << 10;
        struct cp_check_axis *axis = realloc(c->axis, c->axis_capacity * sizeof *axis);
        if (!axis)
            return cp_check_no_memory(c);
        c->axis = axis;
    }
    c->axis[c->axes++] = (struct cp_check_axis){scale, length, object};
    return CP_OK;
}

enum cp_status cp_check_dimensions(struct cp_check *c, hid_t dataset, const char *object, int rank,
                                   const hsize_t *shape) {
    hobj_ref_t scale[CP_MAX_RANK];
    if (cp_result_scales(dataset, rank, scale) < 0)
        return cp_check_refuse_hdf5(c, object, "has dimensions that cannot be read");
    const char *name = cp_arena_strdup(&c->arena, object);
    if (!name)
        return cp_check_no_memory(c);
    for (int d = 0; d < rank; d++)
        if (scale[d] != HADDR_UNDEF)
            CP_TRY(note_axis(c, scale[d], shape[d], name));
    return CP_OK;
}
