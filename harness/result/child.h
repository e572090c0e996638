/* SPDX-License-Identifier: GPL-3.0-or-later
 * A child process that reads an HDF5 file for this one.
 *
 * HDF5 is no safe parser, so files of others are opened in a child with limits on memory, processor time and
 * time, and this process only ever sees what the child sends: a file that crashes the library, hangs it or
 * eats memory is CP_BAD_INPUT like any other. */
#ifndef CP_RESULT_CHILD_H
#define CP_RESULT_CHILD_H

#include "base/status.h"

#include <stddef.h>
#include <sys/types.h>

struct cp_child {
    const char *path; /* of the file, which outlives the child */
    int socket;       /* -1: stopped */
    pid_t process;
};

/* What the child does; it replies, and never returns. */
typedef void cp_child_work(int socket, const void *context);

/* Starts a child with at most so many bytes of address space, for a regular file that is there. End it with
 * cp_child_stop, also after a failure; child->socket must be -1 before the first start. */
enum cp_status cp_child_start(struct cp_child *child, const char *path, size_t memory, cp_child_work *work,
                              const void *context, struct cp_error *err);
void cp_child_stop(struct cp_child *child);

/* ---- in this process; each failure but a reply's own ends the child ---- */

enum cp_status cp_child_ask(struct cp_child *child, const void *request, size_t size, struct cp_error *err);
/* The header of a reply, whose payload has `least` to `most` bytes; or what the child failed with. */
enum cp_status cp_child_receive_header(struct cp_child *child, size_t least, size_t most, double seconds,
                                       size_t *bytes, struct cp_error *err);
enum cp_status cp_child_receive(struct cp_child *child, void *bytes, size_t size, double seconds,
                                struct cp_error *err);
/* The child sent what it never should, or ended. */
enum cp_status cp_child_gave_up(struct cp_child *child, struct cp_error *err);

/* ---- in the child ---- */

/* Processor time from now on, after which the child is ended; in the place of what it had. */
void cp_child_allow(double seconds);
/* Of a status that is no CP_OK, err is what is sent. */
void cp_child_reply(int socket, enum cp_status status, const void *bytes, size_t size,
                    const struct cp_error *err);

#endif
