/* SPDX-License-Identifier: GPL-3.0-or-later
 * Resolves model, captures, inputs, specs, oracles and sites in this order, then hashes it all. */
#include "run/study.h"

#include "base/digest.h"
#include "base/glob.h"
#include "format/disk_file.h"
#include "model/spec_model.h"
#include "num/metrics.h"
#include "run/analysis.h"
#include "run/captured/captured.h"
#include "run/captured/graft.h"
#include "run/check.h"
#include "run/layerwise.h"
#include "run/load_call.h"
#include "run/pass_weights.h"
#include "tap/compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum cp_status load_model(struct cp_study *study, struct cp_error *err) {
    const struct cp_model_source *source = &study->experiment->model;
    study->modelled = source->init || source->checkpoint.text;
    return study->modelled ? cp_model_source_load(source, &study->arena, &study->model, &study->notes, err)
                           : CP_OK;
}

/* How the pass was loaded first, so that its settings win. */
static enum cp_status apply(struct cp_study *study, struct cp_spec *spec, const struct cp_candidate *cell,
                            struct cp_error *err) {
    CP_TRY(cp_load_call_apply(&study->experiment->model, cell, spec, &study->arena, &study->notes, err));
    for (size_t i = 0; i < cell->count; i++) {
        const struct cp_setting *setting = &cell->settings[i];
        if (cp_is_load_setting(setting->address))
            continue;
        if (cp_spec_set(spec, setting->address, setting->value, err) != CP_OK)
            return cp_mark_within(&setting->mark, err);
    }
    return CP_OK;
}

/* The baseline is the default spec with its settings; a candidate is the baseline with its own on top, unless
 * it is a capture, which is what it is whatever the baseline. */
static enum cp_status make_specs(struct cp_study *study, struct cp_error *err) {
    const struct cp_experiment *e = study->experiment;
    study->spec_count = 1 + e->candidate_count + cp_layerwise_count(study);
    study->spec = cp_arena_calloc(&study->arena, study->spec_count, sizeof(struct cp_spec *));
    study->oracle = cp_arena_calloc(&study->arena, study->spec_count, sizeof(struct cp_spec *));
    study->oracle_of = cp_arena_calloc(&study->arena, study->spec_count, sizeof *study->oracle_of);
    study->oracle_model = cp_arena_calloc(&study->arena, study->spec_count, sizeof(struct cp_model *));
    study->spec_model = cp_arena_calloc(&study->arena, study->spec_count, sizeof(struct cp_model *));
    CP_TRY(CP_CHECK_ALLOC(study->spec && study->oracle && study->oracle_of && study->oracle_model &&
                              study->spec_model,
                          err, "", "a study"));
    CP_TRY(cp_spec_create("baseline", &study->model.config, study->ops, &study->arena, &study->spec[0], err));
    CP_TRY(apply(study, study->spec[0], &e->baseline, err));
    CP_TRY(cp_model_source_activation(&e->model, &study->model.config, &e->baseline, err));
    for (size_t c = 0; c < e->candidate_count; c++) {
        if (cp_captured_of(study, c + 1))
            CP_TRY(cp_spec_create(e->candidates[c].name, &study->model.config, study->ops, &study->arena,
                                  &study->spec[c + 1], err));
        else
            CP_TRY(
                cp_spec_copy(study->spec[0], e->candidates[c].name, &study->arena, &study->spec[c + 1], err));
        CP_TRY(apply(study, study->spec[c + 1], &e->candidates[c], err));
    }
    CP_TRY(cp_layerwise_make(study, err));
    CP_TRY(cp_pass_weights_load(study, err));
    for (size_t s = 0; s < study->spec_count; s++)
        CP_TRY(
            cp_spec_model(study->spec[s], study->spec_weights[s], &study->arena, &study->spec_model[s], err));
    return CP_OK;
}

