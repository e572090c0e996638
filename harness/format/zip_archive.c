/* SPDX-License-Identifier: GPL-3.0-or-later
 * Opens an archive, finds its records, and expands them on request. */
#include "format/zip_archive.h"

#include "format/zip_internal.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

/* "FILE: record NAME", for errors. */
const char *cp_zip_place(const struct cp_zip *zip, const char *name, char where[512]) {
    (void)snprintf(where, 512, "%.280s: record %.200s", zip->path, name);
    return where;
}

enum cp_status cp_zip_bad(const struct cp_zip *zip, const struct cp_zip_record *r, const char *what,
                          const char *expected, struct cp_error *err) {
    char where[512];
    (void)cp_fail(err, CP_BAD_INPUT, cp_zip_place(zip, r->name, where), "%s", what);
    return cp_expected(err, "%s", expected);
}

int cp_zip_by_name(const void *a, const void *b) {
    const struct cp_zip_record *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

enum cp_status cp_zip_open(const char *path, struct cp_zip **out, struct cp_error *err) {
    struct cp_zip *zip = calloc(1, sizeof *zip);
    *out = NULL;
    if (zip)
        zip->path = cp_arena_strdup(&zip->arena, path);
    if (!zip || !zip->path) {
        cp_zip_close(zip);
        return cp_no_memory(err, path, "the archive");
    }
    enum cp_status status = cp_file_map(path, &zip->map, err);
    if (status == CP_OK)
        status = cp_zip_read_directory(zip, err);
    if (status == CP_OK)
        *out = zip;
    else
        cp_zip_close(zip);
    return status;
}

void cp_zip_close(struct cp_zip *zip) {
    if (!zip)
        return;
    cp_file_unmap(&zip->map);
    cp_arena_free(&zip->arena);
    free(zip);
}

size_t cp_zip_count(const struct cp_zip *zip) {
    return zip->count;
}

struct cp_zip_record *cp_zip_at(const struct cp_zip *zip, size_t index) {
    return &zip->records[index];
}

struct cp_zip_record *cp_zip_find(const struct cp_zip *zip, const char *name) {
    struct cp_zip_record key = {.name = name}, *pointer = &key;
    struct cp_zip_record **found =
        bsearch(&pointer, zip->by_name, zip->count, sizeof(struct cp_zip_record *), cp_zip_by_name);
    return found ? *found : NULL;
}

/* ---- contents ---- */

const unsigned char *cp_zip_stored(const struct cp_zip *zip, const struct cp_zip_record *r) {
    return zip->map.bytes + r->begin;
}

static enum cp_status check_sum(const struct cp_zip *zip, struct cp_zip_record *r, const unsigned char *bytes,
                                struct cp_error *err) {
    const uint32_t sum = r->checked || r->crc == 0 ? r->crc : (uint32_t)crc32_z(0, bytes, r->size);
    char where[512];
    if (sum != r->crc)
        return cp_fail(err, CP_BAD_INPUT, cp_zip_place(zip, r->name, where),
                       "damaged: CRC-32 %08x of its contents", (unsigned)sum),
               cp_expected(err, "%08x, as the directory says", (unsigned)r->crc);
    r->checked = true;
    return CP_OK;
}

enum cp_status cp_zip_check(const struct cp_zip *zip, struct cp_zip_record *r, struct cp_error *err) {
    return check_sum(zip, r, cp_zip_stored(zip, r), err);
}

/* Expands the first `size` bytes; all of it where that is the record's size. */
static enum cp_status inflate_into(const struct cp_zip *zip, const struct cp_zip_record *r,
                                   unsigned char *bytes, size_t size, struct cp_error *err) {
    z_stream stream = {.next_in = cp_zip_stored(zip, r), .next_out = bytes};
    size_t in = r->packed, out = size;
    int code = inflateInit2(&stream, -MAX_WBITS);
    if (code != Z_OK)
        return cp_no_memory(err, zip->path, "the archive");
    while (code == Z_OK && (in || out)) { /* in pieces: zlib counts in unsigned int */
        stream.avail_in = in < UINT_MAX ? (unsigned)in : UINT_MAX;
        stream.avail_out = out < UINT_MAX ? (unsigned)out : UINT_MAX;
        const size_t before_in = stream.avail_in, before_out = stream.avail_out;
        code = inflate(&stream, Z_NO_FLUSH);
        in -= before_in - stream.avail_in;
        out -= before_out - stream.avail_out;
    }
    (void)inflateEnd(&stream);
    const bool all = size == r->size;
    if (out || (all && (code != Z_STREAM_END || in)))
        return cp_zip_bad(zip, r, "its deflated contents are damaged, or of another length",
                          "as many bytes as the directory says", err);
    return CP_OK;
}

enum cp_status cp_zip_read(const struct cp_zip *zip, struct cp_zip_record *r, size_t most,
                           struct cp_arena *arena, const unsigned char **bytes, struct cp_error *err) {
    const size_t size = r->size < most ? r->size : most;
    if (r->deflated) {
        unsigned char *expanded = cp_arena_alloc(arena, size, 1);
        CP_TRY(CP_CHECK_ALLOC(expanded, err, zip->path, "the archive"));
        CP_TRY(inflate_into(zip, r, expanded, size, err));
        *bytes = expanded;
    } else {
        *bytes = cp_zip_stored(zip, r);
    }
    return size == r->size ? check_sum(zip, r, *bytes, err) : CP_OK;
}
