/* SPDX-License-Identifier: GPL-3.0-or-later
 * The inputs of an experiment: images (read as their batch comes up), prompts as token ids, labels. */
#ifndef CP_INPUTS_INPUTS_H
#define CP_INPUTS_INPUTS_H

#include "config/clip_config.h"
#include "experiment/experiment.h"
#include "preprocess/preprocess.h"
#include "text/tokenizer.h"

#include <stdint.h>

struct cp_image_source;

/* The prompts as a tokenizer reads them. */
struct cp_token_set {
    const struct cp_tokenizer_variant *by;
    int32_t *tokens;   /* (prompts, context_length) */
    int *valid_tokens; /* [prompts] tokens up to and including the one that pooling takes */
};

struct cp_run_inputs {
    size_t images, prompts, classes; /* classes > 0: prompts are class-major, templates = prompts / classes */
    const char **image_names;        /* [images] file name, or file name and index */
    const char **prompt_texts;       /* [prompts] */
    const char **class_names;        /* [classes] */
    const struct cp_marked_text *prompts_as_written; /* [prompts]; NULL: they come as tokens */
    int32_t *tokens;                                 /* of the baseline: (prompts, context_length) */
    size_t token_count; /* of captures: tokens of a prompt, which the taps need not have without a model */
    int *valid_tokens;  /* [prompts] tokens up to and including the one that pooling takes */
    struct cp_token_set *token_sets; /* [token_set_count] of each tokenizer that a spec has */
    size_t token_set_count;
    int32_t *labels;                 /* [images], NULL: none */
    struct cp_image_source *sources; /* where image i comes from; sorted by index */
    size_t source_count;
    const char **files; /* [file_count] every file read, for the provenance */
    size_t file_count;
};

/* Finds and checks everything but the pixels and the tokens of texts; strings and arrays are in the arena. */
enum cp_status cp_inputs_load(const struct cp_experiment *experiment, const struct cp_clip_config *config,
                              struct cp_arena *arena, struct cp_run_inputs *inputs, struct cp_error *err);
/* The tokens of texts, by the tokenizers that the specs have, the baseline's first. Where prompts come as
 * tokens there must be one. */
enum cp_status cp_inputs_tokenize(const struct cp_experiment *experiment, const struct cp_clip_config *config,
                                  const struct cp_tokenizer_variant *const *by, size_t count,
                                  struct cp_arena *arena, struct cp_run_inputs *inputs, struct cp_error *err);
/* CP_BAD_INPUT where a model does not take OpenAI's tokens; place: what its config is from. */
enum cp_status cp_inputs_check_texts(const struct cp_clip_config *config, const char *place,
                                     struct cp_error *err);
/* Those of a tokenizer; of prompts that come as tokens these. */
struct cp_token_set cp_inputs_tokens(const struct cp_run_inputs *inputs,
                                     const struct cp_tokenizer_variant *by);
/* Images [first, first + count) as (count, 3, size, size), preprocessed, except tensors of pixels: these are
 * taken as they are. */
enum cp_status cp_inputs_pixels(const struct cp_run_inputs *inputs, const struct cp_preprocess *how,
                                size_t first, size_t count, float *pixels, struct cp_error *err);
/* An image as a picture, and the path for errors; not of a tensor of pixels. Release with cp_picture_free. */
enum cp_status cp_inputs_picture(const struct cp_run_inputs *inputs, const struct cp_preprocess *how,
                                 size_t image, struct cp_picture *picture, const char **path,
                                 struct cp_error *err);
bool cp_inputs_is_picture(const struct cp_run_inputs *inputs, size_t image);
/* Whether any image is no tensor of pixels, so that preprocessing matters. */
bool cp_inputs_has_pictures(const struct cp_run_inputs *inputs);

#endif
