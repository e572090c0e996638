/* SPDX-License-Identifier: GPL-3.0-or-later
 * The child that reads a capture: it opens the file, checks what it is going to read, and answers requests.
 * Whatever HDF5 does to it, the parent only sees a socket that closes, or a reply that does not come. */
#include "io/capture_internal.h"

#include <hdf5.h>
#include <hdf5_hl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Elements of one reply; a request for more is refused, which no honest tap needs. */
enum { REPLY_ELEMENTS = 1 << 28, TEXT_BYTES = 1 << 16 };

struct dataset {
    const char *path; /* in the file */
    struct cp_capture_axes axes;
    size_t shape[CP_CAPTURE_RANK];
};

struct server {
    int socket;
    const struct cp_capture_source *source;
    hid_t file;
    struct cp_capture_listing listing;
    struct cp_capture_listed *tap; /* [listing.taps] */
    struct dataset *dataset;       /* [listing.taps] */
    size_t room;
    char fact[CP_CAPTURE_FACTS][4096];
    haddr_t above[3]; /* groups on the way down */
    struct cp_arena arena;
    struct cp_error err;
};

/* ---- failing ---- */

/* The innermost reason that HDF5 gives, where it gives one. */
static herr_t innermost(unsigned depth, const H5E_error2_t *error, void *text) {
    (void)depth;
    (void)snprintf(text, 200, "%s", error->desc ? error->desc : "");
    return 0;
}

static enum cp_status refuse(struct server *s, const char *object, const char *what) {
    char where[512];
    (void)snprintf(where, sizeof where, "%.250s%s%.250s", s->source->path, object[0] ? ": " : "", object);
    return cp_fail(&s->err, CP_BAD_INPUT, where, "%s", what);
}

static enum cp_status refuse_hdf5(struct server *s, const char *object, const char *what) {
    char reason[200] = "", line[400];
    (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, innermost, reason);
    (void)snprintf(line, sizeof line, "%s%s%s%s", what, reason[0] ? " (" : "", reason, reason[0] ? ")" : "");
    return refuse(s, object, line);
}

static enum cp_status no_memory(struct server *s) {
    return cp_fail(&s->err, CP_BAD_INPUT, s->source->path, "needs more memory than a capture may");
}

/* ---- attributes ---- */

