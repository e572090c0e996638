/* SPDX-License-Identifier: GPL-3.0-or-later
 * Defaults, assignment by address, `auto` and precision names; comparison by maths or by value. */
#include "spec/address.h"

#include "base/nearest.h"
#include "tap/tap.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAMES = 32 };

/* Layer -1, what is outside the blocks, is the slot before block 0. */
size_t cp_spec_slot(const struct cp_clip_config *config, enum cp_tower tower, int layer) {
    switch (tower) {
    case CP_VISUAL:
        return 2 + (size_t)layer;
    case CP_TEXT:
        return 3 + (size_t)config->vision.layers + (size_t)layer;
    case CP_JOINT:
        break;
    }
    return 0;
}

const struct cp_variant *cp_spec_variant(const struct cp_spec *spec, size_t slot, int component) {
    return cp_components[component]->variant(spec->ops, spec->choice[slot].variant[component]);
}

enum cp_dtype cp_spec_site_type(const struct cp_spec *spec, const struct cp_site *site) {
    const struct cp_choice *choice = cp_spec_at(spec, site->tower, site->layer);
    const enum cp_dtype linear = cp_choice_type(choice, CP_LINEAR_COMPUTE);
    const enum cp_dtype attention = cp_choice_type(choice, CP_ATTENTION_COMPUTE);
    switch (site->point < CP_POINT_COUNT ? cp_points[site->point].type : CP_TYPE_LINEAR) {
    case CP_TYPE_FP32:
        return CP_FP32;
    case CP_TYPE_WEIGHTS:
        return cp_choice_stored(choice);
    case CP_TYPE_RESIDUAL:
        return cp_choice_residual(choice);
    case CP_TYPE_OPERAND:
        return attention == CP_FP32 ? linear : attention;
    case CP_TYPE_ATTENTION:
        return attention;
    case CP_TYPE_ACTIVATION:
        return cp_choice_type(choice, CP_ACTIVATION_COMPUTE);
    case CP_TYPE_LINEAR:
        break;
    }
    return linear;
}

/* ---- values ---- */

static bool has_word(const char *words, const char *word) {
    const size_t length = strlen(word);
    for (const char *at = words; at && length && *at; at += strspn(at, " ")) {
        const size_t own = strcspn(at, " ");
        if (own == length && strncmp(at, word, length) == 0)
            return true;
        at += own;
    }
    return false;
}

/* What others call otherwise is offered by what it imitates. */
static bool suggest_alias(const struct cp_ops *ops, enum cp_component_id id, const char *value,
                          struct cp_error *err) {
    const struct cp_variant *v;
    char as[200];
    for (int i = 0; (v = cp_components[id]->variant(ops, i)) != NULL; i++) {
        if (!has_word(v->aliases, value))
            continue;
        (void)snprintf(as, sizeof as, ", as %s", v->imitates);
        cp_did_you_mean(err, v->name, as);
        return true;
    }
    return false;
}

static enum cp_status find_variant(const struct cp_ops *ops, enum cp_component_id id, const char *value,
                                   int *index, struct cp_error *err) {
    const char *names[MAX_NAMES];
    int count = 0;
    for (const struct cp_variant *v;
         count < MAX_NAMES - 2 && (v = cp_components[id]->variant(ops, count)) != NULL; count++) {
        names[count] = v->name;
        if (strcmp(v->name, value) == 0) {
            *index = count;
            return CP_OK;
        }
    }
    if (cp_components[id]->automatic)
        names[count++] = "auto";
    names[count] = NULL;
    (void)cp_fail(err, CP_BAD_INPUT, "", "unknown variant '%s' of %s", value, cp_components[id]->name);
    return cp_expect_one_of(err, suggest_alias(ops, id, value, err) ? "" : value, names);
}

static bool read_number(const struct cp_number_kind *kind, const char *value, double *number) {
    char *end;
    errno = 0;
    *number = strtod(value, &end);
    if (kind->whole && value[strspn(value, "0123456789")])
        return false;
    return end != value && !*end && errno != ERANGE && *number >= kind->least && *number <= kind->most;
}

static enum cp_status parse_number(const struct cp_knob *knob, const char *of, const char *value,
                                   double *number, struct cp_error *err) {
    const struct cp_number_kind *kind = &cp_number_kinds[knob->number];
    double parsed;
    if (!read_number(kind, value, &parsed))
        return cp_fail(err, CP_BAD_INPUT, "", "%s.%s: '%s' is not %s", of, knob->name, value, kind->name),
               cp_expected(err, "%s", kind->expected);
    *number = parsed;
    return CP_OK;
}

