/* SPDX-License-Identifier: GPL-3.0-or-later
 * Both ends: the child is started, asked and, where it dies or does not answer, told of. */
#include "result/child.h"

#include "base/clock.h"
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A reply: this, then `bytes` of payload; a struct cp_error where the status is not CP_OK. */
struct reply {
    enum cp_status status;
    size_t bytes;
};

#ifdef CP_SANITIZED
static const int sanitized = 1; /* shadow memory is larger than any limit, and everything is slower */
#else
static const int sanitized = 0;
#endif

/* ---- the child ---- */

static void limit(__rlimit_resource_t resource, size_t most) {
    const struct rlimit value = {most, most};
    (void)setrlimit(resource, &value);
}

void cp_child_allow(double seconds) {
    const double most = sanitized ? 20 * seconds : seconds;
    const struct itimerval timer = {
        .it_value = {.tv_sec = (time_t)most, .tv_usec = (suseconds_t)(1e6 * (most - floor(most)))}};
    (void)setitimer(ITIMER_PROF, &timer, NULL); /* SIGPROF at the end */
}

/* What a library prints before it aborts is no line of this program's: the parent says what became of the child. */
static void be_silent(void) {
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (int stream = STDOUT_FILENO; stream <= STDERR_FILENO; stream++)
        if (nowhere < 0 || dup2(nowhere, stream) < 0)
            (void)close(stream);
}

static _Noreturn void be_the_child(int socket, size_t memory, cp_child_work *work, const void *context) {
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGINT, SIG_IGN); /* the parent's to act on */
    static const int defaults[] = {SIGTERM, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGPROF};
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
        (void)signal(defaults[i],
                     SIG_DFL); /* whatever the parent does at a crash, it is not the child's to do */
    limit(RLIMIT_CORE, 0);
    if (!sanitized) { /* whose reports are for people */
        limit(RLIMIT_AS, memory);
        be_silent();
    }
    (void)cp_sandbox_enter(); /* where there is none, the limits above are all */
    work(socket, context);
    _exit(0);
}

static void send_all(int socket, const void *bytes, size_t size) {
    for (const char *at = bytes; size;) {
        const ssize_t sent = send(socket, at, size, MSG_NOSIGNAL);
        if (sent <= 0)
            _exit(0); /* the parent is gone */
        at += sent;
        size -= (size_t)sent;
    }
}

void cp_child_reply(int socket, enum cp_status status, const void *bytes, size_t size,
                    const struct cp_error *err) {
    const struct reply header = {status, status == CP_OK ? size : sizeof *err};
    send_all(socket, &header, sizeof header);
    send_all(socket, status == CP_OK ? bytes : err, header.bytes);
}

/* ---- starting and stopping ---- */

static enum cp_status check_file(const char *path, struct cp_error *err) {
    struct stat info;
    if (stat(path, &info) != 0 || (S_ISREG(info.st_mode) && access(path, R_OK) != 0))
        return cp_fail(err, CP_BAD_INPUT, path, "cannot be opened: %s", strerror(errno)),
               cp_expected(err, "an HDF5 file");
    if (!S_ISREG(info.st_mode))
        return cp_fail(err, CP_BAD_INPUT, path, "is not a regular file"), cp_expected(err, "an HDF5 file");
    return CP_OK;
}

enum cp_status cp_child_start(struct cp_child *child, const char *path, size_t memory, cp_child_work *work,
                              const void *context, struct cp_error *err) {
    int sockets[2];
    *child = (struct cp_child){.path = path, .socket = -1, .process = -1};
    CP_TRY(check_file(path, err));
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
        return cp_fail(err, CP_INTERNAL, path, "no socket: %s", strerror(errno));
    (void)fflush(NULL); /* or the child's copy of what is buffered could be written twice */
    const pid_t process = fork();
    if (process == 0) {
        (void)close(sockets[0]);
        be_the_child(sockets[1], memory, work, context);
    }
    (void)close(sockets[1]);
    child->socket = sockets[0];
    child->process = process;
    if (process < 0)
        return cp_fail(err, CP_INTERNAL, path, "no process to read it in: %s", strerror(errno));
    return CP_OK;
}

