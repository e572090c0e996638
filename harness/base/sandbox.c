/* SPDX-License-Identifier: GPL-3.0-or-later
 * A seccomp filter by libseccomp: a list of calls, three of them with conditions. */
#include "base/sandbox.h"

#if defined CP_HAS_SECCOMP && !defined CP_SANITIZED

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>

/* Reading and writing what is open, memory, waiting, limits of its own, and the end. */
static const int allowed[] = {SCMP_SYS(read),
                              SCMP_SYS(pread64),
                              SCMP_SYS(readv),
                              SCMP_SYS(preadv),
                              SCMP_SYS(write),
                              SCMP_SYS(writev),
                              SCMP_SYS(sendto),
                              SCMP_SYS(sendmsg),
                              SCMP_SYS(recvfrom),
                              SCMP_SYS(recvmsg),
                              SCMP_SYS(poll),
                              SCMP_SYS(ppoll),
                              SCMP_SYS(close),
                              SCMP_SYS(lseek),
                              SCMP_SYS(fcntl),
                              SCMP_SYS(flock),
                              SCMP_SYS(fstat),
                              SCMP_SYS(stat),
                              SCMP_SYS(lstat),
                              SCMP_SYS(newfstatat),
                              SCMP_SYS(statx),
                              SCMP_SYS(access),
                              SCMP_SYS(faccessat),
                              SCMP_SYS(faccessat2),
                              SCMP_SYS(getcwd),
                              SCMP_SYS(readlink),
                              SCMP_SYS(readlinkat),
                              SCMP_SYS(getdents64),
                              SCMP_SYS(brk),
                              SCMP_SYS(munmap),
                              SCMP_SYS(mremap),
                              SCMP_SYS(madvise),
                              SCMP_SYS(futex),
                              SCMP_SYS(sched_yield),
                              SCMP_SYS(restart_syscall),
                              SCMP_SYS(rt_sigreturn),
                              SCMP_SYS(rt_sigaction),
                              SCMP_SYS(rt_sigprocmask),
                              SCMP_SYS(getpid),
                              SCMP_SYS(gettid),
                              SCMP_SYS(getppid),
                              SCMP_SYS(clock_gettime),
                              SCMP_SYS(gettimeofday),
                              SCMP_SYS(time),
                              SCMP_SYS(nanosleep),
                              SCMP_SYS(clock_nanosleep),
                              SCMP_SYS(setitimer),
                              SCMP_SYS(getrandom),
                              SCMP_SYS(sysinfo),
                              SCMP_SYS(uname),
                              SCMP_SYS(getrlimit),
                              SCMP_SYS(setrlimit),
                              SCMP_SYS(prlimit64),
                              SCMP_SYS(getrusage),
                              SCMP_SYS(exit),
                              SCMP_SYS(exit_group)};

/* One call under a condition: bits of an argument that must not be set. */
static int allow_without(scmp_filter_ctx filter, int call, unsigned argument, unsigned bits) {
    const struct scmp_arg_cmp clear = SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, bits, 0);
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &clear);
}

static int add_rules(scmp_filter_ctx filter) {
    const unsigned writing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
    int failed = 0;
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        failed |= seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, allowed[i], 0, NULL);
    failed |= allow_without(filter, SCMP_SYS(openat), 2, writing);
    failed |= allow_without(filter, SCMP_SYS(open), 1, writing);
    failed |= allow_without(filter, SCMP_SYS(mmap), 2, PROT_EXEC);
    failed |= allow_without(filter, SCMP_SYS(mprotect), 2, PROT_EXEC);
    return failed;
}

bool cp_sandbox_enter(void) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return false;
    const bool entered = add_rules(filter) == 0 && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return entered;
}

#else

bool cp_sandbox_enter(void) {
    return false;
}

#endif
