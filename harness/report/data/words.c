/* SPDX-License-Identifier: GPL-3.0-or-later
 * Names sets of taps briefly: by component, tower and ranges of blocks, points alike in one group. */
#include "report/data/words.h"

#include "tap/tap.h"

#include <math.h>
#include <string.h>

/* Components named before the rest is only counted. */
enum { NAMED = 6 };

const char *const cp_tower_names[3] = {"visual", "text", "joint"};

const char *cp_verdict_word(const double fields[CP_VERDICT_FIELDS], enum cp_verdict_field field) {
    return cp_verdict_names[(int)fields[field]];
}

double cp_times_floor(const struct cp_report_tap *tap) {
    return tap->floor > 0 ? tap->over_inputs.mean_rel[CP_TOTAL] / tap->floor : NAN;
}

const char *cp_component_words(const struct cp_report_tap *tap) {
    return tap->point < CP_POINT_COUNT ? cp_points[tap->point].words : NULL;
}

void cp_append_place(struct cp_sentence *s, const struct cp_report_tap *tap) {
    const char *component = cp_component_words(tap);
    if (!component)
        cp_append(s, "%s", tap->address);
    else if (tap->layer >= 0)
        cp_append(s, "block %d's %s", tap->layer, component);
    else
        cp_append(s, "the %s", tap->point == CP_FEATURES ? "features" : component);
}

void cp_append_worst_layer(struct cp_sentence *s, const struct cp_report_table *layers, enum cp_tower tower) {
    size_t worst = 0;
    const size_t count = layers->shape[0] * layers->shape[1];
    for (size_t i = 1; i < count; i++)
        if (!(layers->values[i] <= layers->values[worst]) && !isnan(layers->values[i]))
            worst = i;
    if (count && !isnan(layers->values[worst]))
        cp_append(s, "%s moves the features of the %s tower most in block %zu, by %.2g",
                  layers->label[0].items[worst / layers->shape[1]], tower == CP_VISUAL ? "image" : "text",
                  worst % layers->shape[1], layers->values[worst]);
}

/* ---- sets of taps ---- */

static bool has(const struct cp_tap_set *c, int point, enum cp_tower tower, int layer) {
    for (size_t t = 0; t < c->candidate->taps; t++) {
        const struct cp_report_tap *tap = &c->candidate->tap[t];
        if ((int)tap->point == point && tap->layer == layer && tap->tower == tower && c->has(c, t))
            return true;
    }
    return false;
}

static int layers_of(const struct cp_tap_set *c) {
    int layers = 0;
    for (size_t t = 0; t < c->candidate->taps; t++)
        layers = c->candidate->tap[t].layer >= layers ? c->candidate->tap[t].layer + 1 : layers;
    return layers;
}

static bool anywhere(const struct cp_tap_set *c, int point) {
    for (size_t t = 0; t < c->candidate->taps; t++)
        if ((int)c->candidate->tap[t].point == point && c->has(c, t))
            return true;
    return false;
}

/* Whether two points have taps in the same blocks of the same towers. */
static bool alike(const struct cp_tap_set *c, int a, int b) {
    const int layers = layers_of(c);
    for (int tower = CP_VISUAL; tower <= CP_JOINT; tower++)
        for (int layer = -1; layer < layers; layer++)
            if (has(c, a, (enum cp_tower)tower, layer) != has(c, b, (enum cp_tower)tower, layer))
                return false;
    return true;
}

/* "0-2, 5"; the number of blocks. */
static int append_layers(struct cp_sentence *s, const struct cp_tap_set *c, int point, enum cp_tower tower) {
    const int layers = layers_of(c);
    int count = 0;
    for (int first = 0, end; first < layers; first = end + 1) {
        for (end = first; end < layers && has(c, point, tower, end); end++)
            ;
        if (end == first)
            continue;
        cp_append(s, count ? ", %d" : "%d", first);
        if (end - first > 1)
            cp_append(s, "-%d", end - 1);
        count += end - first;
    }
    return count;
}

static void append_towers(struct cp_sentence *s, const struct cp_tap_set *c, int point) {
    bool any = false;
    if (has(c, point, CP_VISUAL, -1) && has(c, point, CP_TEXT, -1)) {
        cp_append(s, " in both towers");
        return;
    }
    for (int tower = CP_VISUAL; tower <= CP_TEXT; tower++) {
        char list[256] = "";
        struct cp_sentence layers = {list, sizeof list, 0};
        const int count = append_layers(&layers, c, point, (enum cp_tower)tower);
        if (count)
            cp_append(s, "%s%s (%s)",
                      any         ? " and "
                      : count > 1 ? " of blocks "
                                  : " of block ",
                      list, cp_tower_names[tower]);
        else if (has(c, point, (enum cp_tower)tower, -1))
            cp_append(s, " (%s)", cp_tower_names[tower]);
        any = any || count;
    }
}

/* The points that have taps where `first` has, and where it is. */
static void append_group(struct cp_sentence *s, const struct cp_tap_set *c, int first,
                         bool said[CP_POINT_COUNT]) {
    int members = 0, named = 0;
    for (int p = first; p < CP_POINT_COUNT; p++)
        members += !said[p] && anywhere(c, p) && alike(c, first, p);
    const int shown = members > NAMED + 1 ? NAMED : members;
    for (int p = first; p < CP_POINT_COUNT; p++) {
        if (said[p] || !anywhere(c, p) || !alike(c, first, p))
            continue;
        if (named < shown)
            cp_append(s, "%s%s",
                      named == 0             ? "the "
                      : named == members - 1 ? " and "
                                             : ", ",
                      cp_points[p].words);
        named++;
        said[p] = true;
    }
    if (members > shown)
        cp_append(s, " and %d more", members - shown);
    append_towers(s, c, first);
}

bool cp_append_taps(struct cp_sentence *s, const struct cp_tap_set *c) {
    bool said[CP_POINT_COUNT] = {false};
    int groups = 0;
    for (int p = 0; p < CP_POINT_COUNT; p++)
        if (!said[p] && anywhere(c, p)) {
            cp_append(s, "%s", groups++ ? ", " : "");
            append_group(s, c, p, said);
        }
    return groups > 0;
}

static bool has_cause(const struct cp_tap_set *set, size_t tap) {
    return (int)set->candidate->tap[tap].cause == set->which;
}

bool cp_append_causes(struct cp_sentence *s, const struct cp_report_candidate *candidate,
                      enum cp_cause cause) {
    const struct cp_tap_set set = {candidate, has_cause, (int)cause, NULL};
    return cp_append_taps(s, &set);
}
