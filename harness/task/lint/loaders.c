/* SPDX-License-Identifier: GPL-3.0-or-later
 * What each loader would make of the sources. */
#include "task/lint/parts.h"

#include <stdio.h>
#include <string.h>

enum { OPEN_CLIP_2, OPEN_CLIP_3, OPEN_CLIP_4, TRANSFORMERS, OPENAI };
static const struct {
    const char *name, *version;
} loaders[CP_LOADERS] = {[OPEN_CLIP_2] = {"open_clip 2.24", "open_clip-2.24"},
                         [OPEN_CLIP_3] = {"open_clip 3.3", "open_clip-3.3"},
                         [OPEN_CLIP_4] = {"open_clip 4.2", "open_clip-4.2"},
                         [TRANSFORMERS] = {"transformers", NULL},
                         [OPENAI] = {"OpenAI", NULL}};

const char *const cp_lint_newest = "open_clip-4.2";

struct cp_load_call cp_lint_call(const struct cp_lint_inputs *in, const char *version) {
    return (struct cp_load_call){version, in->name, in->pretrained ? in->pretrained : "./weights", false};
}

static const char *why_not(const struct cp_lint_weights *weights, enum cp_lint_naming naming) {
    return weights->config[naming] ? weights->config[naming] : weights->tensors[naming];
}

/* create_model by a name, given or that of the shapes; else of the folder's own config. */
static enum cp_status ask_open_clip(const struct cp_lint *lint, const struct cp_lint_inputs *in,
                                    const struct cp_lint_weights *weights, const char *version,
                                    struct cp_lint_view *view, struct cp_arena *arena, struct cp_error *err) {
    const struct cp_clip_config *own = cp_lint_config_of(lint, CP_LINT_OPEN_CLIP_CONFIG);
    const bool hf =
        cp_lint_config_of(lint, CP_LINT_HF_CONFIG) != NULL || weights->config[CP_LINT_TRANSFORMERS];
    struct cp_load_call call = cp_lint_call(in, version);
    struct cp_load_answer answer;
    view->cannot = why_not(weights, CP_LINT_OPEN_CLIP);
    if (!view->cannot && !in->name && own)
        return cp_lint_view_fill(own, view), CP_OK;
    if (!view->cannot && !in->name && (hf || !weights->as))
        view->cannot = hf ? "no open_clip_config.json" : "no name has these shapes";
    if (view->cannot)
        return CP_OK;
    call.name = in->name ? in->name : weights->as;
    CP_TRY(cp_load_as(&call, arena, &answer, err));
    cp_lint_view_fill(&answer.config, view);
    if (!in->name) /* NAME and NAME-quickgelu have the same shapes */
        (void)snprintf(view->value[CP_FACET_ACTIVATION], CP_FACET_TEXT, "by its name");
    return CP_OK;
}

static void ask_transformers(const struct cp_lint *lint, const struct cp_lint_weights *weights,
                             struct cp_lint_view *view) {
    const struct cp_clip_config *own = cp_lint_config_of(lint, CP_LINT_HF_CONFIG);
    view->cannot = why_not(weights, CP_LINT_TRANSFORMERS);
    if (!view->cannot && !own)
        view->cannot = "no config.json";
    if (!view->cannot)
        cp_lint_view_fill(own, view);
}

/* clip.load of a PyTorch file in OpenAI's names: model.py build_model reads all but this from the shapes. */
static void ask_openai(const struct cp_lint_weights *weights, struct cp_lint_view *view) {
    struct cp_clip_config config = weights->shapes;
    const struct cp_clip_config openai = cp_clip_config_default();
    if (!weights->openai || !cp_has_vision(&config) || !cp_has_text(&config)) {
        view->cannot = "no PyTorch file in OpenAI's names";
        return;
    }
    cp_clip_config_activate(&config, CP_CONFIG_QUICK);
    cp_clip_config_take_preprocessing(&config, &openai);
    config.vision.heads = config.vision.width / 64;
    config.text.heads = config.text.width / 64;
    config.vision.eps = config.text.eps = 1e-5;
    config.vision.family = config.text.family = CP_FAMILY_VIT;
    config.vision.pool_type = CP_POOL_TOKEN;
    config.text.pool_type = CP_POOL_ARGMAX;
    config.text.no_causal_mask = config.text.foreign_tokenizer = false;
    cp_lint_view_fill(&config, view);
}

static void mark_differences(struct cp_lint *lint) {
    const struct cp_lint_view *first = NULL;
    for (int l = 0; l < CP_LOADERS; l++) {
        struct cp_lint_view *view = &lint->loader[l];
        first = first || view->cannot ? first : view;
        for (int f = 0; f < CP_FACETS; f++)
            view->differs[f] = first && !view->cannot && strcmp(view->value[f], first->value[f]) != 0;
    }
}

enum cp_status cp_lint_ask(struct cp_lint *lint, const struct cp_lint_inputs *in,
                           const struct cp_lint_weights *weights, struct cp_arena *arena,
                           struct cp_error *err) {
    for (int l = 0; l < CP_LOADERS; l++) {
        struct cp_lint_view *view = &lint->loader[l];
        view->name = loaders[l].name;
        if (loaders[l].version)
            CP_TRY(ask_open_clip(lint, in, weights, loaders[l].version, view, arena, err));
    }
    ask_transformers(lint, weights, &lint->loader[TRANSFORMERS]);
    ask_openai(weights, &lint->loader[OPENAI]);
    mark_differences(lint);
    bool none = in->path != NULL;
    for (int l = 0; l < CP_LOADERS; l++)
        none = none && lint->loader[l].cannot;
    if (none)
        CP_TRY(cp_note(&lint->notes, arena, err, "no loader takes these files as they are"));
    if (in->name || cp_lint_config_of(lint, CP_LINT_OPEN_CLIP_CONFIG) || lint->loader[OPEN_CLIP_4].cannot)
        return CP_OK;
    return cp_note(&lint->notes, arena, err,
                   "open_clip takes the activation from the name that it is called with; %s has these "
                   "shapes, and --name "
                   "asks what it computes by that name",
                   weights->as);
}
