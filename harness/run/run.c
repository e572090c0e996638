/* SPDX-License-Identifier: GPL-3.0-or-later
 * The loop over batches, with progress, signals and resumption; then the file is finished and told of. */
#include "run/run.h"

#include "base/escape.h"
#include "base/progress.h"
#include "base/sentence.h"
#include "result/reader.h"
#include "result/schema.h"
#include "run/analysis.h"
#include "run/screen.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum cp_status check_signal(const struct cp_lockstep *ls, const struct cp_run_options *options,
                                   struct cp_error *err) {
    const int caught = options->signal ? *options->signal : 0;
    if (!caught)
        return CP_OK;
    return cp_fail(err, caught == SIGTERM ? CP_TERMINATED : CP_INTERRUPTED, "", "stopped by %s%s",
                   caught == SIGTERM ? "SIGTERM" : "Ctrl-C",
                   cp_result_progress(ls->result)
                       ? "; --resume continues from here"
                       : " before the first batch of images was done, so there is nothing to resume");
}

/* Inputs of the next batch, which never straddles the last input that the oracle sees, or an analysis. */
static size_t batch_from(const struct cp_study *study, enum cp_tower tower, size_t first, size_t inputs) {
    const size_t examined = cp_study_oracle_inputs(study, tower);
    size_t end = first + study->batch < inputs ? first + study->batch : inputs;
    if (first < examined && end > examined)
        end = examined;
    return cp_analyses_batch_end(study, cp_tower_words[tower].dim, first, end) - first;
}

static enum cp_status run_inputs(struct cp_lockstep *ls, enum cp_tower tower, size_t first, size_t count,
                                 bool oracle, struct cp_error *err) {
    return tower == CP_TEXT ? cp_lockstep_prompts(ls, first, count, oracle, err)
                            : cp_lockstep_images(ls, first, count, oracle, err);
}

/* Of a batch that had no oracle, the inputs that go too far by themselves once more. */
static enum cp_status examine_far(struct cp_lockstep *ls, enum cp_tower tower, size_t first, size_t count,
                                  struct cp_progress *progress, struct cp_error *err) {
    size_t found = 0, *again = malloc(count * sizeof *again);
    char text[160];
    enum cp_status status = CP_CHECK_ALLOC(again, err, "", "the screening of inputs");
    if (status == CP_OK)
        status = cp_screen(ls, tower, first, count, again, &found, err);
    for (size_t i = 0; i < found && status == CP_OK; i++)
        status = run_inputs(ls, tower, again[i], 1, true, err);
    (void)snprintf(text, sizeof text, "oracle of %zu more %s as well, over %d times as far as the first %zu",
                   found, found == 1 ? cp_tower_words[tower].input : cp_tower_words[tower].inputs,
                   CP_SCREEN_TIMES, cp_study_oracle_inputs(ls->study, tower));
    if (found && status == CP_OK)
        cp_progress_line(progress, text);
    free(again);
    return status;
}

/* What is told of it is told when it is done. */
static enum cp_status run_batch(struct cp_lockstep *ls, enum cp_tower tower, size_t first, size_t count,
                                struct cp_progress *progress, struct cp_error *err) {
    const bool oracle = first < cp_study_oracle_inputs(ls->study, tower);
    cp_progress_batch(progress, count, cp_lockstep_stages(ls, tower));
    CP_TRY(run_inputs(ls, tower, first, count, oracle, err));
    cp_progress_batch_done(progress);
    return oracle ? CP_OK : examine_far(ls, tower, first, count, progress, err);
}

/* A run that was to go on and cannot would be taken for one that did. */
static void note_fresh_start(const struct cp_result *result, const struct cp_run_options *options,
                             struct cp_progress *progress) {
    if (options->resume && cp_result_progress(result) == 0)
        cp_progress_line(progress, "nothing to resume; starting afresh");
}

/* How many, and of which inputs, where not of all. */
static void append_oracles(const struct cp_study *study, struct cp_sentence *s) {
    const size_t images = study->oracle_images, prompts = study->oracle_prompts;
    if (study->oracle_count == 0)
        return;
    cp_append(s, ", %zu oracle%s", study->oracle_count, cp_plural(study->oracle_count));
    if (images < study->inputs.images)
        cp_append(s, " of %zu image%s", images, cp_plural(images));
    if (prompts < study->inputs.prompts)
        cp_append(s, "%s%zu prompts, none of the logits", images < study->inputs.images ? " and " : " of ",
                  prompts);
    if (study->experiment->oracle == CP_ORACLE_AUTO &&
        (images < study->inputs.images || prompts < study->inputs.prompts))
        cp_append(s, " (oracle=on: of all)");
}

/* What is about to be run, and for how long. */
static void tell_start(const struct cp_study *study, struct cp_progress *progress) {
    const double seconds = cp_study_seconds(study);
    char text[400] = "", about[32];
    struct cp_sentence s = {text, sizeof text, 0};
    cp_append(&s, "%s: %zu image%s, %zu prompt%s, %zu pass%s", study->experiment->name, study->inputs.images,
              cp_plural(study->inputs.images), study->inputs.prompts, cp_plural(study->inputs.prompts),
              study->spec_count, study->spec_count == 1 ? "" : "es");
    append_oracles(study, &s);
    if (study->modelled && seconds > 0)
        cp_append(&s, "; about %s", cp_progress_seconds(seconds, about));
    cp_progress_line(progress, text);
}

