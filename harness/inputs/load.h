/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the parts of cp_inputs_load share: they fill one struct cp_run_inputs in the order images, prompts,
 * labels. */
#ifndef CP_INPUTS_LOAD_H
#define CP_INPUTS_LOAD_H

#include "inputs/inputs.h"

struct cp_inputs_loader {
    const struct cp_experiment *experiment;
    const struct cp_clip_config *config;
    struct cp_arena *arena;
    struct cp_run_inputs *in;
    struct cp_error *err;
};

/* A longer list of lines than this is no list of prompts. */
enum { CP_INPUTS_LIST_MAX = 1 << 26 };

/* Doubles an array in the arena when count is a power of two. */
bool cp_inputs_grow(struct cp_arena *arena, void **array, size_t count, size_t size);
/* Notes a file for the provenance. */
enum cp_status cp_inputs_add_file(struct cp_inputs_loader *l, const char *path);
/* Notes the model's files, which come first, and the checkpoints of passes. */
enum cp_status cp_inputs_model_files(struct cp_inputs_loader *l);
/* A text file, noted for the provenance; a NUL in it is refused. *text is ours to cut. */
enum cp_status cp_inputs_read_text(struct cp_inputs_loader *l, const char *path, char **text);
/* Of each prompt the tokens up to the one that pooling takes. */
enum cp_status cp_inputs_valid_tokens(struct cp_inputs_loader *l, const int32_t *tokens, int **valid_tokens);
bool cp_inputs_ends_with(const char *text, const char *ending);

enum cp_status cp_inputs_images(struct cp_inputs_loader *l);
enum cp_status cp_inputs_texts(struct cp_inputs_loader *l);
enum cp_status cp_inputs_labels(struct cp_inputs_loader *l);

#endif
