/* SPDX-License-Identifier: GPL-3.0-or-later
 * The fields of an open_clip config: which are known, of which kind, and where their values go. */
#ifndef CP_CONFIG_CLIP_CONFIG_FIELD_H
#define CP_CONFIG_CLIP_CONFIG_FIELD_H

#include "config/clip_config.h"

#include <jansson.h>

enum cp_field_kind {
    CP_FIELD_INTEGER,  /* int, from 1 to `most` */
    CP_FIELD_SIDE,     /* likewise, or a list of two that are equal: height and width */
    CP_FIELD_NUMBER,   /* double */
    CP_FIELD_OPTIONAL, /* double, or null */
    CP_FIELD_BOOLEAN,
    CP_FIELD_ACTIVATION, /* enum cp_config_activation, by transformers' names */
    CP_FIELD_FAMILY,     /* enum cp_family_id: `most` is the one that true chooses */
    CP_FIELD_POOL,
    CP_FIELD_ACT_KWARGS,     /* enum cp_config_activation: erf or tanh */
    CP_FIELD_OWN_ACTIVATION, /* the same, by this program's names */
    CP_FIELD_NORM_KWARGS,    /* double: eps */
    CP_FIELD_MEAN,           /* double[3] */
    CP_FIELD_STD,            /* double[3], above 0 */
    CP_FIELD_FILTER,         /* enum cp_resize_filter */
    CP_FIELD_RESIZE_MODE,    /* enum cp_resize_mode */
    CP_FIELD_BYTE,           /* int, from 0 to 255 */
    CP_FIELD_TOKENIZER,      /* struct cp_text_config */
    CP_FIELD_ELSEWHERE,      /* read by itself */
    CP_FIELD_IGNORED,        /* no part of the forward pass, or of none that is supported */
    CP_FIELD_DEFAULT_ONLY    /* refused unless it is false, null or the text that `to` is */
};

struct cp_field {
    const char *name; /* NULL ends a table */
    enum cp_field_kind kind;
    void *to;
    int most;
};

struct cp_field_reader {
    const char *path;
    struct cp_error *err;
};

/* Says of field name in a section ("" for the root) what is wrong. */
enum cp_status cp_field_bad(const struct cp_field_reader *r, const char *section, const char *name,
                            const char *what, const char *expected);

/* Reads an object whose fields are all in the table. */
enum cp_status cp_field_section(const struct cp_field_reader *r, const char *section, json_t *object,
                                const struct cp_field *fields);
/* Reads the fields that are in the table and leaves others alone, but not one that is nearly called so. */
enum cp_status cp_field_some(const struct cp_field_reader *r, const char *section, json_t *object,
                             const struct cp_field *fields);

/* Reads open_clip's preprocess_cfg. */
enum cp_status cp_field_preprocess(const struct cp_field_reader *r, json_t *object,
                                   struct cp_clip_config *config);

/* The config of Hugging Face's CLIPModel, or of one of its towers (config/hf_config.c). */
bool cp_is_hf_config(const json_t *root);
enum cp_status cp_hf_config_read(const struct cp_field_reader *r, json_t *root,
                                 struct cp_clip_config *config);

#endif
