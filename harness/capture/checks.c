/* SPDX-License-Identifier: GPL-3.0-or-later
 * What is refused of a capture before it is read. */
#include "capture/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What of a text attribute may be large. */
enum { TEXT_BYTES = 1 << 16 };

/* Values that a file does not store may be this many bytes, and more where filters make them up from less. */
enum { UNSTORED = 1 << 24, MOST_COMPRESSED = 1 << 16 };

/* ---- failing ---- */

/* The innermost reason that HDF5 gives, where it gives one. */
static herr_t innermost(unsigned depth, const H5E_error2_t *error, void *text) {
    (void)depth;
    (void)snprintf(text, 200, "%s", error->desc ? error->desc : "");
    return 0;
}

enum cp_status cp_capture_refuse(struct cp_capture_server *s, const char *object, const char *what) {
    char where[512];
    (void)snprintf(where, sizeof where, "%.250s%s%.250s", s->source->path, object[0] ? ": " : "", object);
    return cp_fail(&s->err, CP_BAD_INPUT, where, "%s", what);
}

enum cp_status cp_capture_refuse_hdf5(struct cp_capture_server *s, const char *object, const char *what) {
    char reason[200] = "", line[400];
    (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, innermost, reason);
    (void)snprintf(line, sizeof line, "%s%s%s%s", what, reason[0] ? " (" : "", reason, reason[0] ? ")" : "");
    return cp_capture_refuse(s, object, line);
}

enum cp_status cp_capture_no_memory(struct cp_capture_server *s) {
    return cp_no_memory(&s->err, s->source->path, "what its file says");
}

/* ---- attributes ---- */

/* A text attribute, of fixed or variable length; "" where there is none. */
void cp_capture_attribute(hid_t object, const char *name, char *text, size_t size) {
    const hid_t attribute = H5Aexists(object, name) > 0 ? H5Aopen(object, name, H5P_DEFAULT) : -1;
    const hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute);
    text[0] = '\0';
    if (type >= 0 && H5Tget_class(type) == H5T_STRING && H5Aget_storage_size(attribute) < TEXT_BYTES) {
        if (H5Tis_variable_str(type) > 0) {
            char *value = NULL;
            if (H5Aread(attribute, type, &value) >= 0 && value)
                (void)snprintf(text, size, "%s", value);
            (void)H5free_memory(value);
        } else {
            char *value = calloc(1, H5Tget_size(type) + 1);
            if (value && H5Aread(attribute, type, value) >= 0)
                (void)snprintf(text, size, "%s", value);
            free(value);
        }
    }
    if (type >= 0)
        (void)H5Tclose(type);
    if (attribute >= 0)
        (void)H5Aclose(attribute);
}

/* As text, where it is an integer. */
void cp_capture_integer(hid_t object, const char *name, char *text, size_t size) {
    const hid_t attribute = H5Aexists(object, name) > 0 ? H5Aopen(object, name, H5P_DEFAULT) : -1;
    const hid_t space = attribute < 0 ? -1 : H5Aget_space(attribute);
    long long value;
    text[0] = '\0';
    if (space >= 0 && H5Sget_simple_extent_npoints(space) == 1 &&
        H5Aread(attribute, H5T_NATIVE_LLONG, &value) >= 0)
        (void)snprintf(text, size, "%lld", value);
    if (space >= 0)
        (void)H5Sclose(space);
    if (attribute >= 0)
        (void)H5Aclose(attribute);
}

