/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reads what a result that is there already was made of, and compares. */
#include "run/place.h"

#include "base/escape.h"
#include "format/disk_file.h"
#include "result/file.h"
#include "result/reader.h"
#include "result/schema.h"

#include <string.h>
#include <sys/stat.h>

enum { NAMES = 1000 };

/* Below, what stands at a path and is not to be replaced, in words: "holds a result of other settings: ..."; NULL: nothing,
 * or a result of these settings. */

/* By the first key that differs. */
static enum cp_status tell_difference(const struct cp_study *study, const char *theirs,
                                      struct cp_arena *arena, const char **standing, struct cp_error *err) {
    const size_t size = cp_plan_experiment(theirs);
    struct cp_experiment_difference d = {.key = NULL};
    if (size)
        CP_TRY(cp_experiment_difference(theirs, size, study->plan, cp_plan_experiment(study->plan), arena, &d,
                                        err));
    *standing = d.key ? cp_arena_printf(arena, "holds a result of other settings: %s is %s there and %s here",
                                        d.key, d.a, d.b)
                      : "holds a result of another model, or of other files as inputs";
    return CP_CHECK_ALLOC(*standing, err, "", "a comparison");
}

static enum cp_status read_result(const struct cp_study *study, struct cp_reader *reader,
                                  struct cp_arena *arena, const char **standing, struct cp_error *err) {
    const struct cp_schema_row *row = &cp_schema[CP_SCHEMA_FINGERPRINT];
    struct cp_reader_texts texts = {0};
    const char *fingerprint;
    CP_TRY(cp_reader_text(reader, row->path, row->attribute, arena, &fingerprint, err));
    if (strcmp(fingerprint, study->fingerprint) == 0)
        return CP_OK;
    CP_TRY(cp_reader_texts(reader, cp_schema[CP_SCHEMA_EXPERIMENT].path, arena, &texts, err));
    return tell_difference(study, texts.count == 1 ? texts.items[0] : "", arena, standing, err);
}

/* What cannot be read is somebody's all the same; an empty file is nobody's. */
static enum cp_status look(const struct cp_study *study, const char *path, struct cp_arena *arena,
                           const char **standing, struct cp_error *err) {
    struct cp_reader *reader = NULL;
    struct cp_error why = {0};
    struct stat info;
    *standing = NULL;
    CP_TRY(cp_disk_check_name(path, err));
    CP_TRY(cp_result_may_replace(path, err));
    if (stat(path, &info) != 0 || info.st_size == 0)
        return CP_OK;
    enum cp_status status = cp_reader_open(path, &reader, &why);
    if (status == CP_OK)
        status = read_result(study, reader, arena, standing, &why);
    cp_reader_close(reader);
    if (status == CP_OK)
        return CP_OK;
    if (status != CP_BAD_INPUT)
        return *err = why, status;
    *standing = cp_arena_printf(arena, "is there already, and %s", why.what);
    return CP_CHECK_ALLOC(*standing, err, path, "a comparison");
}

/* PATH-2.h5 of PATH.h5. */
static const char *numbered(const char *path, int number, struct cp_arena *arena) {
    const char *dot = strrchr(path, '.');
    return cp_arena_printf(arena, "%.*s-%d%s", (int)(dot - path), path, number, dot);
}

/* The first name that is free, or holds a result of these settings. */
static enum cp_status carry_on(struct cp_study *study, struct cp_experiment *experiment, const char *first,
                               FILE *out, struct cp_error *err) {
    const char *taken = experiment->output.text;
    const char *s = first;
    for (int number = 2; number < NAMES && s; number++) {
        const char *path = numbered(taken, number, &experiment->arena);
        CP_TRY(CP_CHECK_ALLOC(path, err, "", "a path"));
        CP_TRY(look(study, path, &study->arena, &s, err));
        experiment->output.text = path;
    }
    if (s)
        return cp_fail(err, CP_BAD_INPUT, taken, "is there already, and so are %d more of its name",
                       NAMES - 2),
               cp_expected(err, "output: a name of its own");
    if (out)
        cp_print(out, "%s %s; this one goes to %s\n", taken, first, experiment->output.text);
    return cp_study_describe(study, err);
}

enum cp_status cp_run_place(struct cp_study *study, struct cp_experiment *experiment, bool force, FILE *out,
                            struct cp_error *err) {
    const char *path = experiment->output.text;
    const char *s;
    if (force)
        return CP_OK;
    CP_TRY(look(study, path, &study->arena, &s, err));
    if (!s)
        return CP_OK;
    if (experiment->output_by_name)
        return carry_on(study, experiment, s, out, err);
    return cp_fail(err, CP_BAD_INPUT, path, "%s", s),
           cp_expected(err, "another output, or --force to replace it");
}
