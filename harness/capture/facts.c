/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a capture's file says beside its taps: the schema, provenance, the shape of the token ids, the environment. */
#include "capture/server.h"

#include "result/check.h"
#include "result/child.h"

#include <stdio.h>
#include <string.h>

void cp_capture_read_fact(struct cp_capture_server *s, hid_t object, enum cp_schema_id id,
                          enum cp_capture_fact fact) {
    cp_capture_attribute(object, cp_schema[id].attribute, s->fact[fact], sizeof s->fact[fact]);
}

/* Whether the file has a group of that name. A link to elsewhere is refused before it is followed; what is no
 * group is none of our schema's, which a mapped file may have. */
static enum cp_status find_group(struct cp_capture_server *s, const char *name, bool *there) {
    H5L_info_t link;
    H5O_info_t info;
    *there = false;
    if (H5Lexists(s->file, name, H5P_DEFAULT) <= 0)
        return CP_OK;
    if (H5Lget_info(s->file, name, &link, H5P_DEFAULT) < 0)
        return cp_capture_refuse_hdf5(s, name, "cannot be read");
    if (link.type == H5L_TYPE_HARD &&
        H5Oget_info_by_name2(s->file, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) >= 0 &&
        info.type != H5O_TYPE_GROUP)
        return CP_OK;
    CP_TRY(cp_capture_check_link(s, s->file, name, name, 0));
    *there = true;
    return CP_OK;
}

enum cp_status cp_capture_read_provenance(struct cp_capture_server *s) {
    static const struct {
        enum cp_schema_id id;
        enum cp_capture_fact fact;
    } texts[] = {{CP_SCHEMA_MODEL, CP_CAPTURE_MODEL},
                 {CP_SCHEMA_CHECKPOINT, CP_CAPTURE_CHECKPOINT},
                 {CP_SCHEMA_CONFIG, CP_CAPTURE_CONFIG},
                 {CP_SCHEMA_GRAFT_FROM, CP_CAPTURE_GRAFT_FROM},
                 {CP_SCHEMA_GRAFT_AT, CP_CAPTURE_GRAFT_AT}};
    const char *const path = cp_schema[CP_SCHEMA_PROVENANCE].path;
    bool there;
    CP_TRY(find_group(s, cp_schema_link(CP_SCHEMA_PROVENANCE), &there));
    const hid_t group = there ? H5Gopen2(s->file, path, H5P_DEFAULT) : -1;
    if (group < 0)
        return there ? cp_capture_refuse_hdf5(s, path, "cannot be opened") : CP_OK;
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++)
        cp_capture_read_fact(s, group, texts[t].id, texts[t].fact);
    cp_capture_integer(group, cp_schema[CP_SCHEMA_SEED].attribute, s->fact[CP_CAPTURE_SEED],
                       sizeof s->fact[0]);
    (void)H5Gclose(group);
    return CP_OK;
}

/* The tap of the ids, which has the dataset's name, is of prompts as long. */
static enum cp_status check_own_tokens(struct cp_capture_server *s, const char *path) {
    char what[128];
    for (size_t t = 0; t < s->listing.taps; t++) {
        const struct cp_capture_listed *tap = &s->tap[t];
        if (strcmp(tap->name, strrchr(path, '/') + 1) != 0 || tap->rank != 2 ||
            tap->shape[1] == s->listing.tokens)
            continue;
        (void)snprintf(what, sizeof what, "has prompts of %zu tokens, and the tap tokens of %zu",
                       s->listing.tokens, tap->shape[1]);
        return cp_capture_refuse(s, path, what), cp_expected(&s->err, "the same ids in both");
    }
    return CP_OK;
}