/* What each spec's arithmetic gives each site: by its settings, or as its capture says. */
static enum cp_status tell_types(struct cp_study *study, struct cp_error *err) {
    study->types = cp_arena_calloc(&study->arena, study->spec_count, sizeof *study->types);
    for (size_t s = 0; study->types && s < study->spec_count; s++) {
        const struct cp_capture *capture = cp_captured_of(study, s);
        enum cp_dtype *types = cp_arena_calloc(&study->arena, study->sites.count, sizeof *types);
        CP_TRY(CP_CHECK_ALLOC(types, err, "", "a study"));
        for (size_t i = 0; i < study->sites.count; i++)
            if (!capture)
                types[i] = cp_spec_site_type(study->spec[s], &study->sites.list[i]);
            else if (study->captured[s].tap[i] < capture->taps)
                types[i] = capture->tap[study->captured[s].tap[i]].arithmetic;
        study->types[s] = types;
    }
    return CP_CHECK_ALLOC(study->types, err, "", "a study");
}

/* Of each candidate: its rules' in `check`, else the experiment's, which may be none. */
static enum cp_status tell_tolerances(struct cp_study *study, struct cp_error *err) {
    const struct cp_experiment *e = study->experiment;
    const size_t sites = study->sites.count;
    struct cp_tolerance *of_rules =
        cp_arena_calloc(&study->arena, study->spec_count * sites, sizeof *of_rules);
    study->tolerances = cp_arena_calloc(&study->arena, study->spec_count * sites, sizeof *study->tolerances);
    CP_TRY(CP_CHECK_ALLOC(of_rules && study->tolerances, err, "", "a study"));
    for (size_t s = 1; s < study->spec_count; s++)
        for (size_t i = 0; i < sites; i++) {
            const size_t at = s * sites + i;
            const bool ruled =
                cp_experiment_tolerance(e, study->spec[s]->name, study->sites.list[i].name, &of_rules[at]);
            study->tolerances[at] = ruled ? &of_rules[at] : e->tolerance;
        }
    return CP_OK;
}

/* One for each maths and weights. */
static enum cp_status share_oracles(struct cp_study *study, struct cp_error *err) {
    const struct cp_model **weights =
        cp_arena_alloc(&study->arena, study->spec_count, sizeof(struct cp_model *));
    CP_TRY(CP_CHECK_ALLOC(weights, err, "", "a study"));
    for (size_t s = 0; s < study->spec_count; s++) {
        size_t o = 0;
        while (o < study->oracle_count && !(weights[o] == study->spec_weights[s] &&
                                            cp_spec_same_maths(study->oracle[o], study->spec[s])))
            o++;
        if (o == study->oracle_count) {
            weights[o] = study->spec_weights[s];
            study->oracle_model[study->oracle_count] = study->spec_model[s];
            study->oracle[study->oracle_count++] = study->spec[s];
        }
        study->oracle_of[s] = o;
    }
    return CP_OK;
}

/* A glob that matches no tap is a mistake, not a wish. */
static enum cp_status check_globs(const struct cp_study *study, struct cp_error *err) {
    for (size_t r = 0; r < study->experiment->record_count; r++) {
        const struct cp_record_rule *rule = &study->experiment->record[r];
        size_t matches = 0;
        for (size_t i = 0; i < study->sites.count; i++)
            matches += cp_glob_match(rule->glob, study->sites.list[i].name);
        if (matches == 0)
            return (void)cp_mark_fail(&rule->mark, err, "record: no tap matches '%s'", rule->glob),
                   cp_expected(err, "a tap name or glob; `clip-parity list taps` shows them");
    }
    return CP_OK;
}

static bool has_tensor(const struct cp_study *study, size_t site) {
    bool any = false;
    for (size_t s = 0; s < study->spec_count; s++)
        any = any || cp_captured_has(study, s, site);
    return any;
}

/* A site without inputs (no images, or no prompts) is not there; captures may have what joins the towers
 * alone. */
static bool is_there(const struct cp_study *study, const struct cp_site *site) {
    const struct cp_run_inputs *in = &study->inputs;
    if (site->tower == CP_VISUAL)
        return in->images > 0;
    if (site->tower == CP_TEXT)
        return in->prompts > 0;
    if (!study->inputs_from)
        return in->images && in->prompts;
    return in->images || site->point == CP_CLASS_FEATURES;
}

