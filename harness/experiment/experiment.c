/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reads the top level, the model and how to run; calls the files beside it for the other sections. */
#include "experiment/experiment.h"

#include "base/glob.h"
#include "experiment/read.h"

#include <stdio.h>
#include <string.h>

enum { THREADS_MAX = 1024, BATCH_MAX = 65536 };

enum cp_status cp_read_text(const struct cp_yaml *node, const char *key, struct cp_text *text,
                            struct cp_error *err) {
    const char *read = NULL;
    CP_TRY(cp_yaml_string(node, key, &read, err));
    if (!read[0])
        return (void)cp_yaml_fail(node, key, "is empty", err), cp_expected(err, "text");
    *text = (struct cp_text){read, node->mark};
    return CP_OK;
}

enum cp_status cp_read_int(const struct cp_yaml *node, const char *key, int min, int max, int *value,
                           struct cp_error *err) {
    int64_t wide = 0;
    CP_TRY(cp_yaml_integer(node, key, min, max, &wide, err));
    *value = (int)wide;
    return CP_OK;
}

static bool is_word(const struct cp_yaml *node, const char *word) {
    return node->kind == CP_YAML_SCALAR && strcmp(node->text, word) == 0;
}

/* ---- the parts ---- */

static enum cp_status read_name(struct cp_experiment *experiment, const struct cp_yaml *node,
                                struct cp_error *err) {
    struct cp_text name = {.text = ""};
    CP_TRY(cp_read_text(node, "experiment", &name, err));
    const size_t length = strlen(name.text);
    if (strspn(name.text, CP_NAME_CHARACTERS ".") != length || name.text[0] == '.' || length > CP_NAME_MAX)
        return (void)cp_yaml_fail(node, "experiment", "is not a name", err),
               cp_expected(err, "at most %d letters, digits, _, - and dots, no dot first", CP_NAME_MAX);
    experiment->name = name.text;
    return CP_OK;
}

static enum cp_status read_seeded(struct cp_model_source *model, const struct cp_yaml *node,
                                  struct cp_error *err) {
    static const char *const rules[] = {"counter", "open_clip", NULL};
    const struct cp_yaml *seed = cp_yaml_get(node, "seed");
    int rule = 0;
    CP_TRY(cp_yaml_choice(cp_yaml_get(node, "init"), "model.init", rules, &rule, err));
    model->init = rules[rule];
    if (seed)
        CP_TRY(cp_yaml_integer(seed, "model.seed", 0, INT64_MAX, &model->seed, err));
    if (!model->config.text && !model->name.text)
        return (void)cp_mark_fail(&node->mark, err, "model: no config"),
               cp_expected(err, "the config file of the model that init makes");
    return CP_OK;
}

/* The call that loads the model: load_as with what it needs, or none of its keys. */
static enum cp_status read_call(struct cp_model_source *model, const struct cp_yaml *node,
                                struct cp_error *err) {
    const struct cp_yaml *load_as = cp_yaml_get(node, "load_as"),
                         *pretrained = cp_yaml_get(node, "pretrained");
    const struct cp_yaml *force = cp_yaml_get(node, "force_quick_gelu");
    if (load_as)
        CP_TRY(cp_read_text(load_as, "model.load_as", &model->load_as, err));
    if (pretrained)
        CP_TRY(cp_read_text(pretrained, "model.pretrained", &model->pretrained, err));
    if (force)
        CP_TRY(cp_yaml_boolean(force, "model.force_quick_gelu", &model->force_quick_gelu, err));
    if (load_as && (!pretrained || !model->name.text))
        return (void)cp_mark_fail(&load_as->mark, err, "model: load_as without %s",
                                  pretrained ? "name" : "pretrained"),
               cp_expected(err, "load_as: open_clip-2.24, name: NAME, pretrained: TAG or PATH");
    if (!load_as && (pretrained || force))
        return (void)cp_mark_fail(&(pretrained ? pretrained : force)->mark, err, "model.%s without load_as",
                                  pretrained ? "pretrained" : "force_quick_gelu"),
               cp_expected(err, "the version of open_clip that is called so");
    if (load_as && !cp_yaml_get(node, "checkpoint") && strpbrk(model->pretrained.text, "./"))
        model->checkpoint = model->pretrained;
    return CP_OK;
}

