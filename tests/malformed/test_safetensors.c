/* SPDX-License-Identifier: GPL-3.0-or-later
 * Malformed safetensors files: refused in one line that says where and why, within a second, in little
 * memory. What a valid file may do is accepted. */
#include "support/safetensors.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>

static void refused_length(uint64_t length, size_t data, const char *expected) {
    const char *line;
    write_header(length, "{}", 2, data);
    assert_null(open_scratch(&line));
    assert_string_equal(line, expected);
}

static void case_01_empty(void **state) {
    const char *line;
    (void)state;
    write_scratch("", 0);
    assert_null(open_scratch(&line));
    assert_string_equal(
        line, ": 0 bytes are too few for a safetensors file (expected 8 bytes of header length first)");
}

static void case_02_under_8_bytes(void **state) {
    const char *line;
    (void)state;
    write_scratch("\2\0\0\0\0\0\0", 7);
    assert_null(open_scratch(&line));
    assert_string_equal(
        line, ": 7 bytes are too few for a safetensors file (expected 8 bytes of header length first)");
}

static void case_03_header_past_the_file(void **state) {
    (void)state;
    refused_length(
        3, 0, ": a header of 3 bytes, past the end of the file, which may be cut short (expected at most 2)");
    refused_length(
        100, 97,
        ": a header of 100 bytes, past the end of the file, which may be cut short (expected at most 99)");
}

static void case_04_header_of_all_ones(void **state) {
    (void)state;
    refused_length(UINT64_MAX, 0, ": a header of 18446744073709551615 bytes (expected 2 to 100000000)");
}

static void case_05_header_over_the_limit(void **state) {
    (void)state;
    refused_length(100000001, 100000000, ": a header of 100000001 bytes (expected 2 to 100000000)");
}

static void case_06_header_of_no_bytes(void **state) {
    (void)state;
    refused_length(0, 0, ": a header of 0 bytes (expected 2 to 100000000)");
    refused_length(1, 1, ": a header of 1 bytes (expected 2 to 100000000)");
}

static void case_07_header_not_utf8(void **state) {
    (void)state;
    refused("{\"a\xff\":1}", 0, ": header byte 3: found byte 0xff (expected UTF-8)");
    refused("{\"a\xc3\":1}", 0, ": header byte 3: found byte 0xc3 (expected UTF-8)");
    refused("{\"\xc0\x80\":1}", 0, ": header byte 2: found byte 0xc0 (expected UTF-8)");
    refused("{\"\xed\xa0\x80\":1}", 0, ": header byte 2: found byte 0xed (expected UTF-8)");
    refused("{\"__metadata__\":{\"a\":\"\xf5\x80\x80\x80\"}}", 0,
            ": tensor __metadata__, header byte 22: found byte 0xf5 (expected UTF-8)");
    refused("{\"\\ud800\":1}", 0,
            ": header byte 2: found '\\' (expected an escape of JSON, surrogates in pairs)");
    refused("{\xff}", 0, ": header byte 1: found byte 0xff (expected a string)");
}

/* Every beginning of a valid header. */
static void case_08_truncated_json(void **state) {
    static const char header[] = "{\"__metadata__\":{\"\\u00e9\":\"\\n\"}," FOUR_BYTES("a") "}";
    char end[64];
    const char *line;
    (void)state;
    accepted(header, 4, 1);
    for (size_t size = 2; size < sizeof header - 1; size++) {
        write_header(size, header, size, 4);
        assert_null(open_scratch(&line));
        (void)snprintf(end, sizeof end, "header byte %zu: found the end of the header", size);
        if (!strstr(line, end) && header[size - 1] != '\\' && !strstr(line, "an escape"))
            fail_msg("%zu bytes%s", size, line);
    }
    refused("{\"a\":{\"dtype\":\"F3", 4,
            ": tensor a, header byte 17: found the end of the header (expected '\"')");
    refused("{" FOUR_BYTES("a") ";" FOUR_BYTES("b") "}", 4,
            ": header byte 53: found ';' (expected ',' or '}')");
    refused("{" ENTRY("a", "F32", "[1 1]", "[0,4]") "}", 4,
            ": tensor a, header byte 31: found '1' (expected ',' or ']')");
    refused("{\"a\n\":1}", 0, ": header byte 3: found byte 0x0a (expected no control character in a string)");
}