/* A text attribute, of fixed or variable length; "" where there is none. */
static void read_attribute(hid_t object, const char *name, char *text, size_t size) {
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
static void read_integer(hid_t object, const char *name, char *text, size_t size) {
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

/* ---- walking down ---- */

/* A hard link to an object of that type, which is none of the groups above it. depth: of a group that goes
 * on the way; -1: a dataset. Each part of a path is to be checked before it is opened. */
static enum cp_status check_link(struct server *s, hid_t group, const char *name, const char *object,
                                 int depth) {
    H5L_info_t link;
    H5O_info_t info;
    if (H5Lget_info(group, name, &link, H5P_DEFAULT) < 0)
        return refuse(s, object, "is not there");
    if (link.type == H5L_TYPE_EXTERNAL)
        return refuse(s, object, "is an external link, to another file");
    if (link.type != H5L_TYPE_HARD)
        return refuse(s, object, "is a soft link");
    if (H5Oget_info_by_name2(group, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
        return refuse_hdf5(s, object, "cannot be read");
    if (info.type != (depth < 0 ? H5O_TYPE_DATASET : H5O_TYPE_GROUP))
        return refuse(s, object, depth < 0 ? "is no dataset" : "is no group");
    for (int d = 0; d < depth; d++)
        if (info.addr == s->above[d])
            return refuse(s, object, "is linked into itself");
    if (depth >= 0 && depth < 3)
        s->above[depth] = info.addr;
    return CP_OK;
}

static enum cp_status check_filters(struct server *s, hid_t list, const char *object) {
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
        (void)refuse(s, object, what);
        return cp_expected(&s->err, "none, gzip, shuffle, fletcher32, szip, nbit or scaleoffset");
    }
    return CP_OK;
}

static enum cp_status check_storage(struct server *s, hid_t dataset, const char *object) {
    const hid_t list = H5Dget_create_plist(dataset);
    const hid_t type = H5Dget_type(dataset);
    enum cp_status status = CP_OK;
    hsize_t chunk[H5S_MAX_RANK];
    if (list < 0 || type < 0)
        status = refuse_hdf5(s, object, "cannot be read");
    else if (H5Pget_layout(list) == H5D_VIRTUAL)
        status = refuse(s, object, "is a virtual dataset, of other files");
    else if (H5Pget_external_count(list) > 0)
        status = refuse(s, object, "is stored outside the file");
    else
        status = check_filters(s, list, object);
    if (status == CP_OK && H5Pget_layout(list) == H5D_CHUNKED) {
        const int rank = H5Pget_chunk(list, H5S_MAX_RANK, chunk);
        double bytes = (double)H5Tget_size(type);
        for (int d = 0; d < rank; d++)
            bytes *= (double)chunk[d];
        if (!(rank > 0 && bytes <= CP_CAPTURE_CHUNK)) {
            status = refuse(s, object, "has chunks that are too large");
            (void)cp_expected(&s->err, "at most %d MiB each", CP_CAPTURE_CHUNK >> 20);
        }
    }
    if (type >= 0)
        (void)H5Tclose(type);
    if (list >= 0)
        (void)H5Pclose(list);
    return status;
}

static enum cp_status check_type(struct server *s, hid_t dataset, H5T_class_t class, const char *object) {
    const hid_t type = H5Dget_type(dataset);
    const H5T_class_t found = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
    const size_t size = type < 0 ? 0 : H5Tget_size(type);
    if (type >= 0)
        (void)H5Tclose(type);
    if (found == class && size <= 8)
        return CP_OK;
    (void)refuse(s, object, class == H5T_FLOAT ? "is not floating point" : "holds no integers");
    return cp_expected(&s->err, class == H5T_FLOAT ? "float16, float32 or float64" : "int32 or int64");
}

/* Two dimensions at least: inputs, and what each of them has. */
static enum cp_status read_shape(struct server *s, hid_t dataset, const char *object, int *rank,
                                 size_t shape[CP_CAPTURE_RANK]) {
    hsize_t dims[H5S_MAX_RANK];
    const hid_t space = H5Dget_space(dataset);
    *rank = space < 0 ? -1 : H5Sget_simple_extent_dims(space, dims, NULL);
    double elements = 1;
    if (space >= 0)
        (void)H5Sclose(space);
    if (*rank < 2 || *rank > CP_CAPTURE_RANK)
        return refuse(s, object, "has the wrong number of dimensions"),
               cp_expected(&s->err, "2 to %d", CP_CAPTURE_RANK);
    for (int d = 0; d < *rank; d++) {
        shape[d] = (size_t)dims[d];
        elements *= (double)dims[d];
    }
    if (!(elements >= 1 && elements <= 0x1p44))
        return refuse(s, object, elements >= 1 ? "is too large" : "has no elements");
    return CP_OK;
}

/* ---- listing ---- */

static enum cp_status parse_arithmetic(struct server *s, hid_t dataset, const char *object,
                                       enum cp_dtype *arithmetic) {
    char name[32];
    read_attribute(dataset, "arithmetic_dtype", name, sizeof name);
    for (int type = CP_FP32; type <= CP_FP64; type++)
        if (strcmp(cp_dtype_name((enum cp_dtype)type), name) == 0) {
            *arithmetic = (enum cp_dtype)type;
            return CP_OK;
        }
    (void)refuse(s, object,
                 name[0] ? "has an unknown arithmetic_dtype" : "has no attribute arithmetic_dtype");
    return cp_expected(&s->err, "fp32, fp16, bf16 or fp64");
}

static enum cp_status make_room(struct server *s) {
    if (s->listing.taps < s->room)
        return CP_OK;
    if (s->room == CP_CAPTURE_TAPS)
        return refuse(s, "", "has too many taps"), cp_expected(&s->err, "at most %d", CP_CAPTURE_TAPS);
    s->room = s->room ? 2 * s->room : 256;
    struct cp_capture_listed *tap = realloc(s->tap, s->room * sizeof *tap);
    if (tap)
        s->tap = tap;
    struct dataset *dataset = realloc(s->dataset, s->room * sizeof *dataset);
    if (dataset)
        s->dataset = dataset;
    return tap && dataset ? CP_OK : no_memory(s);
}

/* An open dataset as a tap. place NULL: of our own schema. */
static enum cp_status add_dataset(struct server *s, hid_t dataset, const char *name, const char *object,
                                  const struct cp_capture_place *place) {
    struct cp_capture_listed tap = {.arithmetic = place ? place->arithmetic : CP_FP32};
    struct dataset data = {.path = cp_arena_strdup(&s->arena, object)};
    /* Pixels have rows and columns of their own. */
    const char *layout = place && !(strcmp(place->layout ? place->layout : "", "NCHW") == 0 &&
                                    strncmp(name, "pixels.", strlen("pixels.")) == 0)
                             ? place->layout
                             : NULL;
    int rank;
    CP_TRY(make_room(s));
    if (!data.path)
        return no_memory(s);
    CP_TRY(check_storage(s, dataset, object));
    CP_TRY(check_type(s, dataset, H5T_FLOAT, object));
    CP_TRY(read_shape(s, dataset, object, &rank, data.shape));
    if (cp_capture_axes_of(layout, rank, object, &data.axes, &s->err) != CP_OK) {
        cp_error_within(&s->err, s->source->path);
        return CP_BAD_INPUT;
    }
    if (!place)
        CP_TRY(parse_arithmetic(s, dataset, object, &tap.arithmetic));
    tap.rank = cp_capture_shape(&data.axes, data.shape, tap.shape);
    (void)snprintf(tap.name, sizeof tap.name, "%s", name);
    s->tap[s->listing.taps] = tap;
    s->dataset[s->listing.taps++] = data;
    return CP_OK;
}

static enum cp_status open_dataset(struct server *s, hid_t group, const char *link, const char *name,
                                   const char *object, const struct cp_capture_place *place) {
    const hid_t dataset = H5Dopen2(group, link, H5P_DEFAULT);
    if (dataset < 0)
        return refuse_hdf5(s, object, "cannot be opened");
    const enum cp_status status = add_dataset(s, dataset, name, object, place);
    (void)H5Dclose(dataset);
    return status;
}

/* /captures/NAME/TAP: what has no `value` was recorded otherwise, and is no tap for us. */
static enum cp_status add_tap(struct server *s, hid_t capture, const char *tap) {
    char object[512];
    (void)snprintf(object, sizeof object, "/captures/%.200s/%.250s", s->fact[CP_CAPTURE_NAME], tap);
    if (strlen(tap) >= CP_CAPTURE_TAP_NAME || strlen(s->fact[CP_CAPTURE_NAME]) > 200)
        return refuse(s, object, "has a name that is too long");
    CP_TRY(check_link(s, capture, tap, object, 2));
    const hid_t group = H5Gopen2(capture, tap, H5P_DEFAULT);
    if (group < 0)
        return refuse_hdf5(s, object, "cannot be opened");
    enum cp_status status = CP_OK;
    if (H5Lexists(group, "value", H5P_DEFAULT) > 0) {
        (void)snprintf(object, sizeof object, "/captures/%.200s/%.250s/value", s->fact[CP_CAPTURE_NAME], tap);
        status = check_link(s, group, "value", object, -1);
        if (status == CP_OK)
            status = open_dataset(s, group, "value", tap, object, NULL);
    }
    (void)H5Gclose(group);
    return status;
}

struct names {
    struct cp_arena *arena;
    const char **name;
    size_t count, most;
};

static herr_t add_name(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    struct names *names = context;
    (void)group;
    (void)info;
    if (names->count == names->most)
        return -1;
    names->name[names->count] = cp_arena_strdup(names->arena, name);
    return names->name[names->count++] ? 0 : -1;
}

/* The links of a group in order of creation, or of name where the file keeps no order. */
static enum cp_status list_links(struct server *s, hid_t group, const char *object, struct names *names) {
    H5G_info_t info;
    const hid_t list = H5Gget_create_plist(group);
    unsigned order = 0;
    const bool kept =
        list >= 0 && H5Pget_link_creation_order(list, &order) >= 0 && order & H5P_CRT_ORDER_TRACKED;
    if (list >= 0)
        (void)H5Pclose(list);
    if (H5Gget_info(group, &info) < 0)
        return refuse_hdf5(s, object, "cannot be listed");
    if (info.nlinks > CP_CAPTURE_TAPS)
        return refuse(s, object, "has too many members");
    *names = (struct names){.arena = &s->arena, .most = (size_t)info.nlinks};
    names->name = cp_arena_alloc(&s->arena, names->most + 1, sizeof(char *));
    if (!names->name)
        return no_memory(s);
    if (H5Literate(group, kept ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME, H5_ITER_INC, NULL, add_name, names) < 0)
        return refuse_hdf5(s, object, "cannot be listed");
    return CP_OK;
}

static bool has(const struct names *names, const char *name) {
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->name[i], name) == 0)
            return true;
    return false;
}

/* The capture that was asked for, else "baseline", else the only one. */
static enum cp_status choose(struct server *s, const struct names *names, const char **name) {
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
        return refuse(s, "/captures", "is empty"), cp_expected(&s->err, "a group for each capture");
    (void)refuse(s, "/captures", *name ? "has no such capture" : "has several captures");
    return cp_expected(&s->err, "FILE.h5:NAME with one of %s", list);
}

static enum cp_status list_capture(struct server *s, hid_t captures) {
    struct names names;
    const char *name;
    char object[300];
    CP_TRY(list_links(s, captures, "/captures", &names));
    CP_TRY(choose(s, &names, &name));
    (void)snprintf(s->fact[CP_CAPTURE_NAME], sizeof s->fact[0], "%.200s", name);
    (void)snprintf(object, sizeof object, "/captures/%.200s", name);
    CP_TRY(check_link(s, captures, name, object, 1));
    const hid_t capture = H5Gopen2(captures, name, H5P_DEFAULT);
    if (capture < 0)
        return refuse_hdf5(s, object, "cannot be opened");
    read_attribute(capture, "settings", s->fact[CP_CAPTURE_SETTINGS], sizeof s->fact[0]);
    if (H5Aexists(capture, "settings") > 0)
        (void)snprintf(s->fact[CP_CAPTURE_SAYS], sizeof s->fact[0], "yes");
    enum cp_status status = list_links(s, capture, object, &names);
    for (size_t i = 0; i < names.count && status == CP_OK; i++)
        status = add_tap(s, capture, names.name[i]);
    (void)H5Gclose(capture);
    return status;
}

/* Whether every link on the way to an absolute path is there and hard, so that opening it stays in the file.
 */
static enum cp_status check_path(struct server *s, const char *path) {
    char part[512];
    for (const char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        (void)snprintf(part, sizeof part, "%.*s", slash ? (int)(slash - path) : 500, path);
        CP_TRY(check_link(s, s->file, part, part, slash ? 0 : -1));
        if (!slash)
            return CP_OK;
    }
}

static enum cp_status list_mapped(struct server *s) {
    for (size_t i = 0; i < s->source->map->count; i++) {
        const struct cp_capture_place *place = &s->source->map->places[i];
        char path[512];
        (void)snprintf(path, sizeof path, "%s%.500s", place->dataset[0] == '/' ? "" : "/", place->dataset);
        CP_TRY(check_path(s, path));
        CP_TRY(open_dataset(s, s->file, path, place->tap, path, place));
    }
    return CP_OK;
}

/* What the file says of the model, and the token ids' shape. */
static enum cp_status read_facts(struct server *s) {
    size_t shape[CP_CAPTURE_RANK];
    int rank;
    const hid_t provenance =
        H5Lexists(s->file, "provenance", H5P_DEFAULT) > 0 ? H5Gopen2(s->file, "provenance", H5P_DEFAULT) : -1;
    if (provenance >= 0) {
        read_attribute(provenance, "checkpoint", s->fact[CP_CAPTURE_CHECKPOINT], sizeof s->fact[0]);
        read_attribute(provenance, "config", s->fact[CP_CAPTURE_CONFIG], sizeof s->fact[0]);
        read_integer(provenance, "seed", s->fact[CP_CAPTURE_SEED], sizeof s->fact[0]);
        read_attribute(provenance, "graft_from", s->fact[CP_CAPTURE_GRAFT_FROM], sizeof s->fact[0]);
        read_attribute(provenance, "graft_at", s->fact[CP_CAPTURE_GRAFT_AT], sizeof s->fact[0]);
        (void)H5Gclose(provenance);
    }
    if (H5Lexists(s->file, "inputs", H5P_DEFAULT) <= 0 ||
        H5Lexists(s->file, "inputs/tokens", H5P_DEFAULT) <= 0)
        return CP_OK;
    CP_TRY(check_path(s, "/inputs/tokens"));
    const hid_t tokens = H5Dopen2(s->file, "/inputs/tokens", H5P_DEFAULT);
    if (tokens < 0)
        return refuse_hdf5(s, "/inputs/tokens", "cannot be opened");
    enum cp_status status = check_storage(s, tokens, "/inputs/tokens");
    if (status == CP_OK)
        status = check_type(s, tokens, H5T_INTEGER, "/inputs/tokens");
    if (status == CP_OK)
        status = read_shape(s, tokens, "/inputs/tokens", &rank, shape);
    (void)H5Dclose(tokens);
    CP_TRY(status);
    if (rank != 2)
        return refuse(s, "/inputs/tokens", "has the wrong number of dimensions"),
               cp_expected(&s->err, "(prompt, token)");
    s->listing.prompts = shape[0];
    s->listing.tokens = shape[1];
    return CP_OK;
}

static enum cp_status check_schema(struct server *s) {
    char schema[64];
    const hid_t root = H5Gopen2(s->file, "/", H5P_DEFAULT);
    if (root < 0)
        return refuse_hdf5(s, "", "cannot be read");
    read_attribute(root, "schema", schema, sizeof schema);
    (void)H5Gclose(root);
    if (strcmp(schema, "clip-parity/1") == 0)
        return CP_OK;
    (void)refuse(s, "",
                 strncmp(schema, "clip-parity/", strlen("clip-parity/")) == 0
                     ? "is of a newer schema than this program knows"
                 : schema[0] ? "is of another schema"
                             : "has no attribute schema");
    return cp_expected(&s->err, "the schema clip-parity/1, or --map to say where the taps are");
}

static enum cp_status open_file(struct server *s) {
    if (H5Fis_hdf5(s->source->path) <= 0)
        return refuse(s, "", "is not HDF5, or cut off"), cp_expected(&s->err, "an HDF5 file");
    s->file = H5Fopen(s->source->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    return s->file < 0 ? refuse_hdf5(s, "", "cannot be opened as HDF5") : CP_OK;
}

static enum cp_status list_all(struct server *s) {
    CP_TRY(open_file(s));
    if (s->source->map) {
        CP_TRY(list_mapped(s));
    } else {
        CP_TRY(check_schema(s));
        CP_TRY(check_link(s, s->file, "captures", "/captures", 0));
        const hid_t captures = H5Gopen2(s->file, "captures", H5P_DEFAULT);
        if (captures < 0)
            return refuse_hdf5(s, "/captures", "cannot be opened");
        const enum cp_status status = list_capture(s, captures);
        (void)H5Gclose(captures);
        CP_TRY(status);
    }
    if (s->listing.taps == 0)
        return refuse(s, "", "holds no tensor of any tap"),
               cp_expected(&s->err, "taps recorded in full (record: {\"*\": full})");
    return read_facts(s);
}

/* ---- the environment ---- */

struct pairs {
    FILE *out;
    bool files; /* "SHA256 PATH" is told as PATH and SHA256 */
};

static herr_t add_pair(hid_t group, const char *name, const H5A_info_t *info, void *context) {
    const struct pairs *pairs = context;
    char value[4096];
    (void)info;
    read_attribute(group, name, value, sizeof value);
    if (!value[0])
        read_integer(group, name, value, sizeof value);
    char *path = pairs->files ? strchr(value, ' ') : NULL;
    if (path)
        *path++ = '\0';
    (void)fprintf(pairs->out, "%s%c%s%c", path ? path : name, 0, value, 0);
    return 0;
}

static enum cp_status list_pairs(struct server *s, const char *object, bool files, FILE *out) {
    struct pairs pairs = {out, files};
    const hid_t group = H5Gopen2(s->file, object, H5P_DEFAULT);
    if (group < 0)
        return refuse_hdf5(s, object, "cannot be opened");
    const herr_t listed = H5Aiterate2(group, H5_INDEX_NAME, H5_ITER_INC, NULL, add_pair, &pairs);
    (void)H5Gclose(group);
    return listed < 0 ? refuse_hdf5(s, object, "cannot be listed") : CP_OK;
}

static enum cp_status list_environment(struct server *s, FILE *out) {
    CP_TRY(open_file(s));
    CP_TRY(check_schema(s));
    CP_TRY(check_link(s, s->file, "provenance", "/provenance", 0));
    CP_TRY(list_pairs(s, "/provenance", false, out));
    if (H5Lexists(s->file, "provenance/files", H5P_DEFAULT) <= 0)
        return CP_OK;
    CP_TRY(check_link(s, s->file, "provenance/files", "/provenance/files", 1));
    return list_pairs(s, "/provenance/files", true, out);
}

/* ---- replies ---- */

static void send_all(struct server *s, const void *bytes, size_t size) {
    for (const char *at = bytes; size;) {
        const ssize_t sent = send(s->socket, at, size, MSG_NOSIGNAL);
        if (sent <= 0)
            _exit(0); /* the parent is gone */
        at += sent;
        size -= (size_t)sent;
    }
}

static void reply(struct server *s, enum cp_status status, const void *bytes, size_t size) {
    const struct cp_capture_reply header = {status, status == CP_OK ? size : sizeof s->err};
    send_all(s, &header, sizeof header);
    send_all(s, status == CP_OK ? bytes : &s->err, header.bytes);
}

static void reply_listing(struct server *s, enum cp_status status) {
    const size_t taps = s->listing.taps * sizeof *s->tap;
    char *body = status == CP_OK ? malloc(sizeof s->listing + taps + sizeof s->fact) : NULL;
    char *at = body;
    if (status == CP_OK && !body)
        status = no_memory(s);
    if (!body) {
        reply(s, status, NULL, 0);
        _exit(0);
    }
    memcpy(at, &s->listing, sizeof s->listing);
    at += sizeof s->listing;
    memcpy(at, s->tap, taps);
    at += taps;
    for (int f = 0; f < CP_CAPTURE_FACTS; f++)
        at = stpcpy(at, s->fact[f]) + 1;
    reply(s, CP_OK, body, (size_t)(at - body));
    free(body);
}

static _Noreturn void reply_environment(struct server *s) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    enum cp_status status = out ? list_environment(s, out) : no_memory(s);
    if (out && fclose(out) != 0 && status == CP_OK)
        status = no_memory(s);
    reply(s, status, text, size);
    _exit(0);
}

/* Rows of a dataset along one axis, as `type`; shape: of the block. */
static enum cp_status read_block(struct server *s, const char *object, int rank, int axis,
                                 const struct cp_capture_request *request, size_t shape[CP_CAPTURE_RANK],
                                 hid_t type, size_t size, void **block) {
    hsize_t start[CP_CAPTURE_RANK] = {0}, count[CP_CAPTURE_RANK];
    double elements = 1;
    enum cp_status status = CP_OK;
    *block = NULL;
    if (request->rows == 0 || request->first + request->rows > shape[axis])
        return refuse(s, object, "has fewer inputs than were asked for");
    shape[axis] = request->rows;
    start[axis] = request->first;
    for (int d = 0; d < rank; d++) {
        count[d] = shape[d];
        elements *= (double)shape[d];
    }
    if (!(elements <= REPLY_ELEMENTS) || !(*block = malloc((size_t)elements * size)))
        return no_memory(s);
    const hid_t dataset = H5Dopen2(s->file, object, H5P_DEFAULT);
    const hid_t space = dataset < 0 ? -1 : H5Dget_space(dataset),
                memory = H5Screate_simple(rank, count, NULL);
    if (space < 0 || memory < 0 || H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
        H5Dread(dataset, type, memory, space, H5P_DEFAULT, *block) < 0)
        status = refuse_hdf5(s, object, "cannot be read");
    if (space >= 0)
        (void)H5Sclose(space);
    if (memory >= 0)
        (void)H5Sclose(memory);
    if (dataset >= 0)
        (void)H5Dclose(dataset);
    return status;
}

static void reply_values(struct server *s, const struct cp_capture_request *request) {
    struct dataset data = s->dataset[request->tap];
    void *block, *arranged = NULL;
    enum cp_status status = read_block(s, data.path, data.axes.rank, data.axes.order[0], request, data.shape,
                                       H5T_NATIVE_FLOAT, sizeof(float), &block);
    size_t elements = 1;
    for (int d = 0; d < data.axes.rank; d++)
        elements *= data.shape[d];
    if (status == CP_OK && !(arranged = malloc(elements * sizeof(float))))
        status = no_memory(s);
    if (status == CP_OK)
        cp_capture_arrange(&data.axes, data.shape, block, arranged);
    reply(s, status, arranged, elements * sizeof(float));
    free(block);
    free(arranged);
}

static void reply_tokens(struct server *s) {
    const struct cp_capture_request all = {.rows = s->listing.prompts};
    size_t shape[CP_CAPTURE_RANK] = {s->listing.prompts, s->listing.tokens};
    void *block;
    const enum cp_status status =
        read_block(s, "/inputs/tokens", 2, 0, &all, shape, H5T_NATIVE_INT32, sizeof(int32_t), &block);
    reply(s, status, block, shape[0] * shape[1] * sizeof(int32_t));
    free(block);
}

struct labels {
    char *text; /* texts with their NUL */
    size_t size;
    size_t count;
};

/* The names in a dimension's scale, where they are texts and as many as there are inputs. */
static herr_t read_scale(hid_t dataset, unsigned dim, hid_t scale, void *context) {
    struct labels *labels = context;
    const hid_t type = H5Dget_type(scale), space = H5Dget_space(scale);
    const hssize_t count = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
    char **texts = NULL;
    (void)dataset;
    (void)dim;
    if (type >= 0 && H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) > 0 &&
        count == (hssize_t)labels->count)
        texts = calloc(labels->count + 1, sizeof *texts);
    if (texts && H5Dread(scale, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts) >= 0) {
        FILE *out = open_memstream(&labels->text, &labels->size);
        for (size_t i = 0; out && i < labels->count; i++)
            (void)fwrite(texts[i] ? texts[i] : "", 1, texts[i] ? strlen(texts[i]) + 1 : 1, out);
        if (out)
            (void)fclose(out);
        (void)H5Dvlen_reclaim(type, space, H5P_DEFAULT, texts);
    }
    free(texts);
    if (type >= 0)
        (void)H5Tclose(type);
    if (space >= 0)
        (void)H5Sclose(space);
    return 1;
}

