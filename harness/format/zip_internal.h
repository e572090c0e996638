/* SPDX-License-Identifier: GPL-3.0-or-later
 * What format/zip_archive.c and format/zip_directory.c share. */
#ifndef CP_FORMAT_ZIP_INTERNAL_H
#define CP_FORMAT_ZIP_INTERNAL_H

#include "base/arena.h"
#include "format/file.h"
#include "format/zip_archive.h"

struct cp_zip {
    char *path;
    struct cp_file map;
    struct cp_zip_record *records;  /* in the order of the file */
    struct cp_zip_record **by_name; /* (count) */
    size_t count;
    size_t directory, directory_size; /* offset and bytes of the central directory */
    struct cp_arena arena;
};

/* Fills records, by_name, count and the directory's place from the mapped file, all checked. */
enum cp_status cp_zip_read_directory(struct cp_zip *zip, struct cp_error *err);

/* "FILE: record NAME", for errors. */
const char *cp_zip_place(const struct cp_zip *zip, const char *name, char where[512]);
enum cp_status cp_zip_bad(const struct cp_zip *zip, const struct cp_zip_record *r, const char *what,
                          const char *expected, struct cp_error *err);
/* For qsort and bsearch of pointers to records. */
int cp_zip_by_name(const void *a, const void *b);

#endif
