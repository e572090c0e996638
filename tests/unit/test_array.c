/* SPDX-License-Identifier: GPL-3.0-or-later
 * NPY files that NumPy wrote (reference/golden/npy), and IDX files, plain and gzip. */
#include "support/array.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct cp_arena arena;

static struct cp_array read_golden(const char *name) {
    struct cp_array array = {0};
    struct cp_error err;
    char path[256];
    (void)snprintf(path, sizeof path, "reference/golden/npy/%s.npy", name);
    if (cp_npy_read(path, &arena, &array, &err) != CP_OK)
        fail_msg("%s: %s", path, err.what);
    return array;
}

/* The rule of reference/golden/npy/make.py. */
static void assert_element(const struct cp_array *array, size_t i) {
    const int64_t k = (int64_t)i - 3;
    switch (array->dtype) {
    case CP_FP32:
        assert_true(((const float *)array->data)[i] == (float)((double)k / 7));
        break;
    case CP_FP64:
        assert_true(((const double *)array->data)[i] == (double)k / 7);
        break;
    case CP_INT32:
        assert_int_equal(((const int32_t *)array->data)[i], (int32_t)(uint32_t)(k * 89478485));
        break;
    case CP_INT64:
        assert_true(((const int64_t *)array->data)[i] == k * 4294967291);
        break;
    default:
        assert_int_equal(((const uint8_t *)array->data)[i], 37 * i % 256);
    }
}

static void assert_counting(const char *name, enum cp_dtype dtype, int rank) {
    const struct cp_array array = read_golden(name);
    size_t count = 1;
    assert_int_equal(array.dtype, dtype);
    assert_int_equal(array.rank, rank);
    for (int d = 0; d < rank; d++) {
        assert_int_equal(array.shape[d], 2 + d);
        count *= array.shape[d];
    }
    for (size_t i = 0; i < count; i++)
        assert_element(&array, i);
}

static void npy_values_equal_numpy(void **state) {
    static const struct {
        const char *name;
        enum cp_dtype dtype;
    } types[] = {{"float32", CP_FP32},
                 {"float64", CP_FP64},
                 {"int32", CP_INT32},
                 {"int64", CP_INT64},
                 {"uint8", CP_UINT8}};
    (void)state;
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++)
        for (int rank = 1; rank <= 4; rank++) {
            char name[32];
            (void)snprintf(name, sizeof name, "%s-%d", types[t].name, rank);
            assert_counting(name, types[t].dtype, rank);
        }
    assert_counting("version-2", CP_FP32, 2);
}

static void npy_keeps_every_bit(void **state) {
    static const uint32_t single[] = {0x7fc00000, 0x7f800000, 0xff800000, 0x80000000, 1, 0x7f7fffff};
    static const uint64_t two[] = {
        0x7ff8000000000000, 0x7ff0000000000000, 0xfff0000000000000, 0x8000000000000000, 1,
        0x7fefffffffffffff};
    (void)state;
    assert_memory_equal(read_golden("special-float32").data, single, sizeof single);
    assert_memory_equal(read_golden("special-float64").data, two, sizeof two);
}

static void npy_of_other_kinds_is_refused(void **state) {
    static const struct {
        const char *name, *says;
    } files[] = {{"fortran", "'fortran_order'"},
                 {"big-endian", "'descr'"},
                 {"float16", "'descr'"},
                 {"uint32", "'descr'"},
                 {"bool", "'descr'"},
                 {"complex", "'descr'"},
                 {"text", "'descr'"},
                 {"record", "'descr'"},
                 {"object", "'descr'"},
                 {"scalar", "'shape'"},
                 {"rank-5", "'shape'"},
                 {"empty", "no elements"}};
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct cp_error err;
        char path[256];
        (void)snprintf(path, sizeof path, "reference/golden/npy/refused-%s.npy", files[i].name);
        assert_int_equal(read_npy(path, &err), CP_BAD_INPUT);
        if (!strstr(err.what, files[i].says))
            fail_msg("%s: %s", path, err.what);
    }
}

static void idx_round_trip(void **state) {
    static const uint32_t sizes[] = {5, 6, 7};
    static const char magics[][5] = {"\0\0\x08\x01", "\0\0\x08\x02", "\0\0\x08\x03"};
    char path[] = "/tmp/cp-idx-XXXXXX";
    const int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    for (int rank = 1; rank <= 3; rank++)
        for (int packed = 0; packed < 2; packed++) {
            struct cp_array array;
            struct cp_error err;
            const size_t count = rank == 1 ? 5 : rank == 2 ? 30 : 210;
            make_idx(magics[rank - 1], sizes, rank, count);
            if (packed)
                pack_array();
            assert_int_equal(ftruncate(fd, 0), 0);
            assert_int_equal(pwrite(fd, array_file.bytes, array_file.size, 0), array_file.size);
            assert_int_equal(cp_idx_read(path, &arena, &array, &err), CP_OK);
            assert_int_equal(array.rank, rank);
            for (int d = 0; d < rank; d++)
                assert_int_equal(array.shape[d], sizes[d]);
            for (size_t i = 0; i < count; i++)
                assert_int_equal(((const uint8_t *)array.data)[i], i);
        }
    (void)close(fd);
    (void)unlink(path);
}

static int release(void **state) {
    (void)state;
    cp_arena_free(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(npy_values_equal_numpy),
        cmocka_unit_test(npy_keeps_every_bit),
        cmocka_unit_test(npy_of_other_kinds_is_refused),
        cmocka_unit_test(idx_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
