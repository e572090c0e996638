/* SPDX-License-Identifier: GPL-3.0-or-later
 * The child that reads a capture, and its parts: what is refused (checks.c), what is there
 * (list.c), and the answers (child.c). Included by nothing else. Whatever fails leaves its
 * reason in server->err. */
#ifndef CP_CAPTURE_SERVER_H
#define CP_CAPTURE_SERVER_H

#include "capture/internal.h"
#include "result/schema.h"

#include <hdf5.h>
#include <stdbool.h>
#include <stdio.h>

/* Processor time for each step of a listing and each request, which take less than a thousandth of that. */
enum { CP_CAPTURE_SECONDS = 1 };

struct cp_capture_dataset {
    const char *path; /* in the file */
    struct cp_capture_axes axes;
    size_t shape[CP_CAPTURE_RANK];
};

struct cp_capture_server {
    int socket;
    const struct cp_capture_source *source;
    hid_t file;
    struct cp_capture_listing listing;
    struct cp_capture_listed *tap;      /* [listing.taps] */
    struct cp_capture_dataset *dataset; /* [listing.taps] */
    size_t capacity;
    char fact[CP_CAPTURE_FACTS][4096];
    haddr_t above[3]; /* groups on the way down */
    struct cp_arena arena;
    struct cp_error err;
};

/* ---- checks.c ---- */

/* CP_BAD_INPUT at the object, "" being the file; with HDF5's own reason. */
enum cp_status cp_capture_refuse(struct cp_capture_server *s, const char *object, const char *what);
enum cp_status cp_capture_refuse_hdf5(struct cp_capture_server *s, const char *object, const char *what);
enum cp_status cp_capture_no_memory(struct cp_capture_server *s);

/* A text attribute, of fixed or variable length, or an integer as text; "" where there is none. */
void cp_capture_attribute(hid_t object, const char *name, char *text, size_t size);
void cp_capture_integer(hid_t object, const char *name, char *text, size_t size);
/* Whether an attribute of one integer (h5py's bool is one) is not 0. absent: the answer where there is none.
 */
enum cp_status cp_capture_flag(struct cp_capture_server *s, hid_t dataset, const char *name,
                               const char *object, bool absent, int *flag);

/* A hard link to an object of that type, which is none of the groups above it. depth: of a group that goes on
 * the way; -1: a dataset. Each part of a path is to be checked before it is opened. */
enum cp_status cp_capture_check_link(struct cp_capture_server *s, hid_t group, const char *name,
                                     const char *object, int depth);
/* Whether every link on the way to a dataset's absolute path is there and hard. */
enum cp_status cp_capture_check_path(struct cp_capture_server *s, const char *path);
/* No data elsewhere, no filter that is not there, no chunk that is too large. */
enum cp_status cp_capture_check_storage(struct cp_capture_server *s, hid_t dataset, const char *object);
enum cp_status cp_capture_check_type(struct cp_capture_server *s, hid_t dataset, H5T_class_t class,
                                     const char *object);
/* Two dimensions at least: inputs, and what each of them has. */
enum cp_status cp_capture_read_shape(struct cp_capture_server *s, hid_t dataset, const char *object,
                                     int *rank, size_t shape[CP_CAPTURE_RANK]);

/* ---- list.c ---- */

enum cp_status cp_capture_open_hdf5(struct cp_capture_server *s);

struct cp_capture_names {
    struct cp_arena *arena;
    const char **name;
    size_t count, most;
};
/* The links of a group in order of creation, or of name where the file keeps no order; in the arena. */
enum cp_status cp_capture_list_links(struct cp_capture_server *s, hid_t group, const char *object,
                                     struct cp_capture_names *names);

/* Opens the file; fills listing, taps, datasets and facts. */
enum cp_status cp_capture_list(struct cp_capture_server *s);

/* ---- facts.c ---- */

/* Whether the file is of the schema that is known, and no unfinished run. */
enum cp_status cp_capture_check_schema(struct cp_capture_server *s);
/* A text attribute of an object, into the server's facts. */
void cp_capture_read_fact(struct cp_capture_server *s, hid_t object, enum cp_schema_id id,
                          enum cp_capture_fact fact);
/* Those of /provenance, where there is one. */
enum cp_status cp_capture_read_provenance(struct cp_capture_server *s);
/* listing.prompts and listing.tokens, where there are ids. The taps are listed. */
enum cp_status cp_capture_read_tokens(struct cp_capture_server *s);
/* Opens it, and writes its environment: name and value in turn, each with its NUL. */
enum cp_status cp_capture_list_environment(struct cp_capture_server *s, FILE *out);

#endif
