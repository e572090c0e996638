/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reads what a result that is there already was made of, and compares. */
#include "run/place.h"

#include "base/escape.h"
#include "base/sentence.h"
#include "format/disk_file.h"
#include "result/file.h"
#include "result/reader.h"
#include "result/schema.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

enum { NAMES = 1000 };

/* What stands at a path and is not to be replaced. */
struct standing {
    const char *path; /* NULL: nothing, or a result of these settings */
    const char *what; /* in words: "holds a result of other settings: ..." */
    bool stopped;     /* images of this very run, which it can go on from */
};

static enum cp_status words(struct standing *s, const char *path, const char *what, struct cp_arena *arena,
                            struct cp_error *err) {
    s->path = cp_arena_strdup(arena, path);
    s->what = what;
    return CP_CHECK_ALLOC(s->path && s->what, err, path, "a comparison");
}

/* By the first key that differs. holds: "a result", or "3 images of a run". */
static enum cp_status tell_difference(const struct cp_study *study, const char *theirs, const char *path,
                                      const char *holds, struct cp_arena *arena, struct standing *s,
                                      struct cp_error *err) {
    const size_t size = cp_plan_experiment(theirs);
    struct cp_experiment_difference d = {.key = NULL};
    if (size)
        CP_TRY(cp_experiment_difference(theirs, size, study->plan, cp_plan_experiment(study->plan), arena, &d,
                                        err));
    return words(
        s, path,
        d.key ? cp_arena_printf(arena, "holds %s of other settings: %s is %s there and %s here", holds, d.key,
                                d.a, d.b)
              : cp_arena_printf(arena, "holds %s of another model, or of other files as inputs", holds),
        arena, err);
}

/* Whether it is of this study's settings; if not, what it is of. */
static enum cp_status read_result(const struct cp_study *study, struct cp_reader *reader, const char *holds,
                                  bool *same, struct cp_arena *arena, struct standing *s,
                                  struct cp_error *err) {
    const struct cp_schema_row *row = &cp_schema[CP_SCHEMA_FINGERPRINT];
    struct cp_reader_texts texts = {0};
    const char *fingerprint;
    CP_TRY(cp_reader_text(reader, row->path, row->attribute, arena, &fingerprint, err));
    *same = strcmp(fingerprint, study->fingerprint) == 0;
    if (*same)
        return CP_OK;
    CP_TRY(cp_reader_texts(reader, cp_schema[CP_SCHEMA_EXPERIMENT].path, arena, &texts, err));
    return tell_difference(study, texts.count == 1 ? texts.items[0] : "", cp_reader_path(reader), holds,
                           arena, s, err);
}

/* What a run that was stopped has done. A file without a committed image holds nothing, and with one that cannot be read
 * nobody can go on. */
static enum cp_status look_at_partial(const struct cp_study *study, const char *path, bool resume,
                                      struct cp_arena *arena, struct standing *s, struct cp_error *err) {
    struct cp_reader *reader = NULL;
    struct cp_error why = {0};
    bool same = false;
    enum cp_status status = cp_reader_open_partial(path, &reader, &why);
    const size_t images = reader ? (size_t)cp_reader_progress(reader) : 0;
    const char *holds = cp_arena_printf(arena, "%zu image%s of a run", images, cp_plural(images));
    if (images)
        status = holds ? read_result(study, reader, holds, &same, arena, s, &why)
                       : cp_no_memory(&why, path, "a comparison");
    if (images && status == CP_OK && same && !resume) {
        s->stopped = true;
        status = words(s, cp_reader_path(reader),
                       cp_arena_printf(arena, "holds %zu of %zu image%s of this run, which was stopped",
                                       images, study->inputs.images, cp_plural(study->inputs.images)),
                       arena, &why);
    }
    cp_reader_close(reader);
    if (status != CP_OK && status != CP_BAD_INPUT) /* what is bad is told by who goes on with it */
        return *err = why, status;
    return CP_OK;
}

/* What cannot be read is somebody's all the same; an empty file is nobody's. */
static enum cp_status look_at_result(const struct cp_study *study, const char *path, struct cp_arena *arena,
                                     struct standing *s, struct cp_error *err) {
    struct cp_reader *reader = NULL;
    struct cp_error why = {0};
    struct stat info;
    bool same;
    if (stat(path, &info) != 0 || info.st_size == 0)
        return CP_OK;
    enum cp_status status = cp_reader_open(path, &reader, &why);
    if (status == CP_OK)
        status = read_result(study, reader, "a result", &same, arena, s, &why);
    cp_reader_close(reader);
    if (status == CP_OK)
        return CP_OK;
    if (status != CP_BAD_INPUT)
        return *err = why, status;
    return words(s, path, cp_arena_printf(arena, "exists, and %s", why.what), arena, err);
}

