/* SPDX-License-Identifier: GPL-3.0-or-later
 * The list of sites that a model's config makes of the table of points, and showing a tensor to the taps. */
#include "tap/family.h"

#include <stdio.h>
#include <string.h>

struct builder {
    const struct cp_clip_config *config;
    struct cp_tower_shape shape;      /* of this tower */
    size_t lengths[CP_DIM_INPUT + 1]; /* of this tower */
    struct cp_site *next;
};

/* Channels at a point: what the layer it belongs to is wide. */
static size_t channels(const struct builder *b, enum cp_tower tower, enum cp_point point) {
    if (point == CP_PROJECTED || point == CP_FEATURES || tower == CP_JOINT)
        return (size_t)b->config->embed_dim;
    return point == CP_MLP_C_FC || point == CP_MLP_GELU ? b->shape.mlp : b->shape.width;
}

static void add_site(struct builder *b, enum cp_tower tower, enum cp_point point, int layer) {
    const struct cp_point_row *row = &cp_points[point];
    const char *name = cp_point_name(point, tower);
    if (!name)
        return;
    struct cp_site *site = b->next++;
    *site = (struct cp_site){.tower = tower, .point = point, .layer = layer, .rank = row->rank};
    if (layer < 0)
        (void)snprintf(site->name, sizeof site->name, "%s", name);
    else
        (void)snprintf(site->name, sizeof site->name, "%stransformer.resblocks.%d%s%s",
                       cp_tower_words[tower].prefix, layer, name[0] ? "." : "", name);
    for (int d = 0; d < row->rank; d++) {
        site->dims[d] = row->dims[d];
        if (row->dims[d] == CP_DIM_INPUT)
            site->dims[d] = cp_tower_words[tower].dim;
        site->shape[d] = b->lengths[site->dims[d]];
        if (row->dims[d] == CP_DIM_CHANNEL)
            site->shape[d] = channels(b, tower, point);
    }
    if (point == CP_CONV1) /* no class token yet */
        site->shape[1] = b->shape.patches;
    site->ragged = point == CP_PIXELS_DECODED || point == CP_PIXELS_RESIZED;
    if (site->ragged)
        site->shape[2] = site->shape[3] = 0;
}

/* A norm behind the pooling sees one vector for each input. */
static void drop_tokens(struct cp_site *site) {
    site->rank = 2;
    site->dims[1] = CP_DIM_CHANNEL;
    site->shape[1] = site->shape[2];
}

static void add_part(struct builder *b, enum cp_tower tower, enum cp_tower_part part, int layer) {
    struct cp_step steps[CP_STEPS_MOST];
    const size_t count = cp_family_steps(&b->shape, tower, part, steps);
    for (size_t i = 0; i < count; i++) {
        add_site(b, tower, steps[i].point, layer);
        if (steps[i].pooled && b->next[-1].rank == 3)
            drop_tokens(b->next - 1);
    }
}

static void add_tower(struct builder *b, enum cp_tower tower) {
    b->shape = cp_tower_shape(b->config, tower);
    b->lengths[CP_DIM_TOKEN] = b->lengths[CP_DIM_QUERY] = b->lengths[CP_DIM_KEY] = b->shape.tokens;
    b->lengths[CP_DIM_HEAD] = b->shape.heads;
    for (int point = 0; point < CP_PIXELS_NORMALIZED; point++)
        add_site(b, tower, (enum cp_point)point, -1);
    add_part(b, tower, CP_TOWER_STEM, -1);
    for (size_t layer = 0; layer < b->shape.layers; layer++)
        add_part(b, tower, CP_TOWER_BLOCK, (int)layer);
    add_part(b, tower, CP_TOWER_HEAD, -1);
}

enum cp_status cp_sites_create(const struct cp_clip_config *config, size_t images, size_t prompts,
                               size_t classes, struct cp_arena *arena, struct cp_sites *sites,
                               struct cp_error *err) {
    const size_t most = (size_t)CP_POINT_COUNT * (size_t)(config->vision.layers + config->text.layers + 3);
    struct cp_site *list = cp_arena_calloc(arena, most, sizeof *list);
    CP_TRY(CP_CHECK_ALLOC(list, err, "", "%zu taps", most));
    struct builder b = {.config = config, .next = list};
    const size_t side = (size_t)config->vision.image_size;
    b.lengths[CP_DIM_IMAGE] = images;
    b.lengths[CP_DIM_PROMPT] = prompts;
    b.lengths[CP_DIM_CLASS] = classes;
    b.lengths[CP_DIM_COLOUR] = 3;
    b.lengths[CP_DIM_Y] = b.lengths[CP_DIM_X] = side;
    add_tower(&b, CP_VISUAL);
    sites->text_start = (size_t)(b.next - list);
    add_tower(&b, CP_TEXT);
    for (int point = CP_LOGITS_PER_IMAGE; point <= (classes ? CP_CLASS_PROBS : CP_PROBS); point++)
        add_site(&b, CP_JOINT, (enum cp_point)point, -1);
    sites->list = list;
    sites->count = (size_t)(b.next - list);
    return CP_OK;
}

size_t cp_sites_find(const struct cp_sites *sites, enum cp_tower tower, enum cp_point point, int layer) {
    size_t i = tower == CP_VISUAL ? 0 : sites->text_start;
    for (; i < sites->count; i++) {
        const struct cp_site *site = &sites->list[i];
        if (site->point == point && site->tower == tower && site->layer == layer)
            break;
    }
    return i;
}

size_t cp_site_row(const struct cp_site *site) {
    size_t row = 1;
    for (int d = 1; d < site->rank; d++)
        row *= site->shape[d];
    return row;
}

enum cp_status cp_taps_visit(const struct cp_taps *taps, struct cp_tap_event event, struct cp_error *err) {
    if (event.index >= taps->sites->count)
        return CP_OK; /* a point that this run has not */
    if (!event.site)
        event.site = &taps->sites->list[event.index];
    for (size_t i = 0; i < taps->count; i++) {
        const struct cp_tap *tap = &taps->list[i];
        if (tap->wants(tap->self, event.site, event.index))
            CP_TRY(tap->visit(tap->self, &event, err));
    }
    return CP_OK;
}
