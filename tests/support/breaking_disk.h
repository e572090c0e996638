/* SPDX-License-Identifier: GPL-3.0-or-later
 * A disk that breaks: pwrite, pread, fdatasync, fsync and ftruncate that stand in front of the C library's in
 * the program that links this, and fail at the n-th write, or read. */
#ifndef CP_TESTS_SUPPORT_BREAKING_DISK_H
#define CP_TESTS_SUPPORT_BREAKING_DISK_H

#include <stdint.h>

enum fault { NONE, KILL, POWER_LOSS, LOST_WRITE, DISK_FULL, UNREADABLE };

extern struct disk_plan {
    enum fault fault;
    long writes_left; /* of UNREADABLE: reads */
    int failed;
    uint64_t random;
} disk_plan;

uint64_t next_random(void);

#endif
