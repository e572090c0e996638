/* SPDX-License-Identifier: GPL-3.0-or-later
 * The loop over batches, with progress, signals and resumption; then the file is finished and told of. */
#include "run/run.h"

#include "base/escape.h"
#include "result/reader.h"
#include "result/schema.h"
#include "run/analysis.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct progress {
    FILE *out;
    bool terminal;
    double start, last;
    size_t total, resumed;
};

static double now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* At most four times a second on a terminal, every five seconds elsewhere, and at the end. */
static void show(struct progress *p, size_t done) {
    const double at = now();
    if (!p->out || (done < p->total && at - p->last < (p->terminal ? 0.25 : 5)))
        return;
    const double spent = at - p->start;
    const double remaining =
        done > p->resumed ? spent * (double)(p->total - done) / (double)(done - p->resumed) : 0;
    p->last = at;
    (void)fprintf(p->out,
                  !p->terminal      ? "%zu of %zu inputs, %.0f s, %.0f s left\n"
                  : done < p->total ? "\r%zu of %zu inputs, %.0f s, %.0f s left   "
                                    : "\r%zu of %zu inputs, %.0f s, %.0f s left   \n",
                  done, p->total, spent, remaining);
    (void)fflush(p->out);
}

static enum cp_status check_signal(const struct cp_lockstep *ls, const struct cp_run_options *options,
                                   struct cp_error *err) {
    const int caught = options->signal ? *options->signal : 0;
    if (!caught)
        return CP_OK;
    return cp_fail(err, caught == SIGTERM ? CP_TERMINATED : CP_INTERRUPTED, "", "stopped by %s%s",
                   caught == SIGTERM ? "SIGTERM" : "Ctrl-C",
                   cp_result_progress(ls->result)
                       ? "; --resume goes on from here"
                       : " before the first batch of images was done, so there is nothing to resume");
}

/* Inputs of the next batch, which never straddles the last input that the oracle sees, or an analysis. */
static size_t batch_from(const struct cp_study *study, enum cp_dim_kind of, size_t first, size_t inputs) {
    size_t end = first + study->batch < inputs ? first + study->batch : inputs;
    if (of == CP_DIM_IMAGE && first < study->oracle_images && end > study->oracle_images)
        end = study->oracle_images;
    return cp_analyses_batch_end(study, of, first, end) - first;
}

/* A run that was to go on and cannot would be taken for one that did. */
static void note_fresh_start(const struct cp_result *result, const struct cp_run_options *options) {
    if (options->resume && options->progress && cp_result_progress(result) == 0)
        (void)fprintf(options->progress, "nothing to resume; starting afresh\n");
}

/* Told before the time is spent. */
static void note_before(const struct cp_study *study, FILE *out) {
    char text[256] = "";
    struct cp_sentence s = {text, sizeof text, 0};
    cp_analyses_note(study, &s);
    if (out && text[0])
        cp_print(out, "note: %s\n", text);
}

/* Prompts are always run (the images need their features); rows that a resumed run already has get the same
 * bytes. */
static enum cp_status run_prompts(struct cp_lockstep *ls, const struct cp_run_options *options,
                                  struct progress *progress, struct cp_error *err) {
    const size_t prompts = ls->study->inputs.prompts;
    for (size_t first = 0, count; first < prompts; first += count) {
        count = batch_from(ls->study, CP_DIM_PROMPT, first, prompts);
        CP_TRY(check_signal(ls, options, err));
        CP_TRY(cp_lockstep_prompts(ls, first, count, err));
        show(progress, first + count);
    }
    return prompts || ls->study->inputs_from ? cp_lockstep_classes(ls, err) : CP_OK;
}

static enum cp_status run_images(struct cp_lockstep *ls, const struct cp_run_options *options,
                                 struct progress *progress, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    size_t first = cp_result_resumed(ls->result) ? (size_t)cp_result_progress(ls->result) : 0;
    progress->resumed = first;
    if (first && progress->out)
        (void)fprintf(progress->out, "going on after %zu of %zu images\n", first, study->inputs.images);
    while (first < study->inputs.images) {
        const size_t count = batch_from(study, CP_DIM_IMAGE, first, study->inputs.images);
        CP_TRY(check_signal(ls, options, err));
        CP_TRY(cp_lockstep_images(ls, first, count, err));
        first += count;
        CP_TRY(cp_result_commit(ls->result, first, err));
        show(progress, study->inputs.prompts + first);
    }
    return CP_OK;
}

