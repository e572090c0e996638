/* SPDX-License-Identifier: GPL-3.0-or-later
 * O_NONBLOCK, so that opening a FIFO does not wait for a writer; reading a regular file never asks for it. */
#include "base/regular.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As a cache leaves it whose files were removed. */
static enum cp_status fail_open(const char *path, int why, struct cp_error *err) {
    char target[256];
    const ssize_t length = why == ENOENT ? readlink(path, target, sizeof target - 1) : -1;
    if (length < 0)
        return cp_fail(err, CP_BAD_INPUT, path, "cannot be opened: %s", strerror(why)),
               cp_expected(err, path[0] == '/'
                                    ? "a file that can be read"
                                    : "a file that can be read; paths are relative to the current directory");
    target[length] = '\0';
    return cp_fail(err, CP_BAD_INPUT, path, "is a link to %s, which is not there", target),
           cp_expected(err, "the file itself");
}

enum cp_status cp_regular_open(const char *path, int *fd, size_t *size, struct cp_error *err) {
    struct stat info;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0)
        return fail_open(path, errno, err);
    if (fstat(*fd, &info) != 0)
        info.st_mode = 0;
    if (!S_ISREG(info.st_mode)) {
        (void)close(*fd);
        return cp_fail(err, CP_BAD_INPUT, path, "is %s",
                       S_ISDIR(info.st_mode) ? "a folder" : "not a regular file"),
               cp_expected(err, "a file with contents");
    }
    *size = (size_t)info.st_size;
    return CP_OK;
}

enum cp_status cp_regular_stream(const char *path, FILE **file, struct cp_error *err) {
    size_t size;
    int fd;
    *file = NULL;
    CP_TRY(cp_regular_open(path, &fd, &size, err));
    *file = fdopen(fd, "rb");
    if (*file)
        return CP_OK;
    (void)close(fd);
    return cp_no_memory(err, path, "the file");
}
