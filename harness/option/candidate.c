/* SPDX-License-Identifier: GPL-3.0-or-later
 * A function for each kind of word. */
#include "option/candidate.h"

#include "base/escape.h"
#include "config/clip_config.h"
#include "tap/tap.h"
#include "text/tokenizer.h"

#include <stdlib.h>
#include <string.h>

void cp_candidate(struct cp_candidates *c, const char *word, const char *help) {
    char whole[512];
    const int length = snprintf(whole, sizeof whole, "%.*s%s", (int)c->fixed, c->typed, word);
    if (length < 0 || (size_t)length >= sizeof whole || strncmp(whole, c->typed, strlen(c->typed)) != 0)
        return;
    if (c->takes && !c->takes(whole))
        return;
    cp_print(c->out, "%s\t%s\n", whole, help);
    c->unfinished = c->unfinished || strchr("=.", whole[length - 1]);
}

static void offer_files(struct cp_candidates *c) {
    c->files = true;
}

static void offer_choices(struct cp_candidates *c) {
    for (const char *const *choice = c->choices; *choice; choice++)
        cp_candidate(c, *choice, "");
}

/* ---- taps ---- */

/* The layer in "visual.4.ml", which is offered with every point of a block; 0 where none is typed. */
static long typed_layer(const char *typed) {
    const char *dot = strchr(typed, '.');
    return dot ? strtol(dot + 1, NULL, 10) : 0;
}

static void offer_taps(struct cp_candidates *c) {
    const long layer = typed_layer(c->typed + c->fixed);
    for (int p = 0; p < CP_POINT_COUNT; p++)
        for (int t = 0; t <= CP_TOWERS; t++) {
            const char *name = cp_point_name((enum cp_point)p, (enum cp_tower)t);
            char tap[128];
            if (!name)
                continue;
            if (cp_points[p].in_block)
                (void)snprintf(tap, sizeof tap, "%s.%ld%s%s", cp_tower_words[t].name, layer,
                               name[0] ? "." : "", name);
            else
                (void)snprintf(tap, sizeof tap, "%s", name);
            cp_candidate(c, tap, cp_points[p].what);
        }
}

static void offer_outputs(struct cp_candidates *c) {
    static const enum cp_point outputs[] = {CP_FEATURES, CP_PROBS, CP_CLASS_PROBS};
    for (size_t o = 0; o < sizeof outputs / sizeof outputs[0]; o++)
        for (int t = 0; t <= CP_TOWERS; t++) {
            const char *name = cp_point_name(outputs[o], (enum cp_tower)t);
            if (name)
                cp_candidate(c, name, cp_points[outputs[o]].what);
        }
}

/* ---- names ---- */

static void offer_models(struct cp_candidates *c) {
    struct cp_arena arena = {0};
    struct cp_error ignored; /* nobody is there to be told */
    const char **names;
    size_t count;
    if (cp_clip_config_names(&arena, &names, &count, &ignored) == CP_OK)
        for (size_t n = 0; n < count; n++)
            cp_candidate(c, names[n], "");
    cp_arena_free(&arena);
}

static void offer_activations(struct cp_candidates *c) {
    for (int a = 0; a < CP_CONFIG_ACTIVATIONS; a++)
        cp_candidate(c, cp_config_activation_names[a], "");
}

static void offer_tokenizers(struct cp_candidates *c) {
    const struct cp_tokenizer_variant *variant;
    for (int v = 0; (variant = cp_tokenizer_variant(v)) != NULL; v++)
        cp_candidate(c, variant->info.name, variant->info.formula);
}

/* ---- by kind ---- */

static void (*const offers[CP_WORD_KINDS])(struct cp_candidates *c) = {
    [CP_WORD_TEXT] = NULL,
    [CP_WORD_FILE] = offer_files,
    [CP_WORD_CHOICE] = offer_choices,
    [CP_WORD_SETTINGS] = cp_candidates_settings,
    [CP_WORD_KEY] = cp_candidates_key,
    [CP_WORD_TAP] = offer_taps,
    [CP_WORD_OUTPUT] = offer_outputs,
    [CP_WORD_MODEL] = offer_models,
    [CP_WORD_ACTIVATION] = offer_activations,
    [CP_WORD_TOKENIZER] = offer_tokenizers,
};

void cp_candidates_print(struct cp_candidates *c, enum cp_word_kind kind) {
    if (offers[kind])
        offers[kind](c);
}
