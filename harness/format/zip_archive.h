/* SPDX-License-Identifier: GPL-3.0-or-later
 * ZIP archives as torch.save and numpy.savez write them (PKWARE, APPNOTE.TXT 6.3.9, with ZIP64), mapped.
 * Opening checks the whole structure, strictly: every byte of the file belongs to one record, one descriptor
 * or the directory, so that no two readers can see different contents. Contents are not read, nor checksums.
 */
#ifndef CP_FORMAT_ZIP_ARCHIVE_H
#define CP_FORMAT_ZIP_ARCHIVE_H

#include "base/arena.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CP_ZIP_RECORDS = 1 << 17,
    CP_ZIP_NAME = 1024, /* bytes */
    CP_ZIP_RATIO = 32   /* of deflated contents beyond the first 64 MiB of an archive */
};

struct cp_zip_record {
    const char *name; /* UTF-8, of a relative path without ".." */
    size_t header;    /* offset of the local header */
    size_t begin;     /* of the contents in the file */
    size_t packed, size;
    uint32_t crc;
    bool deflated;
    bool checked; /* the checksum was found right */
    size_t gap;   /* bytes that may follow the contents: a descriptor of sizes */
};

struct cp_zip;

/* CP_BAD_INPUT names the record or the byte. Close with cp_zip_close, NULL allowed. */
enum cp_status cp_zip_open(const char *path, struct cp_zip **zip, struct cp_error *err);
void cp_zip_close(struct cp_zip *zip);

size_t cp_zip_count(const struct cp_zip *zip);
/* In the order of the file. */
struct cp_zip_record *cp_zip_at(const struct cp_zip *zip, size_t index);
/* NULL: none. */
struct cp_zip_record *cp_zip_find(const struct cp_zip *zip, const char *name);

/* The contents of a record that is stored as it is: mapped, not read. */
const unsigned char *cp_zip_stored(const struct cp_zip *zip, const struct cp_zip_record *record);
/* Compares a stored record's checksum, once. PyTorch leaves checksums at 0 where it was told to compute none:
 * such are taken as right. */
enum cp_status cp_zip_check(const struct cp_zip *zip, struct cp_zip_record *record, struct cp_error *err);
/* The first `most` bytes of a record, or all: where it is stored, mapped, else expanded into the arena. The
 * checksum is compared where all is read. */
enum cp_status cp_zip_read(const struct cp_zip *zip, struct cp_zip_record *record, size_t most,
                           struct cp_arena *arena, const unsigned char **bytes, struct cp_error *err);

#endif