static enum cp_status read_config(struct cp_model_source *model, const struct cp_yaml *node,
                                  struct cp_error *err) {
    const struct cp_yaml *config = cp_yaml_get(node, "config"), *name = cp_yaml_get(node, "name");
    const struct cp_yaml *size = cp_yaml_get(node, "image_size");
    if (config)
        CP_TRY(cp_read_text(config, "model.config", &model->config, err));
    if (name)
        CP_TRY(cp_read_text(name, "model.name", &model->name, err));
    if (config && name)
        return (void)cp_mark_fail(&name->mark, err, "model: both config and name"),
               cp_expected(err, "one of them");
    if (size) {
        CP_TRY(cp_read_int(size, "model.image_size", 1, CP_CONFIG_SIZE, &model->image_size, err));
        model->image_size_mark = size->mark;
    }
    return read_call(model, node, err);
}

static enum cp_status read_model(struct cp_experiment *experiment, const struct cp_yaml *node,
                                 struct cp_error *err) {
    static const char *const keys[] = {"checkpoint", "config",  "init",       "seed",
                                       "name",       "load_as", "pretrained", "force_quick_gelu",
                                       "image_size", NULL};
    struct cp_model_source *model = &experiment->model;
    CP_TRY(cp_yaml_keys(node, "model", keys, err));
    const struct cp_yaml *checkpoint = cp_yaml_get(node, "checkpoint");
    const struct cp_yaml_entry *init = cp_yaml_entry(node, "init"), *seed = cp_yaml_entry(node, "seed");
    CP_TRY(read_config(model, node, err));
    if (checkpoint && init)
        return (void)cp_mark_fail(&init->mark, err, "model: both checkpoint and init"),
               cp_expected(err, "one of them");
    if (init)
        return read_seeded(model, node, err);
    if (checkpoint)
        CP_TRY(cp_read_text(checkpoint, "model.checkpoint", &model->checkpoint, err));
    if (!model->checkpoint.text)
        return (void)cp_mark_fail(&node->mark, err, "model: neither checkpoint nor init"),
               cp_expected(err, "one of them");
    if (seed)
        return (void)cp_mark_fail(&seed->mark, err, "model.seed beside checkpoint"),
               cp_expected(err, "a seed only with init");
    return CP_OK;
}

/* on: all inputs; off: none; or a number of them. */
static enum cp_status read_inputs_of(const struct cp_yaml *node, const char *key, int *inputs,
                                     struct cp_error *err) {
    bool on = true;
    if (node->kind == CP_YAML_SCALAR && node->text[strspn(node->text, "+-0123456789.")] == '\0')
        return cp_read_int(node, key, 1, INT_MAX, inputs, err);
    if (cp_yaml_boolean(node, key, &on, err) != CP_OK)
        return cp_expected(err, "%son, off or a number of inputs",
                           strcmp(key, "ledger") == 0 ? "auto, " : "");
    *inputs = on ? CP_ALL : 0;
    return CP_OK;
}

static enum cp_status read_limit(const struct cp_yaml *node, const char *key, double *limit,
                                 struct cp_error *err) {
    if (!node)
        return CP_OK;
    CP_TRY(cp_yaml_number(node, key, limit, err));
    if (!(*limit >= 0))
        return (void)cp_yaml_fail(node, key, "is out of range", err),
               cp_expected(err, "a number of 0 or more");
    return CP_OK;
}

/* Of both the one that is not said is 0. */
static enum cp_status read_tolerance(struct cp_experiment *experiment, const struct cp_yaml *node,
                                     struct cp_error *err) {
    const struct cp_yaml *rtol = cp_yaml_get(node, "rtol"), *atol = cp_yaml_get(node, "atol");
    struct cp_tolerance *tolerance;
    if (!rtol && !atol)
        return CP_OK;
    CP_TRY(CP_ARENA_CALLOC(&experiment->arena, tolerance, 1, err, node->mark.source, "an experiment"));
    CP_TRY(read_limit(rtol, "verdict.rtol", &tolerance->relative, err));
    CP_TRY(read_limit(atol, "verdict.atol", &tolerance->absolute, err));
    experiment->tolerance = tolerance;
    return CP_OK;
}

/* Tails of few inputs, skewed or sharing templates, have been held against draws down to some 1e-4 a tap. */
#define LEAST_ALPHA 1e-6