enum cp_status cp_capture_flag(struct cp_capture_server *s, hid_t dataset, const char *name,
                               const char *object, bool absent, int *flag) {
    char what[80];
    long long value = absent;
    *flag = absent;
    if (H5Aexists(dataset, name) <= 0)
        return CP_OK;
    const hid_t attribute = H5Aopen(dataset, name, H5P_DEFAULT);
    const hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute);
    const hid_t space = attribute < 0 ? -1 : H5Aget_space(attribute);
    const H5T_class_t class = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
    const bool good = (class == H5T_INTEGER || class == H5T_ENUM) && space >= 0 &&
                      H5Sget_simple_extent_npoints(space) == 1 &&
                      H5Aread(attribute, H5T_NATIVE_LLONG, &value) >= 0;
    *flag = value != 0;
    if (space >= 0)
        (void)H5Sclose(space);
    if (type >= 0)
        (void)H5Tclose(type);
    if (attribute >= 0)
        (void)H5Aclose(attribute);
    if (good)
        return CP_OK;
    (void)snprintf(what, sizeof what, "has an attribute %s that is not a single integer", name);
    (void)cp_capture_refuse(s, object, what);
    return cp_expected(&s->err, "0 or 1");
}

/* ---- walking down ---- */

/* A hard link to an object of that type, which is none of the groups above it. depth: of a group that goes
 * on the way; -1: a dataset. Each part of a path is to be checked before it is opened. */
