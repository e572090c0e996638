/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copies one row of such a table into the arena, read with Jansson. */
#include "format/json_table.h"

#include "format/file.h"

#include <jansson.h>

enum { TABLE_MAX = 1 << 20 };

static enum cp_status take_row(json_t *row, struct cp_arena *arena, struct cp_json_table *table,
                               struct cp_error *err) {
    const char *key;
    json_t *value;
    CP_TRY(CP_ARENA_CALLOC(arena, table->entries, json_object_size(row) + 1, err, "", "a table"));
    json_object_foreach(row, key, value) {
        const char *text = json_is_true(value)     ? "true"
                           : json_is_string(value) ? json_string_value(value)
                                                   : "false";
        table->entries[table->count].key = cp_arena_strdup(arena, key);
        table->entries[table->count].value = cp_arena_strdup(arena, text);
        CP_TRY(CP_CHECK_ALLOC(table->entries[table->count].key && table->entries[table->count].value, err, "",
                              "a table"));
        table->count++;
    }
    return CP_OK;
}

enum cp_status cp_json_table_read(const char *file, const char *row, struct cp_arena *arena,
                                  struct cp_json_table *table, struct cp_error *err) {
    const char *path = cp_data_path(file, arena);
    struct cp_file text;
    json_error_t where;
    *table = (struct cp_json_table){0};
    CP_TRY(CP_CHECK_ALLOC(path, err, "", "a table"));
    CP_TRY(cp_file_read(path, TABLE_MAX, arena, &text, err));
    json_t *root = json_loadb(text.text, text.size, JSON_REJECT_DUPLICATES, &where);
    if (!root)
        return cp_fail(err, CP_BAD_INPUT, path, "line %d, column %d: %s", where.line, where.column,
                       where.text),
               cp_expected(err, "a table in JSON");
    const enum cp_status status = take_row(json_object_get(root, row), arena, table, err);
    json_decref(root);
    return status;
}
