/* SPDX-License-Identifier: GPL-3.0-or-later
 * Shared by the files that implement result/file.h; included by nothing else. */
#ifndef CP_RESULT_INTERNAL_H
#define CP_RESULT_INTERNAL_H

#include "format/journaled_file.h"
#include "result/schema.h"

#include <hdf5.h>

/* What cp_result_write needs of a variable. Its dataset is opened for each write: keeping thousands open
 * would keep thousands of chunk caches. */
struct cp_result_entry {
    char *path;
    enum cp_dtype dtype;
    int rank;
    hsize_t shape[CP_MAX_RANK];
};

struct cp_result {
    char *path;
    char *partial;
    struct cp_journaled *disk;
    hid_t file;
    hid_t group_list; /* creation properties of groups */
    hid_t text_type;  /* variable-length UTF-8: what h5py and xarray both turn into str */
    hid_t transfer;   /* for reading and writing datasets */
    hid_t rewriting;  /* as transfer, but does not verify checksums, see result_variable.c */
    int started;      /* emptied and begun by this run: its to remove */
    int resumed;
    uint64_t progress;
    struct cp_result_entry *entries; /* (count) */
    size_t count, capacity;
};

/* Closes any HDF5 object; negative ids, left by a failed call, are skipped. */
void cp_result_release(hid_t id);

/* Fills err with the disk's failure if there is one, else with CP_INTERNAL, `what`, name and HDF5's own
 * reason. */
enum cp_status cp_result_fail(const struct cp_result *result, struct cp_error *err, const char *what,
                              const char *name);

/* Opens the group at an absolute path, making it and its parents where missing. */
enum cp_status cp_result_open_group(struct cp_result *result, const char *path, hid_t *group,
                                    struct cp_error *err);

/* Sets a scalar attribute of an open object, replacing an older one; data is one value of `type`. */
enum cp_status cp_result_attribute(struct cp_result *result, hid_t object, const char *name, hid_t type,
                                   const void *data, struct cp_error *err);
/* A text attribute by its row, of whatever object. */
enum cp_status cp_result_attribute_text(struct cp_result *result, hid_t object, enum cp_schema_id id,
                                        const char *value, struct cp_error *err);

/* The library clears its conversion buffer, 1 MiB by default, each time it reads or writes strings. */
enum { CP_RESULT_CONVERSION_BYTES = 1 << 16 };

/* The innermost reason of the last failure. */
const char *cp_result_hdf5_cause(void);

/* The dimension scale of each axis, HADDR_UNDEF where it has none. Negative where that cannot be read, or an
 * axis has several. */
int cp_result_scales(hid_t dataset, int rank, hobj_ref_t scale[CP_MAX_RANK]);

/* What a result states a digest of, as cp_result_finish defines both. */
enum cp_result_part { CP_RESULT_CONTENT, CP_RESULT_PROVENANCE, CP_RESULT_PARTS };
/* The attribute with the digest of a part. */
extern const enum cp_schema_id cp_result_part_digest[CP_RESULT_PARTS];

/* SHA-256 of a part, in hex. */
enum cp_status cp_result_digest(struct cp_result *result, enum cp_result_part part, char digest[65],
                                struct cp_error *err);
/* The same of any open file; object: where it failed. */
struct cp_result_reading {
    hid_t transfer;
    double texts; /* bytes that all of them may have */
    void (*allow)(
        double seconds); /* called before each object and each block with what it may take; or NULL */
};
enum cp_status cp_result_digest_file(hid_t file, enum cp_result_part part,
                                     const struct cp_result_reading *how, char digest[65],
                                     char object[CP_SCHEMA_PATH], struct cp_error *err);

#endif
