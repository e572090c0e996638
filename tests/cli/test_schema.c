/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the program writes is what its schema says: every object and attribute of real files has a row, and
 * every variable's row is met in one of them. */
#include "support/program.h"
#include "support/test.h"

#include "result/schema.h"

#include <hdf5_hl.h>
#include <stdbool.h>
#include <unistd.h>

#define FEW "'inputs.prompts={classes: data/fashion-clip/classes.txt, templates: [\"a {}\"]}' "

static bool met[CP_SCHEMA_COUNT];
static char text[1 << 15];

/* A path against a row's, whose words in capitals are any. */
static bool matches(const char *path, const char *pattern) {
    while (*path && *pattern) {
        const size_t p = strcspn(path, "/"), q = strcspn(pattern, "/");
        const bool any = *pattern >= 'A' && *pattern <= 'Z';
        if (!any && (p != q || strncmp(path, pattern, p) != 0))
            return false;
        path += p + (path[p] == '/');
        pattern += q + (pattern[q] == '/');
    }
    return *path == *pattern;
}

/* Whether a group is on the way to a row's object. */
static bool leads(const char *path) {
    char cut[256];
    for (int id = 0; id < CP_SCHEMA_COUNT; id++) {
        (void)snprintf(cut, sizeof cut, "%s", cp_schema[id].path);
        for (char *slash = cut + strlen(cut); slash; slash = strrchr(cut, '/')) {
            *slash = '\0';
            if (cut[0] && matches(path, cut))
                return true;
        }
    }
    return false;
}

static enum cp_schema_id row_of(const char *path, enum cp_schema_kind first, enum cp_schema_kind last) {
    for (int id = 0; id < CP_SCHEMA_COUNT; id++)
        if (!cp_schema[id].attribute && cp_schema[id].kind >= first && cp_schema[id].kind <= last &&
            matches(path, cp_schema[id].path))
            return (enum cp_schema_id)id;
    fail_msg("%s is not in the schema", path);
    return CP_SCHEMA_COUNT;
}

/* ---- datasets ---- */

static void read_text(hid_t object, const char *name, char value[256]) {
    char *read = NULL;
    const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), type = H5Aget_type(attribute);
    assert_true(attribute >= 0 && H5Aread(attribute, type, &read) >= 0);
    (void)snprintf(value, 256, "%s", read);
    (void)H5free_memory(read);
    (void)H5Tclose(type);
    (void)H5Aclose(attribute);
}

static void check_type(hid_t dataset, const char *path, enum cp_schema_id id) {
    const hid_t stored[] = {[CP_FP32] = H5T_IEEE_F32LE,
                            [CP_FP64] = H5T_IEEE_F64LE,
                            [CP_INT64] = H5T_STD_I64LE,
                            [CP_INT32] = H5T_STD_I32LE,
                            [CP_UINT8] = H5T_STD_U8LE};
    const hid_t type = H5Dget_type(dataset);
    const bool reference = id == CP_SCHEMA_VALUE && strstr(path, "/oracle.");
    if (cp_schema[id].kind == CP_SCHEMA_IS_DOCUMENT)
        assert_int_equal(H5Tget_class(type), H5T_STRING);
    else if (H5Tequal(type, reference ? H5T_IEEE_F64LE : stored[cp_schema[id].dtype]) <= 0)
        fail_msg("%s has another type", path);
    (void)H5Tclose(type);
}

static herr_t name_scale(hid_t dataset, unsigned dim, hid_t scale, void *name) {
    (void)dataset;
    (void)dim;
    return H5DSget_scale_name(scale, name, 64) > 0 ? 1 : -1;
}

static void check_dims(hid_t dataset, const char *path, const struct cp_schema_row *row) {
    const hid_t space = H5Dget_space(dataset);
    const int rank = H5Sget_simple_extent_ndims(space);
    (void)H5Sclose(space);
    for (int d = 0; d < CP_MAX_RANK && row->dims[d] && strcmp(row->dims[d], "...") != 0; d++) {
        char name[64] = "";
        if (d >= rank || H5DSiterate_scales(dataset, (unsigned)d, NULL, name_scale, name) != 1)
            fail_msg("%s lacks a dimension", path);
        if (strcmp(row->dims[d], "INPUT") != 0)
            assert_string_equal(name, row->dims[d]);
    }
}

