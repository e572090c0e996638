/* SPDX-License-Identifier: GPL-3.0-or-later
 * The attribute that ties a dataset to its dimensions, read once, where the library's own functions read it
 * for each dimension and open what it leads to. */
#include "result/internal.h"

#include <string.h>

static const char list[] = "DIMENSION_LIST";

/* For each axis a list of references, which are addresses. */
static int is_list(hid_t type, hid_t space, int rank) {
    hsize_t length[H5S_MAX_RANK] = {0};
    const hid_t element = type < 0 || H5Tget_class(type) != H5T_VLEN ? -1 : H5Tget_super(type);
    const int same = element >= 0 && H5Tequal(element, H5T_STD_REF_OBJ) > 0 && space >= 0 &&
                     H5Sget_simple_extent_ndims(space) == 1 &&
                     H5Sget_simple_extent_dims(space, length, NULL) == 1 && length[0] == (hsize_t)rank;
    cp_result_release(element);
    return same;
}

static int read_list(hid_t attribute, int rank, hobj_ref_t scale[CP_MAX_RANK]) {
    hvl_t lists[CP_MAX_RANK];
    const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    const int read = is_list(type, space, rank) && H5Aread(attribute, type, lists) >= 0;
    int found = read ? 0 : -1;
    for (int d = 0; d < rank && read; d++) {
        if (lists[d].len == 1)
            memcpy(&scale[d], lists[d].p, sizeof scale[d]);
        found = lists[d].len > 1 ? -1 : found;
    }
    if (read)
        (void)H5Dvlen_reclaim(type, space, H5P_DEFAULT, lists);
    cp_result_release(space);
    cp_result_release(type);
    return found;
}

int cp_result_scales(hid_t dataset, int rank, hobj_ref_t scale[CP_MAX_RANK]) {
    const htri_t there = rank > 0 ? H5Aexists(dataset, list) : 0;
    for (int d = 0; d < rank && d < CP_MAX_RANK; d++)
        scale[d] = HADDR_UNDEF;
    if (there <= 0 || rank > CP_MAX_RANK)
        return there == 0 ? 0 : -1;
    const hid_t attribute = H5Aopen(dataset, list, H5P_DEFAULT);
    const int found = attribute < 0 ? -1 : read_list(attribute, rank, scale);
    cp_result_release(attribute);
    return found;
}
