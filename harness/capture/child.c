/* SPDX-License-Identifier: GPL-3.0-or-later
 * The child that reads a capture: it opens the file, checks what it is going to read, and answers requests.
 * Whatever HDF5 does to it, the parent only sees a socket that closes, or a reply that does not come. */
#include "capture/server.h"

#include "result/child.h"
#include "result/schema.h"

#include <hdf5_hl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Elements of one reply; a request for more is refused, which no honest tap needs. */
enum { REPLY_ELEMENTS = 1 << 28 };

/* Processor time: of a whole checkpoint; bytes of one second, which may be compressed. */
enum { WRITE_SECONDS = 120, SECOND_BYTES = 1 << 24 };

static void reply(struct cp_capture_server *s, enum cp_status status, const void *bytes, size_t size) {
    cp_child_reply(s->socket, status, bytes, size, &s->err);
}

static void reply_listing(struct cp_capture_server *s, enum cp_status status) {
    const size_t taps = s->listing.taps * sizeof *s->tap;
    char *body = status == CP_OK ? malloc(sizeof s->listing + taps + sizeof s->fact) : NULL;
    char *at = body;
    if (status == CP_OK && !body)
        status = cp_capture_no_memory(s);
    if (!body) {
        reply(s, status, NULL, 0);
        _exit(0);
    }
    memcpy(at, &s->listing, sizeof s->listing);
    at += sizeof s->listing;
    memcpy(at, s->tap, taps);
    at += taps;
    for (int f = 0; f < CP_CAPTURE_FACTS; f++)
        at = stpcpy(at, s->fact[f]) + 1;
    reply(s, CP_OK, body, (size_t)(at - body));
    free(body);
}

static _Noreturn void reply_environment(struct cp_capture_server *s) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    enum cp_status status = out ? cp_capture_list_environment(s, out) : cp_capture_no_memory(s);
    if (out && fclose(out) != 0 && status == CP_OK)
        status = cp_capture_no_memory(s);
    reply(s, status, text, size);
    _exit(0);
}

static _Noreturn void reply_written(struct cp_capture_server *s) {
    reply(s, s->source->write(s), NULL, 0);
    _exit(0);
}

/* Rows of a dataset along one axis, as `type`; shape: of the block. */
static enum cp_status read_block(struct cp_capture_server *s, const char *object, int rank, int axis,
                                 const struct cp_capture_request *request, size_t shape[CP_CAPTURE_RANK],
                                 hid_t type, size_t size, void **block) {
    hsize_t start[CP_CAPTURE_RANK] = {0}, count[CP_CAPTURE_RANK];
    double elements = 1;
    enum cp_status status = CP_OK;
    *block = NULL;
    if (request->rows == 0 || request->first + request->rows > shape[axis])
        return cp_capture_refuse(s, object, "has fewer inputs than were asked for");
    shape[axis] = request->rows;
    start[axis] = request->first;
    for (int d = 0; d < rank; d++) {
        count[d] = shape[d];
        elements *= (double)shape[d];
    }
    if (!(elements <= REPLY_ELEMENTS) || !(*block = malloc((size_t)elements * size)))
        return cp_capture_no_memory(s);
    const hid_t dataset = H5Dopen2(s->file, object, H5P_DEFAULT);
    const hid_t space = dataset < 0 ? -1 : H5Dget_space(dataset),
                memory = H5Screate_simple(rank, count, NULL);
    if (space < 0 || memory < 0 || H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
        H5Dread(dataset, type, memory, space, H5P_DEFAULT, *block) < 0)
        status = cp_capture_refuse_hdf5(s, object, "cannot be read");
    if (space >= 0)
        (void)H5Sclose(space);
    if (memory >= 0)
        (void)H5Sclose(memory);
    if (dataset >= 0)
        (void)H5Dclose(dataset);
    return status;
}

static void reply_values(struct cp_capture_server *s, const struct cp_capture_request *request) {
    struct cp_capture_dataset data = s->dataset[request->tap];
    void *block, *arranged = NULL;
    enum cp_status status = read_block(s, data.path, data.axes.rank, data.axes.order[0], request, data.shape,
                                       H5T_NATIVE_FLOAT, sizeof(float), &block);
    size_t elements = 1;
    for (int d = 0; d < data.axes.rank; d++)
        elements *= data.shape[d];
    if (status == CP_OK && !(arranged = malloc(elements * sizeof(float))))
        status = cp_capture_no_memory(s);
    if (status == CP_OK)
        cp_capture_arrange(&data.axes, data.shape, block, arranged);
    reply(s, status, arranged, elements * sizeof(float));
    free(block);
    free(arranged);
}

