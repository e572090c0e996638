/* SPDX-License-Identifier: GPL-3.0-or-later
 * Parses names and ranges of layers, and suggests the nearest name where one is unknown. */
#include "spec/address.h"

#include "base/nearest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A layer written as it is printed: no sign, no leading zero, no space. Moves text behind it. */
static bool read_layer(const char **text, int *layer) {
    const size_t digits = strspn(*text, "0123456789");
    if (digits == 0 || digits > 5 || (digits > 1 && **text == '0'))
        return false;
    *layer = (int)strtol(*text, NULL, 10);
    *text += digits;
    return true;
}

static enum cp_status parse_layers(const struct cp_clip_config *config, const char *text,
                                   struct cp_spec_address *out, struct cp_error *err) {
    char tower[16];
    const size_t length = strcspn(text, ".");
    (void)snprintf(tower, sizeof tower, "%.*s", (int)(length < 15 ? length : 15), text);
    const bool any = strcmp(tower, "*") == 0;
    out->tower[CP_VISUAL] = any || strcmp(tower, "visual") == 0;
    out->tower[CP_TEXT] = any || strcmp(tower, "text") == 0;
    out->joint = (any && text[length] == '\0') || strcmp(text, "joint") == 0;
    out->first = out->last = -1;
    out->outer = false;
    if (strcmp(text, "joint") == 0)
        return CP_OK;
    if (!out->tower[CP_VISUAL] && !out->tower[CP_TEXT])
        return cp_fail(err, CP_BAD_INPUT, "", "unknown tower '%s' in layers '%s'", tower, text),
               cp_expected(err,
                           "visual, text, joint or *, with layers as visual.4, visual.4-5 or visual.outer");
    if (text[length] == '\0')
        return CP_OK;
    const char *rest = text + length + 1;
    out->outer = strcmp(rest, "outer") == 0;
    if (out->outer)
        return CP_OK;
    bool well_formed = read_layer(&rest, &out->first);
    out->last = out->first;
    if (well_formed && *rest == '-') {
        rest++;
        well_formed = read_layer(&rest, &out->last);
    }
    if (!well_formed || *rest || out->first > out->last)
        return cp_fail(err, CP_BAD_INPUT, "", "malformed layers '%s'", text),
               cp_expected(err, "visual, text, joint, *, visual.4, visual.4-5, visual.outer or *.0");
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

static enum cp_status parse_name(const char *text, size_t length, struct cp_spec_address *out,
                                 struct cp_error *err) {
    const char *names[CP_COMPONENT_COUNT + CP_KNOB_COUNT + 2];
    char storage[CP_KNOB_COUNT][48];
    char name[64];
    int count = 0;
    for (int c = 0; c < CP_COMPONENT_COUNT; c++)
        names[count++] = cp_components[c]->name;
    for (int k = 0; k < CP_KNOB_COUNT; k++) {
        (void)snprintf(storage[k], sizeof storage[k], "%s.%s", cp_components[cp_knob_component(k)]->name,
                       cp_knob(k)->name);
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
               cp_expect_one_of(err, name, names);
    out->knob = -1;
    if (found < CP_COMPONENT_COUNT) {
        out->component = (enum cp_component_id)found;
    } else if (found < CP_COMPONENT_COUNT + CP_KNOB_COUNT) {
        out->knob = found - CP_COMPONENT_COUNT;
        out->component = cp_knob_component(out->knob);
    } else {
        out->component = CP_COMPONENT_COUNT;
    }
    return CP_OK;
}

enum cp_status cp_spec_parse_address(const struct cp_clip_config *config, const char *text,
                                     struct cp_spec_address *out, struct cp_error *err) {
    const char *at = strchr(text, '@');
    CP_TRY(parse_name(text, at ? (size_t)(at - text) : strlen(text), out, err));
    if (at && out->component < CP_COMPONENT_COUNT &&
        cp_spec_only_slot(config, (int)out->component) != SIZE_MAX)
        return cp_fail(err, CP_BAD_INPUT, "", "%s has no layers, and '%s' names some",
                       cp_components[out->component]->name, text),
               cp_expected(err, "%.*s", (int)(at - text), text);
    return parse_layers(config, at ? at + 1 : "*", out, err);
}

bool cp_spec_covers(const struct cp_spec_address *address, enum cp_tower tower, int layer) {
    if (tower == CP_JOINT)
        return address->joint;
    if (!address->tower[tower])
        return false;
    if (address->outer)
        return layer < 0;
    return address->first < 0 || (layer >= address->first && layer <= address->last);
}