static enum cp_status look(const struct cp_study *study, const char *path, bool resume,
                           struct cp_arena *arena, struct standing *s, struct cp_error *err) {
    *s = (struct standing){0};
    CP_TRY(cp_disk_check_name(path, err));
    CP_TRY(cp_result_may_replace(path, err));
    CP_TRY(look_at_partial(study, path, resume, arena, s, err));
    return s->path ? CP_OK : look_at_result(study, path, arena, s, err);
}

static enum cp_status refuse(const struct standing *s, struct cp_error *err) {
    return cp_fail(err, CP_BAD_INPUT, s->path, "%s", s->what),
           cp_expected(err, s->stopped ? "--resume to go on with it, or --force to start afresh"
                                       : "another output, or --force to replace it");
}

/* PATH-2.h5 of PATH.h5. */
static const char *numbered(const char *path, int number, struct cp_arena *arena) {
    const char *dot = strrchr(path, '.');
    return cp_arena_printf(arena, "%.*s-%d%s", (int)(dot - path), path, number, dot);
}

/* The first name that is free, or holds a result of these settings. */
static enum cp_status carry_on(struct cp_study *study, struct cp_experiment *experiment,
                               const struct cp_run_options *options, const struct standing *first,
                               struct cp_error *err) {
    const char *taken = experiment->output.text;
    struct standing s = *first;
    for (int number = 2; number < NAMES && s.path; number++) {
        const char *path = numbered(taken, number, &experiment->arena);
        CP_TRY(CP_CHECK_ALLOC(path, err, "", "a path"));
        CP_TRY(look(study, path, options->resume, &study->arena, &s, err));
        if (s.stopped)
            return refuse(&s, err);
        experiment->output.text = path;
    }
    if (s.path)
        return cp_fail(err, CP_BAD_INPUT, taken, "exists, and so are %d more of its name", NAMES - 2),
               cp_expected(err, "output: a name of its own");
    if (options->progress)
        cp_print(options->progress, "%s %s; this one goes to %s\n", first->path, first->what,
                 experiment->output.text);
    return cp_study_describe(study, err);
}

/* What a record rule that says too much would do to a disk is told before the first hour is spent. */
static enum cp_status check_size(const struct cp_study *study, struct cp_error *err) {
    const struct cp_estimate e = cp_study_estimate(study);
    const double limit = study->experiment->record_limit, bytes = (double)e.file;
    if (!(bytes > limit))
        return CP_OK;
    return cp_fail(err, CP_BAD_INPUT, study->path,
                   "the result would be about %.0f MB, %.0f MB of it tensors in full, and record.limit is "
                   "%.0f MB",
                   bytes / 1e6, (double)e.full / 1e6, limit / 1e6),
           cp_expected(err, "fewer inputs, taps recorded as stats or digest, or record.limit=%.0fGB",
                       ceil(bytes / 1e9));
}

enum cp_status cp_run_place(struct cp_study *study, struct cp_experiment *experiment,
                            const struct cp_run_options *options, struct cp_error *err) {
    struct standing s;
    CP_TRY(check_size(study, err));
    if (options->force)
        return CP_OK;
    CP_TRY(look(study, experiment->output.text, options->resume, &study->arena, &s, err));
    if (!s.path)
        return CP_OK;
    return experiment->output_by_name && !s.stopped ? carry_on(study, experiment, options, &s, err)
                                                    : refuse(&s, err);
}

enum cp_status cp_run_place_beside(const struct cp_study *study, const char *path,
                                   const struct cp_output_form *form, struct cp_error *err) {
    const char *result = study->experiment->output.text;
    if (!path || cp_output_is_stdout(path))
        return CP_OK;
    const bool same = strcmp(path, result) == 0 || cp_disk_same(path, result);
    if (same || cp_study_reads(study, path))
        return cp_fail(err, CP_BAD_INPUT, path,
                       same ? "would overwrite the result" : "would overwrite an input"),
               cp_expected(err, "another name");
    return cp_output_check(path, form, err);
}