static void check_dataset(hid_t dataset, const char *path) {
    char value[256];
    if (H5DSis_scale(dataset) > 0)
        return;
    const enum cp_schema_id id = row_of(path, CP_SCHEMA_IS_VARIABLE, CP_SCHEMA_IS_DOCUMENT);
    met[id] = true;
    check_type(dataset, path, id);
    check_dims(dataset, path, &cp_schema[id]);
    read_text(dataset, "units", value);
    assert_string_equal(value, cp_schema[id].units);
    read_text(dataset, "long_name", value);
    if (cp_schema[id].long_name)
        assert_string_equal(value, cp_schema[id].long_name);
}

/* ---- attributes ---- */

static bool is_scales(const char *name) {
    return strcmp(name, "CLASS") == 0 || strcmp(name, "NAME") == 0 || strcmp(name, "DIMENSION_LIST") == 0 ||
           strcmp(name, "REFERENCE_LIST") == 0;
}

static herr_t check_attribute(hid_t object, const char *name, const H5A_info_t *info, void *path) {
    const bool variable = H5Iget_type(object) == H5I_DATASET;
    (void)info;
    if (is_scales(name) || strncmp(name, "clip_parity.", 12) == 0)
        return 0;
    for (int id = 0; id < CP_SCHEMA_COUNT; id++) {
        const struct cp_schema_row *row = &cp_schema[id];
        const bool at = (variable && strcmp(row->path, "VARIABLE") == 0) || strcmp(path, row->path) == 0 ||
                        matches(path, row->path);
        if (row->attribute && at && (id == CP_SCHEMA_FILES_DIGEST || strcmp(name, row->attribute) == 0))
            return 0;
    }
    fail_msg("%s@%s is not in the schema", (const char *)path, name);
    return -1;
}

/* ---- files ---- */

static herr_t check_object(hid_t root, const char *name, const H5O_info_t *info, void *context) {
    char path[512];
    (void)context;
    (void)snprintf(path, sizeof path, "/%s", strcmp(name, ".") == 0 ? "" : name);
    const hid_t object = H5Oopen(root, name, H5P_DEFAULT);
    assert_true(object >= 0);
    if (info->type == H5O_TYPE_DATASET)
        check_dataset(object, path);
    else if (path[1] && !leads(path))
        fail_msg("%s is not in the schema", path);
    assert_true(H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, check_attribute, path) >= 0);
    (void)H5Oclose(object);
    return 0;
}

static void check_file(const char *path) {
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    assert_true(H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, check_object, NULL, H5O_INFO_BASIC) >= 0);
    (void)H5Fclose(file);
}

static void files_have_nothing_else(void **state) {
    static const char *const runs[] = {
        "run experiments/quickgelu-vs-gelu.yaml inputs.limit=2 oracle=on ledger=on local=on floor=1 " FEW
        "'candidates={erf: {activation: erf, preprocess: opencv}}' 'record={\"*\": full}' "
        "output=$OUT",
        "run experiments/full-factorial.yaml inputs.limit=2 oracle=off " FEW
        "'layerwise={activation: erf}' output=$OUT",
        "run tests/cli/captured_baseline.yaml output=$OUT",
        "convert data/fashion-clip/open_clip_model.safetensors $OUT --activation quick"};
    (void)state;
    for (size_t r = 0; r < sizeof runs / sizeof runs[0]; r++) {
        run_expecting(0, runs[r], text, sizeof text);
        check_file(scratch_output());
        (void)unlink(scratch_output());
    }
    for (int id = 0; id < CP_SCHEMA_COUNT; id++)
        if (cp_schema[id].kind == CP_SCHEMA_IS_VARIABLE && !met[id])
            fail_msg("no file has %s", cp_schema[id].path);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(files_have_nothing_else)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
