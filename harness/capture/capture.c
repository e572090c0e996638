/* SPDX-License-Identifier: GPL-3.0-or-later
 * This process's side of a capture: the child is started, asked and, where it dies or does not answer, told
 * of. */
#include "capture/internal.h"

#include "base/sandbox.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const struct cp_capture_limits cp_capture_limits = {20, 120, (size_t)6 << 30};

enum { LISTING_BYTES = 1 << 26 };

struct cp_capture_link {
    int socket;
    pid_t process;
    struct cp_capture_limits limits;
};

/* ---- the child ---- */

static void limit(__rlimit_resource_t resource, size_t most) {
    const struct rlimit value = {most, most};
    (void)setrlimit(resource, &value);
}

#ifdef CP_SANITIZED
static const int sanitized = 1;
#else
static const int sanitized = 0;
#endif

static _Noreturn void be_the_child(int socket, const struct cp_capture_limits *limits,
                                   const struct cp_capture_source *source) {
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGINT, SIG_IGN); /* the parent's to act on */
    static const int defaults[] = {SIGTERM, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
        (void)signal(defaults[i],
                     SIG_DFL); /* whatever the parent does at a crash, it is not the child's to do */
    limit(RLIMIT_CORE, 0);
    if (!sanitized) /* its shadow memory is larger than any limit */
        limit(RLIMIT_AS, limits->memory);
    (void)cp_sandbox_enter(); /* where there is none, the limits above are all */
    cp_capture_serve(socket, source);
}

static enum cp_status start(struct cp_capture *capture, const struct cp_capture_limits *limits,
                            const struct cp_capture_source *source, struct cp_error *err) {
    int sockets[2];
    CP_TRY(CP_ARENA_CALLOC(&capture->arena, capture->child, 1, err, capture->path, "a capture"));
    *capture->child = (struct cp_capture_link){.socket = -1, .limits = *limits};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
        return cp_fail(err, CP_INTERNAL, capture->path, "no socket: %s", strerror(errno));
    (void)fflush(NULL); /* or the child's copy of what is buffered could be written twice */
    const pid_t process = fork();
    if (process == 0) {
        (void)close(sockets[0]);
        be_the_child(sockets[1], limits, source);
    }
    (void)close(sockets[1]);
    capture->child->socket = sockets[0];
    capture->child->process = process;
    if (process < 0)
        return cp_fail(err, CP_INTERNAL, capture->path, "no process to read it in: %s", strerror(errno));
    return CP_OK;
}

