/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reads the directory from the end, and holds it against the local headers. */
#include "format/zip_internal.h"

#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOCAL_SIZE = 30,
    CENTRAL_SIZE = 46,
    END_SIZE = 22,
    LOCATOR_SIZE = 20,
    END64_SIZE = 56,
    DESCRIPTOR_MAX = 24,
    COMMENT_MAX = 65535
};
enum {
    ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13,
    DESCRIPTOR = 1 << 3,
    ALLOWED = 1 << 1 | 1 << 2 | DESCRIPTOR | 1 << 11 /* how hard deflate tried; names in UTF-8 */
};
enum { STORED = 0, DEFLATED = 8 };
static const size_t FREELY = (size_t)64 << 20; /* bytes that may be expanded whatever their ratio */

static size_t number(const unsigned char *bytes, size_t count) {
    size_t value = 0;
    for (size_t i = count; i > 0; i--)
        value = value << 8 | bytes[i - 1];
    return value;
}

static bool has_signature(const unsigned char *bytes, const char signature[4]) {
    return memcmp(bytes, signature, 4) == 0;
}

/* "FILE: byte N". */
static const char *at_byte(const struct cp_zip *zip, size_t at, char where[512]) {
    (void)snprintf(where, 512, "%.450s: byte %zu", zip->path, at);
    return where;
}

/* ---- the end of the file ---- */

/* The end record must be the file's last 22 bytes. Behind one with a comment, another could hide. */
static enum cp_status no_end(const struct cp_zip *zip, struct cp_error *err) {
    const size_t least = zip->map.size < COMMENT_MAX + END_SIZE ? 0 : zip->map.size - COMMENT_MAX - END_SIZE;
    char where[512];
    for (size_t at = zip->map.size; at-- > least + 3;)
        if (has_signature(zip->map.bytes + at - 3, "PK\5\6"))
            return cp_fail(err, CP_BAD_INPUT, at_byte(zip, at - 3, where),
                           "the archive is cut off, or has a comment or other bytes behind its end record"),
                   cp_expected(err, "an archive without a comment");
    return cp_fail(err, CP_BAD_INPUT, zip->path, "a zip archive without an end record: truncated"),
           cp_expected(err, "one in the last 22 bytes");
}

struct end {
    size_t at; /* where the directory must end */
    size_t disks, records_here, records, size, offset;
};

/* A field of the end record, beside that of the ZIP64 record: equal, or all ones. */
static bool agrees(size_t narrow, size_t bytes, size_t wide) {
    return narrow == wide || narrow == SIZE_MAX >> (64 - 8 * bytes);
}

/* The ZIP64 end record and its locator, where there is one before the end record at `at`. */
static enum cp_status read_end64(const struct cp_zip *zip, size_t at, struct end *end, struct cp_error *err) {
    const unsigned char *bytes = zip->map.bytes;
    char where[512];
    if (at < LOCATOR_SIZE || !has_signature(bytes + at - LOCATOR_SIZE, "PK\6\7"))
        return CP_OK;
    const unsigned char *locator = bytes + at - LOCATOR_SIZE;
    const size_t start = number(locator + 8, 8);
    (void)at_byte(zip, at - LOCATOR_SIZE, where);
    if (number(locator + 4, 4) != 0 || number(locator + 16, 4) > 1 || at < LOCATOR_SIZE + END64_SIZE ||
        start != at - LOCATOR_SIZE - END64_SIZE || !has_signature(bytes + start, "PK\6\6") ||
        number(bytes + start + 4, 8) != END64_SIZE - 12)
        return cp_fail(err, CP_BAD_INPUT, where, "a ZIP64 locator that points at no ZIP64 end record"),
               cp_expected(err, "one of 56 bytes right before it");
    const unsigned char *wide = bytes + start;
    const struct end end64 = {start,
                              number(wide + 16, 4) + number(wide + 20, 4),
                              number(wide + 24, 8),
                              number(wide + 32, 8),
                              number(wide + 40, 8),
                              number(wide + 48, 8)};
    if (end64.disks || !agrees(end->records_here, 2, end64.records_here) ||
        !agrees(end->records, 2, end64.records) || !agrees(end->size, 4, end64.size) ||
        !agrees(end->offset, 4, end64.offset))
        return cp_fail(err, CP_BAD_INPUT, where, "the ZIP64 end record and the end record differ"),
               cp_expected(err, "the same directory in both");
    *end = end64;
    return CP_OK;
}

