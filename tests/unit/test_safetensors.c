/* SPDX-License-Identifier: GPL-3.0-or-later
 * Values read from safetensors files, against a file that PyTorch's values were written to by Python
 * (reference/golden/safetensors). */
#include "support/safetensors.h"
#include "support/test.h"

#include <stdio.h>

static struct cp_checkpoint *golden;

static int open_golden(void **state) {
    struct cp_error err;
    (void)state;
    return cp_checkpoint_open("reference/golden/safetensors/values.safetensors", &golden, &err) != CP_OK ||
           make_scratch(state) != 0;
}

static int close_golden(void **state) {
    cp_checkpoint_close(golden);
    return remove_scratch(state);
}

/* The bits of a tensor's values, after a check of its dtype and shape; rank 2. */
static void widened(const char *name, enum cp_dtype dtype, size_t rows, size_t columns, uint32_t *bits) {
    const struct cp_checkpoint_tensor *t = cp_checkpoint_find(golden, name);
    struct cp_error err;
    assert_non_null(t);
    assert_int_equal(t->dtype, dtype);
    assert_int_equal(t->rank, 2);
    assert_int_equal(t->shape[0], rows);
    assert_int_equal(t->shape[1], columns);
    assert_int_equal(cp_checkpoint_widen(golden, t, (float *)bits, &err), CP_OK);
}

static void half_types_widen_as_in_pytorch(void **state) {
    uint32_t bits[64], expected[64];
    (void)state;
    widened("half", CP_FP16, 8, 8, bits);
    widened("half.float", CP_FP32, 8, 8, expected);
    assert_memory_equal(bits, expected, sizeof bits);
    assert_int_equal(bits[2], 0x33800000); /* 2^-24, the smallest subnormal */
    assert_int_equal(bits[7], 0x477fe000); /* 65504 */
    widened("brain", CP_BF16, 4, 16, bits);
    widened("brain.float", CP_FP32, 4, 16, expected);
    assert_memory_equal(bits, expected, sizeof bits);
    assert_int_equal(bits[2], 0x00010000);
    assert_int_equal(bits[11], 0xffc10000);
}

static void float32_keeps_its_bits(void **state) {
    static const uint32_t expected[9] = {0x00000000, 0x80000000, 0x00000001, 0x807fffff, 0x00800000,
                                         0x3f800001, 0x7f7fffff, 0xff800000, 0x7fc01234};
    uint32_t bits[9];
    (void)state;
    widened("single", CP_FP32, 3, 3, bits);
    assert_memory_equal(bits, expected, sizeof bits);
}

static void scalars_and_tensors_of_no_element(void **state) {
    const struct cp_checkpoint_tensor *scale = cp_checkpoint_find(golden, "scale");
    struct cp_error err;
    float value = 0;
    uint32_t untouched = 7;
    (void)state;
    assert_non_null(scale);
    assert_int_equal(scale->rank, 0);
    assert_int_equal(cp_checkpoint_widen(golden, scale, &value, &err), CP_OK);
    assert_true(value == 2.65926f);
    widened("none", CP_FP32, 0, 3, &untouched);
    assert_int_equal(untouched, 7);
}

static void all_tensors_are_there(void **state) {
    static const char *const names[] = {"brain", "brain.float", "half",  "half.float",
                                        "none",  "scale",       "single"};
    (void)state;
    assert_int_equal(cp_checkpoint_count(golden), sizeof names / sizeof names[0]);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_non_null(cp_checkpoint_find(golden, names[i]));
    assert_null(cp_checkpoint_find(golden, "__metadata__"));
}

/* These are no weights. */
static void other_dtypes_are_refused(void **state) {
    static const struct {
        const char *dtype, *line;
    } rows[] = {{"I64", ": tensor a: int64 is not a dtype of weights (expected fp64, fp32, fp16 or bf16)"},
                {"I32", ": tensor a: int32 is not a dtype of weights (expected fp64, fp32, fp16 or bf16)"},
                {"U8", ": tensor a: uint8 is not a dtype of weights (expected fp64, fp32, fp16 or bf16; "
                       "quantised weights must be dequantised first)"},
                {"F8_E4M3",
                 ": tensor a: float8_e4m3fn is not a dtype of weights (expected fp64, fp32, fp16 or "
                 "bf16; quantised weights must be dequantised first)"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char header[128];
        float value;
        struct cp_error err = {0};
        const size_t bytes = i == 0 ? 8 : i == 1 ? 4 : 1;
        const int size = snprintf(header, sizeof header,
                                  "{\"a\":{\"dtype\":\"%s\",\"shape\":[1],\"data_offsets\":[0,%zu]}}",
                                  rows[i].dtype, bytes);
        write_header((uint64_t)size, header, (size_t)size, bytes);
        struct cp_checkpoint *file = NULL;
        assert_int_equal(cp_checkpoint_open(scratch_path, &file, &err), CP_OK);
        const enum cp_status status = cp_checkpoint_widen(file, cp_checkpoint_at(file, 0), &value, &err);
        assert_string_equal(line_of(status, &err), rows[i].line);
        cp_checkpoint_close(file);
    }
}

/* *file is NULL after a failure, whatever it was before, and closing that is allowed. */
static void a_failure_leaves_nothing_to_close(void **state) {
    struct cp_checkpoint *file = golden;
    struct cp_error err;
    (void)state;
    assert_int_equal(cp_checkpoint_open("/nowhere/a.safetensors", &file, &err), CP_BAD_INPUT);
    assert_null(file);
    cp_checkpoint_close(file);
    assert_string_equal(err.where, "/nowhere/a.safetensors");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_types_widen_as_in_pytorch),
        cmocka_unit_test(float32_keeps_its_bits),
        cmocka_unit_test(scalars_and_tensors_of_no_element),
        cmocka_unit_test(all_tensors_are_there),
        cmocka_unit_test(other_dtypes_are_refused),
        cmocka_unit_test(a_failure_leaves_nothing_to_close),
    };
    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
