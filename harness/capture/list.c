/* SPDX-License-Identifier: GPL-3.0-or-later
 * What is in a capture's file. */
#include "capture/server.h"

#include "result/child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- listing ---- */

static enum cp_status parse_arithmetic(struct cp_capture_server *s, hid_t dataset, const char *object,
                                       enum cp_dtype *arithmetic) {
    char name[32];
    cp_capture_attribute(dataset, cp_schema[CP_SCHEMA_ARITHMETIC_DTYPE].attribute, name, sizeof name);
    for (int type = CP_FP32; type <= CP_FP64; type++)
        if (strcmp(cp_dtype_name((enum cp_dtype)type), name) == 0) {
            *arithmetic = (enum cp_dtype)type;
            return CP_OK;
        }
    (void)cp_capture_refuse(
        s, object, name[0] ? "has an unknown arithmetic_dtype" : "has no attribute arithmetic_dtype");
    return cp_expected(&s->err, "fp32, fp16, bf16 or fp64");
}

/* Files from before the attribute was written say it in long_name. */
static enum cp_status parse_recomputed(struct cp_capture_server *s, hid_t dataset, const char *object,
                                       int *recomputed) {
    char long_name[512];
    cp_capture_attribute(dataset, cp_schema[CP_SCHEMA_LONG_NAME].attribute, long_name, sizeof long_name);
    const char *const name = cp_schema[CP_SCHEMA_RECOMPUTED].attribute;
    return cp_capture_flag(s, dataset, name, object, strstr(long_name, name) != NULL, recomputed);
}

static enum cp_status reserve(struct cp_capture_server *s) {
    if (s->listing.taps < s->capacity)
        return CP_OK;
    if (s->capacity == CP_CAPTURE_TAPS)
        return cp_capture_refuse(s, "", "has too many taps"),
               cp_expected(&s->err, "at most %d", CP_CAPTURE_TAPS);
    s->capacity = s->capacity ? 2 * s->capacity : 256;
    struct cp_capture_listed *tap = realloc(s->tap, s->capacity * sizeof *tap);
    if (tap)
        s->tap = tap;
    struct cp_capture_dataset *dataset = realloc(s->dataset, s->capacity * sizeof *dataset);
    if (dataset)
        s->dataset = dataset;
    return tap && dataset ? CP_OK : cp_capture_no_memory(s);
}

/* An open dataset as a tap. place NULL: of our own schema. */
static enum cp_status add_dataset(struct cp_capture_server *s, hid_t dataset, const char *name,
                                  const char *object, const struct cp_capture_place *place) {
    struct cp_capture_listed tap = {.arithmetic = place ? place->arithmetic : CP_FP32,
                                    .recomputed = place && place->recomputed};
    struct cp_capture_dataset data = {.path = cp_arena_strdup(&s->arena, object)};
    cp_child_allow(CP_CAPTURE_SECONDS);
    /* Pixels have rows and columns of their own. */
    const char *layout = place && !(strcmp(place->layout ? place->layout : "", "NCHW") == 0 &&
                                    strncmp(name, "pixels.", strlen("pixels.")) == 0)
                             ? place->layout
                             : NULL;
    int rank;
    CP_TRY(reserve(s));
    if (!data.path)
        return cp_capture_no_memory(s);
    CP_TRY(cp_capture_check_storage(s, dataset, object));
    CP_TRY(cp_capture_check_type(s, dataset, H5T_FLOAT, object));
    CP_TRY(cp_capture_read_shape(s, dataset, object, &rank, data.shape));
    if (cp_capture_axes_of(layout, rank, object, &data.axes, &s->err) != CP_OK) {
        cp_error_within(&s->err, s->source->path);
        return CP_BAD_INPUT;
    }
    if (!place) {
        CP_TRY(parse_arithmetic(s, dataset, object, &tap.arithmetic));
        CP_TRY(parse_recomputed(s, dataset, object, &tap.recomputed));
    }
    tap.rank = cp_capture_shape(&data.axes, data.shape, tap.shape);
    (void)snprintf(tap.name, sizeof tap.name, "%s", name);
    s->tap[s->listing.taps] = tap;
    s->dataset[s->listing.taps++] = data;
    return CP_OK;
}

