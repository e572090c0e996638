/* SPDX-License-Identifier: GPL-3.0-or-later
 * What captures and maps say of their tensors: marks of recomputed taps, captures by name, places of a map. */
#include "support/capture.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const hsize_t features[] = {CAPTURE_IMAGES, CAPTURE_CHANNELS};
static char line[1600];

/* The features with an attribute `recomputed` of that type and value, or without; a scalar or an array. */
static void features_recomputed(hid_t type, const void *value, const hsize_t *array, const char *long_name) {
    hid_t capture;
    const hid_t file = capture_start(&capture);
    const hid_t dataset =
        capture_tap(capture, "image_features", H5T_IEEE_F32LE, 2, features, H5P_DEFAULT, "fp32");
    if (long_name)
        capture_text(dataset, "long_name", long_name);
    if (type >= 0) {
        const hid_t space = array ? H5Screate_simple(1, array, NULL) : H5Screate(H5S_SCALAR);
        const hid_t attribute = H5Acreate2(dataset, "recomputed", type, space, H5P_DEFAULT, H5P_DEFAULT);
        assert_true(attribute >= 0 && H5Awrite(attribute, type, value) >= 0);
        (void)H5Aclose(attribute);
        (void)H5Sclose(space);
    }
    (void)H5Dclose(dataset);
    capture_end(file, capture);
}

static bool is_recomputed(const struct cp_capture_map *map) {
    struct cp_error err = {0};
    struct cp_capture *capture;
    assert_int_equal(cp_capture_open(capture_path(), NULL, map, &cp_capture_limits, &capture, &err), CP_OK);
    const bool recomputed = capture->tap[0].recomputed;
    cp_capture_close(capture);
    return recomputed;
}

/* What h5py makes of True and False. */
static hid_t h5py_bool(void) {
    const int8_t no = 0, yes = 1;
    const hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
    assert_true(H5Tenum_insert(type, "FALSE", &no) >= 0 && H5Tenum_insert(type, "TRUE", &yes) >= 0);
    return type;
}

static void marks_of_recomputed_taps(void **state) {
    static const int64_t integers[] = {0, 1};
    static const int8_t booleans[] = {0, 1};
    const hid_t boolean = h5py_bool();
    (void)state;
    for (int yes = 0; yes < 2; yes++) {
        features_recomputed(H5T_STD_I64LE, &integers[yes], NULL, yes ? NULL : "x / ||x|| (recomputed)");
        assert_int_equal(is_recomputed(NULL), yes);
        features_recomputed(boolean, &booleans[yes], NULL, NULL);
        assert_int_equal(is_recomputed(NULL), yes);
        features_recomputed(-1, NULL, NULL, yes ? "x / ||x|| (recomputed)" : "x / ||x||");
        assert_int_equal(is_recomputed(NULL), yes);
    }
    (void)H5Tclose(boolean);
    capture_good_file();
    assert_false(is_recomputed(NULL));
}

static void malformed_marks(void **state) {
    static const hsize_t two[] = {2}, none[] = {0};
    static const int64_t integers[] = {1, 1};
    static const double number = 1;
    static const char expected[] =
        ": /captures/theirs/image_features/value: has an attribute recomputed that "
        "is not a single integer (expected 0 or 1)";
    (void)state;
    features_recomputed(H5T_STD_I64LE, integers, two, NULL);
    capture_refused(expected);
    features_recomputed(H5T_STD_I64LE, integers, none, NULL);
    capture_refused(expected);
    features_recomputed(H5T_NATIVE_DOUBLE, &number, NULL, NULL);
    capture_refused(expected);
    features_recomputed(H5T_C_S1, "1", NULL, NULL);
    capture_refused(expected);
}

/* The map's word counts alone: an attribute of a foreign file means what it means there. */
static void marks_in_a_map(void **state) {
    static const int64_t one = 1;
    struct cp_arena arena = {0};
    struct cp_capture_map map;
    struct cp_error err = {0};
    char path[80];
    (void)state;
    features_recomputed(H5T_STD_I64LE, &one, NULL, NULL);
    (void)snprintf(path, sizeof path, "%s.yaml", capture_path());
    static const char *const words[] = {"", ", recomputed: false", ", recomputed: true", ", recomputed: 2"};
    for (int w = 0; w < 4; w++) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        (void)fprintf(file, "taps: {image_features: {dataset: /captures/theirs/image_features/value%s}}\n",
                      words[w]);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(cp_capture_map_load(path, &arena, &map, &err), w < 3 ? CP_OK : CP_BAD_INPUT);
        if (w < 3)
            assert_int_equal(is_recomputed(&map), w == 2);
    }
    cp_error_line(&err, line, sizeof line);
    assert_non_null(strstr(line, "recomputed: '2' is not allowed"));
    (void)unlink(path);
    cp_arena_free(&arena);
}

static void captures_that_are_not_there(void **state) {
    hid_t capture, file = capture_start(&capture);
    (void)state;
    capture_end(file, capture);
    capture_fails(NULL, NULL, CP_NOTHING_COMPARED,
                  ": has no tensor of any tap (expected taps recorded in full (record: {\"*\": full}))");
    capture_refused_as("ours", NULL,
                       ": /captures: has no such capture (expected FILE.h5:NAME with one of theirs)");
    file = capture_start(&capture);
    (void)H5Gclose(H5Gcreate2(file, "captures/more", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    capture_end(file, capture);
    capture_refused(": /captures: has several captures (expected FILE.h5:NAME with one of more, theirs)");
}

/* A mapped file may call its own tensors what our schema calls its groups. */
static void names_of_ours_in_a_mapped_file(void **state) {
    struct cp_capture_place place = {.tap = "visual", .dataset = "inputs"};
    const struct cp_capture_map map = {1, &place};
    (void)state;
    const hid_t file = H5Fcreate(capture_path(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(2, features, NULL);
    static const char *const names[] = {"inputs", "provenance"};
    for (int i = 0; i < 2; i++)
        (void)H5Dclose(
            H5Dcreate2(file, names[i], H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    (void)H5Sclose(space);
    assert_true(H5Fclose(file) >= 0);
    assert_int_equal(capture_read_all(NULL, &map, &cp_capture_limits, line), CP_OK);
}

/* What a map points at is looked at as closely. */
static void maps(void **state) {
    struct cp_capture_place place = {.tap = "visual", .dataset = "/captures/theirs/image_features/value"};
    struct cp_capture_map map = {1, &place};
    (void)state;
    capture_good_file();
    assert_int_equal(capture_read_all(NULL, &map, &cp_capture_limits, line), CP_OK);
    place.layout = "NLC";
    capture_refused_as(NULL, &map,
                       "image_features/value: has 2 dimensions, and its layout is NLC (expected a letter for "
                       "each dimension)");
    place.dataset = "captures/theirs";
    capture_refused_as(NULL, &map, ": /captures/theirs: is not a dataset");
    place.dataset = "captures/ours/x";
    capture_refused_as(NULL, &map, ": /captures/ours: is not there");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_of_recomputed_taps),
        cmocka_unit_test(malformed_marks),
        cmocka_unit_test(marks_in_a_map),
        cmocka_unit_test(captures_that_are_not_there),
        cmocka_unit_test(maps),
        cmocka_unit_test(names_of_ours_in_a_mapped_file),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(capture_path());
    return failed;
}