/* Told before the time is spent. */
static void note_before(const struct cp_study *study, struct cp_progress *progress) {
    char text[256] = "note: ";
    struct cp_sentence s = {text, sizeof text, strlen(text)};
    const size_t empty = s.used;
    cp_analyses_note(study, &s);
    if (s.used > empty)
        cp_progress_line(progress, text);
}

/* Prompts are always run (the images need their features); rows that a resumed run already has get the same
 * bytes. */
static enum cp_status run_prompts(struct cp_lockstep *ls, const struct cp_run_options *options,
                                  struct cp_progress *progress, struct cp_error *err) {
    const size_t prompts = ls->study->inputs.prompts;
    for (size_t first = 0, count; first < prompts; first += count) {
        count = batch_from(ls->study, CP_TEXT, first, prompts);
        CP_TRY(check_signal(ls, options, err));
        CP_TRY(run_batch(ls, CP_TEXT, first, count, progress, err));
    }
    return prompts || ls->study->inputs_from ? cp_lockstep_classes(ls, err) : CP_OK;
}

static enum cp_status run_images(struct cp_lockstep *ls, const struct cp_run_options *options,
                                 struct cp_progress *progress, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    size_t first = cp_result_resumed(ls->result) ? (size_t)cp_result_progress(ls->result) : 0;
    char text[80];
    (void)snprintf(text, sizeof text, "going on after %zu of %zu images", first, study->inputs.images);
    if (first)
        cp_progress_line(progress, text);
    cp_progress_skip(progress, first);
    while (first < study->inputs.images) {
        const size_t count = batch_from(study, CP_VISUAL, first, study->inputs.images);
        CP_TRY(check_signal(ls, options, err));
        CP_TRY(run_batch(ls, CP_VISUAL, first, count, progress, err));
        first += count;
        CP_TRY(cp_result_commit(ls->result, first, err));
    }
    return CP_OK;
}

/* The file is finished before anything goes out: whoever reads it may leave early. */
static enum cp_status conclude(const struct cp_lockstep *ls, const struct cp_run_options *options,
                               char digest[65], struct cp_error *err) {
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    CP_TRY(CP_CHECK_ALLOC(memory, err, "", "the table"));
    enum cp_status status = options->out ? cp_analyses_print(ls, options->details, memory, err) : CP_OK;
    if (fclose(memory) != 0 && status == CP_OK)
        status = cp_no_memory(err, "", "the table");
    if (status == CP_OK)
        status = cp_result_finish(ls->result, digest, err);
    if (status == CP_OK && options->out)
        (void)fputs(text, options->out);
    free(text);
    return status;
}

static enum cp_status run_all(const struct cp_study *study, const struct cp_run_options *options,
                              struct cp_result *result, struct cp_pool *pool, char digest[65],
                              struct cp_error *err) {
    struct cp_lockstep ls;
    struct cp_progress progress;
    enum cp_status status;
    cp_progress_start(&progress, options->progress, options->hide_progress,
                      study->inputs.prompts + study->inputs.images);
    CP_TRY_DONE(cp_lockstep_create(study, result, pool, &ls, err));
    ls.progress = &progress;
    CP_TRY_DONE(cp_provenance_write(study, result, err));
    tell_start(study, &progress);
    note_fresh_start(result, options, &progress);
    note_before(study, &progress);
    CP_TRY_DONE(run_prompts(&ls, options, &progress, err));
    CP_TRY_DONE(run_images(&ls, options, &progress, err));
    CP_TRY_DONE(cp_analyses_finish(&ls, err));
    cp_progress_end(&progress);
    CP_TRY_DONE(conclude(&ls, options, digest, err));
done:
    cp_progress_end(&progress);
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
    (void)cp_expected(err, "room for the rest; --resume continues after %zu of %zu images", images,
                      study->inputs.images);
    return true;
}

/* Whether the finished result is of this very run, which is to go on: then its digest is all there is to do. Another is
 * there to be replaced (run/place.h). */
static enum cp_status find_finished(const struct cp_study *study, bool *finished, char digest[65],
                                    struct cp_error *err) {
    const struct cp_schema_row *mark = &cp_schema[CP_SCHEMA_FINGERPRINT],
                               *content = &cp_schema[CP_SCHEMA_CONTENT_DIGEST];
    const char *path = study->experiment->output.text, *fingerprint = "", *found = "";
    struct cp_arena arena = {0};
    struct cp_reader *reader;
    CP_TRY(cp_reader_open(path, &reader, err));
    enum cp_status status = cp_reader_text(reader, mark->path, mark->attribute, &arena, &fingerprint, err);
    if (status == CP_OK)
        status = cp_reader_text(reader, content->path, content->attribute, &arena, &found, err);
    *finished = status == CP_OK && strcmp(fingerprint, study->fingerprint) == 0;
    if (*finished)
        (void)snprintf(digest, 65, "%s", found);
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
                            char digest[65], struct cp_error *err) {
    struct cp_result *result = NULL;
    struct cp_pool *pool = NULL;
    enum cp_status status;
    bool finished = false;
    if (options->resume && is_finished(study->experiment->output.text))
        CP_TRY(find_finished(study, &finished, digest, err));
    if (finished) {
        if (options->out)
            (void)fputs("complete already\n", options->out);
        return CP_OK;
    }
    CP_TRY_DONE(cp_pool_create(study->threads, &pool, err));
    CP_TRY_DONE(
        cp_result_create(study->experiment->output.text, options->resume, study->fingerprint, &result, err));
    status = run_all(study, options, result, pool, digest, err);
done:
    cp_result_close(result, status != CP_OK && can_go_on(result, study, err));
    cp_pool_free(pool);
    return status;
}
