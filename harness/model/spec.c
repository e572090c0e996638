/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/spec.h"

#include "base/nearest.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAMES = 32 };

size_t cp_spec_slot(const struct cp_clip_config *config, enum cp_tower tower, int layer) {
    switch (tower) {
    case CP_VISUAL:
        return (size_t)(2 + layer);
    case CP_TEXT:
        return (size_t)(3 + config->vision.layers + layer);
    case CP_JOINT:
        break;
    }
    return 0;
}

/* ---- addresses
 * ------------------------------------------------------------------------------------------------ */

struct address {
    enum cp_component_id component; /* CP_COMPONENT_COUNT: the shorthand `precision` */
    int knob;                       /* -1: the component's variant */
    bool tower[2];
    int first, last; /* layers; -1, -1: all, and what is outside the blocks */
    bool joint;
};

/* "one of a, b, c; did you mean b?" as the expectation of err. */
static enum cp_status expect_one_of(struct cp_error *err, const char *found, const char *const *names) {
    char list[400] = "";
    size_t used = 0;
    size_t count = 0;
    while (names[count])
        count++;
    for (size_t i = 0; i < count && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    const char *nearest = cp_nearest(found, names, count);
    if (nearest)
        return cp_expected(err, "one of %s; did you mean '%s'?", list, nearest);
    return cp_expected(err, "one of %s", list);
}

static enum cp_status parse_layers(const struct cp_clip_config *config, const char *text, struct address *out,
                                   struct cp_error *err) {
    char tower[16];
    const size_t length = strcspn(text, ".");
    (void)snprintf(tower, sizeof tower, "%.*s", (int)(length < 15 ? length : 15), text);
    const bool any = strcmp(tower, "*") == 0;
    out->tower[CP_VISUAL] = any || strcmp(tower, "visual") == 0;
    out->tower[CP_TEXT] = any || strcmp(tower, "text") == 0;
    out->joint = any && text[length] == '\0';
    out->first = out->last = -1;
    if (!out->tower[CP_VISUAL] && !out->tower[CP_TEXT])
        return cp_fail(err, CP_BAD_INPUT, "", "unknown tower '%s' in layers '%s'", tower, text),
               cp_expected(err, "visual, text or *, with layers as visual.4 or visual.4-5");
    if (text[length] == '\0')
        return CP_OK;
    char rest;
    const int fields = sscanf(text + length, ".%5d-%5d%c", &out->first, &out->last, &rest);
    char check[32];
    if (fields == 1)
        out->last = out->first;
    (void)snprintf(check, sizeof check, fields == 1 ? ".%d" : ".%d-%d", out->first, out->last);
    if (fields < 1 || fields > 2 || strcmp(check, text + length) != 0 || out->first > out->last)
        return cp_fail(err, CP_BAD_INPUT, "", "malformed layers '%s'", text),
               cp_expected(err, "visual, text, *, visual.4, visual.4-5 or *.0");
    int deepest = 0;
    if (out->tower[CP_VISUAL])
        deepest = config->vision.layers;
    if (out->tower[CP_TEXT] && (!any || config->text.layers < deepest))
        deepest = config->text.layers;
    if (out->last >= deepest)
        return cp_fail(err, CP_BAD_INPUT, "", "layer %d in '%s' does not exist", out->last, text),
               cp_expected(err, "layers 0 to %d of %s", deepest - 1, any ? "both towers" : tower);
    return CP_OK;
}

static enum cp_status parse_name(const char *text, size_t length, struct address *out, struct cp_error *err) {
    const char *names[CP_COMPONENT_COUNT + CP_KNOB_COUNT + 2];
    char storage[CP_KNOB_COUNT][48];
    char name[64];
    int count = 0;
    for (int c = 0; c < CP_COMPONENT_COUNT; c++)
        names[count++] = cp_components[c].name;
    for (int k = 0; k < CP_KNOB_COUNT; k++) {
        (void)snprintf(storage[k], sizeof storage[k], "%s.%s", cp_components[cp_knobs[k].component].name,
                       cp_knobs[k].name);
        names[count++] = storage[k];
    }
    names[count++] = "precision";
    names[count] = NULL;
    (void)snprintf(name, sizeof name, "%.*s", (int)(length < 63 ? length : 63), text);
    int found = 0;
    while (found < count && strcmp(names[found], name) != 0)
        found++;
    if (found == count)
        return cp_fail(err, CP_BAD_INPUT, "", "unknown component or knob '%s'", name),
               expect_one_of(err, name, names);
    out->knob = -1;
    if (found < CP_COMPONENT_COUNT) {
        out->component = (enum cp_component_id)found;
    } else if (found < CP_COMPONENT_COUNT + CP_KNOB_COUNT) {
        out->knob = found - CP_COMPONENT_COUNT;
        out->component = cp_knobs[out->knob].component;
    } else {
        out->component = CP_COMPONENT_COUNT;
    }
    return CP_OK;
}

static enum cp_status parse_address(const struct cp_clip_config *config, const char *text,
                                    struct address *out, struct cp_error *err) {
    const char *at = strchr(text, '@');
    CP_TRY(parse_name(text, at ? (size_t)(at - text) : strlen(text), out, err));
    return parse_layers(config, at ? at + 1 : "*", out, err);
}

static bool covers(const struct address *address, enum cp_tower tower, int layer) {
    if (tower == CP_JOINT)
        return address->joint;
    if (!address->tower[tower])
        return false;
    return address->first < 0 || (layer >= address->first && layer <= address->last);
}

/* ---- values
 * --------------------------------------------------------------------------------------------------- */

static enum cp_status find_variant(const struct cp_ops *ops, enum cp_component_id id, const char *value,
                                   int *index, struct cp_error *err) {
    const char *names[MAX_NAMES];
    int count = 0;
    for (const struct cp_variant *v;
         count < MAX_NAMES - 2 && (v = cp_components[id].variant(ops, count)) != NULL; count++) {
        names[count] = v->name;
        if (strcmp(v->name, value) == 0) {
            *index = count;
            return CP_OK;
        }
    }
    if (id == CP_ACTIVATION)
        names[count++] = "auto";
    names[count] = NULL;
    return cp_fail(err, CP_BAD_INPUT, "", "unknown variant '%s' of %s", value, cp_components[id].name),
           expect_one_of(err, value, names);
}

/* `auto` is what the model's config says: open_clip's quick_gelu flag, else nn.GELU with its approximate=
 * argument. */
static const char *automatic_activation(const struct cp_clip_config *config, enum cp_tower tower) {
    const bool tanh_form = tower == CP_TEXT ? config->text.gelu_tanh : config->vision.gelu_tanh;
    return config->quick_gelu ? "quick" : tanh_form ? "tanh" : "erf";
}

static double config_eps(const struct cp_clip_config *config, enum cp_tower tower) {
    return tower == CP_TEXT ? config->text.eps : config->vision.eps;
}

static enum cp_status parse_number(const struct cp_knob *knob, const char *value, double *number,
                                   struct cp_error *err) {
    char *end;
    errno = 0;
    *number = strtod(value, &end);
    if (end == value || *end || errno == ERANGE || !isfinite(*number) || !(*number > 0))
        return cp_fail(err, CP_BAD_INPUT, "", "%s.%s: '%s' is not a positive number",
                       cp_components[knob->component].name, knob->name, value),
               cp_expected(err, "a number such as 1e-5");
    return CP_OK;
}

static enum cp_status set_knob(struct cp_spec *spec, const struct address *address, enum cp_tower tower,
                               int layer, const char *value, struct cp_error *err) {
    const struct cp_knob *knob = &cp_knobs[address->knob];
    struct cp_choice *choice = &spec->choice[cp_spec_slot(spec->config, tower, layer)];
    if (!knob->options[0]) {
        if (!value) {
            choice->number[address->knob] = config_eps(spec->config, tower);
            return CP_OK;
        }
        return parse_number(knob, value, &choice->number[address->knob], err);
    }
    int count = 0;
    for (; knob->options[count]; count++)
        if (strcmp(knob->options[count], value) == 0) {
            choice->option[address->knob] = count;
            return CP_OK;
        }
    return cp_fail(err, CP_BAD_INPUT, "", "unknown value '%s' of %s.%s", value,
                   cp_components[knob->component].name, knob->name),
           expect_one_of(err, value, knob->options);
}

static enum cp_status set_slot(struct cp_spec *spec, const struct address *address, enum cp_tower tower,
                               int layer, const char *value, struct cp_error *err) {
    if (!covers(address, tower, layer))
        return CP_OK;
    if (address->knob >= 0)
        return set_knob(spec, address, tower, layer, value, err);
    if (address->component == CP_ACTIVATION && strcmp(value, "auto") == 0)
        value = automatic_activation(spec->config, tower);
    struct cp_choice *choice = &spec->choice[cp_spec_slot(spec->config, tower, layer)];
    return find_variant(spec->ops, address->component, value, &choice->variant[address->component], err);
}

static enum cp_status set_everywhere(struct cp_spec *spec, const struct address *address, const char *value,
                                     struct cp_error *err) {
    CP_TRY(set_slot(spec, address, CP_JOINT, -1, value, err));
    for (int layer = -1; layer < spec->config->vision.layers; layer++)
        CP_TRY(set_slot(spec, address, CP_VISUAL, layer, value, err));
    for (int layer = -1; layer < spec->config->text.layers; layer++)
        CP_TRY(set_slot(spec, address, CP_TEXT, layer, value, err));
    return CP_OK;
}

/* open_clip's precision table: what each name means for every component and knob that it governs. */
static enum cp_status set_precision(struct cp_spec *spec, const char *layers, const char *value,
                                    struct cp_error *err) {
    static const struct {
        const char *name, *type, *scope;
    } rows[] = {
        {"fp32", "fp32", "linear"},   {"fp16", "fp16", "linear"},   {"bf16", "bf16", "linear"},
        {"pure_fp16", "fp16", "all"}, {"pure_bf16", "bf16", "all"},
    };
    static const char *const typed[] = {"weights", "linear.compute", "activation.compute",
                                        "attention.compute", "residual"};
    enum { ROWS = sizeof rows / sizeof rows[0] };
    const char *names[ROWS + 1] = {NULL};
    for (int r = 0; r < ROWS; r++) {
        names[r] = rows[r].name;
        if (strcmp(rows[r].name, value) != 0)
            continue;
        char address[64];
        for (size_t i = 0; i < sizeof typed / sizeof typed[0]; i++) {
            (void)snprintf(address, sizeof address, "%s%s", typed[i], layers);
            CP_TRY(cp_spec_set(spec, address, rows[r].type, err));
        }
        (void)snprintf(address, sizeof address, "weights.scope%s", layers);
        return cp_spec_set(spec, address, rows[r].scope, err);
    }
    return cp_fail(err, CP_BAD_INPUT, "", "unknown value '%s' of precision", value),
           expect_one_of(err, value, names);
}

enum cp_status cp_spec_set(struct cp_spec *spec, const char *address, const char *value,
                           struct cp_error *err) {
    struct address parsed;
    CP_TRY(parse_address(spec->config, address, &parsed, err));
    if (parsed.component == CP_COMPONENT_COUNT) {
        const char *at = strchr(address, '@');
        return set_precision(spec, at ? at : "", value, err);
    }
    return set_everywhere(spec, &parsed, value, err);
}

enum cp_dtype cp_spec_site_type(const struct cp_spec *spec, const struct cp_site *site) {
    const struct cp_choice *choice = cp_spec_at(spec, site->tower, site->layer);
    switch (site->point) {
    case CP_PIXELS_NORMALIZED:
        return CP_FP32;
    case CP_ATTN_Q:
    case CP_ATTN_K:
    case CP_ATTN_V:
        /* Rounded by the projection and again as operands: the narrower of the two. */
        if (cp_choice_type(choice, CP_ATTENTION_COMPUTE) == CP_FP32)
            return cp_choice_type(choice, CP_LINEAR_COMPUTE);
        return cp_choice_type(choice, CP_ATTENTION_COMPUTE);
    case CP_ATTN_SCORES:
    case CP_ATTN_PROBS:
    case CP_ATTN_CONTEXT:
        return cp_choice_type(choice, CP_ATTENTION_COMPUTE);
    case CP_MLP_GELU:
        return cp_choice_type(choice, CP_ACTIVATION_COMPUTE);
    case CP_TOKEN_EMBEDDING:
    case CP_EMBED:
    case CP_LN_PRE:
    case CP_LN_1:
    case CP_LN_2:
    case CP_RESID_MID:
    case CP_BLOCK:
    case CP_LN_POST:
    case CP_POOLED:
        return cp_choice_residual(choice);
    default:
        return cp_choice_type(choice, CP_LINEAR_COMPUTE);
    }
}

/* ---- making, comparing, printing
 * ------------------------------------------------------------------------------ */

enum cp_status cp_spec_create(const char *name, const struct cp_clip_config *config, const struct cp_ops *ops,
                              struct cp_arena *arena, struct cp_spec **out, struct cp_error *err) {
    struct cp_spec *spec = cp_arena_calloc(arena, 1, sizeof *spec);
    const size_t slots = cp_spec_slot(config, CP_TEXT, config->text.layers);
    struct cp_choice *choice = cp_arena_calloc(arena, slots, sizeof *choice);
    if (!spec || !choice || !(name = cp_arena_strdup(arena, name)))
        return cp_fail(err, CP_INTERNAL, "", "out of memory for a spec");
    *spec = (struct cp_spec){name, config, ops, slots, choice};
    struct address everywhere = {.knob = -1, .tower = {true, true}, .first = -1, .last = -1, .joint = true};
    for (int c = 0; c < CP_COMPONENT_COUNT; c++) {
        everywhere.component = (enum cp_component_id)c;
        CP_TRY(set_everywhere(spec, &everywhere, cp_components[c].initial, err));
    }
    for (everywhere.knob = 0; everywhere.knob < CP_KNOB_COUNT; everywhere.knob++)
        CP_TRY(set_everywhere(spec, &everywhere, cp_knobs[everywhere.knob].initial, err));
    *out = spec;
    return CP_OK;
}

enum cp_status cp_spec_copy(const struct cp_spec *from, const char *name, struct cp_arena *arena,
                            struct cp_spec **out, struct cp_error *err) {
    CP_TRY(cp_spec_create(name, from->config, from->ops, arena, out, err));
    memcpy((*out)->choice, from->choice, from->slots * sizeof *from->choice);
    return CP_OK;
}

static const struct cp_variant *variant_of(const struct cp_spec *spec, size_t slot, int component) {
    return cp_components[component].variant(spec->ops, spec->choice[slot].variant[component]);
}

bool cp_spec_same_maths(const struct cp_spec *a, const struct cp_spec *b) {
    for (size_t slot = 0; slot < a->slots; slot++) {
        for (int c = 0; c < CP_COMPONENT_COUNT; c++)
            if (strcmp(variant_of(a, slot, c)->maths, variant_of(b, slot, c)->maths) != 0)
                return false;
        for (int k = 0; k < CP_KNOB_COUNT; k++)
            if (cp_knobs[k].maths && (a->choice[slot].option[k] != b->choice[slot].option[k] ||
                                      a->choice[slot].number[k] != b->choice[slot].number[k]))
                return false;
    }
    return true;
}

/* The value of component c (knob k if k >= 0) at a slot, as an experiment file would write it. */
static void value_text(const struct cp_spec *spec, size_t slot, int c, int k, char text[32]) {
    if (k < 0)
        (void)snprintf(text, 32, "%s", variant_of(spec, slot, c)->name);
    else if (cp_knobs[k].options[0])
        (void)snprintf(text, 32, "%s", cp_knobs[k].options[spec->choice[slot].option[k]]);
    else
        (void)snprintf(text, 32, "%.17g", spec->choice[slot].number[k]);
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
    char *line = cp_arena_printf(arena, "%s%s%s%s:", so_far, cp_components[c].name, k < 0 ? "" : ".",
                                 k < 0 ? "" : cp_knobs[k].name);
    for (size_t slot = 0; slot < spec->slots && line; slot++) {
        value_text(spec, slot, c, k, value);
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
        text = print_one(spec, c, -1, text, arena);
        for (int k = 0; k < CP_KNOB_COUNT && text; k++)
            if ((int)cp_knobs[k].component == c)
                text = print_one(spec, c, k, text, arena);
    }
    return text;
}
