/* SPDX-License-Identifier: GPL-3.0-or-later
 * Files that somebody published, by their digest (data/model_configs/published.json). */
#ifndef CP_CONFIG_PUBLISHED_H
#define CP_CONFIG_PUBLISHED_H

#include "base/arena.h"
#include "config/clip_config.h"

struct cp_published {
    const char *name;                     /* in the arena; NULL: no published file has this digest */
    enum cp_config_activation activation; /* that the weights were trained with */
};

enum cp_status cp_published_find(const char *sha256, struct cp_arena *arena, struct cp_published *published,
                                 struct cp_error *err);

#endif
