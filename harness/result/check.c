/* SPDX-License-Identifier: GPL-3.0-or-later
 * Who checks: a child; and which files need not be checked any more. */
#include "result/check.h"

#include "base/digest.h"
#include "result/check_internal.h"
#include "result/child.h"
#include "result/driver.h"
#include "result/internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Address space of the child; its processor time, and the time that it may take, on a slow disk: a second for
 * so many bytes beside these. */
static const size_t memory = (size_t)6 << 30;
static const double cpu_seconds = 6, cpu_bytes = 50e6, wall_seconds = 60, wall_bytes = 2e6;

/* ---- files that are known ---- */

enum { KNOWN = 16 };
static struct stat known[KNOWN];
static size_t known_next;

static bool same_time(struct timespec a, struct timespec b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_known(const struct stat *file) {
    for (size_t k = 0; k < KNOWN; k++)
        if (known[k].st_ino == file->st_ino && known[k].st_dev == file->st_dev &&
            known[k].st_size == file->st_size && known[k].st_size > 0 &&
            same_time(known[k].st_mtim, file->st_mtim) && same_time(known[k].st_ctim, file->st_ctim))
            return true;
    return false;
}

static void remember(const struct stat *file) {
    known[known_next++ % KNOWN] = *file;
}

void cp_result_trust(const char *path) {
    struct stat file;
    if (stat(path, &file) == 0)
        remember(&file);
}

/* ---- the child ---- */

struct source {
    const char *path;
    struct cp_journaled *disk; /* of an unfinished one; NULL: there is none */
    bool capture;              /* without a digest it is none of ours */
    enum { WALK, CONTENT } what;
    double bytes;
};

static enum cp_status open_file(struct cp_check *c, const struct source *source) {
    const hid_t access = source->disk ? cp_result_driver_access(source->disk) : H5P_DEFAULT;
    if (!source->disk && H5Fis_hdf5(c->path) <= 0)
        return cp_check_refuse(c, "", "a result that `clip-parity run` finished", "is no HDF5 file");
    c->file = access < 0 ? -1 : H5Fopen(c->path, H5F_ACC_RDONLY, access);
    return c->file < 0 ? cp_check_refuse_hdf5(c, "", "is not whole") : CP_OK;
}

/* The attribute content_digest, of the root; "" where there is none. */
static enum cp_status read_digest(struct cp_check *c, char digest[CP_DIGEST_HEX]) {
    const struct cp_schema_row *row = &cp_schema[CP_SCHEMA_CONTENT_DIGEST];
    const htri_t there = H5Aexists_by_name(c->file, row->path, row->attribute, H5P_DEFAULT);
    char *text = NULL;
    digest[0] = '\0';
    if (there == 0)
        return CP_OK;
    const hid_t attribute =
        there < 0 ? -1 : H5Aopen_by_name(c->file, row->path, row->attribute, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute);
    const hid_t space = attribute < 0 ? -1 : H5Aget_space(attribute);
    if (type >= 0 && H5Tis_variable_str(type) > 0 && space >= 0 && H5Sget_simple_extent_npoints(space) == 1 &&
        H5Aread(attribute, type, &text) >= 0 && text && strlen(text) == CP_DIGEST_HEX - 1)
        memcpy(digest, text, CP_DIGEST_HEX);
    return digest[0] ? CP_OK : cp_check_refuse(c, "/", "64 digits", "has an unreadable content_digest");
}

/* What is checked by the digest need not be checked by the checksums of its chunks. */
static hid_t make_transfer(void) {
    const hid_t list = H5Pcreate(H5P_DATASET_XFER);
    (void)H5Pset_edc_check(list, H5Z_DISABLE_EDC);
    (void)H5Pset_buffer(list, CP_RESULT_CONVERSION_BYTES, NULL, NULL);
    return list;
}

static enum cp_status check_content(struct cp_check *c, const char *stated) {
    char digest[CP_DIGEST_HEX], object[CP_SCHEMA_PATH];
    if (cp_result_digest_file(c->file, make_transfer(), c->file_bytes, digest, object, &c->err) != CP_OK)
        return cp_check_refuse_hdf5(c, object, "cannot be read");
    if (!stated[0] || strcmp(digest, stated) == 0)
        return CP_OK;
    return cp_check_refuse(c, "", "the file as it was written; run it again where it is lost",
                           "was changed after the run: its content has another SHA-256 than its "
                           "content_digest says");
}

static enum cp_status check(struct cp_check *c, const struct source *source) {
    char stated[CP_DIGEST_HEX];
    CP_TRY(open_file(c, source));
    CP_TRY(read_digest(c, stated));
    if (source->capture && !stated[0])
        return CP_OK;
    return source->what == WALK ? cp_check_walk(c) : check_content(c, stated);
}

static void work(int socket, const void *context) {
    const struct source *source = context;
    struct cp_check c = {
        .path = source->path, .file = -1, .finished = !source->disk, .file_bytes = source->bytes};
    (void)H5dont_atexit();
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    cp_child_allow(cpu_seconds + source->bytes / cpu_bytes);
    cp_child_reply(socket, check(&c, source), NULL, 0, &c.err);
    _exit(0);
}

/* ---- this process ---- */

static enum cp_status start(struct cp_child *child, const struct source *source, struct cp_error *err) {
    return cp_child_start(child, source->path, memory, work, source, err);
}

static enum cp_status wait_for(struct cp_child *child, const struct source *source, struct cp_error *err) {
    size_t bytes;
    return cp_child_receive_header(child, 0, 0, wall_seconds + source->bytes / wall_bytes, &bytes, err);
}

/* Half of the time goes into each, so two children at once. What the walk finds is said first: it knows more
 * of what is wrong. */
static enum cp_status ask_both(const struct source *walk, struct cp_error *err) {
    struct cp_child walks = {.socket = -1}, reads = {.socket = -1};
    struct source content = *walk;
    content.what = CONTENT;
    enum cp_status status = start(&walks, walk, err);
    if (status == CP_OK)
        status = start(&reads, &content, err);
    if (status == CP_OK)
        status = wait_for(&walks, walk, err);
    if (status == CP_OK)
        status = wait_for(&reads, &content, err);
    cp_child_stop(&reads);
    cp_child_stop(&walks);
    return status;
}

static enum cp_status check_path(const char *path, bool capture, struct cp_error *err) {
    struct stat file;
    struct source source = {.path = path, .capture = capture};
    const bool there = stat(path, &file) == 0;
    if (there && is_known(&file))
        return CP_OK;
    source.bytes = there ? (double)file.st_size : 0;
    CP_TRY(ask_both(&source, err));
    if (there && !capture)
        remember(&file);
    return CP_OK;
}

enum cp_status cp_result_check(const char *path, struct cp_error *err) {
    return check_path(path, false, err);
}

enum cp_status cp_result_check_digest(const char *path, struct cp_error *err) {
    return check_path(path, true, err);
}

enum cp_status cp_result_check_partial(const char *path, struct cp_journaled *disk, struct cp_error *err) {
    const struct source source = {.path = path, .disk = disk, .bytes = (double)cp_journaled_size(disk)};
    struct cp_child child = {.socket = -1};
    enum cp_status status = start(&child, &source, err);
    if (status == CP_OK)
        status = wait_for(&child, &source, err);
    cp_child_stop(&child);
    return status;
}