static void stop(struct cp_capture_link *child) {
    if (child->process > 0) {
        (void)kill(child->process, SIGKILL);
        while (waitpid(child->process, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    if (child->socket >= 0)
        (void)close(child->socket);
    *child = (struct cp_capture_link){.socket = -1, .process = -1};
}

/* ---- asking ---- */

static double now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The child said nothing more: what became of it. */
static enum cp_status fail_exited(const struct cp_capture *capture, struct cp_error *err) {
    struct cp_capture_link *child = capture->child;
    int status = 0;
    /* It may still be on its way out; nothing else is left for it to do. */
    while (child->process > 0 && waitpid(child->process, &status, 0) < 0 && errno == EINTR)
        continue;
    child->process = -1;
    stop(child);
    if (WIFSIGNALED(status))
        return cp_fail(err, CP_BAD_INPUT, capture->path, "crashes the HDF5 library (signal %d)",
                       WTERMSIG(status)),
               cp_expected(err, "a file that is whole");
    if (WIFEXITED(status) && WEXITSTATUS(status) == CP_INTERNAL)
        return cp_no_memory(err, capture->path, "the library that reads it");
    return cp_fail(err, CP_BAD_INPUT, capture->path, "cannot be read: the HDF5 library gave up"),
           cp_expected(err, "a file that is whole");
}

static enum cp_status too_slow(const struct cp_capture *capture, double seconds, struct cp_error *err) {
    stop(capture->child);
    return cp_fail(err, CP_BAD_INPUT, capture->path, "takes more than %.3g s to read", seconds),
           cp_expected(err, "a file that is whole");
}

static enum cp_status receive(const struct cp_capture *capture, void *bytes, size_t size, double seconds,
                              struct cp_error *err) {
    const double end = now() + seconds;
    for (char *at = bytes; size;) {
        struct pollfd wait = {.fd = capture->child->socket, .events = POLLIN};
        const double left = end - now();
        if (left <= 0)
            return too_slow(capture, seconds, err);
        const int ready = poll(&wait, 1, (int)(1000 * left) + 1);
        if (ready < 0 && errno != EINTR)
            return cp_fail(err, CP_INTERNAL, capture->path, "poll: %s", strerror(errno));
        if (ready <= 0)
            continue;
        const ssize_t got = recv(capture->child->socket, at, size, 0);
        if (got <= 0)
            return fail_exited(capture, err);
        at += got;
        size -= (size_t)got;
    }
    return CP_OK;
}

/* The header of a reply, whose payload has `least` to `most` bytes. */
static enum cp_status receive_header(const struct cp_capture *capture, size_t least, size_t most,
                                     double seconds, size_t *bytes, struct cp_error *err) {
    struct cp_capture_reply header;
    struct cp_error told;
    CP_TRY(receive(capture, &header, sizeof header, seconds, err));
    if (header.status != CP_OK) {
        CP_TRY(receive(capture, &told, sizeof told, seconds, err));
        *err = told;
        return told.status;
    }
    if (header.bytes < least || header.bytes > most) {
        stop(capture->child); /* it may wait for its payload to be read */
        return fail_exited(capture, err);
    }
    *bytes = header.bytes;
    return CP_OK;
}

static enum cp_status ask(const struct cp_capture *capture, struct cp_capture_request request,
                          struct cp_error *err) {
    if (capture->child->socket < 0)
        return cp_fail(err, CP_BAD_INPUT, capture->path, "could not be read");
    if (send(capture->child->socket, &request, sizeof request, MSG_NOSIGNAL) != (ssize_t)sizeof request)
        return fail_exited(capture, err);
    return CP_OK;
}

/* ---- opening ---- */

static enum cp_status unpack(struct cp_capture *capture, const char *body, size_t size,
                             struct cp_error *err) {
    const struct cp_capture_listing *listing = (const void *)body;
    const struct cp_capture_listed *listed = (const void *)(body + sizeof *listing);
    const char *end = body + size;
    if (listing->taps > CP_CAPTURE_TAPS || size < sizeof *listing + listing->taps * sizeof *listed)
        return fail_exited(capture, err);
    capture->taps = listing->taps;
    capture->prompts = listing->prompts;
    capture->tokens = listing->tokens;
    CP_TRY(CP_ARENA_CALLOC(&capture->arena, capture->tap, capture->taps, err, capture->path, "a capture"));
    for (size_t t = 0; t < capture->taps; t++) {
        struct cp_capture_tap *tap = &capture->tap[t];
        tap->name = cp_arena_printf(&capture->arena, "%.255s", listed[t].name);
        tap->rank = listed[t].rank;
        tap->arithmetic = listed[t].arithmetic;
        tap->recomputed = listed[t].recomputed != 0;
        memcpy(tap->shape, listed[t].shape, sizeof tap->shape);
        CP_TRY(CP_CHECK_ALLOC(tap->name, err, capture->path, "a capture"));
    }
    const char *at = (const char *)&listed[capture->taps];
    for (int f = 0; f < CP_CAPTURE_FACTS; f++) {
        const size_t length = strnlen(at, (size_t)(end - at));
        if (at + length >= end)
            return fail_exited(capture, err);
        CP_TRY(CP_CHECK_ALLOC(capture->fact[f] = cp_arena_strdup(&capture->arena, at), err, capture->path,
                              "a capture"));
        at += length + 1;
    }
    return CP_OK;
}

static enum cp_status receive_listing(struct cp_capture *capture, struct cp_error *err) {
    const double seconds = capture->child->limits.open_seconds;
    size_t bytes = 0;
    CP_TRY(receive_header(capture, sizeof(struct cp_capture_listing), LISTING_BYTES, seconds, &bytes, err));
    char *body = malloc(bytes + 1); /* never of nothing */
    CP_TRY(CP_CHECK_ALLOC(body, err, capture->path, "a capture"));
    enum cp_status status = receive(capture, body, bytes, seconds, err);
    if (status == CP_OK)
        status = unpack(capture, body, bytes, err);
    free(body);
    return status;
}

static enum cp_status check_file(const char *path, struct cp_error *err) {
    struct stat info;
    if (stat(path, &info) != 0)
        return cp_fail(err, CP_BAD_INPUT, path, "cannot be opened: %s", strerror(errno)),
               cp_expected(err, "an HDF5 file");
    if (!S_ISREG(info.st_mode))
        return cp_fail(err, CP_BAD_INPUT, path, "is no regular file"), cp_expected(err, "an HDF5 file");
    return CP_OK;
}

/* A capture whose child is still to be started. */
static enum cp_status make(const struct cp_capture_source *source, struct cp_capture **out,
                           struct cp_error *err) {
    CP_TRY(check_file(source->path, err));
    struct cp_capture *capture = calloc(1, sizeof *capture);
    CP_TRY(CP_CHECK_ALLOC(capture, err, source->path, "a capture"));
    capture->path = cp_arena_strdup(&capture->arena, source->path);
    if (!capture->path) {
        free(capture);
        return cp_no_memory(err, source->path, "a capture");
    }
    *out = capture;
    return CP_OK;
}

enum cp_status cp_capture_open(const char *path, const char *name, const struct cp_capture_map *map,
                               const struct cp_capture_limits *limits, struct cp_capture **out,
                               struct cp_error *err) {
    const struct cp_capture_source source = {.path = path, .name = name, .map = map};
    struct cp_capture *capture = NULL;
    *out = NULL;
    CP_TRY(make(&source, &capture, err));
    enum cp_status status = start(capture, limits, &source, err);
    if (status == CP_OK)
        status = receive_listing(capture, err);
    if (status == CP_OK)
        *out = capture;
    else
        cp_capture_close(capture);
    return status;
}

void cp_capture_close(struct cp_capture *capture) {
    if (!capture)
        return;
    if (capture->child)
        stop(capture->child);
    struct cp_arena arena = capture->arena;
    cp_arena_free(&arena);
    free(capture);
}

/* ---- reading ---- */

enum cp_status cp_capture_read(struct cp_capture *capture, size_t tap, size_t first, size_t rows,
                               float *values, struct cp_error *err) {
    const double seconds = capture->child->limits.read_seconds;
    size_t bytes = rows * sizeof(float), got = 0;
    for (int d = 1; d < capture->tap[tap].rank; d++)
        bytes *= capture->tap[tap].shape[d];
    CP_TRY(ask(capture, (struct cp_capture_request){CP_CAPTURE_READ, tap, first, rows}, err));
    CP_TRY(receive_header(capture, bytes, bytes, seconds, &got, err));
    return receive(capture, values, bytes, seconds, err);
}

enum cp_status cp_capture_tokens(struct cp_capture *capture, int32_t *ids, struct cp_error *err) {
    const double seconds = capture->child->limits.read_seconds;
    const size_t bytes = capture->prompts * capture->tokens * sizeof *ids;
    size_t got = 0;
    CP_TRY(ask(capture, (struct cp_capture_request){.op = CP_CAPTURE_TOKENS}, err));
    CP_TRY(receive_header(capture, bytes, bytes, seconds, &got, err));
    return receive(capture, ids, bytes, seconds, err);
}

enum cp_status cp_capture_labels(struct cp_capture *capture, size_t tap, struct cp_arena *arena,
                                 const char *const **labels, struct cp_error *err) {
    const double seconds = capture->child->limits.read_seconds;
    const size_t count = capture->tap[tap].shape[0];
    size_t bytes = 0;
    *labels = NULL;
    CP_TRY(ask(capture, (struct cp_capture_request){.op = CP_CAPTURE_LABELS, .tap = tap}, err));
    CP_TRY(receive_header(capture, 0, LISTING_BYTES, seconds, &bytes, err));
    if (bytes == 0)
        return CP_OK;
    char *text = cp_arena_alloc(arena, bytes + 1, 1);
    const char **list = cp_arena_alloc(arena, count, sizeof *list);
    CP_TRY(CP_CHECK_ALLOC(text && list, err, capture->path, "a capture"));
    CP_TRY(receive(capture, text, bytes, seconds, err));
    text[bytes] = '\0';
    const char *at = text;
    for (size_t i = 0; i < count; i++) {
        list[i] = at;
        at += strlen(at) + (at < text + bytes);
    }
    *labels = list;
    return CP_OK;
}

size_t cp_capture_find(const struct cp_capture *capture, const char *name) {
    size_t t = 0;
    while (t < capture->taps && strcmp(capture->tap[t].name, name) != 0)
        t++;
    return t;
}

/* Names and values in turn, each with its NUL. */
static enum cp_status split_pairs(const char *text, size_t size, struct cp_arena *arena,
                                  struct cp_capture_environment *environment) {
    const char *const end = text + size;
    size_t texts = 0;
    for (const char *at = text; at < end; at++)
        texts += *at == '\0';
    environment->name = cp_arena_alloc(arena, texts / 2 + 1, sizeof(char *));
    environment->value = cp_arena_alloc(arena, texts / 2 + 1, sizeof(char *));
    if (!environment->name || !environment->value)
        return CP_INTERNAL;
    for (const char *at = text; environment->count < texts / 2; environment->count++) {
        environment->name[environment->count] = at;
        at += strlen(at) + 1;
        environment->value[environment->count] = at;
        at += strlen(at) + 1;
    }
    return CP_OK;
}

enum cp_status cp_capture_environment(const char *path, const struct cp_capture_limits *limits,
                                      struct cp_arena *arena, struct cp_capture_environment *environment,
                                      struct cp_error *err) {
    const struct cp_capture_source source = {.path = path, .environment = 1};
    struct cp_capture *capture = NULL;
    size_t bytes = 0;
    *environment = (struct cp_capture_environment){0};
    CP_TRY(make(&source, &capture, err));
    enum cp_status status = start(capture, limits, &source, err);
    if (status == CP_OK)
        status = receive_header(capture, 0, LISTING_BYTES, limits->open_seconds, &bytes, err);
    char *text = status == CP_OK ? cp_arena_alloc(arena, bytes + 1, 1) : NULL;
    if (status == CP_OK && !text)
        status = cp_no_memory(err, capture->path, "a capture");
    if (status == CP_OK)
        status = receive(capture, text, bytes, limits->open_seconds, err);
    if (status == CP_OK && split_pairs(text, bytes, arena, environment) != CP_OK)
        status = cp_no_memory(err, capture->path, "a capture");
    cp_capture_close(capture);
    return status;
}

enum cp_status cp_capture_write(const char *path, const struct cp_capture_limits *limits,
                                cp_capture_writer *write, FILE *out, struct cp_error *err) {
    const struct cp_capture_source source = {.path = path, .write = write, .out = out};
    struct cp_capture *capture = NULL;
    size_t bytes = 0;
    CP_TRY(make(&source, &capture, err));
    enum cp_status status = start(capture, limits, &source, err);
    if (status == CP_OK)
        status = receive_header(capture, 0, 0, limits->read_seconds, &bytes, err);
    cp_capture_close(capture);
    return status;
}
