/* SPDX-License-Identifier: GPL-3.0-or-later
 * Small tables of data/ in JSON: an object of objects, whose values are texts, true or false. */
#ifndef CP_FORMAT_JSON_TABLE_H
#define CP_FORMAT_JSON_TABLE_H

#include "base/arena.h"
#include "base/status.h"

#include <stddef.h>

struct cp_json_table {
    size_t count;
    struct {
        const char *key, *value; /* "true" and "false" for those */
    } * entries;
};

/* The row of a file of data/; without such a row it is empty. In the arena. */
enum cp_status cp_json_table_read(const char *file, const char *row, struct cp_arena *arena,
                                  struct cp_json_table *table, struct cp_error *err);

#endif