static enum cp_status choose_sites(struct cp_study *study, struct cp_error *err) {
    const struct cp_run_inputs *in = &study->inputs;
    if (study->modelled)
        CP_TRY(cp_sites_create(&study->model.config, in->images, in->prompts, in->classes, &study->arena,
                               &study->sites, err));
    CP_TRY(cp_captured_sites(study, err));
    CP_TRY(cp_graft_find(study, err));
    CP_TRY(check_globs(study, err));
    CP_TRY(cp_check_globs(study, err));
    study->modes = cp_arena_calloc(&study->arena, study->sites.count, sizeof *study->modes);
    study->watched = cp_arena_calloc(&study->arena, study->sites.count, sizeof *study->watched);
    CP_TRY(CP_CHECK_ALLOC(study->modes && study->watched, err, "", "a study"));
    size_t watched = 0;
    for (size_t i = 0; i < study->sites.count; i++) {
        const struct cp_site *site = &study->sites.list[i];
        if (is_there(study, site) && has_tensor(study, i) && !cp_graft_hides(study, i))
            study->modes[i] = cp_experiment_record(study->experiment, site->name);
        study->watched[i] = study->modes[i] != CP_MODE_OFF;
        watched += study->watched[i];
    }
    if (watched == 0 && study->spec_count > 1)
        return cp_fail(err, CP_NOTHING_COMPARED, study->path,
                       "no tap is recorded, so nothing would be compared"),
               cp_expected(err, "record: at least one tap");
    return CP_OK;
}

/* The specs, and what the experiment does not know of its model. */
static const char *print_specs(struct cp_study *study) {
    const char *text = "";
    for (size_t s = 0; s < study->spec_count && text; s++) {
        const char *spec = cp_spec_print(study->spec[s], &study->arena);
        text = spec ? cp_arena_printf(&study->arena, "%s\n# %s\n%s", text, study->spec[s]->name, spec) : NULL;
    }
    const struct cp_vision_config *v = &study->model.config.vision;
    if (text && v->stored_grid)
        text = cp_arena_printf(
            &study->arena, "%s\n# position embeddings of a grid of %d x %d, resized to %d x %d\n", text,
            v->stored_grid, v->stored_grid, v->image_size / v->patch_size, v->image_size / v->patch_size);
    const struct cp_clip_config *c = &study->model.config;
    if (text && c->pictures_from[0]) /* a file of which the experiment knows nothing */
        text = cp_arena_printf(&study->arena, "%s\n# %s: mean %.9g %.9g %.9g, std %.9g %.9g %.9g\n", text,
                               c->pictures_from, c->mean[0], c->mean[1], c->mean[2], c->std[0], c->std[1],
                               c->std[2]);
    return text;
}

size_t cp_plan_experiment(const char *plan) {
    const char *specs = strstr(plan, "\n\n# baseline\n"); /* its texts have no line ends of their own */
    return specs ? (size_t)(specs + 1 - plan) : 0;
}

enum cp_status cp_study_describe(struct cp_study *study, struct cp_error *err) {
    const char *all = cp_experiment_print(study->experiment, &study->arena);
    const char *what = cp_experiment_print_what(study->experiment, &study->arena);
    const char *specs = print_specs(study);
    struct cp_digest *digest = NULL;
    CP_TRY(CP_CHECK_ALLOC(all && what && specs &&
                              (study->plan = cp_arena_printf(&study->arena, "%s%s", all, specs)),
                          err, "", "a study"));
    CP_TRY(cp_digest_start(&digest, err));
    cp_digest_add(digest, what, strlen(what));
    cp_digest_add(digest, specs, strlen(specs));
    enum cp_status status = CP_OK;
    for (size_t f = 0; f < study->inputs.file_count && status == CP_OK; f++) {
        char hex[CP_DIGEST_HEX];
        status = cp_digest_file(study->inputs.files[f], hex, err);
        cp_digest_add(digest, hex, strlen(hex));
    }
    cp_digest_finish_hex(digest, study->fingerprint);
    return status;
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
    CP_TRY(make_specs(study, err));
    CP_TRY(check_preprocess(study, err));
    if (study->modelled)
        CP_TRY(tokenize(study, err));
    CP_TRY(share_oracles(study, err));
    CP_TRY(choose_sites(study, err));
    CP_TRY(tell_types(study, err));
    CP_TRY(tell_tolerances(study, err));
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