static enum cp_status read_end(struct cp_zip *zip, struct cp_error *err) {
    char where[512];
    if (zip->map.size < END_SIZE || !has_signature(zip->map.bytes + zip->map.size - END_SIZE, "PK\5\6"))
        return no_end(zip, err);
    const size_t at = zip->map.size - END_SIZE;
    const unsigned char *b = zip->map.bytes + at;
    struct end end = {at,
                      number(b + 4, 2) + number(b + 6, 2),
                      number(b + 8, 2),
                      number(b + 10, 2),
                      number(b + 12, 4),
                      number(b + 16, 4)};
    (void)at_byte(zip, at, where);
    if (number(b + 20, 2) != 0)
        return no_end(zip, err);
    CP_TRY(read_end64(zip, at, &end, err));
    if (end.disks || end.records_here != end.records || end.records > CP_ZIP_RECORDS)
        return cp_fail(err, CP_BAD_INPUT, where, "%zu records of %zu in this part of an archive",
                       end.records_here, end.records),
               cp_expected(err, "an archive in one part, of at most 131072");
    if (end.offset > end.at || end.size != end.at - end.offset)
        return cp_fail(err, CP_BAD_INPUT, where, "a directory of %zu bytes from byte %zu on", end.size,
                       end.offset),
               cp_expected(err, "one that ends at byte %zu", end.at);
    zip->directory = end.offset;
    zip->directory_size = end.size;
    zip->count = end.records;
    return CP_OK;
}

/* ---- the directory ---- */

/* A name that is a relative path of visible UTF-8. */
static const char *wrong_name(const char *name, size_t length) {
    if (length == 0 || length > CP_ZIP_NAME || strlen(name) != length)
        return "1 to 1024 bytes without NUL";
    for (size_t i = 0, step; i < length; i += step)
        if ((step = cp_utf8_length((const unsigned char *)name + i, length - i)) == 0 ||
            (unsigned char)name[i] < ' ')
            return "UTF-8 without control characters";
    if (name[0] == '/' || strchr(name, '\\') || strchr(name, ':'))
        return "a relative path";
    for (const char *dots = strstr(name, ".."); dots; dots = strstr(dots + 1, ".."))
        if ((dots == name || dots[-1] == '/') && (dots[2] == '\0' || dots[2] == '/'))
            return "a path without \"..\"";
    return NULL;
}

/* The ZIP64 extra field holds, in this order, what its 4-byte fields say all ones for, and no more. */
static bool read_wide(const unsigned char *extra, size_t size, struct cp_zip_record *r) {
    size_t *const fields[] = {&r->size, &r->packed, &r->header};
    size_t wanted = 0;
    for (size_t i = 0; i < 3; i++)
        wanted += *fields[i] == UINT32_MAX ? 8 : 0;
    for (size_t at = 0, length; at + 4 <= size; at += 4 + length) {
        length = number(extra + at + 2, 2);
        if (length > size - at - 4)
            return false;
        if (number(extra + at, 2) != 1)
            continue;
        if (length != wanted)
            return false;
        const unsigned char *wide = extra + at + 4;
        for (size_t i = 0; i < 3; i++)
            if (*fields[i] == UINT32_MAX) {
                *fields[i] = number(wide, 8);
                wide += 8;
            }
        return true;
    }
    return wanted == 0;
}

/* Flags and method, of the directory's entry or of the local header. */
static enum cp_status check_method(const struct cp_zip *zip, const struct cp_zip_record *r, size_t flags,
                                   size_t method, struct cp_error *err) {
    if (flags & ENCRYPTED)
        return cp_zip_bad(zip, r, "is encrypted", "a record that can be read", err);
    if (flags & ~(size_t)ALLOWED || (method != STORED && method != DEFLATED))
        return cp_zip_bad(zip, r, "is packed in an unknown way", "stored or deflated", err);
    if (method == STORED && r->packed != r->size)
        return cp_zip_bad(zip, r, "two sizes of a stored record", "the same", err);
    return CP_OK;
}