enum cp_status cp_capture_check_link(struct cp_capture_server *s, hid_t group, const char *name,
                                     const char *object, int depth) {
    H5L_info_t link;
    H5O_info_t info;
    if (H5Lget_info(group, name, &link, H5P_DEFAULT) < 0)
        return cp_capture_refuse(s, object, "is not there");
    if (link.type == H5L_TYPE_EXTERNAL)
        return cp_capture_refuse(s, object, "is an external link, to another file");
    if (link.type != H5L_TYPE_HARD)
        return cp_capture_refuse(s, object, "is a soft link");
    if (H5Oget_info_by_name2(group, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
        return cp_capture_refuse_hdf5(s, object, "cannot be read");
    if (info.type != (depth < 0 ? H5O_TYPE_DATASET : H5O_TYPE_GROUP))
        return cp_capture_refuse(s, object, depth < 0 ? "is not a dataset" : "is not a group");
    for (int d = 0; d < depth; d++)
        if (info.addr == s->above[d])
            return cp_capture_refuse(s, object, "is linked into itself");
    if (depth >= 0 && depth < 3)
        s->above[depth] = info.addr;
    return CP_OK;
}

static enum cp_status check_filters(struct cp_capture_server *s, hid_t list, const char *object) {
    const int filters = H5Pget_nfilters(list);
    for (int f = 0; f < filters; f++) {
        unsigned flags, config;
        size_t values = 0;
        char name[64] = "", what[160];
        const H5Z_filter_t filter =
            H5Pget_filter2(list, (unsigned)f, &flags, &values, NULL, sizeof name - 1, name, &config);
        if (filter >= 0 && H5Zfilter_avail(filter) > 0)
            continue;
        (void)snprintf(what, sizeof what, "is stored with the filter %d (%s), which is not there",
                       (int)filter, name[0] ? name : "no name");
        (void)cp_capture_refuse(s, object, what);
        return cp_expected(&s->err, "none, gzip, shuffle, fletcher32, szip, nbit or scaleoffset");
    }
    return CP_OK;
}

/* Extents that were damaged ask for memory that no file of this size can fill. */
static enum cp_status check_extents(struct cp_capture_server *s, hid_t dataset, hid_t list, hid_t type,
                                    const char *object) {
    const hid_t space = H5Dget_space(dataset), file = H5Iget_file_id(dataset);
    hsize_t size = 0;
    const hssize_t values = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
    const bool known = values >= 0 && file >= 0 && H5Fget_filesize(file, &size) >= 0;
    const double most = (H5Pget_nfilters(list) > 0 ? MOST_COMPRESSED : 1) * (double)size + UNSTORED;
    if (space >= 0)
        (void)H5Sclose(space);
    if (file >= 0)
        (void)H5Fclose(file);
    if (!known)
        return cp_capture_refuse_hdf5(s, object, "cannot be read");
    if ((double)values * (double)H5Tget_size(type) <= most)
        return CP_OK;
    (void)cp_capture_refuse(s, object, "is of more values than the file can hold");
    return cp_expected(&s->err, "a file that is whole");
}

enum cp_status cp_capture_check_storage(struct cp_capture_server *s, hid_t dataset, const char *object) {
    const hid_t list = H5Dget_create_plist(dataset);
    const hid_t type = H5Dget_type(dataset);
    enum cp_status status = CP_OK;
    hsize_t chunk[H5S_MAX_RANK];
    if (list < 0 || type < 0)
        status = cp_capture_refuse_hdf5(s, object, "cannot be read");
    else if (H5Pget_layout(list) == H5D_VIRTUAL)
        status = cp_capture_refuse(s, object, "is a virtual dataset, of other files");
    else if (H5Pget_external_count(list) > 0)
        status = cp_capture_refuse(s, object, "is stored outside the file");
    else
        status = check_filters(s, list, object);
    if (status == CP_OK && H5Pget_layout(list) == H5D_CHUNKED) {
        const int rank = H5Pget_chunk(list, H5S_MAX_RANK, chunk);
        double bytes = (double)H5Tget_size(type);
        for (int d = 0; d < rank; d++)
            bytes *= (double)chunk[d];
        if (!(rank > 0 && bytes <= CP_CAPTURE_CHUNK)) {
            status = cp_capture_refuse(s, object, "has chunks that are too large");
            (void)cp_expected(&s->err, "at most %d MiB each", CP_CAPTURE_CHUNK >> 20);
        }
    }
    if (status == CP_OK)
        status = check_extents(s, dataset, list, type, object);
    if (type >= 0)
        (void)H5Tclose(type);
    if (list >= 0)
        (void)H5Pclose(list);
    return status;
}

enum cp_status cp_capture_check_type(struct cp_capture_server *s, hid_t dataset, H5T_class_t class,
                                     const char *object) {
    const hid_t type = H5Dget_type(dataset);
    const H5T_class_t found = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
    const size_t size = type < 0 ? 0 : H5Tget_size(type);
    if (type >= 0)
        (void)H5Tclose(type);
    if (found == class && size <= 8)
        return CP_OK;
    (void)cp_capture_refuse(s, object,
                            class == H5T_FLOAT ? "is not floating point" : "does not hold integers");
    return cp_expected(&s->err, class == H5T_FLOAT ? "float16, float32 or float64" : "int32 or int64");
}

/* Two dimensions at least: inputs, and what each of them has. */
enum cp_status cp_capture_read_shape(struct cp_capture_server *s, hid_t dataset, const char *object,
                                     int *rank, size_t shape[CP_CAPTURE_RANK]) {
    hsize_t dims[H5S_MAX_RANK];
    const hid_t space = H5Dget_space(dataset);
    *rank = space < 0 ? -1 : H5Sget_simple_extent_dims(space, dims, NULL);
    double elements = 1;
    if (space >= 0)
        (void)H5Sclose(space);
    if (*rank < 2 || *rank > CP_CAPTURE_RANK)
        return cp_capture_refuse(s, object, "has the wrong number of dimensions"),
               cp_expected(&s->err, "2 to %d", CP_CAPTURE_RANK);
    for (int d = 0; d < *rank; d++) {
        shape[d] = (size_t)dims[d];
        elements *= (double)dims[d];
    }
    if (!(elements >= 1 && elements <= CP_CAPTURE_ELEMENTS))
        return cp_capture_refuse(s, object, elements >= 1 ? "is too large" : "has no elements");
    return CP_OK;
}

/* Whether every link on the way to an absolute path is there and hard, so that opening it stays in the file.
 */
enum cp_status cp_capture_check_path(struct cp_capture_server *s, const char *path) {
    char part[512];
    for (const char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        (void)snprintf(part, sizeof part, "%.*s", slash ? (int)(slash - path) : 500, path);
        CP_TRY(cp_capture_check_link(s, s->file, part, part, slash ? 0 : -1));
        if (!slash)
            return CP_OK;
    }
}
