/* SPDX-License-Identifier: GPL-3.0-or-later
 * The record's layout, the order of writes and flushes of a commit, and recovery when the file is opened. */
#include "format/journaled_file.h"

#include "base/digest.h"
#include "format/disk_file.h"
#include "format/held_pages.h"
#include "format/unfinished.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A record is `count` pages as they stand in memory, then this, which ends the file. */
struct trailer {
    char magic[8];
    uint64_t offset; /* of the record */
    uint64_t count;
    uint64_t length; /* of the file once the record is applied */
    char digest[72]; /* hexadecimal SHA-256 of the pages and the fields above, padded */
};

static const char MAGIC[8] = {'c', 'p', '-', 'c', 'o', 'm', 'm', '1'};

struct cp_journaled {
    struct cp_disk_file disk;
    struct cp_held_pages held;
    uint64_t held_size; /* end of the farthest held write */
    uint64_t length;    /* after the next commit */
};

/* The size of that part of [offset, offset + size) that lies in the first page it touches. */
static size_t first_part(uint64_t offset, size_t size) {
    const size_t space = CP_PAGE - (size_t)(offset % CP_PAGE);
    return size < space ? size : space;
}

int cp_journaled_read(struct cp_journaled *file, uint64_t offset, size_t size, void *data) {
    unsigned char *to = data;
    if (!cp_disk_read(&file->disk, offset, size, data))
        return 0;
    for (size_t part = 0; size > 0; to += part, offset += part, size -= part) {
        part = first_part(offset, size);
        const struct cp_page *page = cp_held_find(&file->held, offset / CP_PAGE);
        if (page != NULL)
            memcpy(to, page->bytes + offset % CP_PAGE, part);
    }
    return 1;
}

void cp_journaled_write(struct cp_journaled *file, uint64_t offset, size_t size, const void *data) {
    const unsigned char *from = data;
    cp_disk_write(&file->disk, offset, size, data);
    for (size_t part = 0; size > 0; from += part, offset += part, size -= part) {
        part = first_part(offset, size);
        struct cp_page *page = cp_held_find(&file->held, offset / CP_PAGE);
        if (page != NULL)
            memcpy(page->bytes + offset % CP_PAGE, from, part);
    }
}

/* The page of that index, taken from the disk if it is not held yet; NULL (and a failure) without memory. */
static struct cp_page *hold_page(struct cp_journaled *file, uint64_t index) {
    struct cp_page *page = cp_held_find(&file->held, index);
    if (page != NULL)
        return page;
    page = cp_held_add(&file->held, index);
    if (page == NULL)
        cp_disk_fail(&file->disk, "cannot hold a write", ENOMEM);
    else
        (void)cp_disk_read(&file->disk, index * CP_PAGE, CP_PAGE, page->bytes);
    return page;
}

void cp_journaled_hold(struct cp_journaled *file, uint64_t offset, size_t size, const void *data) {
    const unsigned char *from = data;
    if (offset + size > file->held_size)
        file->held_size = offset + size;
    for (size_t part = 0; size > 0; from += part, offset += part, size -= part) {
        part = first_part(offset, size);
        struct cp_page *page = hold_page(file, offset / CP_PAGE);
        if (page == NULL)
            return;
        memcpy(page->bytes + offset % CP_PAGE, from, part);
    }
}

uint64_t cp_journaled_size(const struct cp_journaled *file) {
    return file->held_size > file->disk.size ? file->held_size : file->disk.size;
}

void cp_journaled_set_length(struct cp_journaled *file, uint64_t length) {
    file->length = length;
}

uint64_t cp_journaled_length(const struct cp_journaled *file) {
    return file->length;
}

static void drop_held(struct cp_journaled *file) {
    cp_held_clear(&file->held);
    file->held_size = 0;
}

/* ---- commit and recovery ---- */

static struct cp_digest *start_digest(struct cp_journaled *file) {
    struct cp_digest *digest = NULL;
    if (cp_digest_start(&digest, &file->disk.failure) != CP_OK)
        file->disk.frozen = 1;
    return digest;
}

static void seal(struct cp_digest *digest, struct trailer *trailer) {
    cp_digest_add(digest, trailer, offsetof(struct trailer, digest));
    cp_digest_finish_hex(digest, trailer->digest);
}

