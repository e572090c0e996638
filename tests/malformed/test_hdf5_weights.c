/* SPDX-License-Identifier: GPL-3.0-or-later
 * HDF5 in the place of what convert writes: refused in one line, whatever is in it, and what is right is
 * read. 300 damaged files on top. */
#include "support/capture.h"
#include "support/malformed.h"
#include "support/test.h"

#include "checkpoint/checkpoint.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FILES = SANITIZED ? 60 : 300, BYTES = 1 << 16, VALUES = 6 };

static const float weights[VALUES] = {1, -2, 3.5f, -0.0f, 1e-30f, 65504};
static const hsize_t shape[2] = {2, 3};

/* A new file with an empty /tensors; *tensors is that group. */
static hid_t start(hid_t *tensors) {
    const hid_t file = H5Fcreate(capture_path(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(file >= 0);
    *tensors = H5Gcreate2(file, "tensors", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    return file;
}

static void add(hid_t tensors, const char *name, hid_t type, int rank, const hsize_t *dims) {
    const hid_t dataset = capture_tap(tensors, name, type, rank, dims, H5P_DEFAULT, NULL);
    (void)H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, weights);
    (void)H5Dclose(dataset);
}

/* The file as it is now; its line, "" where it is read. */
static enum cp_status open_it(struct cp_checkpoint **file, char line[1600]) {
    struct cp_error err = {0};
    const enum cp_status status = cp_checkpoint_open(capture_path(), file, &err);
    line[0] = '\0';
    if (status != CP_OK)
        cp_error_line(&err, line, 1600);
    return status;
}

static void refused_file(hid_t file, hid_t tensors, const char *says) {
    struct cp_checkpoint *opened;
    char line[1600];
    (void)H5Gclose(tensors);
    (void)H5Fclose(file);
    const enum cp_status status = open_it(&opened, line);
    if (status != CP_BAD_INPUT || !strstr(line, says))
        fail_msg("%d: '%s' instead of '%s'", (int)status, line, says);
    assert_one_line(line);
    assert_int_equal(strncmp(line, capture_path(), strlen(capture_path())), 0);
    assert_null(opened);
}

/* A file of one tensor is refused. */
static void refused_tensor(const char *name, hid_t type, const char *says) {
    hid_t tensors;
    const hid_t file = start(&tensors);
    add(tensors, name, type, 2, shape);
    refused_file(file, tensors, says);
}

static void what_is_right_is_read(void **state) {
    struct cp_checkpoint *file;
    struct cp_error err = {0};
    char line[1600];
    float values[VALUES], scalar = 0;
    hid_t tensors;
    (void)state;
    const hid_t made = start(&tensors);
    capture_text(made, "clip_parity.activation", "quick");
    add(tensors, "a.weight", H5T_IEEE_F32BE, 2, shape);
    add(tensors, "logit_scale", H5T_IEEE_F32LE, 0, NULL);
    (void)H5Gclose(tensors);
    (void)H5Fclose(made);
    if (open_it(&file, line) != CP_OK)
        fail_msg("%s", line);
    assert_int_equal(cp_checkpoint_format(file), CP_FORMAT_HDF5);
    assert_int_equal(cp_checkpoint_count(file), 2);
    assert_string_equal(cp_checkpoint_metadata(file, "clip_parity.activation"), "quick");
    const struct cp_checkpoint_tensor *a = cp_checkpoint_find(file, "a.weight");
    assert_int_equal(cp_checkpoint_widen(file, a, values, &err), CP_OK);
    assert_memory_equal(values, weights, sizeof weights);
    const struct cp_checkpoint_tensor *scale = cp_checkpoint_find(file, "logit_scale");
    assert_int_equal(scale->rank, 0);
    assert_int_equal(cp_checkpoint_widen(file, scale, &scalar, &err), CP_OK);
    assert_true(scalar == 1);
    cp_checkpoint_close(file);
}

static void what_is_wrong_is_refused(void **state) {
    static const hsize_t huge[2] = {1 << 20, 1 << 20};
    hid_t tensors;
    (void)state;
    hid_t file = H5Fcreate(capture_path(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    refused_file(file, H5Gopen2(file, "/", H5P_DEFAULT), "is HDF5 without /tensors");
    refused_tensor("a", H5T_IEEE_F64LE, "a: is float64 (expected float32)");
    refused_tensor("a", H5T_STD_I32LE, "a: is not floating point");
    file = start(&tensors);
    (void)H5Dclose(capture_tap(tensors, "a", H5T_IEEE_F32LE, 2, huge, H5P_DEFAULT, NULL));
    refused_file(file, tensors, "a: is of more values than the file can hold");
    refused_tensor("a..b", H5T_IEEE_F32LE, "/tensors: has a malformed name (expected no '/' and no '..')");
    refused_tensor("a\xff", H5T_IEEE_F32LE, "/tensors: has a malformed name (expected UTF-8");
    file = start(&tensors);
    (void)H5Gclose(H5Gcreate2(tensors, "a", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    refused_file(file, tensors, "/tensors/a/value: is not there");
    file = start(&tensors);
    (void)H5Lcreate_soft("/elsewhere", tensors, "a", H5P_DEFAULT, H5P_DEFAULT);
    refused_file(file, tensors, "/tensors/a: is a soft link");
    file = start(&tensors);
    (void)H5Lcreate_external("/etc/passwd", "/", tensors, "a", H5P_DEFAULT, H5P_DEFAULT);
    refused_file(file, tensors, "/tensors/a: is an external link");
    file = start(&tensors);
    capture_text(file, "clip_parity.activation", "\xff");
    refused_file(file, tensors, "has a text that is not UTF-8");
}

static void damaged_files(void **state) {
    static char whole[BYTES], bytes[BYTES], line[1600];
    static uint64_t seed = 111;
    size_t read = 0;
    hid_t tensors;
    (void)state;
    const hid_t made = start(&tensors);
    add(tensors, "a", H5T_IEEE_F32LE, 2, shape);
    (void)H5Gclose(tensors);
    (void)H5Fclose(made);
    FILE *in = fopen(capture_path(), "rb");
    assert_non_null(in);
    const size_t size = fread(whole, 1, BYTES, in);
    (void)fclose(in);
    for (int f = 0; f < FILES; f++) {
        struct cp_checkpoint *file;
        memcpy(bytes, whole, size);
        for (int i = 0; i < 4; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            bytes[(seed >> 33) % size] = (char)(seed >> 25);
        }
        (void)memcpy(bytes, whole, 8); /* still HDF5 by its first bytes */
        FILE *out = fopen(capture_path(), "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(bytes, 1, size, out), size);
        assert_int_equal(fclose(out), 0);
        const enum cp_status status = open_it(&file, line);
        read += status == CP_OK;
        cp_checkpoint_close(file);
        if (status == CP_OK)
            continue;
        if (status != CP_BAD_INPUT || strncmp(line, capture_path(), strlen(capture_path())) != 0)
            fail_msg("file %d: status %d, %s", f, (int)status, line);
        assert_one_line(line);
    }
    print_message("%d files: %zu read\n", FILES, read);
    assert_true(read > 0 && read < FILES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_right_is_read),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(damaged_files),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(capture_path());
    return failed;
}
