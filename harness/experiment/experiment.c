/* SPDX-License-Identifier: GPL-3.0-or-later
 * Loads an experiment: overrides, defaults, the rows of field.c, and which keys of the top level, of the model
 * and of the graft go together. */
#include "experiment/experiment.h"

#include "base/glob.h"
#include "base/path.h"
#include "experiment/field.h"
#include "experiment/read.h"
#include "format/file.h"

#include <stdio.h>
#include <string.h>

enum cp_status cp_read_text(const struct cp_yaml *node, const char *key, struct cp_marked_text *text,
                            struct cp_error *err) {
    const char *read = NULL;
    CP_TRY(cp_yaml_string(node, key, &read, err));
    if (!read[0])
        return (void)cp_yaml_fail(node, key, "is empty", err), cp_expected(err, "text");
    *text = (struct cp_marked_text){.text = read, .mark = node->mark};
    return CP_OK;
}

enum cp_status cp_read_int(const struct cp_yaml *node, const char *key, int min, int max, int *value,
                           struct cp_error *err) {
    int64_t wide = 0;
    CP_TRY(cp_yaml_integer(node, key, min, max, &wide, err));
    *value = (int)wide;
    return CP_OK;
}

/* ---- which keys go together ---- */

/* The call that loads the model: load_as with what it needs, or none of its keys. */
static enum cp_status check_call(const struct cp_yaml *node, struct cp_error *err) {
    const struct cp_yaml *load_as = cp_yaml_get(node, "load_as");
    const struct cp_yaml *pretrained = cp_yaml_get(node, "pretrained");
    const struct cp_yaml *force = cp_yaml_get(node, "force_quick_gelu");
    if (load_as && (!pretrained || !cp_yaml_get(node, "name")))
        return (void)cp_mark_fail(&load_as->mark, err, "model: load_as without %s",
                                  pretrained ? "name" : "pretrained"),
               cp_expected(err, "load_as: open_clip-2.24, name: NAME, pretrained: TAG or PATH");
    if (!load_as && (pretrained || force))
        return (void)cp_mark_fail(&(pretrained ? pretrained : force)->mark, err, "model.%s without load_as",
                                  pretrained ? "pretrained" : "force_quick_gelu"),
               cp_expected(err, "the version of open_clip that is called so");
    return CP_OK;
}

static enum cp_status seed_beside_checkpoint(const struct cp_yaml_entry *seed, struct cp_error *err) {
    (void)cp_mark_fail(&seed->mark, err, "model.seed beside checkpoint");
    return cp_expected(err, "a seed only with init");
}

enum cp_status cp_check_model_keys(struct cp_experiment *experiment, const struct cp_yaml *node,
                                   struct cp_error *err) {
    const struct cp_yaml_entry *init = cp_yaml_entry(node, "init"), *seed = cp_yaml_entry(node, "seed");
    (void)experiment;
    if (!cp_yaml_get(node, "checkpoint"))
        return CP_OK;
    if (init)
        return (void)cp_mark_fail(&init->mark, err, "model: both checkpoint and init"),
               cp_expected(err, "one of them");
    return seed ? seed_beside_checkpoint(seed, err) : CP_OK;
}

/* Weights are a file, the path that the call is given, or made by init for a config. */
static enum cp_status check_weights(struct cp_model_source *model, const struct cp_yaml *node,
                                    struct cp_error *err) {
    const struct cp_yaml_entry *seed = cp_yaml_entry(node, "seed");
    if (model->load_as.text && !model->checkpoint.text && strpbrk(model->pretrained.text, "./"))
        model->checkpoint = model->pretrained;
    if (model->init && !model->config.text && !model->name.text)
        return (void)cp_mark_fail(&node->mark, err, "model: no config"),
               cp_expected(err, "the config file of the model that init makes");
    if (!model->init && !model->checkpoint.text)
        return (void)cp_mark_fail(&node->mark, err, "model: neither checkpoint nor init"),
               cp_expected(err, "one of them");
    return seed && !model->init ? seed_beside_checkpoint(seed, err) : CP_OK;
}

enum cp_status cp_finish_model(struct cp_experiment *experiment, const struct cp_yaml *node,
                               struct cp_error *err) {
    const struct cp_yaml *name = cp_yaml_get(node, "name"), *size = cp_yaml_get(node, "image_size");
    if (size)
        experiment->model.image_size_mark = size->mark;
    if (name && cp_yaml_get(node, "config"))
        return (void)cp_mark_fail(&name->mark, err, "model: both config and name"),
               cp_expected(err, "one of them");
    CP_TRY(check_call(node, err));
    return check_weights(&experiment->model, node, err);
}

enum cp_status cp_check_graft_keys(struct cp_experiment *experiment, const struct cp_yaml *node,
                                   struct cp_error *err) {
    const struct cp_yaml *at = cp_yaml_get(node, "at");
    (void)experiment;
    if (!at || !cp_yaml_get(node, "from"))
        return (void)cp_mark_fail(&node->mark, err, "graft: no %s", at ? "from" : "at"),
               cp_expected(err, "from: the capture's file, and at: the tap");
    return CP_OK;
}

static enum cp_status require(const struct cp_yaml *root, const char *key, struct cp_error *err) {
    if (!cp_yaml_get(root, key))
        return (void)cp_mark_fail(&root->mark, err, "no key '%s'", key),
               cp_expected(err, "the keys experiment, model and inputs at least");
    return CP_OK;
}

