/* SPDX-License-Identifier: GPL-3.0-or-later
 * Safetensors headers at the limits of what is accepted and past them, and what a valid file may do. */
#include "support/safetensors.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void case_25_deep_nesting(void **state) {
    static const struct {
        const char *before, *level, *line;
    } rows[] = {
        {"{\"a\":", "[", ": tensor a, header byte 5: found '[' (expected '{')"},
        {"{\"a\":", "{\"a\":",
         ": tensor a, header byte 9: the field before this is unknown (expected dtype, shape and "
         "data_offsets)"},
        {"{\"a\":{\"shape\":", "[",
         ": tensor a, header byte 15: found '[' (expected a whole number from 0 to 2^64 - 1)"},
        {"{\"__metadata__\":", "[", ": header byte 16: found '[' (expected '{')"},
        {"{\"__metadata__\":", "{\"a\":",
         ": tensor __metadata__, header byte 21: found '{' (expected a string)"},
    };
    enum { DEPTH = 100000 };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const size_t begin = strlen(rows[i].before), step = strlen(rows[i].level);
        char *header = malloc(begin + DEPTH * step);
        assert_non_null(header);
        char *at = mempcpy(header, rows[i].before, begin);
        for (size_t depth = 0; depth < DEPTH; depth++)
            at = mempcpy(at, rows[i].level, step);
        refused_bytes(header, begin + DEPTH * step, 0, rows[i].line);
        free(header);
    }
}

/* A header of `count` tensors of no bytes. */
static void write_tensors(size_t count) {
    char *header = malloc(64 * count), *at = header;
    assert_non_null(header);
    for (size_t i = 0; i < count; i++)
        at += snprintf(at, 64, "%c\"%zu\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}",
                       i ? ',' : '{', i);
    *at++ = '}';
    write_header((size_t)(at - header), header, (size_t)(at - header), 0);
    free(header);
}

static void case_26_too_many_tensors(void **state) {
    const char *line;
    (void)state;
    write_tensors(CP_SAFETENSORS_TENSORS + 1);
    assert_null(open_scratch(&line));
    assert_non_null(strstr(line, ": tensor 65536, header byte "));
    assert_non_null(strstr(line, ": too many tensors (expected at most 65536)"));
    write_tensors(CP_SAFETENSORS_TENSORS);
    struct cp_safetensors *file = open_scratch(&line);
    assert_non_null(file);
    assert_string_equal(cp_safetensors_find(file, "65535")->name, "65535");
    assert_null(cp_safetensors_find(file, "65536"));
    cp_safetensors_close(file);
}

/* A name of this many bytes, the last two of which are one character. */
static void write_long_name(size_t length, char *header) {
    memset(header + 2, 'n', length - 2);
    header[0] = '{';
    header[1] = '"';
    (void)snprintf(header + length, 64,
                   "\xc3\xa9\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}");
}

static void case_27_name_is_no_name(void **state) {
    char header[2048];
    (void)state;
    refused("{" ENTRY("a\\u0000b", "F32", "[1]", "[0,4]") "}", 4,
            ": header byte 11: the name before this holds a NUL (expected a name without NUL)");
    refused("{" ENTRY("a/b", "F32", "[1]", "[0,4]") "}", 4,
            ": tensor a/b, header byte 7: malformed name (expected no '/' and no '..')");
    refused("{" ENTRY("a\\u002fb", "F32", "[1]", "[0,4]") "}", 4,
            ": tensor a/b, header byte 12: malformed name (expected no '/' and no '..')");
    refused("{" ENTRY("..", "F32", "[1]", "[0,4]") "}", 4,
            ": tensor .., header byte 6: malformed name (expected no '/' and no '..')");
    write_long_name(CP_SAFETENSORS_NAME, header);
    accepted(header, 0, 1);
    write_long_name(CP_SAFETENSORS_NAME + 1, header);
    refused(header, 0, ": header byte 1028: the name before this is too long (expected at most 1024 bytes)");
    write_long_name(1900, header);
    refused(header, 0, ": header byte 1903: the name before this is too long (expected at most 1024 bytes)");
}

