/* SPDX-License-Identifier: GPL-3.0-or-later
 * What transformers reads beside a config.json: how pictures become pixels, and the tokenizer. */
#ifndef CP_CONFIG_HF_FOLDER_H
#define CP_CONFIG_HF_FOLDER_H

#include "config/clip_config.h"

enum cp_hf_file {
    CP_HF_PROCESSOR,    /* processor_config.json: its image_processor */
    CP_HF_PREPROCESSOR, /* preprocessor_config.json */
    CP_HF_TOKENIZER,    /* tokenizer_config.json */
    CP_HF_FILES
};
extern const char *const cp_hf_file_names[CP_HF_FILES];

/* All that stand beside the config.json at path, into its config: of the first two the processor's, where both are there, as
 * in transformers. CP_BAD_INPUT for what a config cannot say. */
enum cp_status cp_hf_folder_read(const char *path, struct cp_clip_config *config, struct cp_error *err);

/* What one of the first two says by itself, in a config's words where there are such; *there: there is one. CP_BAD_INPUT for
 * what no processor can say. */
enum { CP_HF_WORDS = 64 };
struct cp_hf_pictures {
    bool known; /* else its class is none of CLIP's, SigLIP's and ViT's, and the rest is not told */
    char size[CP_HF_WORDS]; /* of the pixels: "224"; "": of several shapes */
    char resize[CP_HF_WORDS], filter[CP_HF_WORDS];
    double mean[3], std[3]; /* of pixels from 0 to 1 */
};
enum cp_status cp_hf_pictures_read(const char *path, enum cp_hf_file which, struct cp_hf_pictures *pictures,
                                   bool *there, struct cp_error *err);

/* A config.json as its text_config and vision_config alone have it, and with text_config_dict and vision_config_dict, which
 * win in transformers. *both: it has sections of both kinds, and the two configs are filled. */
enum cp_status cp_hf_sections_parse(const char *source, const char *text, size_t size,
                                    struct cp_clip_config *newer, struct cp_clip_config *older, bool *both,
                                    struct cp_error *err);

/* What tokenizer_config.json and tokenizer.json beside the config.json at path say, which need not be there itself; -1, or
 * "": nothing. */
struct cp_hf_tokenizer {
    bool settings;         /* there is a tokenizer_config.json */
    char class[128];       /* tokenizer_class */
    long max_length;       /* tokens of a text */
    char eos[64], bos[64]; /* eos_token, bos_token */
    bool file;             /* there is a tokenizer.json: */
    long ids;              /* one more than the largest id */
    long eos_id, bos_id;   /* of those tokens; -1: it has none such */
    char model[32];        /* model.type */
    bool lowers;           /* its normalizer lowers case */
    long truncates;        /* truncation.max_length */
};
/* Whether CLIP's own tokenizer has that class. */
bool cp_hf_tokenizer_is_clip(const char *class);
enum cp_status cp_hf_tokenizer_read(const char *path, struct cp_hf_tokenizer *tokenizer,
                                    struct cp_error *err);

#endif