static void case_09_first_byte_is_no_brace(void **state) {
    (void)state;
    refused(" {}", 0, ": header byte 0: 0x20 does not begin a JSON object (expected '{')");
    refused("\xef\xbb\xbf{}", 0, ": header byte 0: 0xef does not begin a JSON object (expected '{')");
}

static void case_10_root_is_a_list(void **state) {
    (void)state;
    refused("[]", 0, ": header byte 0: 0x5b does not begin a JSON object (expected '{')");
}

static void case_11_junk_after_the_object(void **state) {
    (void)state;
    refused("{} x", 0, ": header byte 3: found 'x' (expected nothing but blanks)");
    refused("{" FOUR_BYTES("a") "}}", 4, ": header byte 54: found '}' (expected nothing but blanks)");
    refused_bytes("{}\0", 3, 0, ": header byte 2: found byte 0x00 (expected nothing but blanks)");
}

static void case_12_duplicate_name(void **state) {
    (void)state;
    refused("{" FOUR_BYTES("a") "," ENTRY("a", "F32", "[1]", "[4,8]") "}", 8,
            ": tensor a: two tensors have this name (expected one)");
    refused("{" FOUR_BYTES("a") "," FOUR_BYTES("b") "," FOUR_BYTES("\\u0061") "}", 4,
            ": tensor a: two tensors have this name (expected one)");
    refused("{\"__metadata__\":{\"k\":\"1\",\"l\":\"2\",\"k\":\"3\"}}", 0,
            ": tensor k, header byte 41: two strings of __metadata__ have this name (expected one)");
    refused("{\"__metadata__\":{},\"__metadata__\":{}}", 0,
            ": header byte 34: a second __metadata__ (expected one)");
    refused("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
            ": tensor a, header byte 27: the field before this is there twice (expected dtype, shape and "
            "data_offsets)");
}

static void case_13_unknown_dtype(void **state) {
    static const char *const dtypes[] = {
        "f32",     "F32 ",       "F3",
        "F320",    "",           "bool",
        "F8_E8M0", "F32\\u0000", "F32F32F32F32F32F32F32F32F32F32F32F32F32F32F32"};
    (void)state;
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++) {
        char header[128], line[256];
        (void)snprintf(header, sizeof header,
                       "{\"a\":{\"dtype\":\"%s\",\"shape\":[1],\"data_offsets\":[0,4]}}", dtypes[i]);
        (void)snprintf(line, sizeof line,
                       ": tensor a, header byte %zu: the dtype before this is unknown (expected one of F64, "
                       "F32, F16, BF16, F8_E4M3, F8_E5M2, C64, I64, I32, I16, I8, U64, U32, U16, U8, BOOL)",
                       16 + strlen(dtypes[i]));
        refused(header, 4, line);
    }
    refused("{\"a\":{\"dtype\":32,\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
            ": tensor a, header byte 14: found '3' (expected a string)");
}

static void case_14_missing_field(void **state) {
    static const char *const entries[] = {"{}", "{\"dtype\":\"F32\"}", "{\"dtype\":\"F32\",\"shape\":[1]}",
                                          "{\"dtype\":\"F32\",\"data_offsets\":[0,4]}",
                                          "{\"shape\":[1],\"data_offsets\":[0,4]}"};
    (void)state;
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        char header[128], line[256];
        (void)snprintf(header, sizeof header, "{\"a\":%s}", entries[i]);
        (void)snprintf(line, sizeof line,
                       ": tensor a, header byte %zu: the entry that ends here lacks a field (expected dtype, "
                       "shape and data_offsets)",
                       5 + strlen(entries[i]));
        refused(header, 4, line);
    }
    refused("{\"a\":{\"strides\":[1]}}", 4,
            ": tensor a, header byte 15: the field before this is unknown (expected dtype, shape and "
            "data_offsets)");
    refused("{\"a\":null}", 0, ": tensor a, header byte 5: found 'n' (expected '{')");
}