/* The file is finished before the table goes out: whoever reads the table may leave early. */
static enum cp_status conclude(const struct cp_lockstep *ls, FILE *out, struct cp_error *err) {
    char digest[65], *table = NULL;
    size_t size;
    FILE *memory = open_memstream(&table, &size);
    CP_TRY(CP_CHECK_ALLOC(memory, err, "", "the table"));
    enum cp_status status = cp_analyses_print(ls, memory, err);
    if (fclose(memory) != 0 && status == CP_OK)
        status = cp_no_memory(err, "", "the table");
    if (status == CP_OK)
        status = cp_result_finish(ls->result, digest, err);
    if (status == CP_OK) {
        (void)fputs(table, out);
        cp_print(out, "\nresult  %s\ncontent %s\n", ls->study->experiment->output.text, digest);
    }
    free(table);
    return status;
}

static enum cp_status run_all(const struct cp_study *study, const struct cp_run_options *options,
                              struct cp_result *result, struct cp_pool *pool, struct cp_error *err) {
    struct cp_lockstep ls;
    struct progress progress = {.out = options->progress, .start = now()};
    enum cp_status status;
    progress.terminal = options->progress && isatty(fileno(options->progress));
    progress.total = study->inputs.prompts + study->inputs.images;
    CP_TRY_DONE(cp_lockstep_create(study, result, pool, &ls, err));
    CP_TRY_DONE(cp_provenance_write(study, result, err));
    note_fresh_start(result, options);
    note_before(study, options->progress);
    CP_TRY_DONE(run_prompts(&ls, options, &progress, err));
    CP_TRY_DONE(run_images(&ls, options, &progress, err));
    CP_TRY_DONE(cp_analyses_finish(&ls, err));
    CP_TRY_DONE(conclude(&ls, options->out, err));
done:
    cp_lockstep_free(&ls);
    return status;
}

/* Whether a run that failed leaves something to resume: images done before the disk was full, or what an
 * earlier run left. A fresh run with a bad input leaves nothing. */
static bool can_go_on(const struct cp_result *result, const struct cp_study *study, struct cp_error *err) {
    const size_t images = result ? (size_t)cp_result_progress(result) : 0;
    if (err->status == CP_INTERRUPTED || err->status == CP_TERMINATED)
        return images > 0;
    if (!images || !cp_result_disk_failed(result))
        return images && cp_result_resumed(result);
    (void)cp_expected(err, "room for the rest; --resume goes on after %zu of %zu images", images,
                      study->inputs.images);
    return true;
}

/* Whether the finished result is of this very run, which is to go on: then it is told. Another is there to be replaced
 * (run/place.h). */
static enum cp_status tell_finished(const struct cp_study *study, FILE *out, bool *told,
                                    struct cp_error *err) {
    const struct cp_schema_row *mark = &cp_schema[CP_SCHEMA_FINGERPRINT],
                               *content = &cp_schema[CP_SCHEMA_CONTENT_DIGEST];
    const char *path = study->experiment->output.text, *fingerprint = "", *digest = "";
    struct cp_arena arena = {0};
    struct cp_reader *reader;
    CP_TRY(cp_reader_open(path, &reader, err));
    enum cp_status status = cp_reader_text(reader, mark->path, mark->attribute, &arena, &fingerprint, err);
    if (status == CP_OK)
        status = cp_reader_text(reader, content->path, content->attribute, &arena, &digest, err);
    *told = status == CP_OK && strcmp(fingerprint, study->fingerprint) == 0;
    if (*told)
        cp_print(out, "complete already\nresult  %s\ncontent %s\n", path, digest);
    cp_reader_close(reader);
    cp_arena_free(&arena);
    return status;
}

/* Whether there is a result, and nothing that was stopped on the way to another. */
static bool is_finished(const char *path) {
    char partial[4096];
    const int length = snprintf(partial, sizeof partial, "%s.partial", path);
    return length > 0 && (size_t)length < sizeof partial && access(partial, F_OK) != 0 &&
           access(path, F_OK) == 0;
}

enum cp_status cp_run_study(const struct cp_study *study, const struct cp_run_options *options,
                            struct cp_error *err) {
    struct cp_result *result = NULL;
    struct cp_pool *pool = NULL;
    enum cp_status status;
    bool told = false;
    if (options->resume && is_finished(study->experiment->output.text))
        CP_TRY(tell_finished(study, options->out, &told, err));
    if (told)
        return CP_OK;
    CP_TRY_DONE(cp_pool_create(study->threads, &pool, err));
    CP_TRY_DONE(
        cp_result_create(study->experiment->output.text, options->resume, study->fingerprint, &result, err));
    status = run_all(study, options, result, pool, err);
done:
    cp_result_close(result, status != CP_OK && can_go_on(result, study, err));
    cp_pool_free(pool);
    return status;
}
