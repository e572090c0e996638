/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a tap's name says of where it is. */
#include "tap/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than any model has; a name that says otherwise is no name of ours. */
enum { LAYERS_MAX = 1000 };

static const char blocks[] = "transformer.resblocks.";

void cp_tap_address(const char *name, char address[96]) {
    const char *at = strstr(name, blocks);
    if (at)
        (void)snprintf(address, 96, "%s.%s", at == name ? "text" : "visual", at + strlen(blocks));
    else
        (void)snprintf(address, 96, "%s", name);
}

enum cp_tower cp_tap_tower(const char *name) {
    static const char *const joint[] = {"logits_per_image", "probs", "class_"};
    static const char *const visual[] = {"visual", "image_features", "pixels."};
    for (size_t i = 0; i < 3; i++) {
        if (strncmp(name, joint[i], strlen(joint[i])) == 0)
            return CP_JOINT;
        if (strncmp(name, visual[i], strlen(visual[i])) == 0)
            return CP_VISUAL;
    }
    return CP_TEXT;
}

/* "transformer.resblocks.3.ln_1" is of layer 3; rest: what follows the number and its dot. */
static int layer_of(const char *name, const char **rest) {
    const char *block = strstr(name, blocks), *number = block ? block + strlen(blocks) : NULL;
    char *end = NULL;
    const long layer = number ? strtol(number, &end, 10) : -1;
    *rest = name;
    if (!number || end == number || layer < 0 || layer >= LAYERS_MAX)
        return -1;
    *rest = *end == '.' ? end + 1 : end;
    return (int)layer;
}

struct cp_tap_place cp_tap_place(const char *name) {
    struct cp_tap_place place = {cp_tap_tower(name), CP_POINT_COUNT, -1};
    const char *rest;
    place.layer = layer_of(name, &rest);
    for (int p = 0; p < CP_POINT_COUNT; p++) {
        const char *own = cp_point_name((enum cp_point)p, place.tower);
        if (own && cp_points[p].in_block == (place.layer >= 0) && strcmp(own, rest) == 0)
            place.point = (enum cp_point)p;
    }
    return place;
}
