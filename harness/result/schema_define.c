/* SPDX-License-Identifier: GPL-3.0-or-later
 * What rows of the schema are made into: paths, variables, attributes. */
#include "result/schema.h"

#include <stdio.h>
#include <string.h>

/* ---- paths ---- */

/* Appends a pattern's parts, names in the place of words in capitals. Returns what is left of the names. */
static const char *const *append(const char *pattern, const char *const *names, char path[CP_SCHEMA_PATH]) {
    size_t used = strlen(path);
    while (*pattern) {
        const size_t length = strcspn(pattern, "/");
        if (*pattern >= 'A' && *pattern <= 'Z')
            /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a pattern without names has no such word */
            (void)snprintf(path + used, CP_SCHEMA_PATH - used, "%s", *names++);
        else
            (void)snprintf(path + used, CP_SCHEMA_PATH - used, "%.*s", (int)length, pattern);
        used += strlen(path + used);
        pattern += length;
        if (*pattern == '/' && used + 1 < CP_SCHEMA_PATH) {
            path[used++] = '/';
            path[used] = '\0';
        }
        pattern += *pattern == '/';
    }
    return names;
}

const char *cp_schema_path(enum cp_schema_id id, const char *const *names, char path[CP_SCHEMA_PATH]) {
    path[0] = '\0';
    (void)append(cp_schema[id].path, names, path);
    return path;
}

/* The path without its last part. */
static void cut_name(char path[CP_SCHEMA_PATH]) {
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
}

const char *cp_schema_scale(enum cp_schema_id id, int dim, const char *const *names,
                            char path[CP_SCHEMA_PATH]) {
    path[0] = '\0';
    names = append(cp_schema[id].path, names, path);
    cut_name(path);
    (void)append("/", names, path);
    (void)append(cp_schema[id].dims[dim], names, path);
    return path;
}

const char *cp_schema_link(enum cp_schema_id id) {
    return cp_schema[id].path + 1;
}

const char *cp_schema_name(enum cp_schema_id id) {
    return strrchr(cp_schema[id].path, '/') + 1;
}

/* How much of a path is before its last word in capitals. */
static size_t before_word(const char *path) {
    size_t length = 0;
    for (size_t i = 1; path[0] == '/' && path[i]; i++)
        if (path[i - 1] == '/' && path[i] >= 'A' && path[i] <= 'Z')
            length = i;
    return length;
}

bool cp_schema_is_taken(enum cp_schema_id id, const char *name) {
    const char *const path = cp_schema[id].path;
    const size_t group = before_word(path);
    for (size_t i = 0; i < CP_SCHEMA_COUNT; i++) {
        const struct cp_schema_row *const row = &cp_schema[i];
        if (row->kind != CP_SCHEMA_IS_VARIABLE || strncmp(row->path, path, group) != 0 ||
            strchr(row->path + group, '/'))
            continue;
        bool same = strcmp(row->path + group, name) == 0;
        for (int d = 0; d < CP_MAX_RANK && row->dims[d] && !same; d++)
            same = strcmp(row->dims[d], name) == 0;
        if (same)
            return true;
    }
    return false;
}

void cp_schema_file_attribute(size_t number, char name[CP_SCHEMA_FILE_ATTRIBUTE]) {
    (void)snprintf(name, CP_SCHEMA_FILE_ATTRIBUTE, "%06zu", number);
}

/* ---- variables ---- */

/* "..." is for the writer to fill in. */
static int rank_of(const struct cp_schema_row *row) {
    int rank = 0;
    while (rank < CP_MAX_RANK && row->dims[rank] && strcmp(row->dims[rank], "...") != 0)
        rank++;
    return rank;
}

struct cp_variable cp_schema_variable(enum cp_schema_id id, const char *const *names,
                                      char path[CP_SCHEMA_PATH]) {
    const struct cp_schema_row *row = &cp_schema[id];
    struct cp_variable variable = {.group = path,
                                   .name = cp_schema_name(id),
                                   .long_name = row->long_name,
                                   .units = row->units,
                                   .dtype = row->dtype,
                                   .rank = rank_of(row)};
    for (int d = 0; d < variable.rank; d++)
        variable.dims[d].name = row->dims[d];
    (void)cp_schema_path(id, names, path);
    cut_name(path);
    return variable;
}

enum cp_status cp_schema_define(struct cp_result *result, enum cp_schema_id id, const char *const *names,
                                const struct cp_dim *dims, int *handle, struct cp_error *err) {
    char path[CP_SCHEMA_PATH];
    struct cp_variable variable = cp_schema_variable(id, names, path);
    for (int d = 0; d < variable.rank; d++) {
        const char *const name = variable.dims[d].name;
        variable.dims[d] = dims[d];
        if (!dims[d].name)
            variable.dims[d].name = name;
        if (d == variable.rank - 1 && cp_schema[id].columns)
            variable.dims[d].labels = cp_schema[id].columns;
    }
    return cp_result_define(result, &variable, handle, err);
}

/* ---- attributes and documents ---- */

enum cp_status cp_schema_text(struct cp_result *result, enum cp_schema_id id, const char *const *names,
                              const char *value, struct cp_error *err) {
    char path[CP_SCHEMA_PATH];
    return cp_result_text(result, cp_schema_path(id, names, path), cp_schema[id].attribute, value, err);
}

enum cp_status cp_schema_integer(struct cp_result *result, enum cp_schema_id id, const char *const *names,
                                 int64_t value, struct cp_error *err) {
    char path[CP_SCHEMA_PATH];
    return cp_result_integer(result, cp_schema_path(id, names, path), cp_schema[id].attribute, value, err);
}

enum cp_status cp_schema_document(struct cp_result *result, enum cp_schema_id id, const char *text,
                                  struct cp_error *err) {
    char path[CP_SCHEMA_PATH];
    const struct cp_variable variable = cp_schema_variable(id, NULL, path);
    return cp_result_document(result, variable.group, variable.name, variable.long_name, text, err);
}
