/* SPDX-License-Identifier: GPL-3.0-or-later
 * Shared by the files that implement result/check.h; included by nothing else. All of it runs in a child. */
#ifndef CP_RESULT_CHECK_INTERNAL_H
#define CP_RESULT_CHECK_INTERNAL_H

#include "base/arena.h"
#include "format/journaled_file.h"
#include "result/schema.h"

#include <hdf5.h>
#include <stdbool.h>

/* Dimensions that have one length in the whole file. */
enum { CP_CHECK_SHARED = 3 };
/* Processor time for an object, which takes some 50 us: more takes who goes in circles. */
#define CP_CHECK_SECONDS 0.25
#define CP_CHECK_NO_LENGTH HADDR_UNDEF

struct cp_check {
    const char *path;
    hid_t file;
    bool finished;
    double file_bytes, stored, unstored; /* bytes; the latter two of the datasets so far */
    hsize_t shared[CP_CHECK_SHARED];     /* 0: not seen yet */
    struct cp_check_object {
        haddr_t address; /* HADDR_UNDEF: empty */
        hsize_t length;  /* of a dataset of one dimension; else CP_CHECK_NO_LENGTH */
    } * seen;            /* (slots) objects, hashed */
    size_t slots, objects;
    struct cp_check_axis {
        haddr_t scale;
        hsize_t length;
        const char *object; /* whose axis it is */
    } * axis;               /* (axes) */
    size_t axes, axis_capacity;
    int depth;
    struct cp_arena arena;
    struct cp_error err;
};

/* What a child is asked to check. */
struct cp_check_source {
    const char *path;
    struct cp_journaled *disk; /* of an unfinished one; NULL: there is none */
    double bytes;
    bool capture; /* without a digest it is none of ours */
    bool content; /* its digest; else everything else */
};
/* struct cp_check_source; a cp_child_work. */
void cp_check_work(int socket, const void *context);

/* CP_BAD_INPUT at the object, "" being the file; with HDF5's own reason. */
enum cp_status cp_check_refuse(struct cp_check *check, const char *object, const char *expected,
                               const char *what, ...) CP_PRINTF(4, 5);
enum cp_status cp_check_refuse_hdf5(struct cp_check *check, const char *object, const char *what);
enum cp_status cp_check_no_memory(struct cp_check *check);

/* Every object, its attributes and dimensions. */
enum cp_status cp_check_walk(struct cp_check *check);

/* ---- check_dataset.c, check_attributes.c ---- */

enum cp_status cp_check_dataset(struct cp_check *check, hid_t dataset, const char *object, hsize_t *length);
enum cp_status cp_check_attributes(struct cp_check *check, hid_t object, const char *path);
/* Notes where its dimensions are and their lengths, for the end of cp_check_walk. */
enum cp_status cp_check_dimensions(struct cp_check *check, hid_t dataset, const char *object, int rank,
                                   const hsize_t *shape);

#endif
