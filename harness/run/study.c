/* SPDX-License-Identifier: GPL-3.0-or-later
 * Resolves model, captures, inputs, specs, oracles and sites in this order, and how much is computed at once. */
#include "run/study.h"

#include "format/disk_file.h"
#include "run/analysis.h"
#include "run/captured/captured.h"
#include "run/pass_weights.h"
#include "run/study_parts.h"

#include <math.h>

static enum cp_status load_model(struct cp_study *study, struct cp_error *err) {
    const struct cp_model_source *source = &study->experiment->model;
    study->modelled = source->init || source->checkpoint.text;
    return study->modelled ? cp_model_source_load(source, &study->arena, &study->model, &study->notes, err)
                           : CP_OK;
}

static size_t at_most(int wanted, size_t count) {
    return (size_t)wanted < count ? (size_t)wanted : count;
}

/* What only a pass of our own can be put to. */
static enum cp_status check_captures(const struct cp_study *study, struct cp_error *err) {
    const struct cp_experiment *e = study->experiment;
    bool captured = study->graft.from != NULL;
    for (size_t s = 0; s < study->captured_count; s++)
        captured = captured || cp_captured_of(study, s);
    if (captured && (e->local || e->floor))
        return cp_fail(err, CP_BAD_INPUT, study->path, "%s beside a capture", e->local ? "local" : "floor"),
               cp_expected(err, "%s, as a capture cannot be run again", e->local ? "local: off" : "floor: 0");
    return CP_OK;
}

/* Inputs from files, a seed, or a capture. */
static enum cp_status load_inputs(struct cp_study *study, struct cp_error *err) {
    if (!study->inputs_from)
        return cp_inputs_load(study->experiment, &study->model.config, &study->arena, &study->inputs, err);
    return cp_captured_inputs(study, err);
}

/* Where every image is a tensor of pixels already, there is nothing that a candidate could preprocess. */
static enum cp_status check_preprocess(const struct cp_study *study, struct cp_error *err) {
    const bool pictures = !study->inputs_from && cp_inputs_has_pictures(&study->inputs);
    for (size_t s = 1; s < study->spec_count; s++)
        if (study->inputs.images && !pictures && !cp_captured_own_pixels(study, s) &&
            !cp_spec_same_preprocess(study->spec[s], study->spec[0]))
            return cp_fail(err, CP_BAD_INPUT, study->path,
                           "%s preprocesses otherwise, but the inputs are pixels", study->spec[s]->name),
                   cp_expected(err, "pictures, or pixels.normalized of its own");
    return CP_OK;
}

/* Passes that are computed start from pixels; oracles of images that have none are not run. */
static enum cp_status check_pixels(struct cp_study *study, struct cp_error *err) {
    if (!study->modelled || cp_captured_has_pixels(study))
        return CP_OK;
    for (size_t s = 0; s < study->spec_count; s++)
        if (!cp_captured_of(study, s))
            return cp_fail(err, CP_BAD_INPUT, study->inputs_from->path, "has no pixels.normalized"),
                   cp_expected(err, "it in full, which the image tower starts from");
    study->oracle_images = 0;
    return CP_OK;
}

/* A text is pooled at its first eos_id; without one transformers, and so this program, takes the first token, which is the same
 * in every text. */
static enum cp_status note_missing_ends(struct cp_study *study, struct cp_error *err) {
    const struct cp_text_config *t = &study->model.config.text;
    const struct cp_run_inputs *in = &study->inputs;
    const size_t length = (size_t)t->context_length;
    size_t without = 0;
    if (!study->modelled || !in->tokens || t->pool_type != CP_POOL_EOS)
        return CP_OK;
    for (size_t p = 0; p < in->prompts; p++) {
        size_t at = 0;
        while (at < length && in->tokens[p * length + at] != t->eos_id)
            at++;
        without += at == length;
    }
    if (without == 0)
        return CP_OK;
    return cp_note(&study->notes, &study->arena, err,
                   "warning: %zu of %zu prompts have no token %d, at which the config has texts pooled: "
                   "their first token is "
                   "taken, as in transformers",
                   without, in->prompts, (int)t->eos_id);
}

/* The prompts, as each spec's tokenizer reads them. */
static enum cp_status tokenize(struct cp_study *study, struct cp_error *err) {
    const struct cp_tokenizer_variant **by = cp_arena_alloc(&study->arena, study->spec_count, sizeof(void *));
    CP_TRY(CP_CHECK_ALLOC(by, err, "", "a study"));
    for (size_t s = 0; s < study->spec_count; s++)
        by[s] = cp_spec_tokenizer(study->spec[s]);
    if (study->inputs_from)
        CP_TRY(cp_captured_tokenize(study, by, err));
    if (cp_inputs_tokenize(study->experiment, &study->model.config, by, study->spec_count, &study->arena,
                           &study->inputs, err) == CP_OK)
        return note_missing_ends(study, err);
    if (!err->where[0])
        cp_error_within(err, study->path);
    return err->status;
}

