/* SPDX-License-Identifier: GPL-3.0-or-later
 * Puts the header together, widest types first, and renames the file into place once it is on disk. */
#include "checkpoint/safetensors_write.h"

#include "checkpoint/safetensors.h"
#include "format/disk_file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ALIGNMENT = 8 }; /* of the data, by blanks behind the header, as the format's own writer does */

static size_t stored_size(const struct cp_checkpoint_tensor *t) {
    return cp_checkpoint_elements(t) * cp_dtype_size(t->dtype);
}

/* Wide types first, so that every tensor is aligned to its own; else in the file's order. */
static int by_width(const void *a, const void *b) {
    const struct cp_checkpoint_tensor *x = *(const struct cp_checkpoint_tensor *const *)a,
                                      *y = *(const struct cp_checkpoint_tensor *const *)b;
    const unsigned wide = cp_dtype_size(x->dtype), other = cp_dtype_size(y->dtype);
    if (wide != other)
        return wide > other ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

static json_t *describe(const struct cp_checkpoint_tensor *t, size_t at) {
    json_t *shape = json_array();
    const json_int_t begin = (json_int_t)at, size = (json_int_t)stored_size(t);
    for (int d = 0; d < t->rank; d++)
        (void)json_array_append_new(shape, json_integer((json_int_t)t->shape[d]));
    return json_pack("{s:s,s:o,s:[I,I]}", "dtype", cp_safetensors_dtypes[t->dtype], "shape", shape,
                     "data_offsets", begin, begin + size);
}

/* The header, blanks included; NULL: out of memory. */
static char *header_of(const struct cp_checkpoint_tensor *const *tensors, size_t count,
                       const struct cp_written_text *texts, size_t text_count) {
    json_t *root = json_object(), *metadata = json_object();
    size_t at = 0;
    for (size_t i = 0; i < text_count; i++)
        (void)json_object_set_new(metadata, texts[i].key, json_string(texts[i].value));
    (void)json_object_set_new(root, "__metadata__", metadata);
    for (size_t i = 0; i < count; i++) {
        (void)json_object_set_new(root, tensors[i]->name, describe(tensors[i], at));
        at += stored_size(tensors[i]);
    }
    char *text = json_object_size(root) == count + 1 ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    const size_t length = text ? strlen(text) : 0, padded = (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    char *padded_text = text ? realloc(text, padded + 1) : NULL;
    if (!padded_text) {
        free(text);
        return NULL;
    }
    memset(padded_text + length, ' ', padded - length);
    padded_text[padded] = '\0';
    return padded_text;
}

static bool put_header(FILE *out, const char *header) {
    const uint64_t length = strlen(header);
    return fwrite(&length, sizeof length, 1, out) == 1 && fwrite(header, 1, length, out) == length;
}

bool cp_safetensors_begin(FILE *out, const struct cp_checkpoint_tensor *const *tensors, size_t count,
                          const struct cp_written_text *texts, size_t text_count) {
    char *header = header_of(tensors, count, texts, text_count);
    const bool whole = header && put_header(out, header);
    free(header);
    return whole;
}

/* Element by element where the strides are not those of rows. */
static bool write_tensor(FILE *out, const struct cp_checkpoint_tensor *t) {
    const size_t size = cp_dtype_size(t->dtype), count = cp_checkpoint_elements(t);
    size_t index[CP_CHECKPOINT_RANK] = {0}, row_major = 1;
    bool plain = true;
    for (int d = t->rank - 1; d >= 0; d--) {
        plain = plain && (t->stride[d] == row_major || t->shape[d] == 1);
        row_major *= t->shape[d];
    }
    if (plain || count == 0)
        return fwrite(t->data, size, count, out) == count;
    for (size_t i = 0, from = 0; i < count; i++) {
        if (fwrite((const unsigned char *)t->data + from * size, size, 1, out) != 1)
            return false;
        for (int d = t->rank - 1; d >= 0; d--) {
            from += t->stride[d];
            if (++index[d] < t->shape[d])
                break;
            from -= t->shape[d] * t->stride[d];
            index[d] = 0;
        }
    }
    return true;
}

static bool write_all(FILE *out, const char *header, const struct cp_checkpoint_tensor *const *tensors,
                      size_t count) {
    bool whole = put_header(out, header);
    for (size_t i = 0; i < count && whole; i++)
        whole = write_tensor(out, tensors[i]);
    return whole && fflush(out) == 0 && fsync(fileno(out)) == 0;
}

static enum cp_status write_to(const char *path, const char *partial, const char *header,
                               const struct cp_checkpoint_tensor *const *tensors, size_t count,
                               struct cp_error *err) {
    struct cp_disk_file file;
    enum cp_status status = cp_disk_open(&file, partial, err);
    const bool opened = status == CP_OK;
    if (opened) {
        cp_disk_cut(&file, 0);
        FILE *out = fdopen(fcntl(file.fd, F_DUPFD_CLOEXEC, 0), "wb");
        bool whole = out && write_all(out, header, tensors, count);
        if (out && fclose(out) != 0)
            whole = false;
        if (!whole)
            (void)cp_fail(err, CP_BAD_INPUT, path, "cannot be written: %s", strerror(errno));
        status =
            whole ? cp_disk_rename(&file, path, err) : cp_expected(err, "a place for a file of this size");
    }
    cp_disk_close(&file, opened);
    return status;
}

enum cp_status cp_safetensors_write(const char *path, const struct cp_checkpoint *file,
                                    const struct cp_written_text *texts, size_t text_count,
                                    struct cp_error *err) {
    const size_t count = cp_checkpoint_count(file), size = strlen(path) + sizeof ".partial";
    const struct cp_checkpoint_tensor **tensors = calloc(count + 1, sizeof(struct cp_checkpoint_tensor *));
    char *partial = malloc(size), *header = NULL;
    enum cp_status status = CP_OK;
    for (size_t i = 0; tensors && i < count; i++)
        tensors[i] = cp_checkpoint_at(file, i);
    for (size_t i = 0; tensors && i < count && status == CP_OK; i++)
        status = cp_checkpoint_check(file, tensors[i], err);
    if (tensors && partial && status == CP_OK) {
        (void)snprintf(partial, size, "%s.partial", path);
        qsort(tensors, count, sizeof(struct cp_checkpoint_tensor *), by_width);
        header = header_of(tensors, count, texts, text_count);
    }
    if (status == CP_OK && header)
        status = cp_disk_make_parents(partial, err);
    if (status == CP_OK)
        status = header ? write_to(path, partial, header, tensors, count, err)
                        : cp_no_memory(err, path, "the checkpoint");
    free(header);
    free(partial);
    free(tensors);
    return status;
}
