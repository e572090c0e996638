/* SPDX-License-Identifier: GPL-3.0-or-later
 * What open_clip knows of the weights that it has by name and tag (src/open_clip/pretrained.py), from
 * data/model_configs/pretrained.json. */
#ifndef CP_CONFIG_OPEN_CLIP_TAG_H
#define CP_CONFIG_OPEN_CLIP_TAG_H

#include "base/arena.h"
#include "config/clip_config.h"

struct cp_open_clip_tag {
    bool quick_gelu; /* they were trained with it */
    struct cp_clip_config
        preprocessed; /* mean, std, filter, resize_mode and fill of it; the rest is default */
};

/* A name with -quickgelu has the tags whose weights were trained with it. CP_BAD_INPUT, with the nearest, for a tag
 * that the name does not have. */
enum cp_status cp_open_clip_tag(const char *name, const char *tag, struct cp_open_clip_tag *known,
                                struct cp_error *err);

/* The preprocessing that all tags of a name share; where they differ, or there are none, OpenAI's. */
enum cp_tags_agree { CP_TAGS_NONE, CP_TAGS_AGREE, CP_TAGS_DIFFER };
enum cp_status cp_open_clip_preprocessing(const char *name, struct cp_clip_config *preprocessed,
                                          enum cp_tags_agree *agree, struct cp_error *err);

/* open_clip's _clean_tag: tags are read in lower case and with _ for -. */
void cp_open_clip_clean_tag(const char *tag, char cleaned[64]);

#endif
