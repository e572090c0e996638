/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/capture.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *capture_path(void) {
    static char path[64];
    if (!path[0])
        (void)snprintf(path, sizeof path, "/tmp/clip-parity-capture-%ld.h5", (long)getpid());
    return path;
}

void capture_text(hid_t object, const char *name, const char *text) {
    const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    (void)H5Tset_size(type, strlen(text) + 1);
    const hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(attribute >= 0 && H5Awrite(attribute, type, text) >= 0);
    (void)H5Aclose(attribute);
    (void)H5Sclose(space);
    (void)H5Tclose(type);
}

hid_t capture_start(hid_t *capture) {
    const hid_t file = H5Fcreate(capture_path(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(file >= 0);
    capture_text(file, "schema", "clip-parity/1");
    const hid_t captures = H5Gcreate2(file, "captures", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    *capture = H5Gcreate2(captures, "theirs", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(*capture >= 0);
    (void)H5Gclose(captures);
    return file;
}

hid_t capture_tap(hid_t capture, const char *name, hid_t type, int rank, const hsize_t *shape, hid_t list,
                  const char *arithmetic) {
    const hid_t group = H5Gcreate2(capture, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(rank, shape, NULL);
    const hid_t dataset = H5Dcreate2(group, "value", type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    assert_true(dataset >= 0);
    if (arithmetic)
        capture_text(dataset, "arithmetic_dtype", arithmetic);
    (void)H5Sclose(space);
    (void)H5Gclose(group);
    return dataset;
}

void capture_features(hid_t capture, hid_t list) {
    static const hsize_t shape[] = {CAPTURE_IMAGES, CAPTURE_CHANNELS};
    float values[CAPTURE_IMAGES * CAPTURE_CHANNELS];
    for (int i = 0; i < CAPTURE_IMAGES * CAPTURE_CHANNELS; i++)
        values[i] = (float)i;
    const hid_t dataset = capture_tap(capture, "image_features", H5T_IEEE_F32LE, 2, shape, list, "fp32");
    assert_true(H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    (void)H5Dclose(dataset);
}

void capture_end(hid_t file, hid_t capture) {
    (void)H5Gclose(capture);
    assert_true(H5Fclose(file) >= 0);
}

enum cp_status capture_read_all(const char *name, const struct cp_capture_map *map,
                                const struct cp_capture_limits *limits, char text[1600]) {
    struct cp_error err = {0};
    struct cp_capture *capture = NULL;
    enum cp_status status = cp_capture_open(capture_path(), name, map, limits, &capture, &err);
    for (size_t t = 0; status == CP_OK && t < capture->taps; t++) {
        size_t elements = capture->tap[t].shape[0];
        for (int d = 1; d < capture->tap[t].rank; d++)
            elements *= capture->tap[t].shape[d];
        float *values = elements < 1 << 24 ? malloc(elements * sizeof *values) : NULL;
        if (values)
            status = cp_capture_read(capture, t, 0, capture->tap[t].shape[0], values, &err);
        free(values);
    }
    cp_capture_close(capture);
    text[0] = '\0';
    if (status != CP_OK)
        cp_error_line(&err, text, 1600);
    return status;
}

void capture_fails(const char *name, const struct cp_capture_map *map, enum cp_status code,
                   const char *expected) {
    char line[1600];
    const enum cp_status status = capture_read_all(name, map, &cp_capture_limits, line);
    const char *end = strlen(line) >= strlen(expected) ? line + strlen(line) - strlen(expected) : line;
    if (status != code || strcmp(end, expected) != 0)
        fail_msg("status %d\n  gives    %s\n  expected ... %s", (int)status, line, expected);
    assert_true(strncmp(line, capture_path(), strlen(capture_path())) == 0);
}

void capture_refused_as(const char *name, const struct cp_capture_map *map, const char *expected) {
    capture_fails(name, map, CP_BAD_INPUT, expected);
}

void capture_refused(const char *expected) {
    capture_refused_as(NULL, NULL, expected);
}

void capture_good_file(void) {
    hid_t capture;
    const hid_t file = capture_start(&capture);
    capture_features(capture, H5P_DEFAULT);
    capture_end(file, capture);
}