void cp_child_stop(struct cp_child *child) {
    if (child->process > 0) {
        (void)kill(child->process, SIGKILL);
        while (waitpid(child->process, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    if (child->socket >= 0)
        (void)close(child->socket);
    child->socket = child->process = -1;
}

/* ---- asking ---- */

enum cp_status cp_child_gave_up(struct cp_child *child, struct cp_error *err) {
    cp_child_stop(child);
    return cp_fail(err, CP_BAD_INPUT, child->path, "cannot be read: the HDF5 library gave up"),
           cp_expected(err, "a file that is whole");
}

/* The child said nothing more: what became of it. */
static enum cp_status fail_exited(struct cp_child *child, struct cp_error *err) {
    int status = 0;
    /* It may still be on its way out; nothing else is left for it to do. */
    while (child->process > 0 && waitpid(child->process, &status, 0) < 0 && errno == EINTR)
        continue;
    child->process = -1;
    cp_child_stop(child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == CP_INTERNAL)
        return cp_no_memory(err, child->path, "the library that reads it");
    if (!WIFSIGNALED(status))
        return cp_child_gave_up(child, err);
    if (WTERMSIG(status) == SIGPROF)
        (void)cp_fail(err, CP_BAD_INPUT, child->path, "keeps the HDF5 library busy without end");
    else
        (void)cp_fail(err, CP_BAD_INPUT, child->path, "crashes the HDF5 library (signal %d)",
                      WTERMSIG(status));
    return cp_expected(err, "a file that is whole");
}

static enum cp_status too_slow(struct cp_child *child, double seconds, struct cp_error *err) {
    cp_child_stop(child);
    return cp_fail(err, CP_BAD_INPUT, child->path, "takes more than %.3g s to read", seconds),
           cp_expected(err, "a file that is whole");
}

enum cp_status cp_child_receive(struct cp_child *child, void *bytes, size_t size, double seconds,
                                struct cp_error *err) {
    const double end = cp_clock_seconds() + seconds;
    for (char *at = bytes; size;) {
        struct pollfd wait = {.fd = child->socket, .events = POLLIN};
        const double left = end - cp_clock_seconds();
        if (left <= 0)
            return too_slow(child, seconds, err);
        const int ready = poll(&wait, 1, (int)(1000 * left) + 1);
        if (ready < 0 && errno != EINTR)
            return cp_fail(err, CP_INTERNAL, child->path, "poll: %s", strerror(errno));
        if (ready <= 0)
            continue;
        const ssize_t got = recv(child->socket, at, size, 0);
        if (got <= 0)
            return fail_exited(child, err);
        at += got;
        size -= (size_t)got;
    }
    return CP_OK;
}

/* What the child sends is trusted no more than the file. */
static enum cp_status take_failure(struct cp_error *told, struct cp_error *err) {
    if (told->status != CP_INTERNAL && told->status != CP_NOTHING_COMPARED)
        told->status = CP_BAD_INPUT;
    told->where[sizeof told->where - 1] = '\0';
    told->what[sizeof told->what - 1] = '\0';
    told->expected[sizeof told->expected - 1] = '\0';
    *err = *told;
    return err->status;
}

enum cp_status cp_child_receive_header(struct cp_child *child, size_t least, size_t most, double seconds,
                                       size_t *bytes, struct cp_error *err) {
    struct reply header;
    struct cp_error told;
    CP_TRY(cp_child_receive(child, &header, sizeof header, seconds, err));
    if (header.status != CP_OK) {
        CP_TRY(cp_child_receive(child, &told, sizeof told, seconds, err));
        return take_failure(&told, err);
    }
    if (header.bytes < least || header.bytes > most)
        return cp_child_gave_up(child, err);
    *bytes = header.bytes;
    return CP_OK;
}

enum cp_status cp_child_ask(struct cp_child *child, const void *request, size_t size, struct cp_error *err) {
    if (child->socket < 0)
        return cp_fail(err, CP_BAD_INPUT, child->path, "could not be read");
    if (send(child->socket, request, size, MSG_NOSIGNAL) != (ssize_t)size)
        return fail_exited(child, err);
    return CP_OK;
}
