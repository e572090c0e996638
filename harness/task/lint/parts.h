/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the parts of lint share: files that were found, what they say, findings, and loaders. */
#ifndef CP_TASK_LINT_PARTS_H
#define CP_TASK_LINT_PARTS_H

#include "config/hf_folder.h"
#include "config/load_as.h"
#include "task/lint/lint.h"

/* Sources by the names of their files. */
#define CP_LINT_OPEN_CLIP_CONFIG "open_clip_config.json"
#define CP_LINT_HF_CONFIG "config.json"

#define CP_LINT_TOKENIZER_CONFIG "tokenizer_config.json"
#define CP_LINT_TOKENIZER "tokenizer.json"

/* The facet of OpenAI's own. */
#define CP_LINT_CLIP_TOKENIZER "CLIP BPE"

/* Paths of what is there; NULL: it is not. */
struct cp_lint_found {
    const char *beside; /* of a config.json in the folder, which need not be there; NULL: a file alone */
    const char *open_clip_config, *hf_config;
    const char *weights[CP_LINT_WEIGHTS + 1]; /* NULL: no more */
    const char *names[CP_LINT_WEIGHTS];       /* without the folder */
};

/* Whose names a loader wants: OpenAI's or open_clip's, or those of Hugging Face's classes. */
enum cp_lint_naming { CP_LINT_OPEN_CLIP, CP_LINT_TRANSFORMERS, CP_LINT_NAMINGS };

/* What is known from all of them together. */
struct cp_lint_weights {
    struct cp_clip_config shapes; /* embed_dim 0: they tell nothing */
    const char *as;               /* the name with these shapes, or NULL */
    bool openai;                  /* clip.load takes one of them */
    /* Why a loader does not take its config, or any of the files of tensors; NULL: nothing is known against it. */
    const char *config[CP_LINT_NAMINGS], *tensors[CP_LINT_NAMINGS];
};

/* Fills lint->source, and compares. */
enum cp_status cp_lint_read(struct cp_lint *lint, const struct cp_lint_inputs *in,
                            const struct cp_lint_found *found, struct cp_lint_weights *weights,
                            struct cp_arena *arena, struct cp_error *err);
/* The part of it that transformers' files have. */
enum cp_status cp_lint_read_hf(struct cp_lint *lint, const struct cp_lint_found *found,
                               struct cp_lint_weights *weights, struct cp_arena *arena, struct cp_error *err);
/* The tokenizer's files in the folder of path, against every config of texts that was read before. */
enum cp_status cp_lint_read_tokenizer(struct cp_lint *lint, const char *path, struct cp_arena *arena,
                                      struct cp_error *err);
/* Fills lint->loader from the sources. */
enum cp_status cp_lint_ask(struct cp_lint *lint, const struct cp_lint_inputs *in,
                           const struct cp_lint_weights *weights, struct cp_arena *arena,
                           struct cp_error *err);
extern const char *const cp_lint_newest; /* version of open_clip */
/* create_model by the name that is given; without a tag, of a file. */
struct cp_load_call cp_lint_call(const struct cp_lint_inputs *in, const char *version);

/* The facets of a config as text; of towers that it has. */
void cp_lint_view_fill(const struct cp_clip_config *config, struct cp_lint_view *view);
/* What an image processor of transformers says. */
void cp_lint_view_processor(const struct cp_hf_pictures *says, struct cp_lint_view *view);

/* Two that differ, or one (b.source NULL); joined with what is found of the same already. Strings are copied. */
enum cp_status cp_lint_add(struct cp_lint *lint, struct cp_arena *arena, const char *of,
                           struct cp_lint_says a, struct cp_lint_says b, struct cp_error *err);
/* What a file says and cannot say, in the words of the error; without the path that its place begins with. */
enum cp_status cp_lint_add_error(struct cp_lint *lint, struct cp_arena *arena, const char *of,
                                 const char *source, const char *path, const struct cp_error *why,
                                 struct cp_error *err);
/* Another source, zeroed. */
struct cp_lint_view *cp_lint_source(struct cp_lint *lint, const char *name);
/* The config of the source of that name; NULL: there is none. */
const struct cp_clip_config *cp_lint_config_of(const struct cp_lint *lint, const char *name);

/* Every pair of sources, facet by facet and size by size. */
enum cp_status cp_lint_compare(struct cp_lint *lint, struct cp_arena *arena, struct cp_error *err);
/* Whether two say the same of every size that both tell. */
bool cp_lint_same_sizes(const struct cp_clip_config *a, const struct cp_clip_config *b);

#endif