static enum cp_status open_dataset(struct cp_capture_server *s, hid_t group, const char *link,
                                   const char *name, const char *object,
                                   const struct cp_capture_place *place) {
    const hid_t dataset = H5Dopen2(group, link, H5P_DEFAULT);
    if (dataset < 0)
        return cp_capture_refuse_hdf5(s, object, "cannot be opened");
    const enum cp_status status = add_dataset(s, dataset, name, object, place);
    (void)H5Dclose(dataset);
    return status;
}

/* /captures/NAME/TAP: what has no `value` was recorded otherwise, and is no tap for us. */
static enum cp_status add_tap(struct cp_capture_server *s, hid_t capture, const char *tap) {
    const char *const *names = CP_NAMES(s->fact[CP_CAPTURE_NAME], tap);
    const char *const value = cp_schema_name(CP_SCHEMA_VALUE);
    char object[CP_SCHEMA_PATH];
    (void)cp_schema_path(CP_SCHEMA_CAPTURE_TAP, names, object);
    if (strlen(tap) >= CP_CAPTURE_TAP_NAME || strlen(s->fact[CP_CAPTURE_NAME]) > 200)
        return cp_capture_refuse(s, object, "has a name that is too long");
    if (cp_schema_is_taken(CP_SCHEMA_METRICS, tap) || cp_schema_is_taken(CP_SCHEMA_RESIDUAL, tap))
        return cp_capture_refuse(s, object, "has a name that results use for something else"),
               cp_expected(&s->err, "the name of a tap (clip-parity list taps)");
    CP_TRY(cp_capture_check_link(s, capture, tap, object, 2));
    const hid_t group = H5Gopen2(capture, tap, H5P_DEFAULT);
    if (group < 0)
        return cp_capture_refuse_hdf5(s, object, "cannot be opened");
    enum cp_status status = CP_OK;
    if (H5Lexists(group, value, H5P_DEFAULT) > 0) {
        (void)cp_schema_path(CP_SCHEMA_VALUE, names, object);
        status = cp_capture_check_link(s, group, value, object, -1);
        if (status == CP_OK)
            status = open_dataset(s, group, value, tap, object, NULL);
    }
    (void)H5Gclose(group);
    return status;
}

static herr_t add_name(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    struct cp_capture_names *names = context;
    (void)group;
    (void)info;
    if (names->count == names->most)
        return -1;
    names->name[names->count] = cp_arena_strdup(names->arena, name);
    return names->name[names->count++] ? 0 : -1;
}

enum cp_status cp_capture_list_links(struct cp_capture_server *s, hid_t group, const char *object,
                                     struct cp_capture_names *names) {
    H5G_info_t info;
    const hid_t list = H5Gget_create_plist(group);
    unsigned order = 0;
    const bool kept =
        list >= 0 && H5Pget_link_creation_order(list, &order) >= 0 && order & H5P_CRT_ORDER_TRACKED;
    if (list >= 0)
        (void)H5Pclose(list);
    if (H5Gget_info(group, &info) < 0)
        return cp_capture_refuse_hdf5(s, object, "cannot be listed");
    if (info.nlinks > CP_CAPTURE_TAPS)
        return cp_capture_refuse(s, object, "has too many members");
    *names = (struct cp_capture_names){.arena = &s->arena, .most = (size_t)info.nlinks};
    names->name = cp_arena_alloc(&s->arena, names->most + 1, sizeof(char *));
    if (!names->name)
        return cp_capture_no_memory(s);
    if (H5Literate(group, kept ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME, H5_ITER_INC, NULL, add_name, names) < 0)
        return names->count && !names->name[names->count - 1]
                   ? cp_capture_no_memory(s)
                   : cp_capture_refuse_hdf5(s, object, "cannot be listed");
    return CP_OK;
}

static bool has(const struct cp_capture_names *names, const char *name) {
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->name[i], name) == 0)
            return true;
    return false;
}