static void valid_files_are_accepted(void **state) {
    (void)state;
    accepted("{}", 0, 0);
    accepted("{}      ", 0, 0);
    accepted("{\n\t\"__metadata__\" : { } }\r\n", 0, 0);
    accepted("{" FOUR_BYTES("a") "}   ", 4, 1);
    accepted("{\"__metadata__\":{\"format\":\"pt\",\"\":\"\"}," FOUR_BYTES("a") "}", 4, 1);
    accepted("{" FOUR_BYTES("a") ",\"__metadata__\":{\"a\":\"\\u0000\\ud83d\\ude00\x7f\xc2\x80\"}}", 4, 1);
    accepted("{" ENTRY("scalar", "F32", "[]", "[0,4]") "}", 4, 1);
    accepted("{" ENTRY("none", "F32", "[3,0]", "[0,0]") "}", 0, 1);
    accepted("{" ENTRY("none", "F32", "[3,0]", "[4,4]") "," FOUR_BYTES("a") "," ENTRY("b", "U8", "[1]",
                                                                                      "[4,5]") "}",
             5, 3);
    accepted("{" ENTRY("\xc3\xa9t\\u00e9 .", "F32", "[1]", "[0,4]") "}", 4, 1);
}

static void one_tensor_of_each_dtype(void **state) {
    static const struct {
        const char *entry;
        size_t bytes;
        enum cp_dtype dtype;
    } rows[] = {
        {"{" ENTRY("a", "F64", "[3]", "[0,24]") "}", 24, CP_FP64},
        {"{" ENTRY("a", "F32", "[3]", "[0,12]") "}", 12, CP_FP32},
        {"{" ENTRY("a", "F16", "[3]", "[0,6]") "}", 6, CP_FP16},
        {"{" ENTRY("a", "BF16", "[3]", "[0,6]") "}", 6, CP_BF16},
        {"{" ENTRY("a", "I64", "[3]", "[0,24]") "}", 24, CP_INT64},
        {"{" ENTRY("a", "I32", "[3]", "[0,12]") "}", 12, CP_INT32},
        {"{" ENTRY("a", "U8", "[3]", "[0,3]") "}", 3, CP_UINT8},
        {"{" ENTRY("a", "I16", "[3]", "[0,6]") "}", 6, CP_INT16},
        {"{" ENTRY("a", "I8", "[3]", "[0,3]") "}", 3, CP_INT8},
        {"{" ENTRY("a", "BOOL", "[3]", "[0,3]") "}", 3, CP_BOOL},
        {"{" ENTRY("a", "U16", "[3]", "[0,6]") "}", 6, CP_UINT16},
        {"{" ENTRY("a", "U32", "[3]", "[0,12]") "}", 12, CP_UINT32},
        {"{" ENTRY("a", "U64", "[3]", "[0,24]") "}", 24, CP_UINT64},
        {"{" ENTRY("a", "F8_E4M3", "[3]", "[0,3]") "}", 3, CP_FP8_E4M3},
        {"{" ENTRY("a", "F8_E5M2", "[3]", "[0,3]") "}", 3, CP_FP8_E5M2},
        {"{" ENTRY("a", "C64", "[3]", "[0,24]") "}", 24, CP_COMPLEX64},
    };
    (void)state;
    size_t named = 0;
    for (int d = 0; d < CP_DTYPE_COUNT; d++)
        named += cp_safetensors_dtypes[d] != NULL;
    assert_int_equal(sizeof rows / sizeof rows[0], named);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *line;
        write_header(strlen(rows[i].entry), rows[i].entry, strlen(rows[i].entry), rows[i].bytes);
        struct cp_safetensors *file = open_scratch(&line);
        assert_non_null(file);
        assert_int_equal(cp_safetensors_find(file, "a")->dtype, rows[i].dtype);
        cp_safetensors_close(file);
    }
}

/* The header's order, the names' and the data's all differ. */
static void any_order_in_the_header(void **state) {
    static const char header[] = "{" ENTRY("b", "F32", "[1]", "[4,8]") "," ENTRY(
        "c", "F32", "[1]", "[0,4]") "," ENTRY("a", "F16", "[1,2]", "[8,12]") "}";
    static const char *const names[] = {"c", "b", "a"};
    const char *line;
    (void)state;
    write_header(strlen(header), header, strlen(header), 12);
    struct cp_safetensors *file = open_scratch(&line);
    assert_non_null(file);
    for (size_t i = 0; i < 3; i++) {
        const struct cp_safetensor *t = cp_safetensors_at(file, i);
        assert_string_equal(t->name, names[i]);
        assert_int_equal(t->index, i);
        assert_int_equal(t->begin, 4 * i);
        assert_ptr_equal(cp_safetensors_find(file, names[i]), t);
    }
    assert_int_equal(cp_safetensors_at(file, 2)->rank, 2);
    assert_int_equal(cp_safetensors_at(file, 2)->shape[1], 2);
    assert_null(cp_safetensors_find(file, "d"));
    cp_safetensors_close(file);
}