static enum cp_status set_knob(struct cp_spec *spec, const struct cp_spec_address *address,
                               enum cp_tower tower, int layer, const char *value, struct cp_error *err) {
    const struct cp_knob *knob = cp_knob(address->knob);
    const char *of = cp_components[address->component]->name;
    struct cp_choice *choice = &spec->choice[cp_spec_slot(spec->config, tower, layer)];
    double *number = &choice->number[address->knob];
    if (!knob->options) {
        if (value)
            return parse_number(knob, of, value, number, err);
        *number = knob->number_by_config(spec->config, tower);
        return CP_OK;
    }
    int count = 0;
    if (!value)
        value = knob->option_by_config(spec->config);
    for (; knob->options[count]; count++)
        if (strcmp(knob->options[count], value) == 0) {
            choice->option[address->knob] = count;
            return CP_OK;
        }
    return cp_fail(err, CP_BAD_INPUT, "", "unknown value '%s' of %s.%s", value, of, knob->name),
           cp_expect_one_of(err, value, knob->options);
}

static enum cp_status set_slot(struct cp_spec *spec, const struct cp_spec_address *address,
                               enum cp_tower tower, int layer, const char *value, struct cp_error *err) {
    if (!cp_spec_covers(address, tower, layer))
        return CP_OK;
    if (address->knob >= 0)
        return set_knob(spec, address, tower, layer, value, err);
    if (cp_components[address->component]->automatic && strcmp(value, "auto") == 0)
        value = cp_components[address->component]->by_config(spec->config, tower);
    struct cp_choice *choice = &spec->choice[cp_spec_slot(spec->config, tower, layer)];
    return find_variant(spec->ops, address->component, value, &choice->variant[address->component], err);
}

static enum cp_status set_everywhere(struct cp_spec *spec, const struct cp_spec_address *address,
                                     const char *value, struct cp_error *err) {
    CP_TRY(set_slot(spec, address, CP_JOINT, -1, value, err));
    for (int layer = -1; layer < spec->config->vision.layers; layer++)
        CP_TRY(set_slot(spec, address, CP_VISUAL, layer, value, err));
    for (int layer = -1; layer < spec->config->text.layers; layer++)
        CP_TRY(set_slot(spec, address, CP_TEXT, layer, value, err));
    return CP_OK;
}

/* open_clip's precision table: what each name means for every component and knob that it governs. */
static const struct {
    const char *type, *scope;
} precisions[] = {
    {"fp32", "linear"}, {"fp16", "linear"}, {"bf16", "linear"}, {"fp16", "all"}, {"bf16", "all"}};
const char *const cp_precision_names[] = {"fp32", "fp16", "bf16", "pure_fp16", "pure_bf16", NULL};

static enum cp_status set_precision(struct cp_spec *spec, const char *layers, const char *value,
                                    struct cp_error *err) {
    static const char *const typed[] = {"weights", "linear.compute", "activation.compute",
                                        "attention.compute", "residual"};
    char address[64];
    size_t p = 0;
    while (cp_precision_names[p] && strcmp(cp_precision_names[p], value) != 0)
        p++;
    if (!cp_precision_names[p])
        return cp_fail(err, CP_BAD_INPUT, "", "unknown value '%s' of precision", value),
               cp_expect_one_of(err, value, cp_precision_names);
    for (size_t i = 0; i < sizeof typed / sizeof typed[0]; i++) {
        (void)snprintf(address, sizeof address, "%s%s", typed[i], layers);
        CP_TRY(cp_spec_set(spec, address, precisions[p].type, err));
    }
    (void)snprintf(address, sizeof address, "weights.scope%s", layers);
    return cp_spec_set(spec, address, precisions[p].scope, err);
}

enum cp_status cp_spec_set(struct cp_spec *spec, const char *address, const char *value,
                           struct cp_error *err) {
    struct cp_spec_address parsed;
    CP_TRY(cp_spec_parse_address(spec->config, address, &parsed, err));
    if (parsed.component == CP_COMPONENT_COUNT) {
        const char *at = strchr(address, '@');
        return set_precision(spec, at ? at : "", value, err);
    }
    return set_everywhere(spec, &parsed, value, err);
}

enum cp_status cp_spec_create(const char *name, const struct cp_clip_config *config, const struct cp_ops *ops,
                              struct cp_arena *arena, struct cp_spec **out, struct cp_error *err) {
    struct cp_spec *spec = cp_arena_calloc(arena, 1, sizeof *spec);
    const size_t slots = cp_spec_slot(config, CP_TEXT, config->text.layers);
    struct cp_choice *choice = cp_arena_calloc(arena, slots, sizeof *choice);
    CP_TRY(CP_CHECK_ALLOC(spec && choice && (name = cp_arena_strdup(arena, name)), err, "", "a spec"));
    *spec = (struct cp_spec){name, config, ops, slots, choice};
    struct cp_spec_address everywhere = {
        .knob = -1, .tower = {true, true}, .first = -1, .last = -1, .joint = true};
    for (int c = 0; c < CP_COMPONENT_COUNT; c++) {
        everywhere.component = (enum cp_component_id)c;
        CP_TRY(set_everywhere(spec, &everywhere, cp_components[c]->initial, err));
    }
    for (everywhere.knob = 0; everywhere.knob < CP_KNOB_COUNT; everywhere.knob++) {
        everywhere.component = cp_knob_component(everywhere.knob);
        CP_TRY(set_everywhere(spec, &everywhere, cp_knob(everywhere.knob)->initial, err));
    }
    *out = spec;
    return CP_OK;
}

