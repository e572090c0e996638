/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/breaking_disk.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_UNDO = 1024 };

struct disk_plan disk_plan;

/* What power loss may take back: all that was written since the last flush. */
static struct undo {
    int fd;
    off_t offset;
    size_t size;
    char *bytes;
} undo[MAX_UNDO];

static size_t undo_count;

static ssize_t true_pwrite(int fd, const void *data, size_t size, off_t offset) {
    return syscall(SYS_pwrite64, fd, data, size, offset);
}

/* Not static: pread is an inline function where the C library checks sizes. */
ssize_t true_pread(int fd, void *data, size_t size, off_t offset);
ssize_t true_pread(int fd, void *data, size_t size, off_t offset) {
    return syscall(SYS_pread64, fd, data, size, offset);
}

uint64_t next_random(void) {
    disk_plan.random = disk_plan.random * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
    return disk_plan.random >> 33;
}

static void remember(int fd, off_t offset, size_t size) {
    struct undo *entry = &undo[undo_count++];
    if (undo_count == MAX_UNDO || (entry->bytes = calloc(1, size)) == NULL)
        abort();
    entry->fd = fd;
    entry->offset = offset;
    entry->size = size;
    if (true_pread(fd, entry->bytes, size, offset) < 0)
        abort();
}

static void forget(void) {
    for (size_t i = 0; i < undo_count; i++)
        free(undo[i].bytes);
    undo_count = 0;
}

/* A disk may write what was not flushed in any order: takes back any of it, or the oldest alone. */
static void lose_power(void) {
    for (size_t i = undo_count; i-- > 0;)
        if (disk_plan.fault == LOST_WRITE ? i == 0 : next_random() % 2 == 0)
            (void)true_pwrite(undo[i].fd, undo[i].bytes, undo[i].size, undo[i].offset);
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the C library's own names are reserved */

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    const int powered = disk_plan.fault != POWER_LOSS && disk_plan.fault != LOST_WRITE;
    if (!powered)
        remember(fd, offset, size);
    if (disk_plan.fault == NONE || disk_plan.fault == UNREADABLE || disk_plan.writes_left-- > 0)
        return true_pwrite(fd, data, size, offset);
    if (disk_plan.fault == DISK_FULL) {
        errno = ENOSPC;
        return disk_plan.failed++ == 0 && size > 1 ? true_pwrite(fd, data, size / 2, offset) : -1;
    }
    (void)true_pwrite(fd, data, powered ? size / 2 : size, offset);
    if (!powered)
        lose_power();
    return raise(SIGKILL);
}

ssize_t pread(int fd, void *data, size_t size, off_t offset) {
    if (disk_plan.fault != UNREADABLE || disk_plan.writes_left-- > 0)
        return true_pread(fd, data, size, offset);
    disk_plan.failed++;
    errno = EIO;
    return -1;
}

int fdatasync(int fd) {
    (void)fd; /* what survives is decided here, so the disk need not be waited for */
    forget();
    return 0;
}

int fsync(int fd) {
    return fdatasync(fd);
}

int ftruncate(int fd, off_t length) {
    const off_t end = lseek(fd, 0, SEEK_END);
    if ((disk_plan.fault == POWER_LOSS || disk_plan.fault == LOST_WRITE) && end > length)
        remember(fd, length, (size_t)(end - length));
    return (int)syscall(SYS_ftruncate, fd, length);
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
