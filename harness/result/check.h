/* SPDX-License-Identifier: GPL-3.0-or-later
 * Results that another process wrote are checked as a whole before this one lets HDF5 near them: a child
 * (result/child.h) walks the file and refuses
 *   - links that are not hard, objects linked twice, what is neither group nor dataset;
 *   - data outside the file, filters other than the checksum that results have, other types than theirs;
 *   - values that the file does not store: at most its own size, as much again and CP_CHECK_UNSTORED are made
 *     up of fill values;
 *   - ranks, columns and names that the schema does not have, and lengths that do not agree: of a dataset and
 *     its dimensions, of images, prompts and classes in the whole file;
 *   - content that is not what `content_digest` says, or without one, and provenance, where it has a digest: every
 *     dataset is read once.
 * What the schema does not know may be there: it is not read. */
#ifndef CP_RESULT_CHECK_H
#define CP_RESULT_CHECK_H

#include "base/status.h"
#include "format/journaled_file.h"

#include <stdbool.h>

enum { CP_CHECK_UNSTORED = 1 << 24, CP_CHECK_OBJECTS = 1 << 22, CP_CHECK_CHUNK = 1 << 28 };

/* What is said, wherever it is found, of a file that no run finished, or that lost its digest; and what is expected. */
#define CP_RESULT_NO_DIGEST "has no content_digest, which a run writes last: it is unfinished, or was changed"
#define CP_RESULT_FINISHED "a finished result; `clip-parity run ... --resume` continues an unfinished one"

/* A file is checked once as long as nobody changes it. */
enum cp_status cp_result_check(const char *path, struct cp_error *err);
/* The same of a file that may be somebody else's capture: without the attribute content_digest nothing is
 * checked. */
enum cp_status cp_result_check_digest(const char *path, struct cp_error *err);
/* An unfinished one, open here: its content and how much of it is stored are not checked. *readable: whether
 * the library could open it at all. */
enum cp_status cp_result_check_partial(const char *path, struct cp_journaled *disk, bool *readable,
                                       struct cp_error *err);

/* This process wrote the file. */
void cp_result_trust(const char *path);

#endif
