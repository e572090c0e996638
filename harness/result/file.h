/* SPDX-License-Identifier: GPL-3.0-or-later
 * A result file being written: HDF5, readable in one line of h5py or xarray, and safe against being killed.
 *
 * Everything goes to PATH.partial, which becomes PATH by a rename in cp_result_finish; PATH is absent, the
 * previous run's, or complete. cp_result_commit is atomic: whatever happens between two commits (kill -9,
 * power loss, a full disk), reopening with resume finds exactly the last committed structure and progress
 * number, and every row written before that commit. Rows written after it may or may not be there; the caller
 * writes them again.
 *
 * Groups list their members in order of creation. No time stamps are stored, so equal calls make equal bytes.
 * After the first failed write (a full disk, say) every later call reports that same failure and touches
 * nothing. One result is used by one thread at a time, and no other thread may be inside HDF5. */
#ifndef CP_RESULT_FILE_H
#define CP_RESULT_FILE_H

#include "base/number.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

enum { CP_MAX_RANK = 5 };

struct cp_result;

/* A named dimension. It becomes a dimension scale of that name in the variable's group, shared by all
 * variables of the group, which must agree on its length. */
struct cp_dim {
    const char *name; /* "image", "prompt", "token", "channel", "head", "query", "key", ... */
    size_t length;
    const char *const *labels; /* (length) coordinates in UTF-8, or NULL: 0 .. length - 1 */
};

struct cp_variable {
    const char *group; /* an absolute path; created, with its parents, where missing */
    const char *name;
    const char *long_name;
    const char *units;            /* CP_SCHEMA_NO_UNIT where there is none */
    enum cp_dtype dtype;          /* fp16 and bf16 are stored as float32, all others as they are */
    const char *arithmetic_dtype; /* attribute of that name; NULL: none */
    int rank;                     /* 0 (one value) to CP_MAX_RANK */
    struct cp_dim dims[CP_MAX_RANK];
};

/* A result may be replaced, on purpose; what is there and is none is somebody's: CP_BAD_INPUT. */
enum cp_status cp_result_may_replace(const char *path, struct cp_error *err);

/* Starts PATH.partial, making parent folders that are missing. fingerprint names what is being computed (any
 * short text, such as the digest of the resolved experiment). With resume, an existing partial is continued
 * if it can be read; it is CP_BAD_INPUT if its fingerprint differs. Without, it is overwritten. CP_BAD_INPUT
 * also where another process is writing it, the folder cannot be written, or PATH is something else than a
 * file; then nothing is left behind. End with cp_result_close. */
enum cp_status cp_result_create(const char *path, int resume, const char *fingerprint,
                                struct cp_result **result, struct cp_error *err);

/* Whether an existing partial was continued, and the number given to its last commit (0 where there is none).
 */
int cp_result_resumed(const struct cp_result *result);
uint64_t cp_result_progress(const struct cp_result *result);

/* Whether a write has failed: the last commit is then the last that can be gone on with. */
int cp_result_disk_failed(const struct cp_result *result);

/* Makes a variable, or finds it again after a resume (CP_BAD_INPUT if type or shape differ there). The
 * strings are not kept. Floats not yet written read as NaN, integers as 0. *handle counts from 0. */
enum cp_status cp_result_define(struct cp_result *result, const struct cp_variable *variable, int *handle,
                                struct cp_error *err);

/* Stores rows [first_row, first_row + rows) along dims[0]; data is (rows, dims[1], ...) contiguous, float for
 * fp32, fp16 and bf16, else double, int64_t, int32_t or uint8_t. A variable of rank 0 has one row. The data
 * is copied. */
enum cp_status cp_result_write(struct cp_result *result, int handle, size_t first_row, size_t rows,
                               const void *data, struct cp_error *err);

/* Reads back what cp_result_write stored, in this run or the one it continues. */
enum cp_status cp_result_read(struct cp_result *result, int handle, size_t first_row, size_t rows, void *data,
                              struct cp_error *err);

/* Sets an attribute of the object at a path: a variable that is defined, else a group, created where missing;
 * "/" is the file. Replaces an attribute of the same name. Text is UTF-8, below 60,000 bytes. */
enum cp_status cp_result_text(struct cp_result *result, const char *object, const char *name,
                              const char *value, struct cp_error *err);
enum cp_status cp_result_number(struct cp_result *result, const char *object, const char *name, double value,
                                struct cp_error *err);
enum cp_status cp_result_integer(struct cp_result *result, const char *object, const char *name,
                                 int64_t value, struct cp_error *err);

/* Stores text of any length as a scalar string dataset group/name, or replaces it; long_name as for a
 * variable. */
enum cp_status cp_result_document(struct cp_result *result, const char *group, const char *name,
                                  const char *long_name, const char *text, struct cp_error *err);

/* Makes everything so far durable together with the progress number, atomically. Three disk flushes. */
enum cp_status cp_result_commit(struct cp_result *result, uint64_t progress, struct cp_error *err);

/* Computes the content digest (SHA-256, hex) over every object, its type, shape, dimension names, values and
 * attributes, in order of names, without /provenance and the root attributes fingerprint, progress and the
 * digests; stores it as content_digest, and that of /provenance, fingerprint and progress as provenance_digest;
 * closes the file and renames it to PATH. A resumed run and an uninterrupted one have the same content digest. On failure PATH is as before. Either way only cp_result_close may
 * follow. */
enum cp_status cp_result_finish(struct cp_result *result, char digest[65], struct cp_error *err);

/* Frees the result. Before a successful finish this abandons the run: the partial is kept, as of its last
 * commit, or removed. result may be NULL. */
void cp_result_close(struct cp_result *result, int keep_partial);

#endif
