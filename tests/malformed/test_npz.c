/* SPDX-License-Identifier: GPL-3.0-or-later
 * Malformed NumPy archives, and values that float32 does not hold. */
#include "support/array.h"
#include "support/checkpoint.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

#define DICT(descr, order, shape) "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }"

/* Adds a record of NPY data: the dict and zeros. */
static void add(const char *name, const char *dict, size_t data, bool deflated) {
    make_npy(1, dict, data);
    (deflated ? zip_add_deflated : zip_add)(name, array_file.bytes, array_file.size);
}

static void refuse(const char *dict, size_t data, const char *says) {
    for (int deflated = 0; deflated < 2; deflated++) {
        zip_begin();
        add("a.npy", dict, data, deflated);
        zip_end();
        assert_refused(read_checkpoint, written("a.npz", zip.bytes, zip.size), says);
    }
}

static void accept(const char *dict, size_t data) {
    for (int deflated = 0; deflated < 2; deflated++) {
        zip_begin();
        add("a.npy", dict, data, deflated);
        zip_end();
        assert_accepted(read_checkpoint, written("a.npz", zip.bytes, zip.size));
    }
}

static void right_archives_are_accepted(void **state) {
    (void)state;
    accept(DICT("'<f4'", "False", "(2, 3)"), 24);
    accept(DICT("'<f2'", "True", "(2, 3)"), 12);
    accept(DICT("'<f4'", "True", "()"), 4);
    accept(DICT("'<f4'", "False", "(1, 1, 1, 1, 1, 1, 1, 1)"), 4);
    accept(DICT("'<f4'", "False", "(0, 18446744073709551615, 2)"), 0);
    accept(DICT("'<f4'", "True", "(0, 18446744073709551615, 2)"), 0);
}

static void malformed_arrays(void **state) {
    (void)state;
    refuse(DICT("'<f4'", "False", "(2, 3)"), 23,
           "record a.npy: 23 bytes of data (expected 24, by the shape in its header)");
    refuse(DICT("'<f4'", "False", "(2, 3)"), 25, "record a.npy: 25 bytes of data");
    refuse(DICT("'<f4'", "False", "(4611686018427387904,)"), 0,
           "record a.npy: the product of its shape overflows");
    refuse(DICT("'<f4'", "False", "(18446744073709551616,)"), 0, "unsupported NPY header at byte ");
    refuse(DICT("'>f4'", "False", "(2,)"), 8, "in its 'descr' (expected {'descr': one of '<f2' '<f4' '<f8'");
    refuse(DICT("'<f4'", "Maybe", "(2,)"), 8, "in its 'fortran_order'");
    refuse(DICT("'<f4'", "False", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"), 4, "in its 'shape'");
    refuse(DICT("'|b1'", "False", "(2,)"), 2, "tensor a: uint8 is not a dtype of weights");
    refuse(DICT("'<i4'", "False", "(2,)"), 8, "tensor a: int32 is not a dtype of weights");
    zip_begin();
    zip_add("a.npy", "\x93NUMPX", 6);
    zip_end();
    assert_refused(read_checkpoint, written("a.npz", zip.bytes, zip.size), "record a.npy: no NPY file");
    zip_begin();
    add("a.npy", DICT("'<f4'", "False", "(2,)"), 8, false);
    add("b", DICT("'<f4'", "False", "(2,)"), 8, false);
    zip_end();
    assert_refused(read_checkpoint, written("a.npz", zip.bytes, zip.size),
                   "a zip archive without a data.pkl");
}

static void names(void **state) {
    static const struct {
        const char *name, *says;
    } rows[] = {{"a/b.npy", "tensor a/b: malformed name (expected no '/' and no '..')"},
                {"a..b.npy", "tensor a..b: malformed name"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        zip_begin();
        add(rows[i].name, DICT("'<f4'", "False", "(2,)"), 8, false);
        zip_end();
        assert_refused(read_checkpoint, written("a.npz", zip.bytes, zip.size), rows[i].says);
    }
}

/* (2, 2) float64 values with one that is no float32. */
static void float64_must_be_float32(void **state) {
    static const struct {
        double value;
        bool fits;
    } rows[] = {{0.5, true},       {0x1.fffffep127, true}, {0x1p-149, true}, {(double)NAN, true},
                {-INFINITY, true}, {0.1, false},           {0x1p128, false}, {-1e300, false},
                {0x1p-150, false}, {0x1.000001p0, false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double values[4] = {1, 2, rows[i].value, 4};
        make_npy(1, DICT("'<f8'", "False", "(2, 2)"), sizeof values);
        memcpy(array_file.bytes + array_file.size - sizeof values, values, sizeof values);
        zip_begin();
        zip_add("a.npy", array_file.bytes, array_file.size);
        zip_end();
        const char *path = written("a.npz", zip.bytes, zip.size);
        if (rows[i].fits)
            assert_accepted(read_checkpoint, path);
        else
            assert_refused(
                read_checkpoint, path,
                "tensor a: element 2, an fp64, is not an fp32 value (expected weights that were fp32");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_archives_are_accepted),
        cmocka_unit_test(malformed_arrays),
        cmocka_unit_test(names),
        cmocka_unit_test(float64_must_be_float32),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
