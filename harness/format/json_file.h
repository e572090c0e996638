/* SPDX-License-Identifier: GPL-3.0-or-later
 * JSON files that a config is told by, and tables of data/. */
#ifndef CP_FORMAT_JSON_FILE_H
#define CP_FORMAT_JSON_FILE_H

#include "base/arena.h"
#include "base/status.h"

#include <jansson.h>
#include <stddef.h>

/* The value of a text, which json_decref releases; NULL after a failure, of which source says where. What is known to be
 * something else, such as a Git LFS pointer, is told as such. */
enum cp_status cp_json_parse(const char *source, const char *text, size_t size, size_t flags,
                             const char *expected, json_t **root, struct cp_error *err);
/* The file's value, which json_decref releases; NULL after a failure. flags: Jansson's. expected: what it should be, for
 * the error. */
enum cp_status cp_json_file(const char *path, size_t most, size_t flags, const char *expected, json_t **root,
                            struct cp_error *err);
/* The object of a file beside another, if it is there: else *root is NULL. *where: its path, in the arena. */
enum cp_status cp_json_beside(const char *path, const char *name, size_t most, size_t flags,
                              struct cp_arena *arena, const char **where, json_t **root,
                              struct cp_error *err);
/* A table that the program came with. */
enum cp_status cp_json_data(const char *name, struct cp_arena *arena, const char **where, json_t **root,
                            struct cp_error *err);

#endif
