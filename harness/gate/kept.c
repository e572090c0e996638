/* SPDX-License-Identifier: GPL-3.0-or-later
 * Walks the diagonals of the table of classes and templates, which it reads from the result. */
#include "gate/kept.h"

#include "result/schema.h"

static size_t common_divisor(size_t a, size_t b) {
    return b ? common_divisor(b, a % b) : a;
}

/* Down the diagonal; at its end on the one beside it. */
void cp_gate_kept_choose(struct cp_gate_kept *kept) {
    const size_t lap = kept->classes / common_divisor(kept->classes, kept->templates) * kept->templates;
    for (size_t k = 0; k < CP_GATE_INPUTS; k++) {
        kept->class[k] = k % kept->classes;
        kept->template[k] = (k + k / lap) % kept->templates;
    }
}

size_t cp_gate_kept_input(const struct cp_gate_kept *kept, enum cp_tower tower, size_t k) {
    if (tower != CP_TEXT || kept->templates == 0)
        return k;
    return k < kept->classes * kept->templates ? kept->class[k] * kept->templates + kept->template[k]
                                               : SIZE_MAX;
}

struct cp_verdict_units cp_gate_kept_units(const struct cp_gate_kept *kept, enum cp_tower tower) {
    if (tower == CP_TEXT && kept->templates)
        return (struct cp_verdict_units){NULL, kept->template, kept->class, kept->templates, kept->classes};
    return (struct cp_verdict_units){.first =
                                         tower == CP_TEXT || !kept->has_pixels ? NULL : kept->image_first};
}

static enum cp_status read_classes(const struct cp_load *load, struct cp_gate_kept *kept,
                                   struct cp_arena *scratch) {
    const char *const object = cp_schema[CP_SCHEMA_TEMPLATES].path;
    struct cp_reader_array templates;
    if (!cp_reader_has(load->reader, object))
        return CP_OK;
    CP_TRY(cp_reader_numbers(load->reader, object, scratch, &templates, load->err));
    if (templates.rank != 1 || templates.shape[0] == 0 ||
        !(templates.values[0] >= 1 && templates.values[0] < 0x1p31))
        return cp_load_damaged(load, object, "(class)");
    kept->classes = templates.shape[0];
    kept->templates = (size_t)templates.values[0];
    cp_gate_kept_choose(kept);
    return CP_OK;
}

static enum cp_status read_images(const struct cp_load *load, struct cp_gate_kept *kept,
                                  struct cp_arena *scratch) {
    const char *const object = cp_schema[CP_SCHEMA_PIXELS_HASH].path;
    struct cp_reader_array hash;
    if (!cp_reader_has(load->reader, object))
        return CP_OK;
    CP_TRY(cp_reader_numbers(load->reader, object, scratch, &hash, load->err));
    if (hash.rank != 1)
        return cp_load_damaged(load, object, "(image)");
    kept->has_pixels = true;
    for (size_t k = 0; k < CP_GATE_INPUTS; k++)
        kept->image_first[k] = k;
    for (size_t k = 0; k < CP_GATE_INPUTS && k < hash.shape[0]; k++)
        for (size_t before = k; before-- > 0;)
            if (hash.values[before] == hash.values[k])
                kept->image_first[k] = before;
    return CP_OK;
}

enum cp_status cp_gate_kept_read(const struct cp_load *load, struct cp_gate_kept *kept) {
    struct cp_arena scratch = {0};
    *kept = (struct cp_gate_kept){.classes = 0};
    enum cp_status status = read_classes(load, kept, &scratch);
    if (status == CP_OK)
        status = read_images(load, kept, &scratch);
    cp_arena_free(&scratch);
    return status;
}
