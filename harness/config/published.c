/* SPDX-License-Identifier: GPL-3.0-or-later
 * Looks a digest up in the table. */
#include "config/published.h"

#include "format/json_file.h"

enum cp_status cp_published_find(const char *sha256, struct cp_arena *arena, struct cp_published *published,
                                 struct cp_error *err) {
    const char *path;
    json_t *root;
    *published = (struct cp_published){.name = NULL};
    CP_TRY(cp_json_data("model_configs/published.json", arena, &path, &root, err));
    json_t *row = json_object_get(root, sha256);
    const char *name = json_string_value(json_object_get(row, "name")),
               *activation = json_string_value(json_object_get(row, "activation"));
    enum cp_status status = CP_OK;
    if (row && !(name && activation && cp_config_activation_named(activation, &published->activation)))
        status = ((void)cp_fail(err, CP_BAD_INPUT, path, "the row %.64s is not whole", sha256),
                  cp_expected(err, "a name and an activation"));
    else if (row)
        status = CP_CHECK_ALLOC(published->name = cp_arena_strdup(arena, name), err, "", "a name");
    json_decref(root);
    return status;
}
