/* SPDX-License-Identifier: GPL-3.0-or-later
 * The settings that lead from one spec to another, neighbouring blocks with one value as a range. */
#include "spec/spec.h"

#include <stdio.h>
#include <string.h>

/* Of component c or its knob k. */
struct difference {
    const struct cp_spec *from, *to;
    int c, k;
    struct cp_arena *arena;
    struct cp_spec_setting *settings;
    size_t count;
    bool failed;
};

/* Whether every slot of a range changes, to one value. */
static bool changes(const struct difference *d, size_t first, size_t end) {
    char value[32], other[32];
    cp_spec_value_text(d->to, first, d->c, d->k, value);
    for (size_t slot = first; slot < end; slot++) {
        cp_spec_value_text(d->to, slot, d->c, d->k, other);
        if (cp_spec_same_value(d->from, d->to, slot, d->c, d->k) || strcmp(value, other) != 0)
            return false;
    }
    return true;
}

static void add(struct difference *d, const char *layers, size_t slot) {
    char value[32];
    cp_spec_value_text(d->to, slot, d->c, d->k, value);
    struct cp_spec_setting *setting = &d->settings[d->count++];
    setting->value = cp_arena_strdup(d->arena, value);
    setting->address = cp_arena_printf(d->arena, "%s%s%s%s%s", cp_components[d->c]->name, d->k < 0 ? "" : ".",
                                       d->k < 0 ? "" : cp_knob(d->k)->name, layers[0] ? "@" : "", layers);
    d->failed = d->failed || !setting->value || !setting->address;
}

static void add_tower(struct difference *d, enum cp_tower tower, size_t layers) {
    const char *name = cp_tower_words[tower].name;
    const size_t outer = cp_spec_slot(d->from->config, tower, -1), end = outer + 1 + layers;
    char where[48];
    if (changes(d, outer, end)) {
        add(d, name, outer);
        return;
    }
    (void)snprintf(where, sizeof where, "%s.outer", name);
    if (changes(d, outer, outer + 1))
        add(d, where, outer);
    for (size_t first = outer + 1, next; first < end; first = next) {
        next = first + 1;
        if (!changes(d, first, next))
            continue;
        while (next < end && changes(d, first, next + 1))
            next++;
        if (next == first + 1)
            (void)snprintf(where, sizeof where, "%s.%zu", name, first - outer - 1);
        else
            (void)snprintf(where, sizeof where, "%s.%zu-%zu", name, first - outer - 1, next - outer - 2);
        add(d, where, first);
    }
}

static void add_all(struct difference *d) {
    const size_t only = cp_spec_only_slot(d->from->config, d->c);
    if (only != SIZE_MAX) { /* one value, without layers */
        if (changes(d, only, only + 1))
            add(d, "", only);
        return;
    }
    if (changes(d, 0, d->from->slots)) {
        add(d, "", 0);
        return;
    }
    if (changes(d, 0, 1))
        add(d, "joint", 0);
    add_tower(d, CP_VISUAL, (size_t)d->from->config->vision.layers);
    add_tower(d, CP_TEXT, (size_t)d->from->config->text.layers);
}

enum cp_status cp_spec_difference(const struct cp_spec *from, const struct cp_spec *to,
                                  struct cp_arena *arena, struct cp_spec_setting **settings, size_t *count,
                                  struct cp_error *err) {
    struct difference d = {.from = from, .to = to, .arena = arena};
    CP_TRY(CP_ARENA_ALLOC(arena, d.settings, from->slots * (CP_COMPONENT_COUNT + CP_KNOB_COUNT), err, "",
                          "a spec's settings"));
    for (d.c = 0; d.c < CP_COMPONENT_COUNT; d.c++) {
        d.k = -1;
        add_all(&d);
        for (d.k = 0; d.k < CP_KNOB_COUNT; d.k++)
            if ((int)cp_knob_component(d.k) == d.c)
                add_all(&d);
    }
    *settings = d.settings;
    *count = d.count;
    return CP_CHECK_ALLOC(!d.failed, err, "", "a spec's settings");
}