bool cp_study_reads(const struct cp_study *study, const char *path) {
    bool same = cp_disk_same(study->path, path);
    for (size_t f = 0; f < study->inputs.file_count && !same; f++)
        same = cp_disk_same(study->inputs.files[f], path);
    return same;
}

/* A result in the place of a file that the run reads would be the end of that file. */
static enum cp_status check_output(const struct cp_study *study, struct cp_error *err) {
    const char *output = study->experiment->output.text;
    if (!cp_study_reads(study, output))
        return CP_OK;
    return cp_fail(err, CP_BAD_INPUT, output, "would overwrite an input"),
           cp_expected(err, "another name for the result");
}

static enum cp_status choose_oracle_inputs(struct cp_study *study, struct cp_error *err) {
    const int wanted = study->experiment->oracle;
    const bool some = wanted == CP_ORACLE_AUTO;
    study->oracle_images = at_most(some ? CP_ORACLE_INPUTS : wanted, study->inputs.images);
    study->oracle_prompts = at_most(some ? CP_ORACLE_INPUTS : CP_ALL, study->inputs.prompts);
    CP_TRY(check_pixels(study, err));
    if (wanted == 0 || !study->modelled)
        study->oracle_count = 0;
    return CP_OK;
}

/* A batch is kept when it is done, and only then: fewer inputs where so many would take longer than this. */
static void choose_batch(struct cp_study *study) {
    static const double seconds = 10;
    const size_t inputs = study->inputs.images + study->inputs.prompts;
    const double batch = cp_study_seconds(study) / (double)(inputs ? inputs : 1) * (double)study->batch;
    if (batch > seconds && study->batch > 1)
        study->batch = (size_t)fmax(1, (double)study->batch * seconds / batch);
}

static enum cp_status resolve(struct cp_study *study, struct cp_error *err) {
    const struct cp_experiment *e = study->experiment;
    study->ops = cp_ops_find(e->isa);
    if (!study->ops)
        return cp_fail(err, CP_BAD_INPUT, study->path, "isa: this machine or build has no '%s'", e->isa),
               cp_expected(err, "auto, or one that `clip-parity --version` lists");
    study->threads = e->threads ? e->threads : cp_pool_processors();
    CP_TRY(load_model(study, err));
    CP_TRY(cp_captured_open(study, err));
    CP_TRY(check_captures(study, err));
    CP_TRY(load_inputs(study, err));
    CP_TRY(cp_captured_ids(study, err));
    CP_TRY(cp_captured_files(study, err));
    CP_TRY(check_output(study, err));
    CP_TRY(cp_study_specs(study, err));
    CP_TRY(check_preprocess(study, err));
    if (study->modelled)
        CP_TRY(tokenize(study, err));
    CP_TRY(cp_study_oracles(study, err));
    CP_TRY(cp_study_sites(study, err));
    CP_TRY(cp_study_types(study, err));
    CP_TRY(cp_study_tolerances(study, err));
    CP_TRY(cp_analyses_check(study, err));
    const size_t most =
        study->inputs.images > study->inputs.prompts ? study->inputs.images : study->inputs.prompts;
    study->batch = at_most(e->batch ? e->batch : CP_BATCH_DEFAULT, most);
    CP_TRY(choose_oracle_inputs(study, err));
    if (!e->batch)
        choose_batch(study);
    return cp_study_describe(study, err);
}

size_t cp_study_oracle_inputs(const struct cp_study *study, enum cp_tower tower) {
    return tower == CP_TEXT ? study->oracle_prompts : study->oracle_images;
}

enum cp_status cp_study_create(const struct cp_experiment *experiment, const char *path,
                               const struct cp_analysis *const *analyses, struct cp_study *study,
                               struct cp_error *err) {
    *study = (struct cp_study){.experiment = experiment, .path = path, .analyses = analyses};
    cp_clip_config_activate(&study->model.config, CP_CONFIG_ERF); /* open_clip's default, without a model */
    const enum cp_status status = resolve(study, err);
    if (status != CP_OK)
        cp_study_free(study);
    return status;
}

void cp_study_free(struct cp_study *study) {
    cp_captured_close(study);
    cp_pass_weights_free(study);
    cp_model_free(&study->model);
    cp_arena_free(&study->arena);
}