static enum cp_status read_verdict(struct cp_experiment *experiment, const struct cp_yaml *node,
                                   struct cp_error *err) {
    static const char *const keys[] = {"k", "alpha", "rtol", "atol", NULL};
    CP_TRY(cp_yaml_keys(node, "verdict", keys, err));
    CP_TRY(read_tolerance(experiment, node, err));
    const struct cp_yaml *k = cp_yaml_get(node, "k"), *alpha = cp_yaml_get(node, "alpha");
    if (k && !is_word(k, "auto")) {
        CP_TRY(cp_yaml_number(k, "verdict.k", &experiment->verdict_k, err));
        if (!(experiment->verdict_k > 1))
            return (void)cp_yaml_fail(k, "verdict.k", "is out of range", err),
                   cp_expected(err, "a number above 1, or auto");
    }
    if (alpha) {
        CP_TRY(cp_yaml_number(alpha, "verdict.alpha", &experiment->verdict_alpha, err));
        if (!(experiment->verdict_alpha >= LEAST_ALPHA && experiment->verdict_alpha <= 0.5))
            return (void)cp_yaml_fail(alpha, "verdict.alpha", "is out of range", err),
                   cp_expected(err, "a number from 1e-6 to 0.5; smaller p-values are not known well enough");
    }
    return CP_OK;
}

static enum cp_status read_execution(struct cp_experiment *experiment, const struct cp_yaml *root,
                                     struct cp_error *err) {
    static const char *const sets[] = {"auto", "scalar", "avx2", "avx512", NULL};
    const struct cp_yaml *oracle = cp_yaml_get(root, "oracle"), *threads = cp_yaml_get(root, "threads");
    const struct cp_yaml *batch = cp_yaml_get(root, "batch"), *isa = cp_yaml_get(root, "isa");
    const struct cp_yaml *verdict = cp_yaml_get(root, "verdict"), *output = cp_yaml_get(root, "output");
    const struct cp_yaml *local = cp_yaml_get(root, "local"), *floor = cp_yaml_get(root, "floor");
    const struct cp_yaml *ledger = cp_yaml_get(root, "ledger");
    int set = 0;
    if (oracle)
        CP_TRY(read_inputs_of(oracle, "oracle", &experiment->oracle, err));
    if (ledger && !is_word(ledger, "auto"))
        CP_TRY(read_inputs_of(ledger, "ledger", &experiment->ledger, err));
    if (local)
        CP_TRY(read_inputs_of(local, "local", &experiment->local, err));
    if (floor)
        CP_TRY(cp_read_int(floor, "floor", 0, CP_FLOOR_MAX, &experiment->floor, err));
    if (threads && !is_word(threads, "auto"))
        CP_TRY(cp_read_int(threads, "threads", 1, THREADS_MAX, &experiment->threads, err));
    if (batch && !is_word(batch, "auto"))
        CP_TRY(cp_read_int(batch, "batch", 1, BATCH_MAX, &experiment->batch, err));
    if (isa)
        CP_TRY(cp_yaml_choice(isa, "isa", sets, &set, err));
    experiment->isa = sets[set];
    if (verdict)
        CP_TRY(read_verdict(experiment, verdict, err));
    if (output)
        return cp_read_text(output, "output", &experiment->output, err);
    experiment->output.mark = (struct cp_mark){root->mark.source, 0, 0};
    experiment->output.text = cp_arena_printf(&experiment->arena, "results/runs/%s.h5", experiment->name);
    return CP_CHECK_ALLOC(experiment->output.text, err, root->mark.source, "an experiment");
}

/* ---- the whole ---- */

static enum cp_status required(const struct cp_yaml *root, const char *key, struct cp_yaml **value,
                               struct cp_error *err) {
    *value = cp_yaml_get(root, key);
    if (!*value)
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
    struct cp_yaml *model;
    return captured && !experiment->layerwise.count ? CP_OK : required(root, "model", &model, err);
}

static enum cp_status read_graft(struct cp_experiment *experiment, const struct cp_yaml *node,
                                 struct cp_error *err) {
    static const char *const keys[] = {"from", "at", "map", NULL};
    CP_TRY(cp_yaml_keys(node, "graft", keys, err));
    const struct cp_yaml *at = cp_yaml_get(node, "at");
    if (!at || !cp_yaml_get(node, "from"))
        return (void)cp_mark_fail(&node->mark, err, "graft: no %s", at ? "from" : "at"),
               cp_expected(err, "from: the capture's file, and at: the tap");
    CP_TRY(cp_read_capture(node, "from", &experiment->graft, err));
    return cp_read_text(at, "graft.at", &experiment->graft_at, err);
}

