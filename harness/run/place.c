/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reads what a result that is there already was made of, and compares. */
#include "run/place.h"

#include "base/escape.h"
#include "format/disk_file.h"
#include "result/file.h"
#include "result/reader.h"
#include "result/schema.h"

#include <string.h>
#include <unistd.h>

enum { NAMES = 1000 };

/* What stands at a path. */
struct standing {
    bool is_other;       /* a result of other settings, or a file that cannot be read as one */
    const char *differs; /* in words */
};

static const char *name_difference(const struct cp_experiment_difference *d, struct cp_arena *arena) {
    return d->key ? cp_arena_printf(arena, "%s is %s there and %s here", d->key, d->a, d->b)
                  : "the model, or a file of the inputs, is another there";
}

/* The experiment's own text ends where the specs begin. */
static enum cp_status compare(const struct cp_study *study, const char *theirs, struct cp_arena *arena,
                              struct standing *s, struct cp_error *err) {
    static const char specs[] = "\n\n# baseline\n";
    struct cp_experiment_difference d;
    const char *their_end = strstr(theirs, specs), *end = strstr(study->plan, specs);
    s->differs = "it does not tell its experiment";
    if (!their_end || !end)
        return CP_OK;
    CP_TRY(cp_experiment_difference(theirs, (size_t)(their_end + 1 - theirs), study->plan,
                                    (size_t)(end + 1 - study->plan), arena, &d, err));
    s->differs = name_difference(&d, arena);
    return CP_CHECK_ALLOC(s->differs, err, "", "a comparison");
}

static enum cp_status read_result(const struct cp_study *study, struct cp_reader *reader,
                                  struct cp_arena *arena, struct standing *s, struct cp_error *err) {
    const struct cp_schema_row *row = &cp_schema[CP_SCHEMA_FINGERPRINT];
    struct cp_reader_texts texts = {0};
    const char *fingerprint;
    CP_TRY(cp_reader_text(reader, row->path, row->attribute, arena, &fingerprint, err));
    s->is_other = strcmp(fingerprint, study->fingerprint) != 0;
    if (!s->is_other)
        return CP_OK;
    CP_TRY(cp_reader_texts(reader, cp_schema[CP_SCHEMA_EXPERIMENT].path, arena, &texts, err));
    return compare(study, texts.count == 1 ? texts.items[0] : "", arena, s, err);
}

/* What cannot be read is somebody's all the same. */
static enum cp_status look(const struct cp_study *study, const char *path, struct cp_arena *arena,
                           struct standing *s, struct cp_error *err) {
    struct cp_reader *reader = NULL;
    struct cp_error why = {0};
    *s = (struct standing){.is_other = false};
    CP_TRY(cp_disk_check_name(path, err));
    CP_TRY(cp_result_may_replace(path, err));
    if (access(path, F_OK) != 0)
        return CP_OK;
    enum cp_status status = cp_reader_open(path, &reader, &why);
    if (status == CP_OK)
        status = read_result(study, reader, arena, s, &why);
    cp_reader_close(reader);
    if (status == CP_OK)
        return CP_OK;
    if (status != CP_BAD_INPUT)
        return *err = why, status;
    *s = (struct standing){true, cp_arena_strdup(arena, why.what)};
    return CP_CHECK_ALLOC(s->differs, err, path, "a comparison");
}

/* PATH-2.h5 of PATH.h5. */
static const char *numbered(const char *path, int number, struct cp_arena *arena) {
    const char *dot = strrchr(path, '.');
    return cp_arena_printf(arena, "%.*s-%d%s", (int)(dot - path), path, number, dot);
}

/* The first name that is free, or holds a result of these settings. */
static enum cp_status carry_on(struct cp_study *study, struct cp_experiment *experiment,
                               const struct standing *first, FILE *out, struct cp_error *err) {
    const char *taken = experiment->output.text;
    struct standing s = {.is_other = true};
    for (int number = 2; number < NAMES && s.is_other; number++) {
        const char *path = numbered(taken, number, &experiment->arena);
        CP_TRY(CP_CHECK_ALLOC(path, err, "", "a path"));
        CP_TRY(look(study, path, &study->arena, &s, err));
        experiment->output.text = path;
    }
    if (s.is_other)
        return cp_fail(err, CP_BAD_INPUT, taken, "is there already, and so are %d more of its name",
                       NAMES - 2),
               cp_expected(err, "output: a name of its own");
    if (out)
        cp_print(out, "%s holds a result of other settings (%s); this one goes to %s\n", taken,
                 first->differs, experiment->output.text);
    return cp_study_describe(study, err);
}

enum cp_status cp_run_place(struct cp_study *study, struct cp_experiment *experiment, bool force, FILE *out,
                            struct cp_error *err) {
    const char *path = experiment->output.text;
    struct standing s;
    if (force)
        return CP_OK;
    CP_TRY(look(study, path, &study->arena, &s, err));
    if (!s.is_other)
        return CP_OK;
    if (experiment->output_by_name)
        return carry_on(study, experiment, &s, out, err);
    return cp_fail(err, CP_BAD_INPUT, path, "holds a result of other settings: %s", s.differs),
           cp_expected(err, "another output, or --force to replace it");
}
