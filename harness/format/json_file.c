/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reads them with Jansson; what is no JSON is told by line and column. */
#include "format/json_file.h"

#include "base/path.h"
#include "format/file.h"
#include "format/other_format.h"

#include <string.h>

enum { TABLE_MAX = 1 << 20 };
#define EXPECTED "what transformers' save_pretrained writes"

enum cp_status cp_json_parse(const char *source, const char *text, size_t size, size_t flags,
                             const char *expected, json_t **root, struct cp_error *err) {
    const unsigned char *bytes = (const unsigned char *)text;
    json_error_t at;
    *root = json_loadb(text, size, flags, &at);
    if (*root)
        return CP_OK;
    if (cp_is_other_format(bytes, size))
        return cp_other_format(source, bytes, size, expected, err);
    return cp_fail(err, CP_BAD_INPUT, source, "line %d, column %d: %s", at.line, at.column, at.text),
           cp_expected(err, "%s", expected);
}

enum cp_status cp_json_file(const char *path, size_t most, size_t flags, const char *expected, json_t **root,
                            struct cp_error *err) {
    struct cp_arena arena = {0};
    struct cp_file file;
    *root = NULL;
    enum cp_status status = cp_file_read(path, most, &arena, &file, err);
    if (status == CP_OK)
        status = cp_json_parse(path, file.text, file.size, flags, expected, root, err);
    cp_arena_free(&arena);
    return status;
}

enum cp_status cp_json_beside(const char *path, const char *name, size_t most, size_t flags,
                              struct cp_arena *arena, const char **where, json_t **root,
                              struct cp_error *err) {
    const char *slash = strrchr(path, '/');
    *root = NULL;
    *where = cp_arena_printf(arena, "%.*s%s", slash ? (int)(slash - path + 1) : 0, path, name);
    CP_TRY(CP_CHECK_ALLOC(*where, err, "", "a path"));
    if (!cp_path_is_there(*where))
        return CP_OK;
    CP_TRY(cp_json_file(*where, most, flags, EXPECTED, root, err));
    if (json_is_object(*root))
        return CP_OK;
    json_decref(*root);
    *root = NULL;
    return cp_fail(err, CP_BAD_INPUT, *where, "is not an object"), cp_expected(err, "%s", EXPECTED);
}

enum cp_status cp_json_data(const char *name, struct cp_arena *arena, const char **where, json_t **root,
                            struct cp_error *err) {
    *root = NULL;
    *where = cp_data_path(name, arena);
    CP_TRY(CP_CHECK_ALLOC(*where, err, "", "a table"));
    return cp_json_file(*where, TABLE_MAX, JSON_REJECT_DUPLICATES, "a table in JSON", root, err);
}