/* The shape of the token ids, where there are any. */
enum cp_status cp_capture_read_tokens(struct cp_capture_server *s) {
    const char *const path = cp_schema[CP_SCHEMA_TOKENS].path;
    size_t shape[CP_CAPTURE_RANK];
    int rank;
    bool there;
    CP_TRY(find_group(s, cp_schema_link(CP_SCHEMA_INPUTS), &there));
    if (!there || H5Lexists(s->file, path, H5P_DEFAULT) <= 0)
        return CP_OK;
    CP_TRY(cp_capture_check_path(s, path));
    const hid_t tokens = H5Dopen2(s->file, path, H5P_DEFAULT);
    if (tokens < 0)
        return cp_capture_refuse_hdf5(s, path, "cannot be opened");
    enum cp_status status = cp_capture_check_storage(s, tokens, path);
    if (status == CP_OK)
        status = cp_capture_check_type(s, tokens, H5T_INTEGER, path);
    if (status == CP_OK)
        status = cp_capture_read_shape(s, tokens, path, &rank, shape);
    (void)H5Dclose(tokens);
    CP_TRY(status);
    if (rank != 2)
        return cp_capture_refuse(s, path, "has the wrong number of dimensions"),
               cp_expected(&s->err, "(prompt, token)");
    s->listing.prompts = shape[0];
    s->listing.tokens = shape[1];
    return check_own_tokens(s, path);
}

enum cp_status cp_capture_check_schema(struct cp_capture_server *s) {
    char schema[64];
    const hid_t root = H5Gopen2(s->file, "/", H5P_DEFAULT);
    if (root < 0)
        return cp_capture_refuse_hdf5(s, "", "cannot be read");
    cp_capture_attribute(root, cp_schema[CP_SCHEMA_SCHEMA].attribute, schema, sizeof schema);
    /* What a run has on the way, and what it writes last. */
    const bool unfinished = H5Aexists(root, cp_schema[CP_SCHEMA_FINGERPRINT].attribute) > 0 &&
                            H5Aexists(root, cp_schema[CP_SCHEMA_CONTENT_DIGEST].attribute) <= 0;
    (void)H5Gclose(root);
    if (unfinished)
        return cp_capture_refuse(s, "", CP_RESULT_NO_DIGEST), cp_expected(&s->err, CP_RESULT_FINISHED);
    if (strcmp(schema, CP_SCHEMA_VERSION) == 0)
        return CP_OK;
    (void)cp_capture_refuse(s, "",
                            strncmp(schema, CP_SCHEMA_FAMILY, strlen(CP_SCHEMA_FAMILY)) == 0
                                ? "is of a newer schema than this program knows"
                            : schema[0] ? "is of another schema"
                                        : "has no attribute schema");
    return cp_expected(&s->err, "the schema " CP_SCHEMA_VERSION ", or --map to say where the taps are");
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
    cp_capture_attribute(group, name, value, sizeof value);
    if (!value[0])
        cp_capture_integer(group, name, value, sizeof value);
    char *path = pairs->files ? strchr(value, ' ') : NULL;
    if (path)
        *path++ = '\0';
    (void)fprintf(pairs->out, "%s%c%s%c", path ? path : name, 0, value, 0);
    return 0;
}

static enum cp_status list_pairs(struct cp_capture_server *s, const char *object, bool files, FILE *out) {
    struct pairs pairs = {out, files};
    const hid_t group = H5Gopen2(s->file, object, H5P_DEFAULT);
    if (group < 0)
        return cp_capture_refuse_hdf5(s, object, "cannot be opened");
    const herr_t listed = H5Aiterate2(group, H5_INDEX_NAME, H5_ITER_INC, NULL, add_pair, &pairs);
    (void)H5Gclose(group);
    return listed < 0 ? cp_capture_refuse_hdf5(s, object, "cannot be listed") : CP_OK;
}

enum cp_status cp_capture_list_environment(struct cp_capture_server *s, FILE *out) {
    CP_TRY(cp_capture_open_hdf5(s));
    CP_TRY(cp_capture_check_schema(s));
    const char *const path = cp_schema[CP_SCHEMA_PROVENANCE].path, *const files =
                                                                       cp_schema[CP_SCHEMA_FILES].path;
    CP_TRY(cp_capture_check_link(s, s->file, path, path, 0));
    CP_TRY(list_pairs(s, path, false, out));
    if (H5Lexists(s->file, files, H5P_DEFAULT) <= 0)
        return CP_OK;
    CP_TRY(cp_capture_check_link(s, s->file, files, files, 1));
    return list_pairs(s, files, true, out);
}
