/* SPDX-License-Identifier: GPL-3.0-or-later
 * Finds the tap and the residual stream beside it, and loads both from the capture for each batch. */
#include "run/captured/graft.h"

#include "base/nearest.h"

#include <stdio.h>
#include <string.h>

static size_t find_site(const struct cp_study *study, const char *name) {
    size_t i = 0;
    for (; i < study->sites.count; i++) {
        char address[96];
        cp_tap_address(study->sites.list[i].name, address);
        if (strcmp(study->sites.list[i].name, name) == 0 || strcmp(address, name) == 0)
            break;
    }
    return i;
}

/* The stream that goes on beside a branch's tap; the count of sites where the tap makes it itself. */
static size_t residual_beside(const struct cp_study *study, const struct cp_site *site) {
    const struct cp_sites *sites = &study->sites;
    if (site->layer < 0 || site->point == CP_RESID_MID || site->point == CP_BLOCK)
        return sites->count;
    if (site->point > CP_RESID_MID)
        return cp_sites_find(sites, site->tower, CP_RESID_MID, site->layer);
    if (site->layer > 0)
        return cp_sites_find(sites, site->tower, CP_BLOCK, site->layer - 1);
    const bool pre = site->tower == CP_VISUAL && !study->model.config.vision.no_ln_pre;
    return cp_sites_find(sites, site->tower, pre ? CP_LN_PRE : CP_EMBED, -1);
}

static enum cp_status no_tap(struct cp_study *study, const char *name, struct cp_error *err) {
    char where[256];
    const char **names = cp_arena_alloc(&study->arena, study->sites.count, sizeof *names);
    for (size_t i = 0; names && i < study->sites.count; i++)
        names[i] = study->sites.list[i].name;
    const char *nearest = names ? cp_nearest(name, names, study->sites.count) : NULL;
    cp_mark_text(&study->experiment->graft_at.mark, where, sizeof where);
    (void)cp_fail(err, CP_BAD_INPUT, where, "graft.at: the model has no tap '%.100s'", name);
    return nearest ? cp_expected(err, "'%s', or another that `clip-parity list taps` shows", nearest)
                   : cp_expected(err, "a name that `clip-parity list taps` shows");
}

/* What comes before the pixels, and ids, are observed only. */
static enum cp_status no_step(const struct cp_study *study, const char *name, enum cp_point from,
                              struct cp_error *err) {
    char where[256];
    cp_mark_text(&study->experiment->graft_at.mark, where, sizeof where);
    return cp_fail(err, CP_BAD_INPUT, where, "graft.at: nothing continues from %s", name),
           cp_expected(err, "%s, or a tap behind it",
                       from == CP_TOKENS ? cp_points[CP_TOKEN_EMBEDDING].text
                                         : cp_points[CP_PIXELS_NORMALIZED].visual);
}

/* Adds one of the capture's tensors, of the site's shape. */
static enum cp_status add(struct cp_study *study, size_t site, const char *why, struct cp_error *err) {
    struct cp_graft *graft = &study->graft;
    const struct cp_site *s = &study->sites.list[site];
    const size_t tap = cp_capture_find(graft->from, s->name);
    if (tap == graft->from->taps)
        return cp_fail(err, CP_BAD_INPUT, graft->from->path, "has no %s%s", s->name, why),
               cp_expected(err, "it in full");
    const struct cp_capture_tap *found = &graft->from->tap[tap];
    for (int d = 0; d < s->rank; d++)
        if (found->rank != s->rank || found->shape[d] != s->shape[d])
            return cp_fail(err, CP_BAD_INPUT, graft->from->path,
                           "%s has another shape: %zu along dimension %d", s->name,
                           d < found->rank ? found->shape[d] : 0, d),
                   cp_expected(err, "%zu, as this model and these inputs have", s->shape[d]);
    graft->site[graft->count] = site;
    graft->tap[graft->count++] = tap;
    return CP_OK;
}

enum cp_status cp_graft_find(struct cp_study *study, struct cp_error *err) {
    const char *at = study->experiment->graft_at.text;
    if (!study->graft.from)
        return CP_OK;
    const size_t site = find_site(study, at);
    if (site == study->sites.count || study->sites.list[site].point == CP_POINT_COUNT)
        return no_tap(study, at, err);
    const enum cp_point point = study->sites.list[site].point;
    if (point < CP_PIXELS_NORMALIZED || point == CP_TOKENS)
        return no_step(study, at, point, err);
    const size_t residual = residual_beside(study, &study->sites.list[site]);
    CP_TRY(add(study, site, "", err));
    return residual < study->sites.count ? add(study, residual, ", which continues beside the branch", err)
                                         : CP_OK;
}

bool cp_graft_hides(const struct cp_study *study, size_t site) {
    if (study->graft.count == 0)
        return false;
    const struct cp_site *at = &study->sites.list[study->graft.site[0]], *s = &study->sites.list[site];
    return s->tower == at->tower && site < study->graft.site[0];
}

enum cp_status cp_graft_load(struct cp_lockstep *ls, enum cp_dim_kind inputs, size_t first, size_t count,
                             struct cp_error *err) {
    const struct cp_graft *graft = &ls->study->graft;
    for (size_t g = 0; g < graft->count; g++) {
        const struct cp_site *site = &ls->study->sites.list[graft->site[g]];
        if (site->dims[0] != inputs)
            continue;
        if (g == 0)
            cp_tap_buffer_reset(&ls->graft);
        float *values = cp_arena_alloc(&ls->graft.arena, count * cp_site_row(site), sizeof *values);
        CP_TRY(CP_CHECK_ALLOC(values, err, site->name, "a graft"));
        CP_TRY(cp_capture_read(graft->from, graft->tap[g], first, count, values, err));
        ls->graft.data[graft->site[g]] = values;
    }
    return CP_OK;
}
