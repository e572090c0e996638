/* SPDX-License-Identifier: GPL-3.0-or-later
 * Whether what stands beside a model's weights agrees, and what each loader would therefore compute; nothing is run, and
 * of the weights only names, shapes and metadata are read. */
#ifndef CP_TASK_LINT_H
#define CP_TASK_LINT_H

#include "base/arena.h"
#include "base/notes.h"
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
    const char *name;                     /* "open_clip 3.3", "config.json" */
    const char *cannot;                   /* why it says nothing; NULL: it does */
    char value[CP_FACETS][CP_FACET_TEXT]; /* "": nothing is said of that facet */
    bool differs[CP_FACETS];              /* of loaders: from the first that loads */
    struct cp_clip_config config;
};

/* Sources: of each checkpoint its metadata, what it was published as and its shapes; five files, a name and a tag. */
enum { CP_LOADERS = 5, CP_LINT_WEIGHTS = 8, CP_LINT_SOURCES = 3 * CP_LINT_WEIGHTS + 7 };

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
        source[CP_LINT_SOURCES]; /* config files, metadata, shapes, published weights: what they say */
    size_t sources;
    struct cp_lint_finding *findings;
    size_t count;
    struct cp_notes notes; /* what could not be compared */
};

struct cp_lint_inputs {
    const char *path;              /* a folder or a checkpoint; NULL: a name alone */
    const char *name, *pretrained; /* open_clip.create_model(name, pretrained); NULL: not given */
};

/* Strings live in the arena. CP_BAD_INPUT: there is nothing to compare, or a file cannot be read at all. */
enum cp_status cp_lint(const struct cp_lint_inputs *inputs, struct cp_arena *arena, struct cp_lint *lint,
                       struct cp_error *err);

#endif
