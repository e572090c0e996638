/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which activation and preprocessing each version of open_clip computes for a call of create_model, and the warning it
 * gives. The weights do not say; the call does. */
#ifndef CP_CONFIG_LOAD_AS_H
#define CP_CONFIG_LOAD_AS_H

#include "base/arena.h"
#include "config/clip_config.h"

/* open_clip.create_model(name, pretrained=pretrained, force_quick_gelu=force_quick_gelu). */
struct cp_load_call {
    const char *version;    /* "open_clip-2.24" */
    const char *name;       /* "ViT-L-14-336" */
    const char *pretrained; /* "openai", another tag, or the path of a file */
    bool force_quick_gelu;
};

struct cp_load_answer {
    bool quick_gelu;
    bool of_tag; /* the weights come by a tag, whose training activation is known to open_clip: */
    bool tag_quick_gelu;
    const char *warning;          /* verbatim; NULL: none */
    const char *why;              /* the rule, in words */
    const char *version;          /* "2.24" */
    struct cp_clip_config config; /* of the name, with that activation and the tag's preprocessing */
};

/* CP_BAD_INPUT for a version, a name or a tag that is unknown. Strings are in the arena. */
enum cp_status cp_load_as(const struct cp_load_call *call, struct cp_arena *arena,
                          struct cp_load_answer *answer, struct cp_error *err);

#endif