static void case_15_offset_is_no_size(void **state) {
    static const struct {
        const char *offsets, *line;
    } rows[] = {
        {"[-4,4]", "34: found '-' (expected a whole number from 0 to 2^64 - 1)"},
        {"[0,4.0]", "37: found '.' (expected a whole number from 0 to 2^64 - 1)"},
        {"[0,4e0]", "37: found 'e' (expected a whole number from 0 to 2^64 - 1)"},
        {"[0,\"4\"]", "36: found '\"' (expected a whole number from 0 to 2^64 - 1)"},
        {"[0,null]", "36: found 'n' (expected a whole number from 0 to 2^64 - 1)"},
        {"[00,4]", "35: found '0' (expected a whole number from 0 to 2^64 - 1)"},
        {"[0,18446744073709551616]", "36: found '1' (expected a whole number from 0 to 2^64 - 1)"},
        {"[0,55340232221128654852]", "36: found '5' (expected a whole number from 0 to 2^64 - 1)"},
        {"[0]", "35: found ']' (expected ',')"},
        {"[0,4,8]", "37: found ',' (expected ']')"},
        {"{}", "33: found '{' (expected '[')"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char header[128], line[128];
        (void)snprintf(header, sizeof header, "{\"a\":{\"shape\":[1],\"data_offsets\":%s,\"dtype\":\"F32\"}}",
                       rows[i].offsets);
        (void)snprintf(line, sizeof line, ": tensor a, header byte %s", rows[i].line);
        refused(header, 4, line);
    }
}

static void case_16_begin_past_end(void **state) {
    (void)state;
    refused("{" ENTRY("a", "F32", "[1]", "[4,0]") "}", 4,
            ": tensor a: data_offsets [4, 0] are reversed (expected begin <= end)");
}

static void case_17_end_past_the_data(void **state) {
    (void)state;
    refused("{" FOUR_BYTES("a") "}", 3,
            ": tensor a: data_offsets end at 4, past the end of the file, which may be cut short (expected "
            "at most the file's 3 bytes of data)");
    refused("{" ENTRY("a", "U8", "[18446744073709551615]", "[0,18446744073709551615]") "}", 4,
            ": tensor a: data_offsets end at 18446744073709551615, past the end of the file, which may be "
            "cut short (expected at most the file's 4 bytes of "
            "data)");
}

static void case_18_overlap(void **state) {
    (void)state;
    refused("{" FOUR_BYTES("a") "," ENTRY("b", "F32", "[1]", "[2,6]") "}", 6,
            ": tensor b: begins at 2, an overlap (expected 4, where the tensor before it ends)");
    refused("{" FOUR_BYTES("a") "," FOUR_BYTES("b") "}", 4,
            ": tensor b: begins at 0, an overlap (expected 4, where the tensor before it ends)");
    refused("{" FOUR_BYTES("a") "," ENTRY("b", "F32", "[0]", "[2,2]") "}", 4,
            ": tensor b: begins at 2, an overlap (expected 4, where the tensor before it ends)");
}

static void case_19_hole(void **state) {
    (void)state;
    refused("{" ENTRY("a", "F32", "[1]", "[1,5]") "}", 5,
            ": tensor a: begins at 1, a hole before it (expected 0, where the tensor before it ends)");
    refused("{" ENTRY("b", "F32", "[1]", "[6,10]") "," FOUR_BYTES("a") "}", 10,
            ": tensor b: begins at 6, a hole before it (expected 4, where the tensor before it ends)");
}

static void case_20_trailing_bytes(void **state) {
    (void)state;
    refused("{" FOUR_BYTES("a") "}", 5, ": 1 bytes follow the last tensor (expected none)");
    refused("{}", 8, ": 8 bytes follow the last tensor (expected none)");
}

static void case_21_shape_is_not_the_length(void **state) {
    (void)state;
    refused("{" ENTRY("a", "F32", "[2]", "[0,4]") "}", 4,
            ": tensor a: data_offsets hold 4 bytes (expected 8, by its shape and dtype)");
    refused("{" ENTRY("a", "F16", "[1]", "[0,4]") "}", 4,
            ": tensor a: data_offsets hold 4 bytes (expected 2, by its shape and dtype)");
    refused("{" ENTRY("a", "F32", "[]", "[0,0]") "}", 0,
            ": tensor a: data_offsets hold 0 bytes (expected 4, by its shape and dtype)");
}

/* The first gives 4 in 64 bits; in the second only the dtype takes the product over. */
static void case_22_shape_overflows(void **state) {
    (void)state;
    refused("{" ENTRY("a", "U8", "[4194305,4194305,211106198978564]", "[0,4]") "}", 4,
            ": tensor a: the product of its shape overflows (expected fewer than 2^64 bytes)");
    refused("{" ENTRY("a", "F64", "[2305843009213693952]", "[0,0]") "}", 0,
            ": tensor a: the product of its shape overflows (expected fewer than 2^64 bytes)");
}

static void case_23_rank_too_high(void **state) {
    (void)state;
    accepted("{" ENTRY("a", "F32", "[1,1,1,1,1,1,1,1]", "[0,4]") "}", 4, 1);
    refused("{" ENTRY("a", "F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4,
            ": tensor a, header byte 45: the rank of the shape is too high (expected at most 8 sizes)");
    refused("{" ENTRY("a", "F32", "[[1]]", "[0,4]") "}", 4,
            ": tensor a, header byte 29: found '[' (expected a whole number from 0 to 2^64 - 1)");
    refused("{" ENTRY("a", "F32", "[-1]", "[0,4]") "}", 4,
            ": tensor a, header byte 29: found '-' (expected a whole number from 0 to 2^64 - 1)");
}

static void case_24_metadata_is_no_string(void **state) {
    (void)state;
    refused("{\"__metadata__\":{\"a\":1}}", 0,
            ": tensor __metadata__, header byte 21: found '1' (expected a string)");
    refused("{\"__metadata__\":{\"a\":{\"b\":\"c\"}}}", 0,
            ": tensor __metadata__, header byte 21: found '{' (expected a string)");
    refused("{\"__metadata__\":\"a\"}", 0, ": header byte 16: found '\"' (expected '{')");
}

/* Of everything above together. */
static void memory_stays_small(void **state) {
    (void)state;
    assert_small_memory();
}

#define CASE(name) cmocka_unit_test(case_##name)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(01_empty),
        CASE(02_under_8_bytes),
        CASE(03_header_past_the_file),
        CASE(04_header_of_all_ones),
        CASE(05_header_over_the_limit),
        CASE(06_header_of_no_bytes),
        CASE(07_header_not_utf8),
        CASE(08_truncated_json),
        CASE(09_first_byte_is_no_brace),
        CASE(10_root_is_a_list),
        CASE(11_junk_after_the_object),
        CASE(12_duplicate_name),
        CASE(13_unknown_dtype),
        CASE(14_missing_field),
        CASE(15_offset_is_no_size),
        CASE(16_begin_past_end),
        CASE(17_end_past_the_data),
        CASE(18_overlap),
        CASE(19_hole),
        CASE(20_trailing_bytes),
        CASE(21_shape_is_not_the_length),
        CASE(22_shape_overflows),
        CASE(23_rank_too_high),
        CASE(24_metadata_is_no_string),
        cmocka_unit_test(memory_stays_small),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