/* The capture that was asked for, else "baseline", else the only one. */
static enum cp_status choose(struct cp_capture_server *s, const struct cp_capture_names *names,
                             const char **name) {
    char list[256] = "";
    size_t used = 0;
    *name = s->source->name          ? s->source->name
            : has(names, "baseline") ? "baseline"
            : names->count == 1      ? names->name[0]
                                     : NULL;
    if (*name && has(names, *name))
        return CP_OK;
    for (size_t i = 0; i < names->count && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%.60s", i ? ", " : "", names->name[i]);
    if (names->count == 0)
        return cp_capture_refuse(s, cp_schema[CP_SCHEMA_CAPTURES].path, "is empty"),
               cp_expected(&s->err, "a group for each capture");
    (void)cp_capture_refuse(s, cp_schema[CP_SCHEMA_CAPTURES].path,
                            *name ? "has no such capture" : "has several captures");
    return cp_expected(&s->err, "FILE.h5:NAME with one of %s", list);
}

static enum cp_status list_capture(struct cp_capture_server *s, hid_t captures) {
    struct cp_capture_names names = {0};
    const char *name;
    char object[CP_SCHEMA_PATH];
    CP_TRY(cp_capture_list_links(s, captures, cp_schema[CP_SCHEMA_CAPTURES].path, &names));
    CP_TRY(choose(s, &names, &name));
    (void)snprintf(s->fact[CP_CAPTURE_NAME], sizeof s->fact[0], "%.200s", name);
    (void)cp_schema_path(CP_SCHEMA_CAPTURE, CP_NAMES(s->fact[CP_CAPTURE_NAME]), object);
    CP_TRY(cp_capture_check_link(s, captures, name, object, 1));
    const hid_t capture = H5Gopen2(captures, name, H5P_DEFAULT);
    if (capture < 0)
        return cp_capture_refuse_hdf5(s, object, "cannot be opened");
    cp_capture_read_fact(s, capture, CP_SCHEMA_CAPTURE_SETTINGS, CP_CAPTURE_SETTINGS);
    cp_capture_read_fact(s, capture, CP_SCHEMA_CAPTURE_CHECKPOINT, CP_CAPTURE_OWN);
    if (H5Aexists(capture, cp_schema[CP_SCHEMA_CAPTURE_SETTINGS].attribute) > 0)
        (void)snprintf(s->fact[CP_CAPTURE_SAYS], sizeof s->fact[0], "yes");
    enum cp_status status = cp_capture_list_links(s, capture, object, &names);
    for (size_t i = 0; i < names.count && status == CP_OK; i++)
        status = add_tap(s, capture, names.name[i]);
    (void)H5Gclose(capture);
    return status;
}

static enum cp_status list_mapped(struct cp_capture_server *s) {
    for (size_t i = 0; i < s->source->map->count; i++) {
        const struct cp_capture_place *place = &s->source->map->places[i];
        char path[512];
        (void)snprintf(path, sizeof path, "%s%.500s", place->dataset[0] == '/' ? "" : "/", place->dataset);
        CP_TRY(cp_capture_check_path(s, path));
        CP_TRY(open_dataset(s, s->file, path, place->tap, path, place));
    }
    return CP_OK;
}

enum cp_status cp_capture_open_hdf5(struct cp_capture_server *s) {
    if (H5Fis_hdf5(s->source->path) <= 0)
        return cp_capture_refuse(s, "", "is not HDF5, or cut off"), cp_expected(&s->err, "an HDF5 file");
    s->file = H5Fopen(s->source->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (s->file >= 0)
        return CP_OK;
    return cp_capture_refuse_hdf5(s, "", "cannot be opened as HDF5"),
           cp_expected(&s->err, "a file that is whole");
}

static enum cp_status nothing_recorded(struct cp_capture_server *s) {
    (void)cp_capture_refuse(s, "", "has no tensor of any tap");
    s->err.status = CP_NOTHING_COMPARED; /* the file is sound */
    return cp_expected(&s->err, "taps recorded in full (record: {\"*\": full})");
}

enum cp_status cp_capture_list(struct cp_capture_server *s) {
    CP_TRY(cp_capture_open_hdf5(s));
    if (s->source->map) {
        CP_TRY(list_mapped(s));
    } else {
        CP_TRY(cp_capture_check_schema(s));
        const char *const path = cp_schema[CP_SCHEMA_CAPTURES].path;
        CP_TRY(cp_capture_check_link(s, s->file, path, path, 0));
        const hid_t captures = H5Gopen2(s->file, path, H5P_DEFAULT);
        if (captures < 0)
            return cp_capture_refuse_hdf5(s, path, "cannot be opened");
        const enum cp_status status = list_capture(s, captures);
        (void)H5Gclose(captures);
        CP_TRY(status);
    }
    if (s->listing.taps == 0)
        return nothing_recorded(s);
    CP_TRY(cp_capture_read_provenance(s));
    return cp_capture_read_tokens(s);
}
