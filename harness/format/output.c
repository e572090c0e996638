/* SPDX-License-Identifier: GPL-3.0-or-later
 * Looks at first bytes; writes to memory first, then by a rename. */
#include "format/output.h"

#include "base/arena.h"
#include "format/disk_file.h"
#include "format/file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 1 << 26 };

const struct cp_output_form cp_output_json = {"this program's JSON", "{\"schema\":\"clip-parity", NULL};
const struct cp_output_form cp_output_xml = {"JUnit's XML",
                                             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", NULL};

int cp_output_is_stdout(const char *path) {
    return strcmp(path, "-") == 0;
}

FILE *cp_output_beside(const char *path) {
    return path && cp_output_is_stdout(path) ? stderr : stdout;
}

static bool is_of(const struct cp_output_form *form, const char *text) {
    return form->start && strncmp(text, form->start, strlen(form->start)) == 0 &&
           (!form->has || strstr(text, form->has));
}

enum cp_status cp_output_check(const char *path, const struct cp_output_form *form, struct cp_error *err) {
    struct cp_arena arena = {0};
    struct cp_file file;
    if (!path || cp_output_is_stdout(path))
        return CP_OK;
    CP_TRY(cp_disk_check_name(path, err));
    if (access(path, F_OK) != 0)
        return CP_OK;
    const enum cp_status status = cp_file_read(path, MOST, &arena, &file, err);
    const bool may = status == CP_OK && (file.size == 0 || is_of(form, file.text));
    cp_arena_free(&arena);
    if (may || status != CP_OK)
        return status;
    if (!form->start)
        return cp_fail(err, CP_BAD_INPUT, path, "exists"), cp_expected(err, "a new name");
    return cp_fail(err, CP_BAD_INPUT, path, "exists, and is not %s", form->name),
           cp_expected(err, "a new name, or that of %s to be replaced", form->name);
}

enum cp_status cp_output_check_new(const char *path, int force, struct cp_error *err) {
    struct stat info;
    CP_TRY(cp_disk_check_name(path, err));
    if (force || stat(path, &info) != 0 || info.st_size == 0)
        return CP_OK;
    return cp_fail(err, CP_BAD_INPUT, path, "exists"),
           cp_expected(err, "another name, or --force to replace it");
}

enum cp_status cp_output_write(const char *path, cp_output_put *put, const void *context,
                               struct cp_error *err) {
    char *text = NULL;
    size_t size = 0;
    if (cp_output_is_stdout(path))
        return put(context, stdout, err);
    FILE *out = open_memstream(&text, &size);
    CP_TRY(CP_CHECK_ALLOC(out, err, path, "the text"));
    enum cp_status status = put(context, out, err);
    const int whole = !ferror(out);
    if (fclose(out) != 0 || !whole)
        status = cp_no_memory(err, path, "the text");
    if (status == CP_OK)
        status = cp_disk_replace(path, text, size, err);
    free(text);
    return status;
}
