/* SPDX-License-Identifier: GPL-3.0-or-later
 * Turns the arguments into an experiment, evaluates its specs batch by batch, and compares the results. */
#include "task/classify.h"

#include "base/utf8.h"
#include "task/evaluate.h"
#include "task/model_folder.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char from_image[] = "--image", from_prompt[] = "--prompt";

/* ---- settings ---- */

/* What stands behind NAME: in [NAME:]SETTINGS. */
static const char *settings_of(const char *text) {
    const size_t named = strcspn(text, ":=");
    return text[named] == ':' ? text + named + 1 : text;
}

/* [NAME:]SETTINGS; without a name the settings are it. */
static enum cp_status read_spec(struct cp_experiment *e, const char *text, struct cp_error *err) {
    struct cp_candidate *candidate = &e->candidates[e->candidate_count];
    const char *settings = settings_of(text), *where = cp_arena_printf(&e->arena, "--compare %s", text);
    candidate->name =
        settings == text ? text : cp_arena_printf(&e->arena, "%.*s", (int)(settings - text - 1), text);
    CP_TRY(CP_CHECK_ALLOC(where && candidate->name, err, "", "a classification"));
    if (!candidate->name[0] || strcmp(candidate->name, "baseline") == 0)
        return cp_fail(err, CP_BAD_INPUT, where, "'%s' is not the name of a spec", candidate->name),
               cp_expected(err, "another one, as in gelu:activation=erf");
    for (size_t c = 0; c < e->candidate_count; c++)
        if (strcmp(e->candidates[c].name, candidate->name) == 0)
            return cp_fail(err, CP_BAD_INPUT, where, "two specs are named '%.200s'", candidate->name),
                   cp_expected(err, "a name for each, as in gelu:activation=erf");
    candidate->mark = (struct cp_mark){where, 0, 0};
    e->candidate_count++;
    return cp_settings_parse(settings, where, &e->arena, candidate, err);
}

static enum cp_status read_specs(const struct cp_classify_inputs *in, struct cp_experiment *e,
                                 struct cp_error *err) {
    if (in->compare_count > CP_CANDIDATES_MAX)
        return cp_fail(err, CP_BAD_INPUT, "--compare", "%zu specs", in->compare_count),
               cp_expected(err, "at most %d", CP_CANDIDATES_MAX);
    if (in->baseline)
        CP_TRY(cp_settings_parse(in->baseline, "--baseline", &e->arena, &e->baseline, err));
    for (size_t c = 0; c < in->compare_count; c++)
        CP_TRY(read_spec(e, in->compare[c], err));
    return CP_OK;
}

/* ---- inputs ---- */

static enum cp_status check_prompt(const char *prompt, size_t number, struct cp_error *err) {
    const unsigned char *c = (const unsigned char *)prompt;
    for (size_t remaining = strlen(prompt), length; remaining; c += length, remaining -= length) {
        length = cp_utf8_length(c, remaining);
        if (length == 0)
            return cp_fail(err, CP_BAD_INPUT, from_prompt, "prompt %zu has byte 0x%02x at %zu", number, *c,
                           (size_t)(c - (const unsigned char *)prompt)),
                   cp_expected(err, "text in UTF-8, without control characters");
    }
    return CP_OK;
}

/* A file's name as a pattern that matches it alone. */
static const char *literally(const char *path, struct cp_arena *arena) {
    char *pattern = cp_arena_alloc(arena, 2 * strlen(path) + 1, 1), *to = pattern;
    for (; pattern && *path; path++) {
        if (strchr("*?[]\\", *path))
            *to++ = '\\';
        *to++ = *path;
    }
    if (pattern)
        *to = '\0';
    return pattern;
}

static enum cp_status read_inputs(const struct cp_classify_inputs *in, struct cp_experiment *e,
                                  struct cp_error *err) {
    struct cp_experiment_inputs *to = &e->inputs;
    to->images = cp_arena_calloc(&e->arena, in->image_count, sizeof *to->images);
    to->texts.items = cp_arena_calloc(&e->arena, in->prompt_count, sizeof *to->texts.items);
    CP_TRY(CP_CHECK_ALLOC(to->images && to->texts.items, err, "", "a classification"));
    to->image_count = in->image_count;
    to->texts.count = in->prompt_count;
    to->prompts = CP_PROMPTS_LINES;
    to->truncate = in->truncate;
    for (size_t i = 0; i < in->image_count; i++) {
        if (access(in->images[i], R_OK) != 0)
            return cp_fail(err, CP_BAD_INPUT, in->images[i], "%s", strerror(errno)),
                   cp_expected(err, "a picture that can be read");
        to->images[i] =
            (struct cp_marked_text){.text = literally(in->images[i], &e->arena), .mark = {from_image, 0, 0}};
        CP_TRY(CP_CHECK_ALLOC(to->images[i].text, err, "", "a classification"));
    }
    for (size_t p = 0; p < in->prompt_count; p++) {
        CP_TRY(check_prompt(in->prompts[p], p + 1, err));
        to->texts.items[p] = (struct cp_marked_text){.text = in->prompts[p], .mark = {from_prompt, 0, 0}};
    }
    return CP_OK;
}

