/* SPDX-License-Identifier: GPL-3.0-or-later
 * Facets and sizes of configs as text, and which pairs of sources differ in them. */
#include "task/lint.h"

#include <stdio.h>
#include <string.h>

const char *const cp_facet_names[CP_FACETS] = {
    [CP_FACET_ACTIVATION] = "activation", [CP_FACET_EPS] = "eps",         [CP_FACET_HEADS] = "heads",
    [CP_FACET_FAMILY] = "order",          [CP_FACET_POOLING] = "pooling", [CP_FACET_MASK] = "mask",
    [CP_FACET_SIZE] = "image size",       [CP_FACET_MEAN] = "mean",       [CP_FACET_STD] = "std",
    [CP_FACET_FILTER] = "filter",         [CP_FACET_RESIZE] = "resize",   [CP_FACET_CONTEXT] = "context",
    [CP_FACET_TOKENIZER] = "tokenizer"};

/* ---- text ---- */

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

static void fill_vision(const struct cp_clip_config *c, struct cp_lint_view *view) {
    (void)snprintf(view->value[CP_FACET_SIZE], CP_FACET_TEXT, "%d", c->vision.image_size);
    set_triple(c->mean, false, view->value[CP_FACET_MEAN]);
    set_triple(c->std, true, view->value[CP_FACET_STD]);
    (void)snprintf(view->value[CP_FACET_FILTER], CP_FACET_TEXT, "%s", cp_resize_filter_names[c->filter]);
    (void)snprintf(view->value[CP_FACET_RESIZE], CP_FACET_TEXT, "%s", cp_resize_mode_names[c->resize_mode]);
}

static void fill_text(const struct cp_clip_config *c, struct cp_lint_view *view) {
    const struct cp_text_config *t = &c->text;
    (void)snprintf(view->value[CP_FACET_MASK], CP_FACET_TEXT, "%s", t->no_causal_mask ? "none" : "causal");
    (void)snprintf(view->value[CP_FACET_CONTEXT], CP_FACET_TEXT, "%d", t->context_length);
    (void)snprintf(view->value[CP_FACET_TOKENIZER], CP_FACET_TEXT, "%s",
                   !t->foreign_tokenizer     ? "CLIP BPE"
                   : t->hf_tokenizer_name[0] ? t->hf_tokenizer_name
                                             : "not CLIP's");
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
        fill_vision(c, view);
    if (cp_has_text(c))
        fill_text(c, view);
}

/* ---- sizes, which shapes also tell ---- */

enum { SIZES = 16 };
static const char *const size_names[SIZES] = {
    "embed_dim",    "patch size",           "patches a side",
    "image layers", "image width",          "image MLP",
    "ln_pre",       "LayerScale of images", "context length",
    "vocabulary",   "text layers",          "text width",
    "text MLP",     "LayerScale of texts",  "bias of the text projection",
    "logit_bias"};

/* -1 where the config has no such tower. */
static void sizes_of(const struct cp_clip_config *c, int size[SIZES]) {
    const struct cp_vision_config *v = &c->vision;
    const struct cp_text_config *t = &c->text;
    const bool images = cp_has_vision(c), texts = cp_has_text(c);
    const int all[SIZES] = {c->embed_dim,     v->patch_size,  images ? v->image_size / v->patch_size : 0,
                            v->layers,        v->width,       v->mlp_width,
                            !v->no_ln_pre,    v->layer_scale, t->context_length,
                            t->vocab_size,    t->layers,      t->width,
                            t->mlp_width,     t->layer_scale, t->proj_bias,
                            c->has_logit_bias};
    for (int i = 0; i < SIZES; i++) {
        const bool there = i == 0 || (i < 8 ? images : i < 15 ? texts : images && texts);
        size[i] = there ? all[i] : -1;
    }
}

static const char *size_text(int i, int size, struct cp_arena *arena) {
    const bool is_flag = i == 6 || i == 7 || i >= 13;
    return is_flag ? size ? "yes" : "none" : cp_arena_printf(arena, "%d", size);
}

static enum cp_status compare_sizes(struct cp_lint *lint, const char *of_a, const struct cp_clip_config *a,
                                    const char *of_b, const struct cp_clip_config *b, struct cp_arena *arena,
                                    struct cp_error *err) {
    int x[SIZES], y[SIZES];
    sizes_of(a, x);
    sizes_of(b, y);
    for (int i = 0; i < SIZES; i++)
        if (x[i] >= 0 && y[i] >= 0 && x[i] != y[i])
            CP_TRY(cp_lint_add(lint, arena, size_names[i],
                               (struct cp_lint_says){of_a, size_text(i, x[i], arena)},
                               (struct cp_lint_says){of_b, size_text(i, y[i], arena)}, err));
    return CP_OK;
}

/* ---- comparing ---- */

static enum cp_status compare_facets(struct cp_lint *lint, const struct cp_lint_view *a,
                                     const struct cp_lint_view *b, struct cp_arena *arena,
                                     struct cp_error *err) {
    for (int f = 0; f < CP_FACETS; f++)
        if (a->value[f][0] && b->value[f][0] && strcmp(a->value[f], b->value[f]) != 0)
            CP_TRY(cp_lint_add(lint, arena, cp_facet_names[f], (struct cp_lint_says){a->name, a->value[f]},
                               (struct cp_lint_says){b->name, b->value[f]}, err));
    return CP_OK;
}

enum cp_status cp_lint_compare(struct cp_lint *lint, struct cp_arena *arena, struct cp_error *err) {
    for (size_t j = 1; j < lint->sources; j++)
        for (size_t i = 0; i < j; i++) {
            const struct cp_lint_view *a = &lint->source[i], *b = &lint->source[j];
            CP_TRY(compare_facets(lint, a, b, arena, err));
            if (a->config.embed_dim && b->config.embed_dim)
                CP_TRY(compare_sizes(lint, a->name, &a->config, b->name, &b->config, arena, err));
        }
    return CP_OK;
}

enum cp_status cp_lint_compare_shapes(struct cp_lint *lint, const char *weights,
                                      const struct cp_clip_config *shapes, struct cp_arena *arena,
                                      struct cp_error *err) {
    for (size_t i = 0; i < lint->sources; i++)
        if (lint->source[i].config.embed_dim)
            CP_TRY(compare_sizes(lint, lint->source[i].name, &lint->source[i].config, weights, shapes, arena,
                                 err));
    return CP_OK;
}