/* The local header against the directory's entry. PyTorch writes sizes and checksum behind the contents and
 * leaves 0 or all ones in the header. */
static enum cp_status check_local(const struct cp_zip *zip, struct cp_zip_record *r, size_t flags,
                                  size_t method, struct cp_error *err) {
    if (r->header > zip->directory || zip->directory - r->header < LOCAL_SIZE ||
        !has_signature(zip->map.bytes + r->header, "PK\3\4"))
        return cp_zip_bad(zip, r, "no local header where the directory says", "one before the directory",
                          err);
    const unsigned char *b = zip->map.bytes + r->header;
    const size_t name = number(b + 26, 2), extra = number(b + 28, 2),
                 left = zip->directory - r->header - LOCAL_SIZE;
    if (name != strlen(r->name) || name > left || memcmp(b + LOCAL_SIZE, r->name, name) != 0)
        return cp_zip_bad(zip, r, "another name in its local header", "the directory's", err);
    if (number(b + 6, 2) != flags || number(b + 8, 2) != method)
        return cp_zip_bad(zip, r, "other flags in its local header", "the directory's", err);
    const size_t packed = number(b + 18, 4), size = number(b + 22, 4);
    const bool later = flags & DESCRIPTOR && packed == 0 && size == 0;
    if (!later && (!agrees(packed, 4, r->packed) || !agrees(size, 4, r->size)))
        return cp_zip_bad(zip, r, "other sizes in its local header", "the directory's", err);
    if (extra > left - name || r->packed > left - name - extra)
        return cp_zip_bad(zip, r, "its contents reach into the directory", "contents before it", err);
    r->begin = r->header + LOCAL_SIZE + name + extra;
    return CP_OK;
}

/* One entry of the directory, at *at. */
static enum cp_status read_entry(struct cp_zip *zip, size_t *at, struct cp_zip_record *r,
                                 struct cp_error *err) {
    const unsigned char *b = zip->map.bytes + *at;
    const size_t left = zip->directory + zip->directory_size - *at;
    char where[512];
    (void)at_byte(zip, *at, where);
    if (left < CENTRAL_SIZE || !has_signature(b, "PK\1\2"))
        return cp_fail(err, CP_BAD_INPUT, where, "no entry of the directory"),
               cp_expected(err, "%zu entries, as the end record says", zip->count);
    const size_t flags = number(b + 8, 2), method = number(b + 10, 2), name = number(b + 28, 2),
                 extra = number(b + 30, 2), comment = number(b + 32, 2);
    if (name + extra + comment > left - CENTRAL_SIZE)
        return cp_fail(err, CP_BAD_INPUT, where, "an entry that leaves the directory"),
               cp_expected(err, "one of at most %zu bytes", left);
    *r = (struct cp_zip_record){.crc = (uint32_t)number(b + 16, 4),
                                .packed = number(b + 20, 4),
                                .size = number(b + 24, 4),
                                .header = number(b + 42, 4),
                                .deflated = method == DEFLATED};
    CP_TRY(CP_CHECK_ALLOC(r->name =
                              cp_arena_printf(&zip->arena, "%.*s", (int)name, (const char *)b + CENTRAL_SIZE),
                          err, zip->path, "the archive"));
    const char *wrong = wrong_name(r->name, name);
    if (wrong)
        return cp_fail(err, CP_BAD_INPUT, where, "malformed name of a record: %.100s", r->name),
               cp_expected(err, "%s", wrong);
    if (!read_wide(b + CENTRAL_SIZE + name, extra, r) || number(b + 34, 2) != 0)
        return cp_zip_bad(zip, r, "its ZIP64 field does not fit its sizes", "what they say all ones for",
                          err);
    CP_TRY(check_method(zip, r, flags, method, err));
    CP_TRY(check_local(zip, r, flags, method, err));
    r->gap = flags & DESCRIPTOR ? DESCRIPTOR_MAX : 0;
    *at += CENTRAL_SIZE + name + extra + comment;
    return CP_OK;
}