/* Whether they are whole patches is told by the model. */
static enum cp_status read_image_size(const char *text, struct cp_model_source *to, struct cp_error *err) {
    char *end;
    const long size = strtol(text, &end, 10);
    if (*end || size < 1 || size > CP_CONFIG_SIZE)
        return cp_fail(err, CP_BAD_INPUT, "--image-size", "'%.60s' is not a size", text),
               cp_expected(err, "an integer from 1 to %d", CP_CONFIG_SIZE);
    to->image_size = (int)size;
    to->image_size_mark = (struct cp_mark){"--image-size", 0, 0};
    return CP_OK;
}

static enum cp_status read_model(const struct cp_classify_inputs *in, struct cp_experiment *e,
                                 struct cp_error *err) {
    struct cp_model_source *to = &e->model;
    const char *beside = NULL;
    CP_TRY(cp_model_folder(in->model, in->config || in->name, &e->arena, &to->checkpoint.text, &beside, err));
    to->config.text = in->config ? in->config : beside;
    to->name.text = in->name;
    if (in->image_size)
        CP_TRY(read_image_size(in->image_size, to, err));
    to->checkpoint.mark = to->config.mark = to->name.mark = (struct cp_mark){"--model", 0, 0};
    return CP_OK;
}

static enum cp_status make_experiment(const struct cp_classify_inputs *in, struct cp_experiment *e,
                                      struct cp_error *err) {
    e->oracle = 0;
    CP_TRY(read_specs(in, e, err));
    CP_TRY(read_model(in, e, err));
    return read_inputs(in, e, err);
}

/* ---- running ---- */

static enum cp_status run_specs(struct cp_evaluator *e, float *probs, struct cp_error *err) {
    const struct cp_study *study = e->study;
    const size_t images = study->inputs.images, prompts = study->inputs.prompts;
    for (size_t s = 0; s < study->spec_count; s++)
        for (size_t first = 0; first < images; first += CP_EVALUATED_IMAGES) {
            CP_TRY(cp_evaluator_run(e, s, first, err));
            memcpy(probs + (s * images + first) * prompts, e->value[CP_OUTPUT_PROBS],
                   e->images * prompts * sizeof *probs);
        }
    return CP_OK;
}

static enum cp_status run(struct cp_classification *r, struct cp_error *err) {
    const struct cp_study *study = r->study;
    struct cp_evaluator evaluator;
    float *probs = cp_arena_alloc(&r->arena, study->spec_count * study->inputs.images * study->inputs.prompts,
                                  sizeof *probs);
    CP_TRY(CP_CHECK_ALLOC(probs, err, "", "a classification"));
    r->probs = probs;
    enum cp_status status = cp_evaluator_create(study, 0, &evaluator, err);
    if (status == CP_OK)
        status = run_specs(&evaluator, probs, err);
    cp_evaluator_free(&evaluator);
    return status;
}

static enum cp_status keep_settings(const struct cp_classify_inputs *in, struct cp_classification *r,
                                    struct cp_error *err) {
    CP_TRY(CP_ARENA_CALLOC(&r->arena, r->settings, in->compare_count + 1, err, "", "a classification"));
    r->settings[0] = in->baseline ? in->baseline : "";
    for (size_t c = 0; c < in->compare_count; c++)
        r->settings[c + 1] = settings_of(in->compare[c]);
    return CP_OK;
}

enum cp_status cp_classify(const struct cp_classify_inputs *in, struct cp_classification *r,
                           struct cp_error *err) {
    enum cp_status status;
    *r = (struct cp_classification){0};
    CP_TRY(cp_experiment_begin("classify", &r->experiment, err));
    CP_TRY_DONE(make_experiment(in, &r->experiment, err));
    CP_TRY_DONE(keep_settings(in, r, err));
    CP_TRY_DONE(cp_study_create(&r->experiment, "classify", NULL, &r->owned, err));
    r->study = &r->owned;
    status = run(r, err);
done:
    if (status != CP_OK)
        cp_classification_free(r);
    return status;
}

void cp_classification_free(struct cp_classification *r) {
    if (r->study)
        cp_study_free(&r->owned);
    cp_experiment_free(&r->experiment);
    cp_arena_free(&r->arena);
    *r = (struct cp_classification){0};
}

/* ---- what it says ---- */

const float *cp_classification_row(const struct cp_classification *r, size_t spec, size_t image) {
    const struct cp_run_inputs *in = &r->study->inputs;
    return r->probs + (spec * in->images + image) * in->prompts;
}

size_t cp_classification_top(const struct cp_classification *r, size_t spec, size_t image) {
    const float *row = cp_classification_row(r, spec, image);
    const size_t prompts = r->study->inputs.prompts;
    size_t top = 0;
    for (size_t p = 0; p < prompts; p++) {
        if (!isfinite(row[p]))
            return prompts;
        if (row[p] > row[top])
            top = p;
    }
    return top;
}

struct cp_classify_change cp_classification_change(const struct cp_classification *r, size_t spec) {
    const size_t images = r->study->inputs.images, prompts = r->study->inputs.prompts;
    struct cp_classify_change change = {0};
    for (size_t i = 0; i < images; i++) {
        const float *a = cp_classification_row(r, spec, i), *b = cp_classification_row(r, 0, i);
        change.changed += cp_classification_top(r, spec, i) != cp_classification_top(r, 0, i);
        for (size_t p = 0; p < prompts; p++) {
            const double by = fabs((double)a[p] - (double)b[p]);
            if (by <= change.most || isnan(change.most))
                continue;
            change = (struct cp_classify_change){change.changed, by, i, p};
        }
    }
    return change;
}
