/* SPDX-License-Identifier: GPL-3.0-or-later
 * IDX and NPY files that are cut, lie about their size, or hold something else. */
#include "support/array.h"
#include "support/malformed.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#define DICT(descr, order, shape) "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }"

static const char *array_path(void) {
    return written("array", array_file.bytes, array_file.size);
}

static void refuse_dict(const char *dict, size_t data, const char *says) {
    make_npy(1, dict, data);
    assert_refused(read_npy, array_path(), says);
}

static void npy_good_is_accepted(void **state) {
    (void)state;
    for (int version = 1; version <= 2; version++) {
        make_npy(version, NPY_2_BY_3, 24);
        assert_accepted(read_npy, array_path());
    }
    make_npy(1, DICT("'|u1'", "False", "(3,)") "     \n", 3);
    assert_accepted(read_npy, array_path());
}

static void npy_magic_and_version(void **state) {
    (void)state;
    assert_refused(read_npy, written("array", "", 0), "no NPY file");
    assert_refused(read_npy, written("array", "\x93NUMPX\1\0\0\0\0\0", 12), "no NPY file");
    make_npy(3, NPY_2_BY_3, 24);
    assert_refused(read_npy, array_path(), "NPY version 3.0");
    make_npy(1, NPY_2_BY_3, 24);
    array_file.bytes[7] = 1;
    assert_refused(read_npy, array_path(), "NPY version 1.1");
    pack_array();
    assert_refused(read_npy, array_path(), "no NPY file");
}

static void npy_header_length(void **state) {
    static const unsigned char giant[12] = "\x93NUMPY\2\0\xff\xff\xff\xff";
    (void)state;
    assert_refused(read_npy, written("array", giant, sizeof giant),
                   "header of 4294967295 bytes in a file of 12");
    make_npy(1, NPY_2_BY_3, 0);
    for (size_t size = 1; size < array_file.size; size++)
        assert_refused(read_npy, written("array", array_file.bytes, size),
                       size < 12 ? "no NPY" : "header of");
}

/* The header ends within its dict, and the data goes on as the dict would. */
static void npy_header_ends_within_its_dict(void **state) {
    static const struct {
        const char *end, *says;
    } cuts[] = {{"f4'", "in its 'descr'"},
                {"lse", "in its 'fortran_order'"},
                {"3)", "in its 'shape'"},
                {", }", "in its dict"},
                {" }", "in its keys"}};
    (void)state;
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        make_npy(1, NPY_2_BY_3, 24);
        array_file.bytes[8] = (unsigned char)(strstr(NPY_2_BY_3, cuts[i].end) - NPY_2_BY_3);
        assert_refused(read_npy, array_path(), cuts[i].says);
    }
}

static void npy_header_is_no_dict(void **state) {
    static const char *const dicts[] = {
        "",
        "   \n",
        "[1, 2]",
        "{}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), ",
        "{'descr': '<f4' 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr' '<f4', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} # comment",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} {}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof dicts / sizeof dicts[0]; i++)
        refuse_dict(dicts[i], 24, "unsupported NPY header");
}

static void npy_dtype(void **state) {
    static const char *const dicts[] = {
        DICT("'>f4'", "False", "(2, 3)"),         DICT("'<f2'", "False", "(2, 3)"),
        DICT("'|b1'", "False", "(2, 3)"),         DICT("'<u4'", "False", "(2, 3)"),
        DICT("'<c16'", "False", "(2, 3)"),        DICT("'|O'", "False", "(2, 3)"),
        DICT("'<U3'", "False", "(2, 3)"),         DICT("'<f44'", "False", "(2, 3)"),
        DICT("[('a', '<f4')]", "False", "(2, 3)")};
    (void)state;
    for (size_t i = 0; i < sizeof dicts / sizeof dicts[0]; i++)
        refuse_dict(dicts[i], 24, "in its 'descr'");
}

static void npy_fortran_order(void **state) {
    (void)state;
    refuse_dict(DICT("'<f4'", "True", "(2, 3)"), 24, "in its 'fortran_order'");
    refuse_dict(DICT("'<f4'", "0", "(2, 3)"), 24, "in its 'fortran_order'");
}

static void npy_shape(void **state) {
    static const char *const shapes[] = {DICT("'<f4'", "False", "()"),
                                         DICT("'<f4'", "False", "6"),
                                         DICT("'<f4'", "False", "(6)"),
                                         DICT("'<f4'", "False", "[6]"),
                                         DICT("'<f4'", "False", "(-6,)"),
                                         DICT("'<f4'", "False", "(6.0,)"),
                                         DICT("'<f4'", "False", "(2 3)"),
                                         DICT("'<f4'", "False", "(2,,3)"),
                                         DICT("'<f4'", "False", "(0x6,)"),
                                         DICT("'<f4'", "False", "(2, 3L)"),
                                         DICT("'<f4'", "False", "(1, 1, 1, 2, 3)"),
                                         DICT("'<f4'", "False", "(18446744073709551622,)")};
    static const char *const sizes[] = {
        DICT("'<f4'", "False", "(0,)"), DICT("'<f4'", "False", "(2, 0)"),
        DICT("'<f4'", "False", "(4611686018427387904,)"),              /* times 4 bytes: 2^64 */
        DICT("'<f4'", "False", "(4194305, 4194305, 211106198978564)"), /* 4, modulo 2^64 */
        DICT("'<f4'", "False", "(1073741825,)")};
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        refuse_dict(shapes[i], 24, "in its 'shape'");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        refuse_dict(sizes[i], 24, "no elements, or too many");
}

