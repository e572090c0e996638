/* SPDX-License-Identifier: GPL-3.0-or-later
 * Weighs these sources by precedence; where no oracle can run, says why. */
#include "task/diff_model.h"

#include "format/file.h"
#include "model/layout/state_dict.h"
#include "result/schema.h"
#include "run/known_config.h"
#include "run/model_source.h"

#include <stdlib.h>
#include <string.h>

/* Both sides, and what is found out about them. */
struct choice {
    const struct cp_diff *diff;
    struct cp_diff_reading *a, *b;
    struct cp_arena *arena;
    struct cp_diff_model *model;
    struct cp_error *err;
    const char *why; /* there is no oracle; NULL: none yet */
};

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* ---- the command line ---- */

/* --model, --config and --seed, in the place of what a file says. */
static void override(const struct cp_diff *diff, struct cp_model_source *model) {
    static const struct cp_marked_text nothing;
    if (diff->config) {
        model->name = model->load_as = model->pretrained = nothing;
        model->force_quick_gelu = false;
        model->config.text = diff->config;
    }
    if (!diff->checkpoint && !diff->seed)
        return;
    model->checkpoint.text = diff->checkpoint;
    model->init = diff->checkpoint ? NULL : "counter";
    model->seed = diff->checkpoint ? 0 : strtoll(diff->seed, NULL, 10);
}

static bool has_config(const struct cp_model_source *model) {
    return model->config.text || model->name.text;
}

static bool has_weights(const struct cp_model_source *model) {
    return model->checkpoint.text || model->init;
}

/* A section of ours is whole without a config, which is then in the checkpoint. */
static bool is_whole(const struct cp_diff_reading *side, const struct cp_model_source *model) {
    return has_weights(model) && (has_config(model) || cp_diff_fact(side, CP_CAPTURE_MODEL));
}

static bool is_named(const struct cp_diff_reading *side) {
    return is_whole(side, &side->said.model) || has_config(&side->said.model);
}

/* The weights of one side: what is asked for, of it alone, then of both, then what its file says. */
static const char *checkpoint_of(const struct cp_diff *diff, const struct cp_diff_reading *side) {
    if (side->asked->checkpoint || diff->checkpoint || diff->seed)
        return side->asked->checkpoint ? side->asked->checkpoint : diff->checkpoint;
    const char *own = cp_diff_fact(side, CP_CAPTURE_OWN);
    return own ? own : side->said.model.checkpoint.text;
}

/* ---- whether both can be run ---- */

/* A side that nobody says the settings of has no oracle. */
static const struct cp_diff_reading *unknown(const struct cp_diff_reading *a,
                                             const struct cp_diff_reading *b) {
    if (!a->asked->settings && !cp_diff_fact(a, CP_CAPTURE_SAYS))
        return a;
    return !b->asked->settings && !cp_diff_fact(b, CP_CAPTURE_SAYS) ? b : NULL;
}

static const char *missing(const struct choice *c, const char *file) {
    if (!file || cp_checkpoint_is_here(file))
        return NULL;
    return cp_arena_printf(c->arena, "%s is not here; --model and --config say where the model is", file);
}

/* What the oracles start from, and the settings. */
static const char *lacks(const struct choice *c) {
    const struct cp_diff_reading *silent = unknown(c->a, c->b);
    if (silent)
        return cp_arena_printf(c->arena,
                               "%s does not say its settings; --spec-%s does, 'activation=quick' or ''",
                               silent->asked->capture, silent == c->a ? "a" : "b");
    if (c->a->needs_tokens)
        return cp_arena_printf(c->arena, "%s has no %s, from which the text tower starts",
                               c->a->asked->capture, cp_schema[CP_SCHEMA_TOKENS].path);
    const struct cp_diff_reading *grafted = cp_diff_grafted(c->a, c->b);
    return grafted ? missing(c, cp_diff_fact(grafted, CP_CAPTURE_GRAFT_FROM)) : NULL;
}

/* ---- weights ---- */

/* Of two names of one file. */
static const char *whichever_is_here(const char *mine, const char *theirs) {
    return cp_checkpoint_is_here(mine) ? mine : theirs;
}

/* Gives B weights of its own where they are others than A's. */
static void choose_weights(struct choice *c) {
    const char *mine = checkpoint_of(c->diff, c->a), *theirs = checkpoint_of(c->diff, c->b);
    struct cp_model_source *source = &c->model->source;
    const struct cp_model_source *of_b = &c->b->said.model;
    if (mine) {
        source->checkpoint.text = mine;
        source->init = NULL;
    }
    const bool same = theirs && source->checkpoint.text &&
                      cp_diff_same_file(c->a, source->checkpoint.text, c->b, theirs, c->arena);
    if (theirs && !same)
        c->model->checkpoint_b = theirs;
    else if (same)
        source->checkpoint.text = whichever_is_here(source->checkpoint.text, theirs);
    const bool seeded = !theirs && of_b->init && !c->diff->checkpoint && !c->diff->seed;
    if (seeded && !(source->init && same_text(source->init, of_b->init) && source->seed == of_b->seed))
        c->why = "the captures are of different models; --model and --config decide";
}

/* Whether a checkpoint's tensors have the names and shapes of another's. */
static enum cp_status shapes_of(struct choice *c, const char *path, struct cp_clip_config *config) {
    struct cp_checkpoint *file;
    const char *as;
    CP_TRY(cp_state_dict_open(path, &file, c->err));
    const enum cp_status status = cp_shapes_config(file, path, c->arena, config, &as, c->err);
    cp_checkpoint_close(file);
    return status;
}

