/* SPDX-License-Identifier: GPL-3.0-or-later
 * NumPy, numpy/lib/format.py: version 1.0, the header padded to 128 bytes. */
#include "format/npy_write.h"

#include "format/disk_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 128, PREAMBLE = 10 };

static void write_header(int rank, const size_t *shape, char header[HEADER]) {
    char dict[HEADER] = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
    size_t used = strlen(dict);
    for (int d = 0; d < rank; d++)
        used +=
            (size_t)snprintf(dict + used, sizeof dict - used, "%zu,%s", shape[d], d + 1 < rank ? " " : "");
    if (rank > 1)
        used--; /* only a tuple of one ends in a comma */
    used += (size_t)snprintf(dict + used, sizeof dict - used, "), }");
    memset(header, ' ', HEADER);
    memcpy(header, "\x93NUMPY\1\0v\0", PREAMBLE); /* 'v': 118 bytes follow */
    memcpy(header + PREAMBLE, dict, used);
    header[HEADER - 1] = '\n';
}

enum cp_status cp_npy_write(const char *path, const float *values, int rank, const size_t *shape,
                            struct cp_error *err) {
    size_t size = sizeof *values;
    for (int d = 0; d < rank; d++)
        size *= shape[d];
    char *bytes = malloc(HEADER + size);
    CP_TRY(CP_CHECK_ALLOC(bytes, err, path, "an array"));
    write_header(rank, shape, bytes);
    memcpy(bytes + HEADER, values, size);
    const enum cp_status status = cp_disk_replace(path, bytes, HEADER + size, err);
    free(bytes);
    return status;
}
