/* SPDX-License-Identifier: GPL-3.0-or-later
 * Who checks: a child; and which files need not be checked any more. */
#include "result/check.h"

#include "result/check_internal.h"
#include "result/child.h"

#include <sys/stat.h>

/* Address space of a child, and the time that it may take, on a slow disk: a second for so many bytes beside
 * this. */
static const size_t memory = (size_t)6 << 30;
static const double wall_seconds = 60, wall_bytes = 2e6;

/* ---- files that are known ---- */

enum { KNOWN = 16 };
static struct known {
    struct stat file;
    bool capture; /* checked as one, of which less is asked */
} known[KNOWN];
static size_t known_next;

static bool same_time(struct timespec a, struct timespec b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_file(const struct stat *a, const struct stat *b) {
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size && a->st_size > 0 &&
           same_time(a->st_mtim, b->st_mtim) && same_time(a->st_ctim, b->st_ctim);
}

static bool is_known(const struct stat *file, bool capture) {
    for (size_t k = 0; k < KNOWN; k++)
        if (same_file(&known[k].file, file) && (capture || !known[k].capture))
            return true;
    return false;
}

static void remember(const struct stat *file, bool capture) {
    known[known_next++ % KNOWN] = (struct known){*file, capture};
}

void cp_result_trust(const char *path) {
    struct stat file;
    if (stat(path, &file) == 0)
        remember(&file, false);
}

/* ---- this process ---- */

static enum cp_status start(struct cp_child *child, const struct cp_check_source *source,
                            struct cp_error *err) {
    return cp_child_start(child, source->path, memory, cp_check_work, source, err);
}

static enum cp_status wait_for(struct cp_child *child, const struct cp_check_source *source, char *readable,
                               struct cp_error *err) {
    const double seconds = wall_seconds + source->bytes / wall_bytes;
    size_t bytes;
    CP_TRY(cp_child_receive_header(child, 1, 1, seconds, &bytes, err));
    return cp_child_receive(child, readable, 1, seconds, err);
}

enum { SMALL = 1 << 24 };

/* Half of the time goes into each, so two children at once where it counts. What the walk finds is said
 * first: it knows more of what is wrong. */
static enum cp_status ask_both(const struct cp_check_source *walk, struct cp_error *err) {
    struct cp_child walks = {.socket = -1}, reads = {.socket = -1};
    struct cp_check_source content = *walk;
    char readable;
    content.content = true;
    const bool small = walk->bytes < SMALL;
    enum cp_status status = start(&walks, walk, err);
    if (status == CP_OK && !small)
        status = start(&reads, &content, err);
    if (status == CP_OK)
        status = wait_for(&walks, walk, &readable, err);
    if (status == CP_OK && small)
        status = start(&reads, &content, err);
    if (status == CP_OK)
        status = wait_for(&reads, &content, &readable, err);
    cp_child_stop(&reads);
    cp_child_stop(&walks);
    return status;
}

static enum cp_status check_path(const char *path, bool capture, struct cp_error *err) {
    struct stat file;
    struct cp_check_source source = {.path = path, .capture = capture};
    const bool there = stat(path, &file) == 0;
    if (there && is_known(&file, capture))
        return CP_OK;
    source.bytes = there ? (double)file.st_size : 0;
    CP_TRY(ask_both(&source, err));
    if (there)
        remember(&file, capture);
    return CP_OK;
}

enum cp_status cp_result_check(const char *path, struct cp_error *err) {
    return check_path(path, false, err);
}

enum cp_status cp_result_check_digest(const char *path, struct cp_error *err) {
    return check_path(path, true, err);
}

enum cp_status cp_result_check_partial(const char *path, struct cp_journaled *disk, bool *readable,
                                       struct cp_error *err) {
    const struct cp_check_source source = {
        .path = path, .disk = disk, .bytes = (double)cp_journaled_size(disk)};
    struct cp_child child = {.socket = -1};
    char opened = 0;
    enum cp_status status = start(&child, &source, err);
    if (status == CP_OK)
        status = wait_for(&child, &source, &opened, err);
    cp_child_stop(&child);
    *readable = opened != 0;
    return status;
}
