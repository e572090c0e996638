/* SPDX-License-Identifier: GPL-3.0-or-later
 * POSIX calls repeated until all bytes are through, the lock, renames that reach the disk, name checks. */
#include "format/disk_file.h"

#include "format/unfinished.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

void cp_disk_fail(struct cp_disk_file *file, const char *what, int error) {
    if (file->failure.status == CP_OK)
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cp_disk_close frees the path */
        (void)cp_fail(&file->failure, error == ENOMEM ? CP_INTERNAL : CP_BAD_INPUT, file->path, "%s: %s",
                      what, strerror(error));
    file->frozen = 1;
}

int cp_disk_read(struct cp_disk_file *file, uint64_t offset, size_t size, void *data) {
    unsigned char *to = data;
    while (size > 0) {
        const ssize_t got = pread(file->fd, to, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            cp_disk_fail(file, "cannot read", errno);
        if (got <= 0) {
            memset(to, 0, size);
            return got == 0;
        }
        to += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return 1;
}

void cp_disk_write(struct cp_disk_file *file, uint64_t offset, size_t size, const void *data) {
    const unsigned char *from = data;
    while (size > 0 && !file->frozen) {
        const ssize_t put = pwrite(file->fd, from, size, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0) {
            cp_disk_fail(file, "cannot write", errno);
            return;
        }
        from += put;
        offset += (uint64_t)put;
        size -= (size_t)put;
        if (offset > file->size)
            file->size = offset;
    }
}

void cp_disk_flush(struct cp_disk_file *file) {
    if (!file->frozen && fdatasync(file->fd) != 0)
        cp_disk_fail(file, "cannot flush", errno);
}

void cp_disk_cut(struct cp_disk_file *file, uint64_t length) {
    if (file->frozen)
        return;
    if (ftruncate(file->fd, (off_t)length) != 0)
        cp_disk_fail(file, "cannot set the length", errno);
    file->size = length;
}

static enum cp_status lock(struct cp_disk_file *file, struct cp_error *err) {
    if (flock(file->fd, LOCK_EX | LOCK_NB) == 0)
        return CP_OK;
    if (errno == EWOULDBLOCK)
        return cp_fail(err, CP_BAD_INPUT, file->path, "another process is writing it");
    return cp_fail(err, CP_BAD_INPUT, file->path, "cannot lock: %s", strerror(errno));
}

/* Whether the name still leads to the open file: the process that held the lock may have renamed it just
 * before. */
static int is_named(struct cp_disk_file *file) {
    struct stat opened;
    struct stat named;
    if (fstat(file->fd, &opened) != 0 || lstat(file->path, &named) != 0)
        return 0;
    file->size = (uint64_t)opened.st_size;
    return opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

/* A name that leads to another file, or that another one has too, is none that a run of ours left. */
static enum cp_status check_own(const struct cp_disk_file *file, struct cp_error *err) {
    struct stat info;
    if (fstat(file->fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink <= 1)
        return CP_OK;
    return cp_fail(err, CP_BAD_INPUT, file->path, "is not a regular file with a single name"),
           cp_expected(err, "a name for the file to write");
}

enum cp_status cp_disk_open(struct cp_disk_file *file, const char *path, struct cp_error *err) {
    *file = (struct cp_disk_file){.path = strdup(path), .fd = -1};
    CP_TRY(CP_CHECK_ALLOC(file->path, err, path, "a path"));
    do {
        if (file->fd >= 0)
            (void)close(file->fd);
        file->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (file->fd < 0 && errno == ELOOP)
            return cp_fail(err, CP_BAD_INPUT, path, "is a symbolic link"),
                   cp_expected(err, "a name for the file to write");
        if (file->fd < 0)
            return cp_fail(err, CP_BAD_INPUT, path, "cannot open: %s", strerror(errno)),
                   cp_expected(err, "a folder that can be written to");
        CP_TRY(check_own(file, err));
        CP_TRY(lock(file, err));
    } while (!is_named(file));
    cp_unfinished_set(path, file->size > 0 ? CP_UNFINISHED_KEPT : CP_UNFINISHED_USELESS);
    return CP_OK;
}

static int flush_folder(const char *path) {
    char *copy = strdup(path);
    const int fd = copy == NULL ? -1 : open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int failed = fd < 0 || fsync(fd) != 0;
    if (fd >= 0)
        (void)close(fd);
    free(copy);
    return !failed;
}

enum cp_status cp_disk_rename(struct cp_disk_file *file, const char *path, struct cp_error *err) {
    if (fsync(file->fd) != 0)
        return cp_fail(err, CP_BAD_INPUT, file->path, "cannot flush: %s", strerror(errno));
    if (rename(file->path, path) != 0)
        return cp_fail(err, CP_BAD_INPUT, path, "cannot rename %s to it: %s", file->path, strerror(errno));
    cp_unfinished_set(file->path, CP_UNFINISHED_NONE);
    free(file->path);
    file->path = NULL;
    if (!flush_folder(path))
        return cp_fail(err, CP_BAD_INPUT, path, "cannot flush its folder: %s", strerror(errno));
    return CP_OK;
}

void cp_disk_close(struct cp_disk_file *file, int delete_file) {
    if (delete_file && file->path != NULL && unlink(file->path) == 0)
        cp_unfinished_set(file->path, CP_UNFINISHED_NONE);
    if (file->fd >= 0)
        (void)close(file->fd);
    free(file->path);
}

enum cp_status cp_disk_check_name(const char *path, struct cp_error *err) {
    struct stat info;
    const size_t length = strlen(path);
    const int there = lstat(path, &info) == 0;
    if (length > 0 && path[length - 1] != '/' && (!there || S_ISREG(info.st_mode)))
        return CP_OK;
    (void)cp_fail(err, CP_BAD_INPUT, path, "is %s",
                  there && S_ISLNK(info.st_mode) ? "a symbolic link" : "not a regular file");
    return cp_expected(err, "a name for the file to write");
}

int cp_disk_same(const char *a, const char *b) {
    struct stat of_a, of_b;
    return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
           of_a.st_ino == of_b.st_ino;
}

enum cp_status cp_disk_make_parents(char *path, struct cp_error *err) {
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        const int failed = mkdir(path, 0777) != 0 && errno != EEXIST;
        if (failed)
            (void)cp_fail(err, CP_BAD_INPUT, path, "cannot make the folder: %s", strerror(errno));
        *slash = '/';
        if (failed)
            return CP_BAD_INPUT;
    }
    return CP_OK;
}

static enum cp_status write_partial(const char *partial, const char *path, const void *data, size_t size,
                                    struct cp_error *err) {
    struct cp_disk_file file;
    enum cp_status status = cp_disk_open(&file, partial, err);
    const int opened = status == CP_OK;
    if (opened) {
        cp_disk_cut(&file, 0);
        cp_disk_write(&file, 0, size, data);
        if (file.frozen)
            *err = file.failure;
        status = file.frozen ? file.failure.status : cp_disk_rename(&file, path, err);
    }
    cp_disk_close(&file, opened);
    return status;
}

enum cp_status cp_disk_replace(const char *path, const void *data, size_t size, struct cp_error *err) {
    char *partial = malloc(strlen(path) + sizeof ".partial");
    CP_TRY(CP_CHECK_ALLOC(partial, err, path, "a path"));
    (void)sprintf(partial, "%s.partial", path);
    enum cp_status status = cp_disk_check_name(path, err);
    if (status == CP_OK)
        status = cp_disk_make_parents(partial, err);
    if (status == CP_OK)
        status = write_partial(partial, path, data, size, err);
    free(partial);
    return status;
}
