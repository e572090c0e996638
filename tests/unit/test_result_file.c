/* SPDX-License-Identifier: GPL-3.0-or-later
 * Result files, read back with HDF5 itself: content, order, digest. */
#include "support/result.h"
#include "support/test.h"

#include <hdf5_hl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static herr_t append_name(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    (void)group;
    (void)info;
    strncat(context, name, 16);
    strncat(context, " ", 2);
    return 0;
}

static void test_reads_back(void **state) {
    (void)state;
    char digest[65];
    char names[128] = "";
    char label[64] = "";
    float data[ROWS][CHANNELS];
    assert_true(write_small(in_folder("new/parents/a.h5"), &USUAL, digest));
    const hid_t file = H5Fopen(in_folder("new/parents/a.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    assert_true(H5LTread_dataset_float(file, "/captures/quick/a/value", &data[0][0]) >= 0);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < CHANNELS; c++)
            assert_true(data[r][c] == cell(r, c));
    /* Groups list in order of creation, not of names. */
    assert_true(H5Literate_by_name(file, "/captures/quick", H5_INDEX_CRT_ORDER, H5_ITER_INC, NULL,
                                   append_name, names, H5P_DEFAULT) >= 0);
    assert_string_equal(names, "z a ");
    const hid_t value = H5Dopen2(file, "/captures/quick/a/value", H5P_DEFAULT);
    const hid_t scale = H5Dopen2(file, "/captures/quick/a/image", H5P_DEFAULT);
    assert_true(H5DSis_attached(value, scale, 0) > 0);
    assert_true(H5DSget_scale_name(scale, label, sizeof label) > 0);
    assert_string_equal(label, "image");
    (void)H5Dclose(scale);
    (void)H5Dclose(value);
    assert_text_attribute(file, "/", "content_digest", digest);
    assert_text_attribute(file, "/captures/quick/a/value", "arithmetic_dtype", "fp16");
    assert_text_attribute(file, "/captures/quick/a/value", "long_name", "output");
    assert_text_attribute(file, "/captures/quick/a/channel", "units", "1");
    assert_int_equal(H5Fclose(file), 0);
    assert_int_not_equal(access(in_folder("new/parents/a.h5.partial"), F_OK), 0);
}

/* One variable of each type; rank 0 and an empty dimension; rows that are never written. */
static void test_types_and_fill(void **state) {
    (void)state;
    const struct {
        enum cp_dtype dtype;
        const void *data;
    } rows[] = {{CP_FP32, (const float[]){1.5f}},   {CP_BF16, (const float[]){-2}},
                {CP_FP64, (const double[]){1e300}}, {CP_INT64, (const int64_t[]){INT64_MIN}},
                {CP_INT32, (const int32_t[]){-7}},  {CP_UINT8, (const uint8_t[]){255}}};
    static const double expected[] = {1.5, -2, 1e300, (double)INT64_MIN, -7, 255};
    struct cp_result *result = NULL;
    double read[2];
    char name[32];
    char digest[65];
    assert_int_equal(cp_result_create(in_folder("types.h5"), 0, "", &result, &result_error), CP_OK);
    for (int i = 0; i < 6; i++)
        for (int rank = 0; rank < 2; rank++) {
            int handle = -1;
            (void)snprintf(name, sizeof name, "v%d%d", i, rank);
            const struct cp_variable variable = {"/g",          name, "v",  "s",
                                                 rows[i].dtype, NULL, rank, {{"n", 2, NULL}}};
            assert_int_equal(cp_result_define(result, &variable, &handle, &result_error), CP_OK);
            assert_int_equal(handle, 2 * i + rank);
            assert_int_equal(cp_result_write(result, handle, 0, 1, rows[i].data, &result_error), CP_OK);
        }
    const struct cp_variable empty = {"/g",    "empty", "v", "s",
                                      CP_FP32, NULL,    2,   {{"n", 2, NULL}, {"zero", 0, NULL}}};
    int handle = -1;
    assert_int_equal(cp_result_define(result, &empty, &handle, &result_error), CP_OK);
    assert_int_equal(cp_result_number(result, "/g", "number", 0.1, &result_error), CP_OK);
    assert_int_equal(cp_result_integer(result, "/g/v01", "integer", 3, &result_error), CP_OK);
    assert_int_equal(cp_result_integer(result, "/g/v01", "integer", INT64_MAX, &result_error), CP_OK);
    assert_int_equal(cp_result_finish(result, digest, &result_error), CP_OK);
    cp_result_close(result, 1);
    const hid_t file = H5Fopen(in_folder("types.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    for (int i = 0; i < 6; i++) {
        (void)snprintf(name, sizeof name, "/g/v%d0", i);
        assert_true(H5LTread_dataset_double(file, name, read) >= 0 && read[0] == expected[i]);
        (void)snprintf(name, sizeof name, "/g/v%d1", i);
        assert_true(H5LTread_dataset_double(file, name, read) >= 0 && read[0] == expected[i]);
        assert_true(i < 3 ? isnan(read[1]) : read[1] == 0);
    }
    long long integer = 0;
    assert_true(H5LTget_attribute_long_long(file, "/g/v01", "integer", &integer) >= 0 &&
                integer == INT64_MAX);
    assert_true(H5LTget_attribute_double(file, "/g", "number", read) >= 0 && read[0] == 0.1);
    assert_int_equal(H5Fclose(file), 0);
}

static void test_documents(void **state) {
    (void)state;
    const size_t size = 200000;
    struct cp_result *result = NULL;
    char digest[65];
    char *read = NULL;
    char *text = malloc(size + 1);
    memset(text, 'y', size);
    text[size] = '\0';
    assert_int_equal(cp_result_create(in_folder("doc.h5"), 0, "", &result, &result_error), CP_OK);
    assert_int_equal(cp_result_document(result, "/p/q", "yaml", "experiment", "older", &result_error), CP_OK);
    assert_int_equal(cp_result_document(result, "/p/q", "yaml", "experiment", text, &result_error), CP_OK);
    assert_int_equal(cp_result_text(result, "/p", "long", text, &result_error), CP_OK);
    assert_int_equal(cp_result_finish(result, digest, &result_error), CP_OK);
    cp_result_close(result, 1);
    const hid_t file = H5Fopen(in_folder("doc.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t dataset = H5Dopen2(file, "/p/q/yaml", H5P_DEFAULT);
    const hid_t type = H5Dget_type(dataset);
    assert_true(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &read) >= 0);
    assert_string_equal(read, text);
    (void)H5free_memory(read);
    (void)H5Tclose(type);
    (void)H5Dclose(dataset);
    assert_text_attribute(file, "/p", "long", text);
    assert_int_equal(H5Fclose(file), 0);
    free(text);
}

static void test_equal_runs_are_equal_bytes(void **state) {
    (void)state;
    char digests[2][65];
    assert_true(write_small(in_folder("one.h5"), &USUAL, digests[0]));
    assert_true(write_small(in_folder("two.h5"), &USUAL, digests[1]));
    assert_string_equal(digests[0], digests[1]);
    assert_true(same_bytes(in_folder("one.h5"), in_folder("two.h5")));
}

static void test_digest_covers_content(void **state) {
    (void)state;
    char usual[65];
    char digest[65];
    struct recipe same = USUAL;
    struct recipe others[4] = {USUAL, USUAL, USUAL, USUAL};
    same.provenance = "second";
    others[0].schema = "clip-parity/2";
    others[1].dimension = "head";
    others[2].label = "A.png";
    others[3].missing_row = 2;
    assert_true(write_small(in_folder("usual.h5"), &USUAL, usual));
    assert_true(write_small(in_folder("other.h5"), &same, digest));
    assert_string_equal(digest, usual);
    for (int i = 0; i < 4; i++) {
        assert_true(write_small(in_folder("other.h5"), &others[i], digest));
        assert_string_not_equal(digest, usual);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_back),
        cmocka_unit_test(test_types_and_fill),
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_equal_runs_are_equal_bytes),
        cmocka_unit_test(test_digest_covers_content),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
