/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which sources differ, facet by facet and size by size, and the findings that come of it. */
#include "task/lint/parts.h"

#include <string.h>

/* ---- findings ---- */

static enum cp_status join_says(struct cp_lint_finding *finding, struct cp_arena *arena,
                                struct cp_lint_says says, struct cp_error *err) {
    for (size_t i = 0; i < finding->count; i++)
        if (strcmp(finding->says[i].source, says.source) == 0 &&
            strcmp(finding->says[i].value, says.value) == 0)
            return CP_OK;
    if (finding->count == CP_LINT_SOURCES)
        return CP_OK; /* enough to see it */
    struct cp_lint_says *to = &finding->says[finding->count++];
    *to = (struct cp_lint_says){cp_arena_strdup(arena, says.source), cp_arena_strdup(arena, says.value)};
    return CP_CHECK_ALLOC(to->source && to->value, err, "", "a finding");
}

enum cp_status cp_lint_add(struct cp_lint *lint, struct cp_arena *arena, const char *of,
                           struct cp_lint_says a, struct cp_lint_says b, struct cp_error *err) {
    size_t at = 0;
    CP_TRY(CP_CHECK_ALLOC(of && a.source && a.value && (!b.source || b.value), err, "", "a finding"));
    while (at < lint->count && strcmp(lint->findings[at].of, of) != 0)
        at++;
    if (at == lint->count) {
        struct cp_lint_finding *all = cp_arena_calloc(arena, lint->count + 1, sizeof *all);
        CP_TRY(CP_CHECK_ALLOC(all, err, "", "a finding"));
        if (lint->count)
            memcpy(all, lint->findings, lint->count * sizeof *all);
        lint->findings = all;
        all[lint->count++].of = of;
    }
    CP_TRY(join_says(&lint->findings[at], arena, a, err));
    return b.source ? join_says(&lint->findings[at], arena, b, err) : CP_OK;
}

enum cp_status cp_lint_add_error(struct cp_lint *lint, struct cp_arena *arena, const char *of,
                                 const char *source, const char *path, const struct cp_error *why,
                                 struct cp_error *err) {
    char line[1200];
    cp_error_line_in(why, path, line, sizeof line);
    return cp_lint_add(lint, arena, of, (struct cp_lint_says){source, line},
                       (struct cp_lint_says){NULL, NULL}, err);
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
        const bool projected = !v->no_proj && !t->no_proj; /* else embed_dim is the width of a lone tower */
        const bool there = i == 0 ? projected : i < 8 ? images : i < 15 ? texts : images && texts;
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

bool cp_lint_same_sizes(const struct cp_clip_config *a, const struct cp_clip_config *b) {
    int x[SIZES], y[SIZES];
    bool same = true;
    sizes_of(a, x);
    sizes_of(b, y);
    for (int i = 0; i < SIZES; i++)
        same = same && (x[i] < 0 || y[i] < 0 || x[i] == y[i]);
    return same;
}

/* ---- comparing ---- */

/* Of tokenizers that are not CLIP's, one file says the class and another the name on the hub. */
static bool may_be_same(int facet, const char *a, const char *b) {
    return strcmp(a, b) == 0 || (facet == CP_FACET_TOKENIZER && strcmp(a, CP_LINT_CLIP_TOKENIZER) != 0 &&
                                 strcmp(b, CP_LINT_CLIP_TOKENIZER) != 0);
}

static enum cp_status compare_facets(struct cp_lint *lint, const struct cp_lint_view *a,
                                     const struct cp_lint_view *b, struct cp_arena *arena,
                                     struct cp_error *err) {
    for (int f = 0; f < CP_FACETS; f++)
        if (a->value[f][0] && b->value[f][0] && !may_be_same(f, a->value[f], b->value[f]))
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