enum cp_status cp_spec_copy(const struct cp_spec *from, const char *name, struct cp_arena *arena,
                            struct cp_spec **out, struct cp_error *err) {
    CP_TRY(cp_spec_create(name, from->config, from->ops, arena, out, err));
    memcpy((*out)->choice, from->choice, from->slots * sizeof *from->choice);
    return CP_OK;
}

size_t cp_spec_only_slot(const struct cp_clip_config *config, int component) {
    switch (cp_components[component]->reach) {
    case CP_BEFORE_IMAGES:
    case CP_WHOLE_IMAGE_TOWER:
        return cp_spec_slot(config, CP_VISUAL, -1);
    case CP_BEFORE_TEXTS:
        return cp_spec_slot(config, CP_TEXT, -1);
    case CP_EACH_LAYER:
        break;
    }
    return SIZE_MAX;
}

const struct cp_tokenizer_variant *cp_spec_tokenizer(const struct cp_spec *spec) {
    return cp_tokenizer_variant(cp_spec_at(spec, CP_TEXT, -1)->variant[CP_TOKENIZER]);
}

bool cp_spec_acts(const struct cp_spec *spec, size_t slot, int component) {
    const size_t only = cp_spec_only_slot(spec->config, component);
    bool (*const acts)(const struct cp_clip_config *) = cp_components[component]->acts;
    return (only == SIZE_MAX || only == slot) && (!acts || acts(spec->config));
}

static const char *maths_of(const struct cp_spec *spec, size_t slot, int component) {
    const struct cp_component *c = cp_components[component];
    return c->maths ? c->maths(&spec->choice[slot]) : cp_spec_variant(spec, slot, component)->maths;
}

static bool same_component(const struct cp_spec *a, const struct cp_spec *b, size_t slot, int component) {
    if (!cp_spec_acts(a, slot, component))
        return true;
    if (strcmp(maths_of(a, slot, component), maths_of(b, slot, component)) != 0)
        return false;
    for (int k = 0; k < CP_KNOB_COUNT; k++)
        if ((int)cp_knob_component(k) == component && cp_knob(k)->maths &&
            (a->choice[slot].option[k] != b->choice[slot].option[k] ||
             a->choice[slot].number[k] != b->choice[slot].number[k]))
            return false;
    return true;
}

/* Whether a slot is one of the blocks in which a component acts though it has no layers. */
static bool is_within(const struct cp_spec *spec, size_t slot, int component) {
    return cp_components[component]->reach == CP_WHOLE_IMAGE_TOWER &&
           slot > cp_spec_slot(spec->config, CP_VISUAL, -1) && slot < cp_spec_slot(spec->config, CP_TEXT, -1);
}

/* Where a component's choice for a slot stands. */
static size_t slot_of(const struct cp_spec *spec, size_t slot, int component) {
    return is_within(spec, slot, component) ? cp_spec_slot(spec->config, CP_VISUAL, -1) : slot;
}

bool cp_spec_same_maths_at(const struct cp_spec *a, const struct cp_spec *b, size_t slot) {
    for (int c = 0; c < CP_COMPONENT_COUNT; c++)
        if (!same_component(a, b, slot_of(a, slot, c), c))
            return false;
    return true;
}

bool cp_spec_same_maths_of(const struct cp_spec *a, const struct cp_spec *b, int component) {
    for (size_t slot = 0; slot < a->slots; slot++)
        if (!same_component(a, b, slot, component))
            return false;
    return true;
}

bool cp_spec_same_maths(const struct cp_spec *a, const struct cp_spec *b) {
    for (size_t slot = 0; slot < a->slots; slot++)
        if (!cp_spec_same_maths_at(a, b, slot))
            return false;
    return true;
}

bool cp_spec_same_value(const struct cp_spec *a, const struct cp_spec *b, size_t slot, int c, int k) {
    const struct cp_choice *x = &a->choice[slot], *y = &b->choice[slot];
    if (!cp_spec_acts(a, slot, c))
        return true;
    if (k < 0)
        return x->variant[c] == y->variant[c];
    return x->option[k] == y->option[k] && x->number[k] == y->number[k];
}

void cp_spec_take(struct cp_spec *to, const struct cp_spec *from, size_t slot, int c, int k) {
    if (k < 0) {
        to->choice[slot].variant[c] = from->choice[slot].variant[c];
        return;
    }
    to->choice[slot].option[k] = from->choice[slot].option[k];
    to->choice[slot].number[k] = from->choice[slot].number[k];
}

bool cp_spec_same_at(const struct cp_spec *a, const struct cp_spec *b, size_t slot) {
    for (int c = 0; c < CP_COMPONENT_COUNT; c++)
        if (!cp_spec_same_value(a, b, slot_of(a, slot, c), c, -1))
            return false;
    for (int k = 0; k < CP_KNOB_COUNT; k++) {
        const int c = (int)cp_knob_component(k);
        if (!cp_spec_same_value(a, b, slot_of(a, slot, c), c, k))
            return false;
    }
    return true;
}