static void reply_tokens(struct cp_capture_server *s) {
    const struct cp_capture_request all = {.rows = s->listing.prompts};
    size_t shape[CP_CAPTURE_RANK] = {s->listing.prompts, s->listing.tokens};
    void *block;
    const enum cp_status status = read_block(s, cp_schema[CP_SCHEMA_TOKENS].path, 2, 0, &all, shape,
                                             H5T_NATIVE_INT32, sizeof(int32_t), &block);
    reply(s, status, block, shape[0] * shape[1] * sizeof(int32_t));
    free(block);
}

struct labels {
    char *text; /* texts with their NUL */
    size_t size;
    size_t count;
};

/* The names in a dimension's scale, where they are texts and as many as there are inputs. */
static herr_t read_scale(hid_t dataset, unsigned dim, hid_t scale, void *context) {
    struct labels *labels = context;
    const hid_t type = H5Dget_type(scale), space = H5Dget_space(scale);
    const hssize_t count = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
    char **texts = NULL;
    (void)dataset;
    (void)dim;
    if (type >= 0 && H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) > 0 && count > 0 &&
        count == (hssize_t)labels->count)
        texts = calloc((size_t)count, sizeof *texts);
    if (texts && H5Dread(scale, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts) >= 0) {
        FILE *out = open_memstream(&labels->text, &labels->size);
        for (size_t i = 0; out && i < labels->count; i++)
            (void)fwrite(texts[i] ? texts[i] : "", 1, texts[i] ? strlen(texts[i]) + 1 : 1, out);
        if (out)
            (void)fclose(out);
        (void)H5Dvlen_reclaim(type, space, H5P_DEFAULT, texts);
    }
    free(texts);
    if (type >= 0)
        (void)H5Tclose(type);
    if (space >= 0)
        (void)H5Sclose(space);
    return 1;
}

static void reply_labels(struct cp_capture_server *s, const struct cp_capture_request *request) {
    const struct cp_capture_dataset *data = &s->dataset[request->tap];
    const int axis = data->axes.order[0];
    struct labels labels = {.count = data->shape[axis]};
    const hid_t dataset = H5Dopen2(s->file, data->path, H5P_DEFAULT);
    if (dataset >= 0 && H5DSget_num_scales(dataset, (unsigned)axis) > 0)
        (void)H5DSiterate_scales(dataset, (unsigned)axis, NULL, read_scale, &labels);
    if (dataset >= 0)
        (void)H5Dclose(dataset);
    reply(s, CP_OK, labels.text, labels.text ? labels.size : 0);
    free(labels.text);
}

static bool receive(int socket, struct cp_capture_request *request) {
    size_t got = 0;
    while (got < sizeof *request) {
        const ssize_t more = recv(socket, (char *)request + got, sizeof *request - got, 0);
        if (more <= 0)
            return false;
        got += (size_t)more;
    }
    return true;
}

static void allow(const struct cp_capture_server *s, const struct cp_capture_request *request) {
    double bytes = 0;
    if (request->op == CP_CAPTURE_READ && request->tap < s->listing.taps) {
        bytes = sizeof(float) * (double)request->rows;
        for (int d = 1; d < s->tap[request->tap].rank; d++)
            bytes *= (double)s->tap[request->tap].shape[d];
    }
    cp_child_allow(CP_CAPTURE_SECONDS + bytes / SECOND_BYTES);
}

_Noreturn void cp_capture_serve(int socket, const void *context) {
    const struct cp_capture_source *source = context;
    static struct cp_capture_server s; /* large, and this process serves once */
    struct cp_capture_request request;
    s = (struct cp_capture_server){.socket = socket, .source = source};
    (void)H5dont_atexit();
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    cp_child_allow(source->write ? WRITE_SECONDS : CP_CAPTURE_SECONDS);
    if (source->environment)
        reply_environment(&s);
    if (source->write)
        reply_written(&s);
    reply_listing(&s, cp_capture_list(&s));
    while (receive(socket, &request)) {
        allow(&s, &request);
        if (request.op != CP_CAPTURE_TOKENS && request.tap >= s.listing.taps)
            break;
        if (request.op == CP_CAPTURE_READ)
            reply_values(&s, &request);
        else if (request.op == CP_CAPTURE_TOKENS)
            reply_tokens(&s);
        else
            reply_labels(&s, &request);
    }
    _exit(0);
}
