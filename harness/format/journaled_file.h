/* SPDX-License-Identifier: GPL-3.0-or-later
 * A file that is only ever replaced whole, and that survives being killed while it is written.
 *
 * Two kinds of writes: a plain write reaches the file at once; a held write stays in memory, in pages, until
 * cp_journaled_commit, which makes all held writes reach the disk together or not at all: it flushes the
 * plain ones, appends the held pages to the file as a record with a SHA-256, flushes, writes each page to its
 * place, flushes, and cuts the record off. Opening completes a commit that was interrupted after the record.
 * (A redo log: Gray and Reuter, Transaction Processing, 1993.) The caller must never aim a
 * plain write at bytes that a commit has put there by a held write.
 *
 * The first write or read that fails is remembered: from then on nothing reaches the disk and no write reports
 * it, so that a library above can be shut down in good order; cp_journaled_status tells.
 */
#ifndef CP_FORMAT_JOURNALED_FILE_H
#define CP_FORMAT_JOURNALED_FILE_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

struct cp_journaled;

/* Opens or creates path and locks it against other processes (CP_BAD_INPUT where one holds it). */
enum cp_status cp_journaled_open(const char *path, struct cp_journaled **file, struct cp_error *err);

/* Bytes there are, with the held writes. */
uint64_t cp_journaled_size(const struct cp_journaled *file);

/* Empties the file. */
void cp_journaled_reset(struct cp_journaled *file);

/* Whether it could be read; if not, that is a failure, as of a write. Bytes beyond the end read as 0. */
int cp_journaled_read(struct cp_journaled *file, uint64_t offset, size_t size, void *data);
void cp_journaled_write(struct cp_journaled *file, uint64_t offset, size_t size, const void *data);
void cp_journaled_hold(struct cp_journaled *file, uint64_t offset, size_t size, const void *data);

/* The length in bytes that the next commit gives the file; 0 after opening. */
void cp_journaled_set_length(struct cp_journaled *file, uint64_t length);
uint64_t cp_journaled_length(const struct cp_journaled *file);

/* Makes all plain writes durable, then all held ones, and the length. */
void cp_journaled_commit(struct cp_journaled *file);

/* Lets no write reach the disk from here on, as after a failure, without this being one. */
void cp_journaled_freeze(struct cp_journaled *file);

/* CP_OK, or the first failure (CP_BAD_INPUT, with the file's name and the system's reason). */
enum cp_status cp_journaled_status(const struct cp_journaled *file, struct cp_error *err);

/* Gives the committed file its final name, replacing what is there, and makes that durable. */
enum cp_status cp_journaled_rename(struct cp_journaled *file, const char *path, struct cp_error *err);

/* Unlocks and closes; removes the file first where asked and not yet renamed. NULL is allowed. */
void cp_journaled_close(struct cp_journaled *file, int remove_file);

#endif
