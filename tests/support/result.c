/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/result.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>

static const char *const IMAGES[ROWS] = {"a.png", "b.png", "caf\xc3\xa9.png", "", "e.png"};

struct cp_error result_error;

const char *in_folder(const char *name) {
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

int same_bytes(const char *a, const char *b) {
    FILE *first = fopen(a, "rb");
    FILE *second = fopen(b, "rb");
    int byte = 0;
    int same = first != NULL && second != NULL;
    while (same && byte != EOF) {
        byte = getc(first);
        same = byte == getc(second);
    }
    if (first != NULL)
        (void)fclose(first);
    if (second != NULL)
        (void)fclose(second);
    return same;
}

struct cp_variable value_variable(const char *group) {
    return (struct cp_variable){.group = group,
                                .name = "value",
                                .long_name = "output",
                                .units = "1",
                                .dtype = CP_FP16,
                                .arithmetic_dtype = "fp16",
                                .rank = 2,
                                .dims = {{"image", ROWS, IMAGES}, {"channel", CHANNELS, NULL}}};
}

float cell(size_t row, size_t channel) {
    return (float)row + 0.25f * (float)channel;
}

static void write_rows(struct cp_result *result, int handle, size_t first, size_t rows) {
    float data[ROWS][CHANNELS];
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < CHANNELS; c++)
            data[r][c] = cell(first + r, c);
    assert_int_equal(cp_result_write(result, handle, first, rows, data, &result_error), CP_OK);
}

const struct recipe USUAL = {0, ROWS, "clip-parity/1", "first", "channel", "a.png", ROWS};

int write_small(const char *path, const struct recipe *recipe, char digest[65]) {
    const char *labels[ROWS];
    struct cp_variable second = value_variable("/captures/quick/a");
    struct cp_result *result = NULL;
    int handles[2];
    memcpy(labels, IMAGES, sizeof labels);
    labels[0] = recipe->label;
    second.dims[0].labels = labels;
    second.dims[1].name = recipe->dimension;
    const struct cp_variable first = value_variable("/captures/quick/z");
    assert_int_equal(cp_result_create(path, recipe->resume, "print", &result, &result_error), CP_OK);
    assert_int_equal(cp_result_text(result, "/", "schema", recipe->schema, &result_error), CP_OK);
    assert_int_equal(cp_result_text(result, "/provenance", "time", recipe->provenance, &result_error), CP_OK);
    assert_int_equal(cp_result_define(result, &first, &handles[0], &result_error), CP_OK);
    assert_int_equal(cp_result_define(result, &second, &handles[1], &result_error), CP_OK);
    for (size_t row = cp_result_progress(result); row < recipe->stop; row++)
        for (int h = 0; h < 2 && row != recipe->missing_row; h++)
            write_rows(result, handles[h], row, 1);
    assert_int_equal(cp_result_commit(result, recipe->stop, &result_error), CP_OK);
    if (recipe->stop == ROWS)
        assert_int_equal(cp_result_finish(result, digest, &result_error), CP_OK);
    cp_result_close(result, 1);
    assert_int_equal(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
    return recipe->stop == ROWS;
}

void assert_failure(enum cp_status status, enum cp_status expected, const char *words) {
    char line[2048];
    cp_error_line(&result_error, line, sizeof line);
    assert_int_equal(status, expected);
    assert_int_equal(result_error.status, expected);
    assert_non_null(strstr(line, words));
    assert_null(strchr(line, '\n'));
}

void assert_text_attribute(hid_t file, const char *object, const char *name, const char *expected) {
    char *text = NULL;
    const hid_t attribute = H5Aopen_by_name(file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t type = H5Aget_type(attribute);
    assert_true(H5Aread(attribute, type, &text) >= 0);
    assert_string_equal(text, expected);
    assert_int_equal(H5Tget_cset(type), H5T_CSET_UTF8);
    (void)H5free_memory(text);
    (void)H5Tclose(type);
    (void)H5Aclose(attribute);
}
