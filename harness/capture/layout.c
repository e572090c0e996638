/* SPDX-License-Identifier: GPL-3.0-or-later
 * Rearranges datasets into the canonical order of axes, and reads the map file that says where taps are. */
#include "capture/internal.h"

#include "format/yaml.h"

#include <string.h>

/* Canonical orders of the letters, and which two neighbours become one axis. */
static const struct {
    const char *letters;
    int merged;
} layouts[] = {{"NC", -1}, {"NLC", -1}, {"NHWC", 1}, {"NLHD", 2}, {"NHQK", -1}, {"NCYX", -1}};
enum { LAYOUTS = sizeof layouts / sizeof layouts[0] };

/* The canonical order that a layout is a permutation of; LAYOUTS: none. */
static size_t find_layout(const char *layout) {
    const size_t rank = strlen(layout);
    for (size_t l = 0; l < LAYOUTS; l++) {
        size_t found = 0;
        for (const char *letter = layouts[l].letters; *letter; letter++)
            found += strchr(layout, *letter) != NULL;
        if (found == rank && strlen(layouts[l].letters) == rank)
            return l;
    }
    return LAYOUTS;
}

int cp_capture_is_layout(const char *layout) {
    return find_layout(layout) < LAYOUTS;
}

enum cp_status cp_capture_axes_of(const char *layout, int rank, const char *where,
                                  struct cp_capture_axes *axes, struct cp_error *err) {
    *axes = (struct cp_capture_axes){.rank = rank, .order = {0, 1, 2, 3}, .merged = -1};
    if (!layout)
        return CP_OK;
    const size_t l = find_layout(layout);
    if (l == LAYOUTS || (int)strlen(layout) != rank)
        return cp_fail(err, CP_BAD_INPUT, where, "has %d dimensions, and its layout is %s", rank, layout),
               cp_expected(err, "a letter for each dimension");
    for (int a = 0; a < rank; a++)
        axes->order[a] = (int)(strchr(layout, layouts[l].letters[a]) - layout);
    axes->merged = layouts[l].merged;
    return CP_OK;
}

int cp_capture_shape(const struct cp_capture_axes *axes, const size_t dataset[CP_CAPTURE_RANK],
                     size_t shape[CP_CAPTURE_RANK]) {
    int rank = 0;
    for (int a = 0; a < axes->rank; a++) {
        if (axes->merged >= 0 && a == axes->merged + 1)
            shape[rank - 1] *= dataset[axes->order[a]];
        else
            shape[rank++] = dataset[axes->order[a]];
    }
    return rank;
}

void cp_capture_arrange(const struct cp_capture_axes *axes, const size_t dataset[CP_CAPTURE_RANK],
                        const float *from, float *to) {
    size_t stride[CP_CAPTURE_RANK], count[CP_CAPTURE_RANK] = {1, 1, 1, 1};
    size_t step[CP_CAPTURE_RANK] = {0};
    for (size_t s = 1, a = (size_t)axes->rank; a-- > 0; s *= dataset[a])
        stride[a] = s;
    for (int a = 0; a < axes->rank; a++) {
        count[a] = dataset[axes->order[a]];
        step[a] = stride[axes->order[a]];
    }
    for (size_t i = 0; i < count[0]; i++)
        for (size_t j = 0; j < count[1]; j++)
            for (size_t k = 0; k < count[2]; k++)
                for (size_t l = 0; l < count[3]; l++)
                    *to++ = from[i * step[0] + j * step[1] + k * step[2] + l * step[3]];
}

/* ---- the map file ---- */

static enum cp_status read_place(const struct cp_yaml_entry *entry, struct cp_capture_place *place,
                                 struct cp_error *err) {
    static const char *const keys[] = {"dataset", "layout", "arithmetic", "recomputed", NULL};
    static const char *const types[] = {"fp32", "fp16", "bf16", NULL};
    int type = CP_FP32;
    CP_TRY(cp_yaml_keys(entry->value, entry->key, keys, err));
    const struct cp_yaml *dataset = cp_yaml_get(entry->value, "dataset");
    const struct cp_yaml *layout = cp_yaml_get(entry->value, "layout");
    const struct cp_yaml *arithmetic = cp_yaml_get(entry->value, "arithmetic");
    const struct cp_yaml *recomputed = cp_yaml_get(entry->value, "recomputed");
    if (strlen(entry->key) >= CP_CAPTURE_TAP_NAME || strchr(entry->key, '/'))
        return (void)cp_mark_fail(&entry->mark, err, "taps: '%.100s' is not a tap", entry->key),
               cp_expected(err, "one that `clip-parity list taps` shows");
    if (!dataset)
        return (void)cp_mark_fail(&entry->mark, err, "%s: no dataset", entry->key),
               cp_expected(err, "dataset: its path in the HDF5 file");
    *place = (struct cp_capture_place){.tap = entry->key};
    CP_TRY(cp_yaml_string(dataset, "dataset", &place->dataset, err));
    if (layout) {
        CP_TRY(cp_yaml_string(layout, "layout", &place->layout, err));
        if (!cp_capture_is_layout(place->layout))
            return (void)cp_yaml_fail(layout, "layout", "is unknown", err),
                   cp_expected(err, "the letters of NC, NLC, NCHW, NLHD, NHQK or NCYX in the data's order");
    }
    if (arithmetic)
        CP_TRY(cp_yaml_choice(arithmetic, "arithmetic", types, &type, err));
    place->arithmetic = (enum cp_dtype)type;
    return recomputed ? cp_yaml_boolean(recomputed, "recomputed", &place->recomputed, err) : CP_OK;
}

enum cp_status cp_capture_map_load(const char *path, struct cp_arena *arena, struct cp_capture_map *map,
                                   struct cp_error *err) {
    static const char *const keys[] = {"taps", NULL};
    struct cp_yaml *root;
    *map = (struct cp_capture_map){0};
    CP_TRY(cp_yaml_load(arena, path, &root, err));
    CP_TRY(cp_yaml_keys(root, "a map", keys, err));
    const struct cp_yaml *taps = cp_yaml_get(root, "taps");
    if (!taps)
        return (void)cp_mark_fail(&root->mark, err, "no taps"),
               cp_expected(err, "taps: {TAP: {dataset: PATH, layout: LETTERS}}");
    CP_TRY(cp_yaml_keys(taps, "taps", NULL, err));
    CP_TRY(CP_ARENA_CALLOC(arena, map->places, taps->count + 1, err, path, "a capture"));
    for (; map->count < taps->count; map->count++)
        CP_TRY(read_place(&taps->entries[map->count], &map->places[map->count], err));
    return CP_OK;
}
