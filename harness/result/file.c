/* SPDX-License-Identifier: GPL-3.0-or-later
 * Creates, resumes, commits and finishes: when HDF5 is flushed and when the journal is. */
#include "result/file.h"

#include "base/regular.h"
#include "format/disk_file.h"
#include "format/file.h"
#include "format/unfinished.h"
#include "result/check.h"
#include "result/driver.h"
#include "result/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* H5dont_atexit before anything else: the library's exit handler crashes on a file that it could not write.
 */
static void prepare_library(void) {
    (void)H5dont_atexit();
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

static enum cp_status make_properties(struct cp_result *result, struct cp_error *err) {
    result->group_list = H5Pcreate(H5P_GROUP_CREATE);
    result->text_type = H5Tcopy(H5T_C_S1);
    result->transfer = H5Pcreate(H5P_DATASET_XFER);
    result->rewriting = H5Pcreate(H5P_DATASET_XFER);
    if (result->group_list < 0 || result->text_type < 0 || result->transfer < 0 || result->rewriting < 0 ||
        H5Pset_obj_track_times(result->group_list, 0) < 0 ||
        H5Pset_link_creation_order(result->group_list, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) < 0 ||
        H5Tset_size(result->text_type, H5T_VARIABLE) < 0 ||
        H5Tset_cset(result->text_type, H5T_CSET_UTF8) < 0 ||
        H5Pset_buffer(result->transfer, CP_RESULT_CONVERSION_BYTES, NULL, NULL) < 0 ||
        H5Pset_edc_check(result->rewriting, H5Z_DISABLE_EDC) < 0)
        return cp_result_fail(result, err, "cannot set up", "HDF5");
    return CP_OK;
}

static enum cp_status write_progress(struct cp_result *result, uint64_t progress, struct cp_error *err) {
    const hid_t root = H5Gopen2(result->file, "/", H5P_DEFAULT);
    const enum cp_status status = cp_result_attribute(result, root, cp_schema[CP_SCHEMA_PROGRESS].attribute,
                                                      H5T_STD_U64LE, &progress, err);
    cp_result_release(root);
    return status;
}

static enum cp_status create_file(struct cp_result *result, hid_t access, const char *fingerprint,
                                  struct cp_error *err) {
    const hid_t list = H5Pcreate(H5P_FILE_CREATE);
    result->started = 1;
    cp_journaled_reset(result->disk);
    if (list >= 0 && H5Pset_obj_track_times(list, 0) >= 0 &&
        H5Pset_link_creation_order(list, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) >= 0)
        result->file = H5Fcreate(result->partial, H5F_ACC_TRUNC, list, access);
    cp_result_release(list);
    if (result->file < 0)
        return cp_result_fail(result, err, "cannot create", "the file");
    CP_TRY(cp_schema_text(result, CP_SCHEMA_FINGERPRINT, NULL, fingerprint, err));
    return cp_result_commit(result, 0, err);
}

static hid_t open_attribute(const struct cp_result *result, enum cp_schema_id id) {
    const struct cp_schema_row *row = &cp_schema[id];
    return H5Aopen_by_name(result->file, row->path, row->attribute, H5P_DEFAULT, H5P_DEFAULT);
}

/* 1 where the root's fingerprint was read and equals, 0 where it differs, -1 where it cannot be read. */
static int same_fingerprint(const struct cp_result *result, const char *fingerprint) {
    char *stored = NULL;
    int same = -1;
    const hid_t attribute = open_attribute(result, CP_SCHEMA_FINGERPRINT);
    if (attribute >= 0 && H5Aread(attribute, result->text_type, &stored) >= 0) {
        same = strcmp(stored, fingerprint) == 0;
        (void)H5free_memory(stored);
    }
    cp_result_release(attribute);
    return same;
}

static int read_progress(struct cp_result *result) {
    const hid_t attribute = open_attribute(result, CP_SCHEMA_PROGRESS);
    const herr_t got = attribute < 0 ? -1 : H5Aread(attribute, H5T_NATIVE_UINT64, &result->progress);
    cp_result_release(attribute);
    return got >= 0;
}

/* Continues the partial, or leaves result->file negative where there is nothing readable. */
static enum cp_status reopen_file(struct cp_result *result, hid_t access, const char *fingerprint,
                                  struct cp_error *err) {
    bool readable = cp_journaled_size(result->disk) > 0;
    if (readable && cp_result_check_partial(result->partial, result->disk, &readable, err) != CP_OK)
        return err->expected[0] /* not so where the disk failed */
                   ? cp_expected(err, "a partial result that a run left; delete it to start afresh")
                   : err->status;
    if (!readable)
        return cp_journaled_status(result->disk, err);
    result->file = H5Fopen(result->partial, H5F_ACC_RDWR, access);
    const int same = result->file < 0 ? -1 : same_fingerprint(result, fingerprint);
    if (same == 0) {
        (void)cp_fail(err, CP_BAD_INPUT, result->partial,
                      "belongs to a different run (its fingerprint differs)");
        return cp_expected(err, "the same settings, or to start afresh: --force without --resume");
    }
    result->resumed = same > 0 && read_progress(result);
    if (!result->resumed && result->file >= 0) {
        (void)H5Fclose(result->file);
        result->file = -1;
    }
    return cp_journaled_status(result->disk, err);
}

static enum cp_status open_file(struct cp_result *result, int resume, const char *fingerprint,
                                struct cp_error *err) {
    enum cp_status status = CP_OK;
    const hid_t access = cp_result_driver_access(result->disk);
    if (access < 0)
        return cp_result_fail(result, err, "cannot set up", "the file driver");
    if (resume)
        CP_TRY_DONE(reopen_file(result, access, fingerprint, err));
    if (result->file < 0)
        CP_TRY_DONE(create_file(result, access, fingerprint, err));
done:
    cp_result_release(access);
    return status;
}

enum cp_status cp_result_may_replace(const char *path, struct cp_error *err) {
    unsigned char start[8];
    struct cp_error absent;
    FILE *file;
    if (access(path, F_OK) != 0)
        return CP_OK;
    if (cp_regular_stream(path, &file, &absent) != CP_OK)
        return CP_OK; /* as a name to write it is judged elsewhere */
    const size_t size = fread(start, 1, sizeof start, file);
    (void)fclose(file);
    if (size == 0 || cp_file_is_hdf5(start, size))
        return CP_OK;
    return cp_fail(err, CP_BAD_INPUT, path, "exists, and is not a result"),
           cp_expected(err, "a new name, or that of a result to be replaced");
}

enum cp_status cp_result_create(const char *path, int resume, const char *fingerprint,
                                struct cp_result **result, struct cp_error *err) {
    enum cp_status status = CP_OK;
    *result = NULL;
    CP_TRY(cp_disk_check_name(path, err));
    CP_TRY(cp_result_may_replace(path, err));
    struct cp_result *made = calloc(1, sizeof *made);
    CP_TRY(CP_CHECK_ALLOC(made, err, path, "a result"));
    prepare_library();
    made->file = made->group_list = made->text_type = made->transfer = made->rewriting = -1;
    made->path = strdup(path);
    if (made->path == NULL || asprintf(&made->partial, "%s.partial", path) < 0) {
        made->partial = NULL;
        status = cp_no_memory(err, path, "a result");
        goto done;
    }
    CP_TRY_DONE(cp_disk_make_parents(made->partial, err));
    CP_TRY_DONE(cp_journaled_open(made->partial, &made->disk, err));
    CP_TRY_DONE(make_properties(made, err));
    CP_TRY_DONE(open_file(made, resume, fingerprint, err));
    *result = made;
    return CP_OK;
done:
    cp_result_close(made, !made->started);
    return status;
}

int cp_result_resumed(const struct cp_result *result) {
    return result->resumed;
}

uint64_t cp_result_progress(const struct cp_result *result) {
    return result->progress;
}

int cp_result_disk_failed(const struct cp_result *result) {
    struct cp_error failure;
    return cp_journaled_status(result->disk, &failure) != CP_OK;
}

static enum cp_status commit(struct cp_result *result, struct cp_error *err) {
    if (H5Fflush(result->file, H5F_SCOPE_LOCAL) < 0)
        return cp_result_fail(result, err, "cannot flush", "the file");
    cp_journaled_commit(result->disk);
    return cp_journaled_status(result->disk, err);
}

enum cp_status cp_result_commit(struct cp_result *result, uint64_t progress, struct cp_error *err) {
    CP_TRY(cp_journaled_status(result->disk, err));
    CP_TRY(write_progress(result, progress, err));
    CP_TRY(commit(result, err));
    if (progress)
        cp_unfinished_set(result->partial, CP_UNFINISHED_KEPT);
    result->progress = progress;
    return CP_OK;
}

/* Closing fails while any object is open (the driver says H5F_CLOSE_SEMI), and writes the last metadata,
 * which a second commit takes in. */
static enum cp_status close_file(struct cp_result *result, struct cp_error *err) {
    const herr_t closed = H5Fclose(result->file);
    result->file = -1;
    if (closed < 0)
        return cp_result_fail(result, err, "cannot close", "the file");
    cp_journaled_commit(result->disk);
    return cp_journaled_status(result->disk, err);
}

enum cp_status cp_result_finish(struct cp_result *result, char digest[65], struct cp_error *err) {
    CP_TRY(cp_journaled_status(result->disk, err));
    /* The content's comes last, and is the one that stays in `digest`. */
    for (int part = CP_RESULT_PARTS - 1; part >= 0; part--) {
        CP_TRY(cp_result_digest(result, (enum cp_result_part)part, digest, err));
        CP_TRY(cp_schema_text(result, cp_result_part_digest[part], NULL, digest, err));
    }
    CP_TRY(commit(result, err));
    CP_TRY(close_file(result, err));
    CP_TRY(cp_journaled_rename(result->disk, result->path, err));
    cp_result_trust(result->path);
    return CP_OK;
}

void cp_result_close(struct cp_result *result, int keep_partial) {
    if (result == NULL)
        return;
    if (result->file >= 0) {
        cp_journaled_freeze(result->disk);
        (void)H5Fclose(result->file);
    }
    cp_result_release(result->rewriting);
    cp_result_release(result->transfer);
    cp_result_release(result->text_type);
    cp_result_release(result->group_list);
    cp_journaled_close(result->disk, !keep_partial);
    for (size_t i = 0; i < result->count; i++)
        free(result->entries[i].path);
    free(result->entries);
    free(result->partial);
    free(result->path);
    free(result);
}