/* The record starts behind every page it holds, on a page boundary: applying it does not touch it. */
static void append_record(struct cp_journaled *file) {
    const uint64_t size = cp_journaled_size(file);
    uint64_t end = ((size > file->length ? size : file->length) + CP_PAGE - 1) / CP_PAGE * CP_PAGE;
    struct trailer trailer = {.offset = end, .count = file->held.count, .length = file->length};
    struct cp_digest *digest = start_digest(file);
    if (digest == NULL)
        return;
    memcpy(trailer.magic, MAGIC, sizeof MAGIC);
    for (size_t i = 0; i < file->held.count; i++, end += sizeof(struct cp_page)) {
        cp_digest_add(digest, file->held.pages[i], sizeof(struct cp_page));
        cp_disk_write(&file->disk, end, sizeof(struct cp_page), file->held.pages[i]);
    }
    seal(digest, &trailer);
    cp_disk_write(&file->disk, end, sizeof trailer, &trailer);
    cp_disk_flush(&file->disk);
}

void cp_journaled_commit(struct cp_journaled *file) {
    cp_disk_flush(&file->disk);
    append_record(file);
    for (size_t i = 0; i < file->held.count; i++)
        cp_disk_write(&file->disk, file->held.pages[i]->index * CP_PAGE, CP_PAGE, file->held.pages[i]->bytes);
    cp_disk_flush(&file->disk);
    cp_disk_cut(&file->disk, file->length);
    drop_held(file);
}

/* Whether the file ends with a whole record, and none of its pages lies behind where it starts; fills its
 * trailer. A read that fails is none either, and remembered. */
static int find_record(struct cp_journaled *file, struct trailer *trailer) {
    const uint64_t size = file->disk.size;
    struct trailer check;
    struct cp_page page;
    int within = 1;
    if (size < sizeof *trailer)
        return 0;
    if (!cp_disk_read(&file->disk, size - sizeof *trailer, sizeof *trailer, trailer) ||
        memcmp(trailer->magic, MAGIC, sizeof MAGIC) != 0 || trailer->count > size / sizeof page ||
        trailer->offset > size || trailer->offset + trailer->count * sizeof page + sizeof *trailer != size ||
        trailer->length > size)
        return 0;
    struct cp_digest *digest = start_digest(file);
    if (digest == NULL)
        return 0;
    for (uint64_t i = 0; i < trailer->count; i++) {
        within = cp_disk_read(&file->disk, trailer->offset + i * sizeof page, sizeof page, &page) &&
                 page.index < trailer->offset / CP_PAGE && within;
        cp_digest_add(digest, &page, sizeof page);
    }
    check = *trailer;
    seal(digest, &check);
    return within && memcmp(check.digest, trailer->digest, sizeof check.digest) == 0;
}

static void recover(struct cp_journaled *file) {
    struct trailer trailer;
    struct cp_page page;
    if (!find_record(file, &trailer))
        return;
    for (uint64_t i = 0; i < trailer.count; i++) {
        if (!cp_disk_read(&file->disk, trailer.offset + i * sizeof page, sizeof page, &page))
            return;
        cp_disk_write(&file->disk, page.index * CP_PAGE, CP_PAGE, page.bytes);
    }
    cp_disk_flush(&file->disk);
    cp_disk_cut(&file->disk, trailer.length);
}

/* ---- opening and closing ---- */

enum cp_status cp_journaled_open(const char *path, struct cp_journaled **file, struct cp_error *err) {
    struct cp_journaled *made = calloc(1, sizeof *made);
    enum cp_status status = CP_OK;
    *file = NULL;
    CP_TRY(CP_CHECK_ALLOC(made, err, path, "a file"));
    CP_TRY_DONE(cp_disk_open(&made->disk, path, err));
    recover(made);
    CP_TRY_DONE(cp_journaled_status(made, err));
    *file = made;
    return CP_OK;
done:
    cp_journaled_close(made, 0);
    return status;
}

void cp_journaled_reset(struct cp_journaled *file) {
    drop_held(file);
    cp_unfinished_set(file->disk.path, CP_UNFINISHED_USELESS);
    cp_disk_cut(&file->disk, 0);
    cp_disk_flush(&file->disk);
}

void cp_journaled_freeze(struct cp_journaled *file) {
    file->disk.frozen = 1;
}

enum cp_status cp_journaled_status(const struct cp_journaled *file, struct cp_error *err) {
    if (file->disk.failure.status != CP_OK)
        *err = file->disk.failure;
    return file->disk.failure.status;
}

enum cp_status cp_journaled_rename(struct cp_journaled *file, const char *path, struct cp_error *err) {
    return cp_disk_rename(&file->disk, path, err);
}

void cp_journaled_close(struct cp_journaled *file, int remove_file) {
    if (file == NULL)
        return;
    cp_disk_close(&file->disk, remove_file);
    cp_held_free(&file->held);
    free(file);
}
