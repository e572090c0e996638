/* SPDX-License-Identifier: GPL-3.0-or-later
 * Asks config/load_as.h, and says what the call computes. */
#include "run/load_call.h"

#include <string.h>

/* How pictures are made, where it is not as OpenAI made them. */
static const char *pictures_of(const struct cp_clip_config *c, struct cp_arena *arena) {
    const struct cp_clip_config openai = cp_clip_config_default();
    if (cp_clip_config_same_preprocessing(c, &openai))
        return "";
    return cp_arena_printf(arena, "pictures by %s, %s, mean %g %g %g, std %g %g %g; ",
                           cp_resize_filter_names[c->filter], cp_resize_mode_names[c->resize_mode],
                           c->mean[0], c->mean[1], c->mean[2], c->std[0], c->std[1], c->std[2]);
}

enum cp_status cp_load_call_answer(const struct cp_load_call *call, const char *of, struct cp_arena *arena,
                                   struct cp_load_answer *answer, struct cp_notes *notes,
                                   struct cp_error *err) {
    CP_TRY(cp_load_as(call, arena, answer, err));
    return cp_note(
        notes, arena, err, "%s: open_clip %s, create_model('%s', pretrained='%s'%s) computes %s, %s; %s%s%s",
        of, answer->version, call->name, call->pretrained,
        call->force_quick_gelu ? ", force_quick_gelu=True" : "", answer->quick_gelu ? "QuickGELU" : "GELU",
        answer->why, pictures_of(&answer->config, arena),
        answer->warning ? "it warns: " : "it gives no warning", answer->warning ? answer->warning : "");
}

struct cp_load_call cp_load_call_of(const struct cp_model_source *source) {
    return (struct cp_load_call){source->load_as.text, source->name.text, source->pretrained.text,
                                 source->force_quick_gelu};
}

/* ---- a pass's own call ---- */

enum { LOAD_AS, NAME, PRETRAINED, FORCE, LOAD_SETTINGS };
static const char *const load_settings[LOAD_SETTINGS] = {"load_as", "name", "pretrained", "force_quick_gelu"};

static int load_setting(const char *address) {
    int i = 0;
    while (i < LOAD_SETTINGS && strcmp(address, load_settings[i]) != 0)
        i++;
    return i;
}

bool cp_is_load_setting(const char *address) {
    return load_setting(address) < LOAD_SETTINGS;
}

static enum cp_status take(struct cp_load_call *call, const struct cp_setting *setting,
                           struct cp_error *err) {
    const char *const value = setting->value;
    switch (load_setting(setting->address)) {
    case LOAD_AS:
        call->version = value;
        return CP_OK;
    case NAME:
        call->name = value;
        return CP_OK;
    case PRETRAINED:
        call->pretrained = value;
        return CP_OK;
    default:
        call->force_quick_gelu = strcmp(value, "on") == 0 || strcmp(value, "true") == 0;
        if (call->force_quick_gelu || strcmp(value, "off") == 0 || strcmp(value, "false") == 0)
            return CP_OK;
        (void)cp_fail(err, CP_BAD_INPUT, "", "force_quick_gelu: '%.60s'", value);
        (void)cp_expected(err, "on or off");
        return cp_mark_within(&setting->mark, err);
    }
}

/* The model's call with a pass's own settings of it. *last: of these; NULL: it has none. */
static enum cp_status call_of_pass(const struct cp_model_source *source, const struct cp_candidate *pass,
                                   struct cp_load_call *call, const struct cp_setting **last,
                                   struct cp_error *err) {
    *call = cp_load_call_of(source);
    *last = NULL;
    for (size_t i = 0; i < pass->count; i++)
        if (cp_is_load_setting(pass->settings[i].address)) {
            *last = &pass->settings[i];
            CP_TRY(take(call, *last, err));
        }
    if (!*last || source->load_as.text)
        return CP_OK;
    (void)cp_fail(err, CP_BAD_INPUT, "", "%s of a pass, but the model has no load_as", (*last)->address);
    (void)cp_expected(err, "model: {load_as: open_clip-2.24, name: NAME, pretrained: TAG or PATH, ...}");
    return cp_mark_within(&(*last)->mark, err);
}

/* Pictures as the call makes them: what a pass can set it sets, and all passes have one mean and std. */
static enum cp_status set_pictures(struct cp_spec *spec, const struct cp_clip_config *of_call,
                                   const struct cp_setting *last, struct cp_error *err) {
    const struct cp_clip_config *c = spec->config;
    const int *option = cp_spec_at(spec, CP_VISUAL, -1)->option;
    if (!cp_has_vision(c) || cp_clip_config_same_preprocessing(of_call, c))
        return CP_OK;
    if (!cp_clip_config_same_colours(of_call, c)) {
        (void)cp_fail(err, CP_BAD_INPUT, "",
                      "%s: that call normalises pictures by another mean and std than the model's",
                      last->address);
        (void)cp_expected(
            err,
            "mean %g %g %g and std %g %g %g, which all passes share; or the pass as a run of its own, "
            "to which `clip-parity diff` compares",
            c->mean[0], c->mean[1], c->mean[2], c->std[0], c->std[1], c->std[2]);
        return cp_mark_within(&last->mark, err);
    }
    if (option[CP_PREPROCESS_FILTER] != (int)of_call->filter)
        CP_TRY(cp_spec_set(spec, "preprocess.filter", cp_resize_filter_names[of_call->filter], err));
    if (option[CP_PREPROCESS_MODE] != (int)of_call->resize_mode)
        CP_TRY(cp_spec_set(spec, "preprocess.mode", cp_resize_mode_names[of_call->resize_mode], err));
    return CP_OK;
}

enum cp_status cp_load_call_apply(const struct cp_model_source *source, const struct cp_candidate *pass,
                                  struct cp_spec *spec, struct cp_arena *arena, struct cp_notes *notes,
                                  struct cp_error *err) {
    const struct cp_setting *last;
    struct cp_load_call call;
    struct cp_load_answer answer;
    CP_TRY(call_of_pass(source, pass, &call, &last, err));
    if (!last)
        return CP_OK;
    if (cp_load_call_answer(&call, pass->name, arena, &answer, notes, err) != CP_OK)
        return cp_mark_within(&last->mark, err);
    CP_TRY(cp_spec_set(spec, "activation", answer.quick_gelu ? "quick" : "erf", err));
    return set_pictures(spec, &answer.config, last, err);
}
