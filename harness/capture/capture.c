/* SPDX-License-Identifier: GPL-3.0-or-later
 * This process's side of a capture: what the child is asked, and what it answers. */
#include "capture/internal.h"

#include "result/child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cp_capture_limits cp_capture_limits = {20, 120, (size_t)6 << 30};

enum { LISTING_BYTES = 1 << 26 };

struct cp_capture_link {
    struct cp_child child;
    struct cp_capture_limits limits;
};

static enum cp_status start(struct cp_capture *capture, const struct cp_capture_limits *limits,
                            const struct cp_capture_source *source, struct cp_error *err) {
    CP_TRY(CP_ARENA_CALLOC(&capture->arena, capture->child, 1, err, capture->path, "a capture"));
    *capture->child = (struct cp_capture_link){.child.socket = -1, .limits = *limits};
    return cp_child_start(&capture->child->child, capture->path, limits->memory, cp_capture_serve, source,
                          err);
}

/* ---- asking ---- */

static enum cp_status receive(const struct cp_capture *capture, void *bytes, size_t size, double seconds,
                              struct cp_error *err) {
    return cp_child_receive(&capture->child->child, bytes, size, seconds, err);
}

static enum cp_status receive_header(const struct cp_capture *capture, size_t least, size_t most,
                                     double seconds, size_t *bytes, struct cp_error *err) {
    return cp_child_receive_header(&capture->child->child, least, most, seconds, bytes, err);
}

static enum cp_status ask(const struct cp_capture *capture, struct cp_capture_request request,
                          struct cp_error *err) {
    return cp_child_ask(&capture->child->child, &request, sizeof request, err);
}

/* ---- opening ---- */

/* What is listed comes from a process that a file may have taken over. */
static bool is_listed(const struct cp_capture_listed *listed) {
    double elements = 1;
    if (listed->rank < 2 || listed->rank > CP_CAPTURE_RANK || listed->arithmetic < CP_FP32 ||
        listed->arithmetic > CP_FP64)
        return false;
    for (int d = 0; d < listed->rank; d++)
        elements *= (double)listed->shape[d];
    return elements >= 1 && elements <= CP_CAPTURE_ELEMENTS;
}

static enum cp_status unpack(struct cp_capture *capture, const char *body, size_t size,
                             struct cp_error *err) {
    const struct cp_capture_listing *listing = (const void *)body;
    const struct cp_capture_listed *listed = (const void *)(body + sizeof *listing);
    const char *end = body + size;
    if (listing->taps > CP_CAPTURE_TAPS || size < sizeof *listing + listing->taps * sizeof *listed)
        return cp_child_gave_up(&capture->child->child, err);
    capture->taps = listing->taps;
    capture->prompts = listing->prompts;
    capture->tokens = listing->tokens;
    CP_TRY(CP_ARENA_CALLOC(&capture->arena, capture->tap, capture->taps, err, capture->path, "a capture"));
    for (size_t t = 0; t < capture->taps; t++) {
        struct cp_capture_tap *tap = &capture->tap[t];
        if (!is_listed(&listed[t]))
            return cp_child_gave_up(&capture->child->child, err);
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
            return cp_child_gave_up(&capture->child->child, err);
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

/* A capture whose child is still to be started. */
static enum cp_status make(const struct cp_capture_source *source, struct cp_capture **out,
                           struct cp_error *err) {
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
        cp_child_stop(&capture->child->child);
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
