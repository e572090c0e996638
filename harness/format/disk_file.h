/* SPDX-License-Identifier: GPL-3.0-or-later
 * A file open for reading and writing under an exclusive lock, for a writer that must be able to carry on
 * after a failure: the first one is kept in `failure` and freezes the file, after which writes, flushes and
 * cuts do nothing. */
#ifndef CP_FORMAT_DISK_FILE_H
#define CP_FORMAT_DISK_FILE_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

struct cp_disk_file {
    char *path; /* NULL once renamed or where opening failed */
    int fd;
    int frozen;
    uint64_t size;
    struct cp_error failure; /* CP_OK or CP_BAD_INPUT with the path and the system's reason */
};

/* Opens path, creating it where missing, and locks it; CP_BAD_INPUT where another process has it locked, or
 * it is a link or another name of a file. The
 * file needs cp_disk_close either way. */
enum cp_status cp_disk_open(struct cp_disk_file *file, const char *path, struct cp_error *err);
/* Whether it could be read; if not, as 0. Bytes beyond the end read as 0. */
int cp_disk_read(struct cp_disk_file *file, uint64_t offset, size_t size, void *data);
void cp_disk_write(struct cp_disk_file *file, uint64_t offset, size_t size, const void *data);
void cp_disk_flush(struct cp_disk_file *file);
/* Sets the length. */
void cp_disk_cut(struct cp_disk_file *file, uint64_t length);
/* Records a failure with an errno. */
void cp_disk_fail(struct cp_disk_file *file, const char *what, int error);
/* Flushes, gives the file another name in the same folder, replacing what is there, and flushes the folder.
 */
enum cp_status cp_disk_rename(struct cp_disk_file *file, const char *path, struct cp_error *err);
/* Unlocks and closes; deletes the file first where asked, unless it was renamed. */
void cp_disk_close(struct cp_disk_file *file, int delete_file);

/* Whether path can name a file to write: found before long work, not by a rename at its end, which would
 * replace even a device or a link. */
enum cp_status cp_disk_check_name(const char *path, struct cp_error *err);
/* Whether both names are there and are of one file. */
int cp_disk_same(const char *a, const char *b);
/* Makes the folders of path that are missing. path is written to, and left as it was. */
enum cp_status cp_disk_make_parents(char *path, struct cp_error *err);
/* Writes a whole file, under PATH.partial first, so that PATH is as it was or complete. */
enum cp_status cp_disk_replace(const char *path, const void *data, size_t size, struct cp_error *err);

#endif
