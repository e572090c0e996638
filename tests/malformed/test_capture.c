/* SPDX-License-Identifier: GPL-3.0-or-later
 * HDF5 files of others that are refused: each with one line that says where and why. */
#include "support/capture.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fcntl.h>
#include <sys/stat.h>

static const hsize_t features[] = {CAPTURE_IMAGES, CAPTURE_CHANNELS};
static char line[1600];

/* Writes bytes over the file at a place, from its end where the place is negative. */
static void overwrite(long at, const void *bytes, size_t size) {
    FILE *file = fopen(capture_path(), "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void a_good_file_is_read(void **state) {
    (void)state;
    capture_good_file();
    assert_int_equal(capture_read_all(NULL, NULL, &cp_capture_limits, line), CP_OK);
}

/* 100 */
static void not_hdf5_or_cut_off(void **state) {
    (void)state;
    capture_good_file();
    assert_int_equal(truncate(capture_path(), 700), 0);
    (void)capture_read_all(NULL, NULL, &cp_capture_limits, line);
    assert_non_null(strstr(line, "cannot be opened as HDF5 (truncated file: eof = 700"));
    assert_int_equal(truncate(capture_path(), 0), 0);
    capture_refused(": is not HDF5, or cut off (expected an HDF5 file)");
    overwrite(0, "PK\3\4 no HDF5 at all", 20);
    capture_refused(": is not HDF5, or cut off (expected an HDF5 file)");
    assert_int_equal(unlink(capture_path()), 0);
    capture_refused(": cannot be opened: No such file or directory (expected an HDF5 file)");
    assert_int_equal(mkdir(capture_path(), 0700), 0);
    capture_refused(": is not a regular file (expected an HDF5 file)");
    assert_int_equal(rmdir(capture_path()), 0);
    assert_int_equal(mkfifo(capture_path(), 0600), 0);
    capture_refused(": is not a regular file (expected an HDF5 file)");
    assert_int_equal(unlink(capture_path()), 0);
}

/* A file of the newest format, whose superblock has flags and a checksum. */
static void newest_file(void) {
    const hid_t list = H5Pcreate(H5P_FILE_ACCESS);
    (void)H5Pset_libver_bounds(list, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    const hid_t file = H5Fcreate(capture_path(), H5F_ACC_TRUNC, H5P_DEFAULT, list);
    assert_true(file >= 0);
    capture_text(file, "schema", "clip-parity/1");
    assert_true(H5Fclose(file) >= 0);
    (void)H5Pclose(list);
}

/* Bob Jenkins' lookup3 (public domain) over bytes, as the superblock's checksum is made. */
static uint32_t lookup3(const uint8_t *k, size_t length) {
    uint32_t a = 0xdeadbeef + (uint32_t)length, b = a, c = a;
#define ROT(x, n) (((x) << (n)) | ((x) >> (32 - (n))))
    for (; length > 12; length -= 12, k += 12) {
        uint32_t w[3];
        memcpy(w, k, 12);
        a += w[0], b += w[1], c += w[2];
        a -= c, a ^= ROT(c, 4), c += b;
        b -= a, b ^= ROT(a, 6), a += c;
        c -= b, c ^= ROT(b, 8), b += a;
        a -= c, a ^= ROT(c, 16), c += b;
        b -= a, b ^= ROT(a, 19), a += c;
        c -= b, c ^= ROT(b, 4), b += a;
    }
    uint32_t w[3] = {0, 0, 0};
    memcpy(w, k, length);
    a += w[0], b += w[1], c += w[2];
    c ^= b, c -= ROT(b, 14);
    a ^= c, a -= ROT(c, 11);
    b ^= a, b -= ROT(a, 25);
    c ^= b, c -= ROT(b, 16);
    a ^= c, a -= ROT(c, 4);
    b ^= a, b -= ROT(a, 14);
    c ^= b, c -= ROT(b, 24);
#undef ROT
    return c;
}

/* 101, 102 */
static void superblocks(void **state) {
    uint8_t superblock[48];
    (void)state;
    newest_file();
    overwrite(20, "\x55", 1);
    capture_refused(
        ": cannot be opened as HDF5 (incorrect metadata checksum after all read attempts) (expected a "
        "file that is whole)");
    newest_file();
    FILE *file = fopen(capture_path(), "rb");
    assert_non_null(file);
    assert_int_equal(fread(superblock, 1, sizeof superblock, file), sizeof superblock);
    (void)fclose(file);
    superblock[11] = 1; /* "opened for writing": left so by a writer that died */
    const uint32_t sum = lookup3(superblock, 44);
    memcpy(superblock + 44, &sum, sizeof sum);
    overwrite(0, superblock, sizeof superblock);
    (void)capture_read_all(NULL, NULL, &cp_capture_limits, line);
    assert_non_null(strstr(line, "cannot be opened as HDF5 (file is already open for write"));
}

/* 103 */
static void data_elsewhere(void **state) {
    hid_t capture, file = capture_start(&capture), dataset;
    (void)state;
    assert_true(H5Lcreate_external("/etc/passwd", "/", capture, "visual", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    capture_end(file, capture);
    capture_refused(": /captures/theirs/visual: is an external link, to another file");

    file = capture_start(&capture);
    assert_true(H5Lcreate_soft("/captures", capture, "visual", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    capture_end(file, capture);
    capture_refused(": /captures/theirs/visual: is a soft link");

    for (int i = 0; i < 2; i++) { /* where the model and the token ids are looked for */
        static const char *const names[] = {"provenance", "inputs"};
        file = capture_start(&capture);
        capture_features(capture, H5P_DEFAULT);
        assert_true(H5Lcreate_external("/tmp/other.h5", "/", file, names[i], H5P_DEFAULT, H5P_DEFAULT) >= 0);
        capture_end(file, capture);
        capture_refused(i ? ": inputs: is an external link, to another file"
                          : ": provenance: is an external link, to another file");
    }

    const hid_t external = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_external(external, "/etc/passwd", 0, 64) >= 0);
    file = capture_start(&capture);
    dataset = capture_tap(capture, "visual", H5T_IEEE_F32LE, 2, features, external, "fp32");
    (void)H5Dclose(dataset);
    (void)H5Pclose(external);
    capture_end(file, capture);
    capture_refused(": /captures/theirs/visual/value: is stored outside the file");

    const hid_t virtual = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(2, features, NULL);
    assert_true(H5Pset_virtual(virtual, space, "/tmp/other.h5", "/x", space) >= 0);
    file = capture_start(&capture);
    dataset = capture_tap(capture, "visual", H5T_IEEE_F32LE, 2, features, virtual, "fp32");
    (void)H5Dclose(dataset);
    (void)H5Sclose(space);
    (void)H5Pclose(virtual);
    capture_end(file, capture);
    capture_refused(": /captures/theirs/visual/value: is a virtual dataset, of other files");
}

/* A filter that this test registers and the reader has not: HDF5 in the child is another copy of the
 * library's state, from before. */
static size_t copy_filter(unsigned flags, size_t count, const unsigned values[], size_t bytes, size_t *size,
                          void **buffer) {
    (void)flags;
    (void)count;
    (void)values;
    (void)size;
    (void)buffer;
    return bytes;
}

/* 104 */
static void unknown_filter(void **state) {
    static const hsize_t chunk[] = {1, CAPTURE_CHANNELS};
    const H5Z_class2_t filter = {H5Z_CLASS_T_VERS, 31999, 1, 1, "copy", NULL, NULL, copy_filter};
    hid_t capture;
    (void)state;
    assert_true(H5Zregister(&filter) >= 0);
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_chunk(list, 2, chunk) >= 0 && H5Pset_filter(list, 31999, 0, 0, NULL) >= 0);
    const hid_t file = capture_start(&capture);
    capture_features(capture, list);
    capture_end(file, capture);
    (void)H5Pclose(list);
    assert_true(H5Zunregister(31999) >= 0);
    capture_refused(
        ": /captures/theirs/image_features/value: is stored with the filter 31999 (copy), which is not "
        "there (expected none, gzip, shuffle, fletcher32, szip, nbit or scaleoffset)");
}

/* 105: the values stand once in the file, so they are found by what they are. */
static void wrong_checksum(void **state) {
    static const hsize_t chunk[] = {CAPTURE_IMAGES, CAPTURE_CHANNELS};
    static char bytes[1 << 16];
    const float values[] = {1, 2, 3, 4, 5};
    hid_t capture;
    (void)state;
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_chunk(list, 2, chunk) >= 0 && H5Pset_fletcher32(list) >= 0);
    const hid_t file = capture_start(&capture);
    capture_features(capture, list);
    capture_end(file, capture);
    (void)H5Pclose(list);
    FILE *in = fopen(capture_path(), "rb");
    assert_non_null(in);
    const size_t size = fread(bytes, 1, sizeof bytes, in);
    (void)fclose(in);
    const char *found = memmem(bytes, size, values, sizeof values);
    assert_non_null(found);
    overwrite(found - bytes, "\x7f", 1);
    capture_refused(
        ": /captures/theirs/image_features/value: cannot be read (data error detected by Fletcher32 "
        "checksum)");
}

/* 106 */
static void wrong_ranks(void **state) {
    static const hsize_t five[] = {2, 2, 2, 2, 2}, none[] = {0, 4};
    hid_t capture, file = capture_start(&capture);
    (void)state;
    (void)H5Dclose(capture_tap(capture, "visual", H5T_IEEE_F32LE, 5, five, H5P_DEFAULT, "fp32"));
    capture_end(file, capture);
    capture_refused(": /captures/theirs/visual/value: has the wrong number of dimensions (expected 2 to 4)");
    file = capture_start(&capture);
    (void)H5Dclose(capture_tap(capture, "visual", H5T_IEEE_F32LE, 1, five, H5P_DEFAULT, "fp32"));
    capture_end(file, capture);
    capture_refused(": /captures/theirs/visual/value: has the wrong number of dimensions (expected 2 to 4)");
    file = capture_start(&capture);
    (void)H5Dclose(capture_tap(capture, "visual", H5T_IEEE_F32LE, 2, none, H5P_DEFAULT, "fp32"));
    capture_end(file, capture);
    capture_refused(": /captures/theirs/visual/value: has no elements");
}

/* 107 */
static void wrong_types(void **state) {
    const hid_t types[] = {H5T_STD_I32LE, H5T_C_S1, H5T_NATIVE_LDOUBLE};
    (void)state;
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        hid_t capture;
        const hid_t file = capture_start(&capture);
        (void)H5Dclose(capture_tap(capture, "visual", types[t], 2, features, H5P_DEFAULT, "fp32"));
        capture_end(file, capture);
        capture_refused(
            ": /captures/theirs/visual/value: is not floating point (expected float16, float32 or float64)");
    }
    hid_t capture;
    const hid_t file = capture_start(&capture);
    (void)H5Dclose(capture_tap(capture, "visual", H5T_IEEE_F32LE, 2, features, H5P_DEFAULT, "int8"));
    capture_end(file, capture);
    capture_refused(
        ": /captures/theirs/visual/value: has an unknown arithmetic_dtype (expected fp32, fp16, bf16 or "
        "fp64)");
}

/* 108 */
static void cycles(void **state) {
    hid_t capture, file = capture_start(&capture);
    (void)state;
    assert_true(H5Lcreate_hard(file, "captures", capture, "visual", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    capture_end(file, capture);
    capture_refused(": /captures/theirs/visual: is linked into itself");
    file = capture_start(&capture);
    assert_true(H5Lcreate_hard(file, "/captures", file, "captures/again", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    capture_end(file, capture);
    capture_refused_as("again", NULL, ": /captures/again: is linked into itself");
}

/* 109 */
static void huge_chunks(void **state) {
    static const hsize_t shape[] = {1 << 14, 1 << 14}, chunk[] = {1 << 14, 1 << 13};
    hid_t capture;
    (void)state;
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_chunk(list, 2, chunk) >= 0);
    const hid_t file = capture_start(&capture);
    (void)H5Dclose(capture_tap(capture, "visual", H5T_IEEE_F32LE, 2, shape, list, "fp32"));
    (void)H5Pclose(list);
    capture_end(file, capture);
    capture_refused(
        ": /captures/theirs/visual/value: has chunks that are too large (expected at most 256 MiB each)");
}

/* Extents are numbers in the file that cost it nothing. */
static void more_than_the_file_holds(void **state) {
    static const hsize_t shape[] = {1 << 14, 1 << 14}, chunk[] = {1 << 10, 1 << 10};
    (void)state;
    for (int chunked = 0; chunked < 2; chunked++) {
        hid_t capture;
        const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
        if (chunked)
            assert_true(H5Pset_chunk(list, 2, chunk) >= 0);
        const hid_t file = capture_start(&capture);
        (void)H5Dclose(capture_tap(capture, "visual", H5T_IEEE_F32LE, 2, shape, list, "fp32"));
        (void)H5Pclose(list);
        capture_end(file, capture);
        capture_refused(
            ": /captures/theirs/visual/value: is of more values than the file can hold (expected a file "
            "that is whole)");
    }
}

/* 110, 111 */
static void schemas(void **state) {
    static const struct {
        const char *schema, *line;
    } rows[] = {{"clip-parity/2", ": is of a newer schema than this program knows"},
                {"polygraphy", ": is of another schema"},
                {NULL, ": has no attribute schema"}};
    char expected[200];
    (void)state;
    for (size_t r = 0; r < 3; r++) {
        const hid_t file = H5Fcreate(capture_path(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        if (rows[r].schema)
            capture_text(file, "schema", rows[r].schema);
        assert_true(H5Fclose(file) >= 0);
        (void)snprintf(expected, sizeof expected,
                       "%s (expected the schema clip-parity/1, or --map to say where the taps are)",
                       rows[r].line);
        capture_refused(expected);
    }
    hid_t capture;
    const hid_t file = capture_start(&capture);
    (void)H5Dclose(capture_tap(capture, "visual", H5T_IEEE_F32LE, 2, features, H5P_DEFAULT, NULL));
    capture_end(file, capture);
    capture_refused(
        ": /captures/theirs/visual/value: has no attribute arithmetic_dtype (expected fp32, fp16, bf16 "
        "or fp64)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_is_read),
        cmocka_unit_test(not_hdf5_or_cut_off),
        cmocka_unit_test(superblocks),
        cmocka_unit_test(data_elsewhere),
        cmocka_unit_test(unknown_filter),
        cmocka_unit_test(wrong_checksum),
        cmocka_unit_test(wrong_ranks),
        cmocka_unit_test(wrong_types),
        cmocka_unit_test(cycles),
        cmocka_unit_test(huge_chunks),
        cmocka_unit_test(more_than_the_file_holds),
        cmocka_unit_test(schemas),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(capture_path());
    return failed;
}
