/* SPDX-License-Identifier: GPL-3.0-or-later
 * Whether what stands beside a model's weights agrees, and what each loader would therefore compute; nothing is run, and
 * of the weights only names, shapes and metadata are read. */
#ifndef CP_TASK_LINT_H
#define CP_TASK_LINT_H

#include "base/arena.h"
#include "config/clip_config.h"

/* What decides what is computed, and is in no tensor. */
enum cp_facet {
    CP_FACET_ACTIVATION,
    CP_FACET_EPS,
    CP_FACET_HEADS,
    CP_FACET_FAMILY, /* how the steps of a tower are put together (tap/family.h) */
    CP_FACET_POOLING,
    CP_FACET_MASK,
    CP_FACET_SIZE,
    CP_FACET_MEAN,
    CP_FACET_STD,
    CP_FACET_FILTER,
    CP_FACET_RESIZE,
    CP_FACET_CONTEXT,
    CP_FACET_TOKENIZER,
    CP_FACETS
};
extern const char *const cp_facet_names[CP_FACETS];

enum { CP_FACET_TEXT = 136 };

/* What one loader would compute, or one file says. */
struct cp_lint_view {
    const char *name;                     /* "open_clip 3", "config.json" */
    const char *cannot;                   /* why it says nothing; NULL: it does */
    char value[CP_FACETS][CP_FACET_TEXT]; /* "": nothing is said of that facet */
    bool differs[CP_FACETS];              /* of loaders: from the first that loads */
    struct cp_clip_config config;
};

enum { CP_LOADERS = 5, CP_LINT_SOURCES = 24 };

/* Sources that say different things of one facet or size; one source alone where its own file cannot be so. */
struct cp_lint_finding {
    const char *of;
    size_t count;
    struct cp_lint_says {
        const char *source, *value;
    } says[CP_LINT_SOURCES];
};

struct cp_lint {
    const char *path;
    struct cp_lint_view loader[CP_LOADERS];
    struct cp_lint_view
        source[CP_LINT_SOURCES]; /* config files, metadata, published weights: what they say */
    size_t sources;
    struct cp_lint_finding *findings;
    size_t count;
    const char **notes; /* what could not be compared */
    size_t note_count;
};

struct cp_lint_inputs {
    const char *path;              /* a folder or a checkpoint; NULL: a name alone */
    const char *name, *pretrained; /* open_clip.create_model(name, pretrained); NULL: not given */
};

/* Strings live in the arena. CP_BAD_INPUT: there is nothing to compare, or a file cannot be read at all. */
enum cp_status cp_lint(const struct cp_lint_inputs *inputs, struct cp_arena *arena, struct cp_lint *lint,
                       struct cp_error *err);

/* ---- between its parts ---- */

/* The facets of a config as text; of towers that it has. */
void cp_lint_view_fill(const struct cp_clip_config *config, struct cp_lint_view *view);

/* Two that differ, or one (b.source NULL); joined with what is found of the same already. Strings are copied. */
enum cp_status cp_lint_add(struct cp_lint *lint, struct cp_arena *arena, const char *of,
                           struct cp_lint_says a, struct cp_lint_says b, struct cp_error *err);
enum cp_status cp_lint_note(struct cp_lint *lint, struct cp_arena *arena, const char *note,
                            struct cp_error *err);
/* Another source, zeroed. */
struct cp_lint_view *cp_lint_source(struct cp_lint *lint, const char *name);

/* Every pair of sources, facet by facet and size by size. */
enum cp_status cp_lint_compare(struct cp_lint *lint, struct cp_arena *arena, struct cp_error *err);
/* Against what the tensors' shapes say. */
enum cp_status cp_lint_compare_shapes(struct cp_lint *lint, const char *weights,
                                      const struct cp_clip_config *shapes, struct cp_arena *arena,
                                      struct cp_error *err);

#endif
