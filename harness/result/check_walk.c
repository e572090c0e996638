/* SPDX-License-Identifier: GPL-3.0-or-later
 * From the root to every object, each once. */
#include "result/check.h"
#include "result/check_internal.h"
#include "result/child.h"
#include "result/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 16 };

/* ---- failing ---- */

enum cp_status cp_check_refuse(struct cp_check *c, const char *object, const char *expected, const char *what,
                               ...) {
    char where[512], text[sizeof c->err.what];
    va_list args;
    va_start(args, what);
    (void)vsnprintf(text, sizeof text, what, args);
    va_end(args);
    (void)snprintf(where, sizeof where, "%.250s%s%.250s", c->path, object[0] ? ": " : "", object);
    (void)cp_fail(&c->err, CP_BAD_INPUT, where, "%s", text);
    return cp_expected(&c->err, "%s", expected);
}

enum cp_status cp_check_refuse_hdf5(struct cp_check *c, const char *object, const char *what) {
    const char *cause = cp_result_hdf5_cause();
    return cp_check_refuse(c, object, "a file as `clip-parity run` wrote it", "%s (%.300s)", what, cause);
}

enum cp_status cp_check_no_memory(struct cp_check *c) {
    return cp_no_memory(&c->err, c->path, "the check of a result");
}

/* ---- objects that were seen ---- */

/* The slot of an address, or the empty one that it would take. */
static struct cp_check_object *slot_of(const struct cp_check *c, haddr_t address) {
    size_t slot = (size_t)(((uint64_t)address * 0x9e3779b97f4a7c15u) >> 20) & (c->slots - 1);
    while (c->seen[slot].address != address && c->seen[slot].address != HADDR_UNDEF)
        slot = (slot + 1) & (c->slots - 1);
    return &c->seen[slot];
}

static enum cp_status grow(struct cp_check *c) {
    const size_t slots = c->slots;
    struct cp_check_object *old = c->seen;
    c->slots = slots ? 2 * slots : 1 << 12;
    c->seen = malloc(c->slots * sizeof *c->seen);
    if (!c->seen)
        return free(old), cp_check_no_memory(c);
    for (size_t i = 0; i < c->slots; i++)
        c->seen[i].address = HADDR_UNDEF;
    for (size_t i = 0; i < slots; i++)
        if (old[i].address != HADDR_UNDEF)
            *slot_of(c, old[i].address) = old[i];
    free(old);
    return CP_OK;
}

/* An object that is reached twice could be reached without end. */
static enum cp_status see(struct cp_check *c, haddr_t address, const char *object) {
    if (c->objects == CP_CHECK_OBJECTS)
        return cp_check_refuse(c, "", "at most 4 million", "has too many objects");
    if (2 * c->objects >= c->slots)
        CP_TRY(grow(c));
    struct cp_check_object *slot = slot_of(c, address);
    if (slot->address == address)
        return cp_check_refuse(c, object, "objects of one name", "is an object that has another name, too");
    *slot = (struct cp_check_object){address, CP_CHECK_NO_LENGTH};
    c->objects++;
    return CP_OK;
}

/* ---- walking ---- */

static enum cp_status check_group(struct cp_check *c, hid_t group, const char *path);

static enum cp_status check_object(struct cp_check *c, hid_t object, const char *path) {
    const H5I_type_t type = H5Iget_type(object);
    H5O_info_t info;
    cp_child_allow(CP_CHECK_SECONDS);
    if (type != H5I_DATASET && type != H5I_GROUP)
        return cp_check_refuse(c, path, "groups and datasets", "is neither group nor dataset");
    if (H5Oget_info2(object, &info, H5O_INFO_BASIC) < 0)
        return cp_check_refuse_hdf5(c, path, "cannot be read");
    CP_TRY(see(c, info.addr, path));
    CP_TRY(cp_check_attributes(c, object, path));
    return type == H5I_DATASET ? cp_check_dataset(c, object, path, &slot_of(c, info.addr)->length)
                               : check_group(c, object, path);
}

struct members {
    struct cp_check *check;
    const char *path; /* of the group; "" is the root */
    hsize_t count;
};

static herr_t check_member(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    struct members *members = context;
    struct cp_check *c = members->check;
    char path[CP_SCHEMA_PATH];
    members->count++;
    if (snprintf(path, sizeof path, "%s/%s", members->path, name) >= (int)sizeof path)
        return (void)cp_check_refuse(c, path, "shorter ones", "has a name that is too long"), -1;
    if (info->type != H5L_TYPE_HARD)
        return (void)cp_check_refuse(c, path, "an object of this file",
                                     info->type == H5L_TYPE_EXTERNAL ? "is a link to another file"
                                                                     : "is a soft link"),
               -1;
    const hid_t object = H5Oopen(group, name, H5P_DEFAULT);
    const enum cp_status status =
        object < 0 ? cp_check_refuse_hdf5(c, path, "cannot be opened") : check_object(c, object, path);
    cp_result_release(object);
    return status == CP_OK ? 0 : -1;
}

static herr_t count_member(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    (void)group;
    (void)name;
    (void)info;
    ++*(hsize_t *)context;
    return 0;
}

/* In both orders: readers go by creation, the digest by name. */
static enum cp_status check_group(struct cp_check *c, hid_t group, const char *path) {
    struct members members = {.check = c, .path = path[1] ? path : ""};
    hsize_t created = 0;
    H5G_info_t info;
    if (c->depth == DEPTH)
        return cp_check_refuse(c, path, "groups as the schema has them", "has too many groups above it");
    c->depth++;
    if (H5Gget_info(group, &info) < 0 ||
        H5Literate(group, H5_INDEX_CRT_ORDER, H5_ITER_INC, NULL, count_member, &created) < 0)
        return cp_check_refuse_hdf5(c, path, "cannot be listed");
    if (H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, check_member, &members) < 0)
        return c->err.status ? c->err.status : cp_check_refuse_hdf5(c, path, "cannot be listed");
    c->depth--;
    if (created != members.count || info.nlinks != created)
        return cp_check_refuse(c, path, "a file that is whole", "does not list its members alike");
    return CP_OK;
}

/* A dimension could be a dataset that has no name, and was not looked at. */
static enum cp_status check_axes(struct cp_check *c) {
    for (size_t a = 0; a < c->axes; a++) {
        const struct cp_check_axis *axis = &c->axis[a];
        const struct cp_check_object *scale = slot_of(c, axis->scale);
        if (scale->address == HADDR_UNDEF || scale->length == CP_CHECK_NO_LENGTH)
            return cp_check_refuse(c, axis->object, "datasets that have names",
                                   "has a dimension that is not a dataset of the file");
        if (scale->length != axis->length)
            return cp_check_refuse(c, axis->object, "lengths that agree",
                                   "has %llu places on an axis, and its dimension %llu",
                                   (unsigned long long)axis->length, (unsigned long long)scale->length);
    }
    return CP_OK;
}

enum cp_status cp_check_walk(struct cp_check *c) {
    const hid_t root = H5Gopen2(c->file, "/", H5P_DEFAULT);
    if (root < 0)
        return cp_check_refuse_hdf5(c, "/", "cannot be opened");
    enum cp_status status = check_object(c, root, "/");
    if (status == CP_OK)
        status = check_axes(c);
    cp_result_release(root);
    return status;
}