static void reply_labels(struct server *s, const struct cp_capture_request *request) {
    const struct dataset *data = &s->dataset[request->tap];
    const int axis = data->axes.order[0];
    struct labels labels = {.count = data->shape[axis]};
    const hid_t dataset = H5Dopen2(s->file, data->path, H5P_DEFAULT);
    if (dataset >= 0 && H5DSget_num_scales(dataset, (unsigned)axis) > 0)
        (void)H5DSiterate_scales(dataset, (unsigned)axis, NULL, read_scale, &labels);
    if (dataset >= 0)
        (void)H5Dclose(dataset);
    reply(s, CP_OK, labels.text, labels.text ? labels.size : 0);
    free(labels.text);
}

static bool receive(int socket, struct cp_capture_request *request) {
    size_t got = 0;
    while (got < sizeof *request) {
        const ssize_t more = recv(socket, (char *)request + got, sizeof *request - got, 0);
        if (more <= 0)
            return false;
        got += (size_t)more;
    }
    return true;
}

_Noreturn void cp_capture_serve(int socket, const struct cp_capture_source *source) {
    static struct server s; /* large, and this process serves once */
    struct cp_capture_request request;
    s = (struct server){.socket = socket, .source = source};
    (void)H5dont_atexit();
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    if (source->environment)
        reply_environment(&s);
    reply_listing(&s, list_all(&s));
    while (receive(socket, &request)) {
        if (request.op != CP_CAPTURE_TOKENS && request.tap >= s.listing.taps)
            break;
        if (request.op == CP_CAPTURE_READ)
            reply_values(&s, &request);
        else if (request.op == CP_CAPTURE_TOKENS)
            reply_tokens(&s);
        else
            reply_labels(&s, &request);
    }
    _exit(0);
}
