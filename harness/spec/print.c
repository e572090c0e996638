/* SPDX-License-Identifier: GPL-3.0-or-later
 * A spec as text, each value with the slots that hold it; and whether two such texts mean the same maths. */
#include "spec/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The shortest text that reads back as the number. */
static void number_text(double number, char text[32]) {
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(text, 32, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            return;
    }
}

void cp_spec_value_text(const struct cp_spec *spec, size_t slot, int c, int k, char text[32]) {
    if (k < 0)
        (void)snprintf(text, 32, "%s", cp_spec_variant(spec, slot, c)->name);
    else if (cp_knob(k)->options)
        (void)snprintf(text, 32, "%s", cp_knob(k)->options[spec->choice[slot].option[k]]);
    else if (cp_number_kinds[cp_knob(k)->number].whole) /* which has no exponent */
        (void)snprintf(text, 32, "%.0f", spec->choice[slot].number[k]);
    else
        number_text(spec->choice[slot].number[k], text);
}

static void slot_text(const struct cp_clip_config *config, size_t slot, char text[32]) {
    const size_t text_outer = cp_spec_slot(config, CP_TEXT, -1);
    if (slot == 0)
        (void)snprintf(text, 32, "joint");
    else if (slot == 1 || slot == text_outer)
        (void)snprintf(text, 32, "%s.outer", slot == 1 ? "visual" : "text");
    else if (slot < text_outer)
        (void)snprintf(text, 32, "visual.%zu", slot - 2);
    else
        (void)snprintf(text, 32, "text.%zu", slot - text_outer - 1);
}

/* Appends "component[.knob]: value" and, where it is not the same in every slot, the slots of each value. */
static char *print_one(const struct cp_spec *spec, int c, int k, char *so_far, struct cp_arena *arena) {
    char value[32], previous[32] = "", where[32];
    char *line = cp_arena_printf(arena, "%s%s%s%s:", so_far, cp_components[c]->name, k < 0 ? "" : ".",
                                 k < 0 ? "" : cp_knob(k)->name);
    for (size_t slot = 0; slot < spec->slots && line; slot++) {
        cp_spec_value_text(spec, slot, c, k, value);
        if (strcmp(value, previous) == 0)
            continue;
        slot_text(spec->config, slot, where);
        line = slot == 0 ? cp_arena_printf(arena, "%s %s", line, value)
                         : cp_arena_printf(arena, "%s, from %s on %s", line, where, value);
        memcpy(previous, value, sizeof previous);
    }
    return line ? cp_arena_printf(arena, "%s\n", line) : NULL;
}

char *cp_spec_print(const struct cp_spec *spec, struct cp_arena *arena) {
    char *text = cp_arena_strdup(arena, "");
    for (int c = 0; c < CP_COMPONENT_COUNT && text; c++) {
        const size_t only = cp_spec_only_slot(spec->config, c);
        if (only != SIZE_MAX && !cp_spec_acts(spec, only, c))
            continue;
        text = print_one(spec, c, -1, text, arena);
        for (int k = 0; k < CP_KNOB_COUNT && text; k++)
            if ((int)cp_knob_component(k) == c)
                text = print_one(spec, c, k, text, arena);
    }
    return text;
}

/* A component's value with the variants' names replaced by what they compute. */
static void maths_text(int component, const char *value, char text[256]) {
    size_t used = 0;
    while (*value && used < 200) {
        const size_t length = strcspn(value, " ,");
        const struct cp_variant *variant;
        int v = 0;
        while ((variant = cp_components[component]->variant(cp_ops_find(NULL), v++)) != NULL)
            if (strlen(variant->name) == length && strncmp(variant->name, value, length) == 0)
                break;
        used += (size_t)snprintf(text + used, 256 - used, "%.*s ",
                                 variant ? 40 : (int)(length < 40 ? length : 40),
                                 variant ? variant->maths : value);
        value += length + strspn(value + length, " ,");
    }
    text[used < 255 ? used : 255] = '\0';
}

bool cp_spec_same_maths_text(const char *address, const char *a, const char *b) {
    char first[256], second[256];
    if (strcmp(a, b) == 0)
        return true;
    for (int k = 0; k < CP_KNOB_COUNT; k++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%s.%s", cp_components[cp_knob_component(k)]->name,
                       cp_knob(k)->name);
        if (strcmp(name, address) == 0)
            return !cp_knob(k)->maths;
    }
    for (int c = 0; c < CP_COMPONENT_COUNT; c++)
        if (strcmp(cp_components[c]->name, address) == 0) {
            maths_text(c, a, first);
            maths_text(c, b, second);
            return strcmp(first, second) == 0;
        }
    return false;
}
