/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a child does: opens the file, sees what it is, and walks it or reads its content. */
#include "base/digest.h"
#include "result/check.h"
#include "result/check_internal.h"
#include "result/child.h"
#include "result/driver.h"
#include "result/internal.h"

#include <string.h>
#include <unistd.h>

static enum cp_status open_file(struct cp_check *c, const struct cp_check_source *source) {
    const hid_t access = source->disk ? cp_result_driver_access(source->disk) : H5P_DEFAULT;
    if (!source->disk && H5Fis_hdf5(c->path) <= 0)
        return cp_check_refuse(c, "", "a result that `clip-parity run` finished", "is not an HDF5 file");
    c->file = access < 0 ? -1 : H5Fopen(c->path, H5F_ACC_RDONLY, access);
    return c->file < 0 ? cp_check_refuse_hdf5(c, "", "is not whole") : CP_OK;
}

/* ---- what it is ---- */

static int copy_text(hid_t attribute, char *text, size_t size) {
    const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    char *value = NULL;
    int read = type >= 0 && space >= 0 && H5Tis_variable_str(type) > 0 &&
               H5Sget_simple_extent_npoints(space) == 1 && H5Aread(attribute, type, &value) >= 0 && value;
    if (read && strlen(value) < size)
        memcpy(text, value, strlen(value) + 1);
    cp_result_release(space);
    cp_result_release(type);
    return read;
}

/* A text of the root; "" where there is none, or a longer one. */
static enum cp_status read_text(struct cp_check *c, enum cp_schema_id id, char *text, size_t size) {
    const struct cp_schema_row *row = &cp_schema[id];
    const htri_t there = H5Aexists_by_name(c->file, row->path, row->attribute, H5P_DEFAULT);
    text[0] = '\0';
    if (there == 0)
        return CP_OK;
    const hid_t attribute =
        there < 0 ? -1 : H5Aopen_by_name(c->file, row->path, row->attribute, H5P_DEFAULT, H5P_DEFAULT);
    const int read = attribute >= 0 && copy_text(attribute, text, size);
    cp_result_release(attribute);
    return read ? CP_OK
                : cp_check_refuse(c, "/", "one text", "has an attribute %s of another type", row->attribute);
}

/* Told here, since the walk would find fault with another program's file for how it is written. */
static enum cp_status check_kind(struct cp_check *c) {
    const char *const provenance = cp_schema[CP_SCHEMA_PROVENANCE].path, *const experiment =
                                                                             cp_schema[CP_SCHEMA_EXPERIMENT]
                                                                                 .path;
    char schema[64];
    CP_TRY(read_text(c, CP_SCHEMA_SCHEMA, schema, sizeof schema));
    if (strcmp(schema, CP_SCHEMA_VERSION) != 0)
        return cp_check_refuse(c, "", "an HDF5 file of the schema " CP_SCHEMA_VERSION,
                               "is not a result of this program");
    if (H5Lexists(c->file, provenance, H5P_DEFAULT) == 0 || H5Lexists(c->file, experiment, H5P_DEFAULT) == 0)
        return cp_check_refuse(c, "", "what `clip-parity run` or `diff` wrote; `diff` compares captures",
                               "is not the result of a run");
    return CP_OK;
}

/* ---- its content ---- */

/* What is checked by the digest need not be checked by the checksums of its chunks. */
static hid_t make_transfer(void) {
    const hid_t list = H5Pcreate(H5P_DATASET_XFER);
    (void)H5Pset_edc_check(list, H5Z_DISABLE_EDC);
    (void)H5Pset_buffer(list, CP_RESULT_CONVERSION_BYTES, NULL, NULL);
    return list;
}

static enum cp_status check_part(struct cp_check *c, enum cp_result_part part, const char *stated) {
    char digest[CP_DIGEST_HEX], object[CP_SCHEMA_PATH];
    const struct cp_result_reading how = {make_transfer(), c->file_bytes, cp_child_allow};
    if (cp_result_digest_file(c->file, part, &how, digest, object, &c->err) != CP_OK)
        return cp_check_refuse_hdf5(c, object, "cannot be read");
    if (!stated[0] || strcmp(digest, stated) == 0)
        return CP_OK;
    return cp_check_refuse(c, "", "the file as it was written; run it again where it is lost",
                           "was changed after the run: its %s has another SHA-256 than its %s says",
                           part == CP_RESULT_CONTENT ? "content" : "provenance",
                           cp_schema[cp_result_part_digest[part]].attribute);
}

/* Results of versions before it have no digest of their provenance. */
static enum cp_status check_content(struct cp_check *c, const char *stated) {
    char provenance[CP_DIGEST_HEX];
    CP_TRY(check_part(c, CP_RESULT_CONTENT, stated));
    CP_TRY(read_text(c, CP_SCHEMA_PROVENANCE_DIGEST, provenance, sizeof provenance));
    return provenance[0] ? check_part(c, CP_RESULT_PROVENANCE, provenance) : CP_OK;
}

static enum cp_status check(struct cp_check *c, const struct cp_check_source *source) {
    char stated[CP_DIGEST_HEX];
    const enum cp_status opened = open_file(c, source);
    if (opened != CP_OK)
        return source->disk || source->capture ? CP_OK : opened; /* who reads it next says so */
    CP_TRY(read_text(c, CP_SCHEMA_CONTENT_DIGEST, stated, sizeof stated));
    if (source->capture && !stated[0])
        return CP_OK;
    if (c->finished && !source->capture) {
        CP_TRY(check_kind(c));
        if (!stated[0])
            return cp_check_refuse(c, "", CP_RESULT_FINISHED, CP_RESULT_NO_DIGEST);
    }
    return source->content ? check_content(c, stated) : cp_check_walk(c);
}

void cp_check_work(int socket, const void *context) {
    const struct cp_check_source *source = context;
    struct cp_check c = {
        .path = source->path, .file = -1, .finished = !source->disk, .file_bytes = source->bytes};
    (void)H5dont_atexit();
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    cp_child_allow(CP_CHECK_SECONDS);
    enum cp_status status = check(&c, source);
    if (source->disk && cp_journaled_status(source->disk, &c.err) != CP_OK)
        status = c.err.status; /* it is the disk's fault, not the file's */
    const char readable = c.file >= 0 ? 1 : 0;
    cp_child_reply(socket, status, &readable, 1, &c.err);
    _exit(0);
}