static void npy_data_length(void **state) {
    (void)state;
    refuse_dict(NPY_2_BY_3, 0, "ends after 0 bytes of data (expected 24 bytes");
    refuse_dict(NPY_2_BY_3, 23, "ends after 23 bytes");
    refuse_dict(NPY_2_BY_3, 25, "has bytes after the data");
    refuse_dict(DICT("'<f4'", "False", "(1073741824,)"), 24, "(expected 4294967296 bytes");
}

static void idx_good_is_accepted(void **state) {
    (void)state;
    make_idx("\0\0\x08\x03", (const uint32_t[]){2, 3, 4}, 3, 24);
    assert_accepted(read_idx, array_path());
    pack_array();
    assert_accepted(read_idx, array_path());
}

static void idx_magic(void **state) {
    static const char magics[][5] = {"\0\0\x09\x01",   "\0\0\x0d\x01",   "\0\0\x08\x00", "\0\0\x08\x04",
                                     "\x01\0\x08\x01", "\0\x01\x08\x01", "\x08\x03\0\0"};
    (void)state;
    assert_refused(read_idx, written("array", "", 0), "no IDX file");
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
        make_idx(magics[i], (const uint32_t[]){24}, 1, 24);
        assert_refused(read_idx, array_path(), "no IDX file of unsigned bytes");
    }
}

static void idx_truncated_or_longer(void **state) {
    (void)state;
    make_idx("\0\0\x08\x03", (const uint32_t[]){2, 3, 4}, 3, 25);
    assert_refused(read_idx, array_path(), "has bytes after the data (expected 24 bytes");
    for (size_t size = 4; size < array_file.size - 1; size++)
        assert_refused(read_idx, written("array", array_file.bytes, size),
                       size < 16 ? "truncated IDX header" : "bytes of data (expected 24 bytes");
    pack_array();
    assert_refused(read_idx, array_path(), "has bytes after the data");
}

static void idx_sizes(void **state) {
    static const uint32_t sizes[][3] = {
        {0, 3, 4}, {UINT32_MAX, UINT32_MAX, UINT32_MAX}, {1u << 31, 1u << 31, 4}, {65536, 65537, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        make_idx("\0\0\x08\x03", sizes[i], 3, 24);
        assert_refused(read_idx, array_path(), "no elements, or too many");
    }
    make_idx("\0\0\x08\x03", (const uint32_t[]){1u << 24, 1u << 8, 1}, 3, 24);
    assert_refused(read_idx, array_path(), "ends after 24 bytes of data (expected 4294967296 bytes");
}

static void idx_damaged_gzip(void **state) {
    (void)state;
    make_idx("\0\0\x08\x01", (const uint32_t[]){1000}, 1, 1000);
    pack_array();
    for (size_t size = 20; size < array_file.size; size++)
        assert_refused(read_idx, written("array", array_file.bytes, size), "truncated or damaged gzip data");
    array_file.bytes[array_file.size - 8] ^= 1; /* the CRC */
    assert_refused(read_idx, array_path(), "truncated or damaged gzip data");
}

/* 300 MiB of zeros behind a header that speaks of 24 bytes. */
static void idx_gzip_bomb(void **state) {
    static const unsigned char header[16] = {[2] = 8, [3] = 3, [7] = 2, [11] = 3, [15] = 4};
    static const unsigned char zeros[1 << 20];
    char path[256];
    (void)state;
    (void)snprintf(path, sizeof path, "%s/bomb.gz", folder);
    gzFile gz = gzopen(path, "wb1");
    assert_non_null(gz);
    assert_int_equal(gzwrite(gz, header, sizeof header), sizeof header);
    for (int i = 0; i < 300; i++)
        assert_int_equal(gzwrite(gz, zeros, sizeof zeros), sizeof zeros);
    assert_int_equal(gzclose(gz), Z_OK);
    assert_refused(read_idx, path, "has bytes after the data");
}

static void case_99_no_regular_file(void **state) {
    (void)state;
    assert_only_regular_files(read_npy);
    assert_only_regular_files(read_idx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(npy_good_is_accepted),
        cmocka_unit_test(npy_magic_and_version),
        cmocka_unit_test(npy_header_length),
        cmocka_unit_test(npy_header_ends_within_its_dict),
        cmocka_unit_test(npy_header_is_no_dict),
        cmocka_unit_test(npy_dtype),
        cmocka_unit_test(npy_fortran_order),
        cmocka_unit_test(npy_shape),
        cmocka_unit_test(npy_data_length),
        cmocka_unit_test(idx_good_is_accepted),
        cmocka_unit_test(idx_magic),
        cmocka_unit_test(idx_truncated_or_longer),
        cmocka_unit_test(idx_sizes),
        cmocka_unit_test(idx_damaged_gzip),
        cmocka_unit_test(idx_gzip_bomb),
        cmocka_unit_test(case_99_no_regular_file),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
