/* SPDX-License-Identifier: GPL-3.0-or-later
 * Facets of configs as text. */
#include "task/lint/parts.h"

#include <stdio.h>
#include <string.h>

const char *const cp_facet_names[CP_FACETS] = {
    [CP_FACET_ACTIVATION] = "activation", [CP_FACET_EPS] = "eps",         [CP_FACET_HEADS] = "heads",
    [CP_FACET_FAMILY] = "order",          [CP_FACET_POOLING] = "pooling", [CP_FACET_MASK] = "mask",
    [CP_FACET_SIZE] = "image size",       [CP_FACET_MEAN] = "mean",       [CP_FACET_STD] = "std",
    [CP_FACET_FILTER] = "filter",         [CP_FACET_RESIZE] = "resize",   [CP_FACET_CONTEXT] = "context",
    [CP_FACET_TOKENIZER] = "tokenizer"};

/* Both towers' words, or one where they are the same or the other tower is not there. */
static void set_pair(const struct cp_clip_config *c, const char *vision, const char *text,
                     char value[CP_FACET_TEXT]) {
    const bool both = cp_has_vision(c) && cp_has_text(c) && strcmp(vision, text) != 0;
    (void)snprintf(value, CP_FACET_TEXT, "%s%s%s", cp_has_vision(c) ? vision : text, both ? ", " : "",
                   both ? text : "");
}

static void set_numbers(const struct cp_clip_config *c, const char *format, double vision, double text,
                        char value[CP_FACET_TEXT]) {
    char a[32], b[32];
    (void)snprintf(a, sizeof a, format, vision);
    (void)snprintf(b, sizeof b, format, text);
    set_pair(c, a, b, value);
}

static bool same_triple(const double *a, const double *b) {
    return a[0] == b[0] && a[1] == b[1] && a[2] == b[2];
}

/* A triple by the name that open_clip's constants.py has for it. */
static void set_triple(const double *x, bool std, char value[CP_FACET_TEXT]) {
    static const struct {
        const char *name;
        double mean[3], std[3];
    } known[] = {
        {"OpenAI", {0.48145466, 0.4578275, 0.40821073}, {0.26862954, 0.26130258, 0.27577711}},
        {"ImageNet", {0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (same_triple(std ? known[i].std : known[i].mean, x)) {
            (void)snprintf(value, CP_FACET_TEXT, "%s", known[i].name);
            return;
        }
    if (x[0] == x[1] && x[1] == x[2])
        (void)snprintf(value, CP_FACET_TEXT, "%.9g", x[0]);
    else
        (void)snprintf(value, CP_FACET_TEXT, "%.9g %.9g %.9g", x[0], x[1], x[2]);
}

static const char *family_word(enum cp_family_id family) {
    return cp_family_keys[family] ? cp_family_keys[family] : "plain";
}

static void fill_pictures(const struct cp_clip_config *c, struct cp_lint_view *view) {
    (void)snprintf(view->value[CP_FACET_SIZE], CP_FACET_TEXT, "%d", c->vision.image_size);
    set_triple(c->mean, false, view->value[CP_FACET_MEAN]);
    set_triple(c->std, true, view->value[CP_FACET_STD]);
    (void)snprintf(view->value[CP_FACET_FILTER], CP_FACET_TEXT, "%s", cp_resize_filter_names[c->filter]);
    (void)snprintf(view->value[CP_FACET_RESIZE], CP_FACET_TEXT, "%s", cp_resize_mode_names[c->resize_mode]);
}

void cp_lint_view_processor(const struct cp_hf_pictures *says, struct cp_lint_view *view) {
    (void)snprintf(view->value[CP_FACET_SIZE], CP_FACET_TEXT, "%s", says->size);
    (void)snprintf(view->value[CP_FACET_FILTER], CP_FACET_TEXT, "%s", says->filter);
    (void)snprintf(view->value[CP_FACET_RESIZE], CP_FACET_TEXT, "%s", says->resize);
    set_triple(says->mean, false, view->value[CP_FACET_MEAN]);
    set_triple(says->std, true, view->value[CP_FACET_STD]);
}

static void fill_text(const struct cp_clip_config *c, struct cp_lint_view *view) {
    const struct cp_text_config *t = &c->text;
    const char *other = t->hf_tokenizer_name[0] ? t->hf_tokenizer_name : "not CLIP's";
    (void)snprintf(view->value[CP_FACET_MASK], CP_FACET_TEXT, "%s", t->no_causal_mask ? "none" : "causal");
    (void)snprintf(view->value[CP_FACET_CONTEXT], CP_FACET_TEXT, "%d", t->context_length);
    (void)snprintf(view->value[CP_FACET_TOKENIZER], CP_FACET_TEXT, "%s",
                   t->foreign_tokenizer ? other : CP_LINT_CLIP_TOKENIZER);
}

void cp_lint_view_fill(const struct cp_clip_config *c, struct cp_lint_view *view) {
    static const char *const images[] = {[CP_POOL_TOKEN] = "tok", [CP_POOL_AVG] = "avg"};
    const struct cp_vision_config *v = &c->vision;
    const struct cp_text_config *t = &c->text;
    char eos[32];
    (void)snprintf(eos, sizeof eos, "eos %d", (int)t->eos_id);
    const char *texts[] = {
        [CP_POOL_ARGMAX] = "argmax", [CP_POOL_FIRST] = "first", [CP_POOL_LAST] = "last", [CP_POOL_EOS] = eos};
    view->config = *c;
    if (!c->activation_unknown)
        set_pair(c, cp_config_activation_names[v->activation], cp_config_activation_names[t->activation],
                 view->value[CP_FACET_ACTIVATION]);
    set_numbers(c, "%.9g", v->eps, t->eps, view->value[CP_FACET_EPS]);
    set_numbers(c, "%.0f", v->heads, t->heads, view->value[CP_FACET_HEADS]);
    set_pair(c, family_word(v->family), family_word(t->family), view->value[CP_FACET_FAMILY]);
    set_pair(c, cp_has_vision(c) ? images[v->pool_type] : "", cp_has_text(c) ? texts[t->pool_type] : "",
             view->value[CP_FACET_POOLING]);
    if (cp_has_vision(c))
        fill_pictures(c, view);
    if (cp_has_text(c))
        fill_text(c, view);
}

struct cp_lint_view *cp_lint_source(struct cp_lint *lint, const char *name) {
    struct cp_lint_view *view = &lint->source[lint->sources++];
    *view = (struct cp_lint_view){.name = name};
    return view;
}

const struct cp_clip_config *cp_lint_config_of(const struct cp_lint *lint, const char *name) {
    for (size_t i = 0; i < lint->sources; i++)
        if (strcmp(lint->source[i].name, name) == 0)
            return &lint->source[i].config;
    return NULL;
}