/* All but the model and the inputs; each part may be missing. */
static enum cp_status read_passes(struct cp_experiment *experiment, const struct cp_yaml *root,
                                  struct cp_error *err) {
    CP_TRY(cp_read_baseline(experiment, root, err));
    CP_TRY(cp_read_candidates(experiment, root, err));
    CP_TRY(cp_read_record(experiment, cp_yaml_get(root, "record"), err));
    CP_TRY(cp_read_check(experiment, cp_yaml_get(root, "check"), err));
    return read_execution(experiment, root, err);
}

static enum cp_status read_root(struct cp_experiment *experiment, const struct cp_yaml *root,
                                struct cp_error *err) {
    static const char *const keys[] = {
        "experiment", "hypothesis", "model",  "inputs",  "baseline", "candidates", "sweep", "factorial",
        "layerwise",  "record",     "oracle", "ledger",  "local",    "floor",      "graft", "threads",
        "batch",      "isa",        "output", "verdict", "check",    NULL};
    struct cp_yaml *name = NULL, *inputs = NULL;
    CP_TRY(cp_yaml_keys(root, "the experiment", keys, err));
    const struct cp_yaml *model = cp_yaml_get(root, "model"), *graft = cp_yaml_get(root, "graft");
    CP_TRY(required(root, "experiment", &name, err));
    CP_TRY(required(root, "inputs", &inputs, err));
    CP_TRY(read_name(experiment, name, err));
    const struct cp_yaml *hypothesis = cp_yaml_get(root, "hypothesis");
    if (hypothesis)
        CP_TRY(cp_yaml_string(hypothesis, "hypothesis", &experiment->hypothesis, err));
    if (model)
        CP_TRY(read_model(experiment, model, err));
    CP_TRY(cp_read_inputs(experiment, inputs, err));
    CP_TRY(read_passes(experiment, root, err));
    CP_TRY(check_model(experiment, root, err));
    return graft ? read_graft(experiment, graft, err) : CP_OK;
}

/* Reads what `load` or `parse` have put at root, with overrides; frees everything on failure. */
static enum cp_status finish(enum cp_status status, struct cp_yaml *root, const char *const *overrides,
                             size_t count, struct cp_experiment *experiment, struct cp_error *err) {
    for (size_t i = 0; status == CP_OK && i < count; i++)
        status = cp_experiment_override(&experiment->arena, root, overrides[i], err);
    if (status == CP_OK)
        status = read_root(experiment, root, err);
    if (status != CP_OK)
        cp_experiment_free(experiment);
    return status;
}

static const struct cp_experiment defaults = {.inputs.limit = CP_ALL,
                                              .oracle = CP_ALL,
                                              .ledger = CP_LEDGER_AUTO,
                                              .batch = CP_BATCH_DEFAULT,
                                              .verdict_alpha = 0.05};

enum cp_status cp_experiment_load(const char *path, const char *const *overrides, size_t count,
                                  struct cp_experiment *experiment, struct cp_error *err) {
    struct cp_yaml *root = NULL;
    *experiment = defaults;
    const enum cp_status status = cp_yaml_load(&experiment->arena, path, &root, err);
    return finish(status, root, overrides, count, experiment, err);
}

enum cp_status cp_experiment_parse(const char *source, const char *text, size_t size,
                                   const char *const *overrides, size_t count,
                                   struct cp_experiment *experiment, struct cp_error *err) {
    struct cp_yaml *root = NULL;
    *experiment = defaults;
    const enum cp_status status = cp_yaml_parse(&experiment->arena, source, text, size, &root, err);
    return finish(status, root, overrides, count, experiment, err);
}

enum cp_status cp_experiment_begin(const char *name, struct cp_experiment *experiment, struct cp_error *err) {
    const struct cp_mark mark = {name, 0, 0};
    *experiment = defaults;
    experiment->name = name;
    const struct cp_yaml *root = cp_yaml_mapping(&experiment->arena, mark);
    const enum cp_status status =
        root ? read_passes(experiment, root, err) : cp_no_memory(err, mark.source, "an experiment");
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