static int by_offset(const void *a, const void *b) {
    const struct cp_zip_record *x = a, *y = b;
    return x->header < y->header ? -1 : x->header > y->header;
}

/* Records one behind the other from the first byte to the directory, and nothing else between them than a
 * descriptor of sizes. */
static enum cp_status check_cover(const struct cp_zip *zip, struct cp_error *err) {
    size_t end = 0, gap = 0;
    for (size_t i = 0; i < zip->count; i++) {
        const struct cp_zip_record *r = &zip->records[i];
        if (r->header < end)
            return cp_zip_bad(zip, r, "overlaps the record before it", "records behind each other", err);
        if (r->header - end > gap)
            return cp_zip_bad(zip, r, "bytes of no record before it", "none", err);
        end = r->begin + r->packed;
        gap = r->gap;
    }
    if (zip->directory - end > gap)
        return cp_fail(err, CP_BAD_INPUT, zip->path, "%zu bytes of no record before the directory",
                       zip->directory - end),
               cp_expected(err, "none");
    return CP_OK;
}

/* Deflate packs at most 1,032 to one, weights much less. */
static enum cp_status check_expansion(const struct cp_zip *zip, struct cp_error *err) {
    size_t packed = 0, size = 0;
    for (size_t i = 0; i < zip->count; i++) {
        const struct cp_zip_record *r = &zip->records[i];
        if (!r->deflated)
            continue;
        packed += r->packed;
        if (__builtin_add_overflow(size, r->size, &size) ||
            (size > FREELY && (size - FREELY) / CP_ZIP_RATIO > packed))
            return cp_zip_bad(zip, r, "expands too much: a deflate bomb",
                              "at most 32 times, beyond 64 MiB of an archive", err);
    }
    return CP_OK;
}

static enum cp_status check_names(struct cp_zip *zip, struct cp_error *err) {
    CP_TRY(
        CP_CHECK_ALLOC(zip->by_name = cp_arena_alloc(&zip->arena, zip->count, sizeof(struct cp_zip_record *)),
                       err, zip->path, "the archive"));
    for (size_t i = 0; i < zip->count; i++)
        zip->by_name[i] = &zip->records[i];
    qsort(zip->by_name, zip->count, sizeof(struct cp_zip_record *), cp_zip_by_name);
    for (size_t i = 1; i < zip->count; i++)
        if (strcmp(zip->by_name[i - 1]->name, zip->by_name[i]->name) == 0)
            return cp_zip_bad(zip, zip->by_name[i], "two records have this name", "one", err);
    return CP_OK;
}

enum cp_status cp_zip_read_directory(struct cp_zip *zip, struct cp_error *err) {
    char where[512];
    CP_TRY(read_end(zip, err));
    if (zip->count > zip->directory_size / CENTRAL_SIZE)
        return cp_fail(err, CP_BAD_INPUT, at_byte(zip, zip->directory, where),
                       "%zu entries in a directory of %zu bytes", zip->count, zip->directory_size),
               cp_expected(err, "at least 46 bytes for each");
    CP_TRY(CP_ARENA_ALLOC(&zip->arena, zip->records, zip->count, err, zip->path, "the archive"));
    size_t at = zip->directory;
    for (size_t i = 0; i < zip->count; i++)
        CP_TRY(read_entry(zip, &at, &zip->records[i], err));
    if (at != zip->directory + zip->directory_size)
        return cp_fail(err, CP_BAD_INPUT, at_byte(zip, at, where), "bytes behind the directory's last entry"),
               cp_expected(err, "%zu entries, as the end record says", zip->count);
    qsort(zip->records, zip->count, sizeof *zip->records, by_offset);
    CP_TRY(check_names(zip, err));
    CP_TRY(check_cover(zip, err));
    return check_expansion(zip, err);
}