/* Only what is computed needs a model. */
static enum cp_status check_model(const struct cp_experiment *experiment, const struct cp_yaml *root,
                                  struct cp_error *err) {
    bool captured = experiment->baseline.capture.file.text != NULL;
    for (size_t c = 0; c < experiment->candidate_count; c++)
        captured = captured && experiment->candidates[c].capture.file.text;
    return captured && !experiment->layerwise.count ? CP_OK : require(root, "model", err);
}

/* ---- keys with functions of their own ---- */

enum cp_status cp_read_output(struct cp_experiment *experiment, const struct cp_yaml *root,
                              const struct cp_yaml *value, struct cp_error *err) {
    if (value)
        return cp_read_text(value, "output", &experiment->output, err);
    experiment->output_by_name = true;
    experiment->output.mark = (struct cp_mark){root->mark.source, 0, 0};
    experiment->output.text = cp_arena_printf(&experiment->arena, "results/runs/%s.h5", experiment->name);
    return CP_CHECK_ALLOC(experiment->output.text, err, root->mark.source, "an experiment");
}

static enum cp_status read_limit(const struct cp_yaml *node, const char *key, double *limit,
                                 struct cp_error *err) {
    CP_TRY(cp_yaml_number(node, key, limit, err));
    if (!(*limit >= 0))
        return (void)cp_yaml_fail(node, key, "is out of range", err),
               cp_expected(err, "a number of 0 or more");
    return CP_OK;
}

/* Of both the one that is absent is 0. */
enum cp_status cp_read_tolerance(struct cp_experiment *experiment, const struct cp_yaml *verdict,
                                 const struct cp_yaml *rtol, struct cp_error *err) {
    const struct cp_yaml *atol = cp_yaml_get(verdict, "atol");
    struct cp_tolerance *tolerance;
    if (!rtol && !atol)
        return CP_OK;
    CP_TRY(CP_ARENA_CALLOC(&experiment->arena, tolerance, 1, err, verdict->mark.source, "an experiment"));
    if (rtol)
        CP_TRY(read_limit(rtol, "verdict.rtol", &tolerance->relative, err));
    if (atol)
        CP_TRY(read_limit(atol, "verdict.atol", &tolerance->absolute, err));
    experiment->tolerance = tolerance;
    return CP_OK;
}

/* ---- the whole ---- */

static enum cp_status read_root(struct cp_experiment *experiment, const struct cp_yaml *root,
                                struct cp_error *err) {
    CP_TRY(cp_keys_known(root, "", "the experiment", err));
    for (size_t k = 0; k < cp_key_count; k++)
        if (cp_keys[k].required)
            CP_TRY(require(root, cp_keys[k].path, err));
    CP_TRY(cp_keys_read(experiment, "", root, err));
    return check_model(experiment, root, err);
}

/* Reads what `load` or `parse` have put at root, with overrides; frees everything on failure. */
static enum cp_status finish(enum cp_status status, struct cp_yaml *root, const char *const *overrides,
                             size_t count, struct cp_experiment *experiment, struct cp_error *err) {
    for (size_t i = 0; status == CP_OK && i < count; i++)
        status = cp_experiment_override(&experiment->arena, root, overrides[i], err);
    if (status == CP_OK)
        status = cp_keys_initial(experiment, err);
    if (status == CP_OK)
        status = read_root(experiment, root, err);
    if (status != CP_OK)
        cp_experiment_free(experiment);
    return status;
}

enum cp_status cp_experiment_load(const char *path, const char *const *overrides, size_t count,
                                  struct cp_experiment *experiment, struct cp_error *err) {
    struct cp_yaml *root = NULL;
    *experiment = (struct cp_experiment){0};
    const char *there = cp_path_is_there(path) ? NULL : cp_installed_path(path, &experiment->arena);
    path = there ? there : path;
    enum cp_status status = cp_yaml_load(&experiment->arena, path, &root, err);
    CP_TRY(finish(status, root, overrides, count, experiment, err));
    status = cp_experiment_find(experiment, path, err);
    if (status != CP_OK)
        cp_experiment_free(experiment);
    return status;
}

enum cp_status cp_experiment_parse(const char *source, const char *text, size_t size,
                                   const char *const *overrides, size_t count,
                                   struct cp_experiment *experiment, struct cp_error *err) {
    struct cp_yaml *root = NULL;
    *experiment = (struct cp_experiment){0};
    const enum cp_status status = cp_yaml_parse(&experiment->arena, source, text, size, &root, err);
    return finish(status, root, overrides, count, experiment, err);
}

enum cp_status cp_experiment_begin(const char *name, struct cp_experiment *experiment, struct cp_error *err) {
    const struct cp_mark mark = {name, 0, 0};
    *experiment = (struct cp_experiment){0};
    experiment->name = name;
    const struct cp_yaml *root = cp_yaml_mapping(&experiment->arena, mark);
    enum cp_status status =
        root ? cp_keys_initial(experiment, err) : cp_no_memory(err, mark.source, "an experiment");
    if (status == CP_OK)
        status = cp_keys_read(experiment, "", root, err);
    if (status != CP_OK)
        cp_experiment_free(experiment);
    return status;
}

void cp_experiment_free(struct cp_experiment *experiment) {
    cp_arena_free(&experiment->arena);
    *experiment = (struct cp_experiment){0};
}

enum cp_record_mode cp_experiment_record(const struct cp_experiment *experiment, const char *tap) {
    size_t last = experiment->record_count - 1;
    while (!cp_glob_match(experiment->record[last].glob, tap)) /* ends at 0, which is "*" */
        last--;
    return experiment->record[last].mode;
}

double cp_experiment_limit(const struct cp_experiment *experiment, enum cp_dtype type) {
    if (experiment->verdict_k > 0)
        return experiment->verdict_k;
    return type == CP_FP32 ? 2 : 3; /* half precision scatters more */
}