static enum cp_status check_shapes(struct choice *c) {
    struct cp_clip_config of_a, of_b;
    const char *mine = c->model->source.checkpoint.text, *theirs = c->model->checkpoint_b;
    if (!mine || !theirs || c->diff->a.checkpoint || c->diff->b.checkpoint)
        return CP_OK; /* who asks for them is told by loading them which tensor does not fit */
    CP_TRY(shapes_of(c, mine, &of_a));
    CP_TRY(shapes_of(c, theirs, &of_b));
    if (!cp_clip_config_same_shapes(&of_a, &of_b))
        c->why = cp_arena_printf(c->arena, "%s and %s have tensors of different shapes", mine, theirs);
    return CP_OK;
}

/* ---- configs ---- */

/* As text, whatever the activation. */
static const char *print_config(struct cp_clip_config config, struct cp_arena *arena) {
    config.activation_unknown = false;
    cp_clip_config_activate(&config, CP_CONFIG_ERF);
    return cp_clip_config_print(&config, arena);
}

/* By what it says, without a look into files. */
static bool says_same(struct choice *c, const struct cp_model_source *a, const struct cp_model_source *b) {
    return same_text(a->name.text, b->name.text) && same_text(a->load_as.text, b->load_as.text) &&
           (has_config(a) || !c->model->checkpoint_b) && a->force_quick_gelu == b->force_quick_gelu &&
           a->image_size == b->image_size &&
           (!a->load_as.text || same_text(a->pretrained.text, b->pretrained.text) ||
            cp_diff_same_file(c->a, a->pretrained.text, c->b, b->pretrained.text, c->arena)) &&
           cp_diff_same_file(c->a, a->config.text, c->b, b->config.text, c->arena);
}

/* Two configs that are the same but for the activation are one, and a setting. */
static enum cp_status compare_configs(struct choice *c) {
    struct cp_clip_config mine, theirs;
    struct cp_notes ignored = {0};
    struct cp_model_source *of_b = &c->b->said.model;
    if (c->diff->config || !is_named(c->b) || says_same(c, &c->model->source, of_b))
        return CP_OK;
    c->why = missing(c, of_b->config.text);
    if (!c->why && !has_config(of_b))
        c->why = missing(c, of_b->checkpoint.text);
    if (c->why)
        return CP_OK;
    CP_TRY(cp_model_source_config(&c->model->source, c->arena, &mine, &ignored, c->err));
    CP_TRY(cp_model_source_config(of_b, c->arena, &theirs, &ignored, c->err));
    const char *a = print_config(mine, c->arena), *b = print_config(theirs, c->arena);
    CP_TRY(CP_CHECK_ALLOC(a && b, c->err, "", "a diff"));
    if (strcmp(a, b) != 0)
        c->why = "the captures are of different models; --model and --config decide";
    else if (cp_clip_config_activation(&mine) != cp_clip_config_activation(&theirs))
        c->model->activation_b = cp_config_activation_names[cp_clip_config_activation(&theirs)];
    return CP_OK;
}

/* ---- the whole ---- */

static enum cp_status choose(struct choice *c) {
    const struct cp_diff *diff = c->diff;
    const struct cp_diff_reading *base = is_named(c->a) ? c->a : c->b;
    const bool asked = diff->checkpoint || diff->seed || diff->config || diff->a.checkpoint;
    struct cp_model_source *source = &c->model->source;
    *source = base->said.model;
    override(diff, source);
    if (source->config.text && !diff->config &&
        cp_diff_same_file(c->a, source->config.text, c->b, c->b->said.model.config.text, c->arena))
        source->config.text = whichever_is_here(source->config.text, c->b->said.model.config.text);
    choose_weights(c);
    if (!is_whole(base, source))
        c->why = "the captures do not say which model they are of; --model and --config do";
    c->why = c->why ? c->why : lacks(c);
    if (!c->why && !asked)
        c->why = missing(c, source->config.text);
    if (!c->why && !asked)
        c->why = missing(c, source->checkpoint.text);
    if (!c->why && !diff->b.checkpoint)
        c->why = missing(c, c->model->checkpoint_b);
    if (!c->why)
        CP_TRY(compare_configs(c));
    return c->why ? CP_OK : check_shapes(c);
}

/* A checkpoint that is asked for is never passed over, whether or not it would have been needed. */
static enum cp_status refuse_missing(const struct cp_diff *diff, struct cp_error *err) {
    const char *const asked[] = {diff->checkpoint, diff->a.checkpoint, diff->b.checkpoint};
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        struct cp_file file;
        if (!asked[i])
            continue;
        CP_TRY(cp_file_map(asked[i], &file, err));
        cp_file_unmap(&file);
    }
    return CP_OK;
}

enum cp_status cp_diff_choose(const struct cp_diff *diff, struct cp_diff_reading *a,
                              struct cp_diff_reading *b, struct cp_arena *arena, struct cp_diff_model *model,
                              const char **why, struct cp_error *err) {
    struct choice choice = {diff, a, b, arena, model, err, NULL};
    *model = (struct cp_diff_model){.checkpoint_b = NULL};
    *why = "";
    CP_TRY(refuse_missing(diff, err));
    if (diff->no_oracle)
        return CP_OK;
    CP_TRY(choose(&choice));
    *why = choice.why;
    return CP_OK;
}
