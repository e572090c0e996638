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

enum cp_status cp_load_call_pass(const struct cp_model_source *source, const struct cp_candidate *pass,
                                 struct cp_arena *arena, const char **activation, struct cp_notes *notes,
                                 struct cp_error *err) {
    struct cp_load_call call = cp_load_call_of(source);
    const struct cp_setting *last = NULL;
    struct cp_load_answer answer;
    *activation = NULL;
    for (size_t i = 0; i < pass->count; i++)
        if (cp_is_load_setting(pass->settings[i].address)) {
            last = &pass->settings[i];
            CP_TRY(take(&call, last, err));
        }
    if (!last)
        return CP_OK;
    if (!source->load_as.text) {
        (void)cp_fail(err, CP_BAD_INPUT, "", "%s of a pass, but the model has no load_as", last->address);
        (void)cp_expected(err, "model: {load_as: open_clip-2.24, name: NAME, pretrained: TAG or PATH, ...}");
        return cp_mark_within(&last->mark, err);
    }
    if (cp_load_call_answer(&call, pass->name, arena, &answer, notes, err) != CP_OK)
        return cp_mark_within(&last->mark, err);
    *activation = answer.quick_gelu ? "quick" : "erf";
    return CP_OK;
}