/* Writes to the end of the scratch file; the offset behind it. */
static off_t append(off_t at, const void *bytes, size_t size) {
    assert_int_equal(pwrite(scratch_fd, bytes, size, at), size);
    return at + (off_t)size;
}

/* A header of the most bytes there may be: begin, filler as often as it fits, x to the last byte, end. */
static struct cp_safetensors *open_largest(const char *begin, const char *filler, size_t most,
                                           const char *end, const char **line) {
    static char block[1 << 16];
    const uint64_t length = CP_SAFETENSORS_HEADER;
    const size_t step = strlen(filler), per_block = sizeof block / step;
    const off_t last = (off_t)(sizeof length + length - strlen(end));
    write_scratch(&length, sizeof length);
    off_t at = append(sizeof length, begin, strlen(begin));
    char *end_of_filler = block;
    for (size_t i = 0; i < per_block; i++)
        end_of_filler = mempcpy(end_of_filler, filler, step);
    for (size_t done = 0; done < most && at + (off_t)(per_block * step) <= last; done += per_block)
        at = append(at, block, per_block * step);
    memset(block, 'x', sizeof block);
    while (at < last)
        at = append(at, block, last - at < (off_t)sizeof block ? (size_t)(last - at) : sizeof block);
    (void)append(at, end, strlen(end));
    return open_scratch(line);
}

/* What a tree of these would take is gigabytes. */
static void largest_headers_are_cheap(void **state) {
    const char *line;
    (void)state;
    struct cp_safetensors *file = open_largest("{\"__metadata__\":{\"k\":\"", "\\n", SIZE_MAX, "\"}}", &line);
    assert_non_null(file);
    cp_safetensors_close(file);
    file = open_largest("{", " ", SIZE_MAX, "}", &line);
    assert_null(file);
    assert_non_null(strstr(line, "found 'x' (expected a string)"));
    assert_null(open_largest("{\"__metadata__\":{", "\"\":\"\",", SIZE_MAX, "}}", &line));
    assert_non_null(strstr(line, "too many strings in __metadata__ (expected at most 65536)"));
}

/* As many names as there may be, of the most bytes, and strings of __metadata__ up to the header's limit. */
static void longest_names_are_cheap(void **state) {
    char entry[1200];
    const char *line;
    uint64_t length = 0;
    off_t at = sizeof length;
    (void)state;
    write_scratch(&length, sizeof length);
    for (size_t i = 0; i < CP_SAFETENSORS_TENSORS; i++) {
        const int size = snprintf(entry, sizeof entry,
                                  "%c\"%01024zu\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}",
                                  i ? ',' : '{', i);
        at = append(at, entry, (size_t)size);
    }
    at = append(at, ",\"__metadata__\":", 16);
    for (size_t i = 0; at < CP_SAFETENSORS_HEADER - (off_t)sizeof entry; i++)
        at =
            append(at, entry, (size_t)snprintf(entry, sizeof entry, "%c\"%01024zu\":\"\"", i ? ',' : '{', i));
    at = append(at, "}}", 2);
    length = (uint64_t)at - sizeof length;
    (void)append(0, &length, sizeof length);
    struct cp_safetensors *file = open_scratch(&line);
    if (!file)
        fail_msg("%s", line);
    assert_int_equal(cp_safetensors_count(file), CP_SAFETENSORS_TENSORS);
    cp_safetensors_close(file);
}

/* Of everything above together. */
static void memory_stays_small(void **state) {
    (void)state;
    assert_small_memory();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_25_deep_nesting),      cmocka_unit_test(case_26_too_many_tensors),
        cmocka_unit_test(case_27_name_is_no_name),   cmocka_unit_test(valid_files_are_accepted),
        cmocka_unit_test(one_tensor_of_each_dtype),  cmocka_unit_test(any_order_in_the_header),
        cmocka_unit_test(largest_headers_are_cheap), cmocka_unit_test(longest_names_are_cheap),
        cmocka_unit_test(memory_stays_small),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
