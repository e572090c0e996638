/* SPDX-License-Identifier: GPL-3.0-or-later
 * KEY=VALUE of experiments and ADDRESS=VALUE of components: names first, behind the '=' the words that each may have. */
#include "option/candidate.h"

#include "experiment/field.h"
#include "spec/spec.h"

#include <string.h>

/* What is typed behind what is fixed. */
static const char *typed_part(const struct cp_candidates *c) {
    return c->typed + c->fixed;
}

static void offer_assignment(struct cp_candidates *c, const char *name, const char *help) {
    char word[256];
    (void)snprintf(word, sizeof word, "%s=", name);
    cp_candidate(c, word, help);
}

/* ---- ADDRESS=VALUE ---- */

static void offer_names(struct cp_candidates *c) {
    char address[128];
    for (int i = 0; i < CP_COMPONENT_COUNT; i++)
        offer_assignment(c, cp_components[i]->name, cp_components[i]->what);
    for (int k = 0; k < CP_KNOB_COUNT; k++) {
        (void)snprintf(address, sizeof address, "%s.%s", cp_components[cp_knob_component(k)]->name,
                       cp_knob(k)->name);
        offer_assignment(c, address, cp_knob(k)->what);
    }
    offer_assignment(c, "precision", "precision of weights and arithmetic, as in open_clip");
}

static bool is_named(const char *address, size_t length, const char *component, const char *knob) {
    char name[128];
    const int size = snprintf(name, sizeof name, "%s%s%s", component, knob ? "." : "", knob ? knob : "");
    return size >= 0 && (size_t)size == length && strncmp(address, name, length) == 0;
}

static void offer_variants(struct cp_candidates *c, const struct cp_component *component) {
    const struct cp_variant *variant;
    if (component->automatic)
        cp_candidate(c, "auto", component->automatic);
    for (int v = 0; (variant = component->variant(cp_ops_find(NULL), v)) != NULL; v++)
        cp_candidate(c, variant->name, variant->formula);
}

/* address: "activation@visual.3", of which length bytes are before the layers. */
static void offer_values(struct cp_candidates *c, const char *address, size_t length) {
    for (int i = 0; i < CP_COMPONENT_COUNT; i++)
        if (is_named(address, length, cp_components[i]->name, NULL))
            offer_variants(c, cp_components[i]);
    for (int k = 0; k < CP_KNOB_COUNT; k++) {
        const struct cp_knob *knob = cp_knob(k);
        if (is_named(address, length, cp_components[cp_knob_component(k)]->name, knob->name))
            for (const char *const *option = knob->options; option && *option; option++)
                cp_candidate(c, *option, "");
    }
    for (const char *const *name = cp_precision_names; is_named(address, length, "precision", NULL) && *name;
         name++)
        cp_candidate(c, *name, "");
}

static void offer_setting(struct cp_candidates *c) {
    const char *address = typed_part(c), *equals = strchr(address, '=');
    if (!equals) {
        offer_names(c);
        return;
    }
    c->fixed += (size_t)(equals - address) + 1;
    offer_values(c, address, strcspn(address, "@="));
}

void cp_candidates_settings(struct cp_candidates *c) {
    const char *comma = strrchr(typed_part(c), ',');
    if (comma)
        c->fixed = (size_t)(comma - c->typed) + 1;
    offer_setting(c);
}

/* ---- KEY=VALUE ---- */

/* Whether a key's value, in words, is a file. */
static bool is_file(const struct cp_key *key) {
    return key->form && (strncmp(key->form, "path", 4) == 0 || strncmp(key->form, "FILE", 4) == 0);
}

static void offer_key_values(struct cp_candidates *c, const struct cp_key *key) {
    if (key->word)
        cp_candidate(c, key->word, "");
    if (key->kind == CP_KEY_BOOLEAN || key->kind == CP_KEY_COUNT) {
        cp_candidate(c, "on", "");
        cp_candidate(c, "off", "");
    }
    for (const char *const *choice = key->choices; choice && *choice; choice++)
        cp_candidate(c, *choice, "");
    if (strcmp(key->path, "graft.at") == 0)
        cp_candidates_print(c, CP_WORD_TAP);
    c->files = c->files || is_file(key);
}

/* Where settings begin in a word such as "baseline.act" or "candidates.NAME.act"; NULL: it is none of key's. */
static const char *settings_of(const struct cp_key *key, const char *word) {
    const size_t length = strlen(key->path);
    if (!key->parts || !key->form || !strstr(key->form, "ADDRESS") || strncmp(word, key->path, length) != 0 ||
        word[length] != '.')
        return NULL;
    const char *dot = word + length;
    for (int part = 1; part < key->parts && dot; part++)
        dot = strchr(dot + 1, '.');
    return dot ? dot + 1 : NULL;
}

static void offer_keys(struct cp_candidates *c) {
    for (size_t k = 0; k < cp_key_count; k++)
        if (cp_keys[k].kind != CP_KEY_SECTION)
            offer_assignment(c, cp_keys[k].path, cp_keys[k].help);
}

void cp_candidates_key(struct cp_candidates *c) {
    const char *word = typed_part(c), *equals = strchr(word, '=');
    const size_t fixed = c->fixed, length = strcspn(word, "=");
    for (size_t k = 0; k < cp_key_count; k++) {
        const char *settings = settings_of(&cp_keys[k], word);
        c->fixed = settings ? (size_t)(settings - c->typed) : fixed + length + 1;
        if (settings)
            offer_setting(c);
        else if (equals && strlen(cp_keys[k].path) == length && strncmp(word, cp_keys[k].path, length) == 0)
            offer_key_values(c, &cp_keys[k]);
    }
    c->fixed = fixed;
    if (!equals)
        offer_keys(c);
}
