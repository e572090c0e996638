/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/spec_address.h"

#include "base/nearest.h"

#include <stdio.h>
#include <string.h>

enum cp_status cp_expect_one_of(struct cp_error *err, const char *found, const char *const *names) {
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

static enum cp_status parse_layers(const struct cp_clip_config *config, const char *text,
                                   struct cp_spec_address *out, struct cp_error *err) {
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
    char check[32];    /* printed back, since sscanf forgives signs, zeros and overflow */
    const int fields = /* NOLINTNEXTLINE(cert-err34-c) */
        sscanf(text + length, ".%5d-%5d%c", &out->first, &out->last, &rest);
    if (fields == 1)
        out->last = out->first;
    (void)snprintf(check, sizeof check, fields == 1 ? ".%d" : ".%d-%d", out->first, out->last);
    if (fields < 1 || fields > 2 || strcmp(check, text + length) != 0 || out->first < 0 ||
        out->first > out->last)
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

static enum cp_status parse_name(const char *text, size_t length, struct cp_spec_address *out,
                                 struct cp_error *err) {
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
               cp_expect_one_of(err, name, names);
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

enum cp_status cp_spec_parse_address(const struct cp_clip_config *config, const char *text,
                                     struct cp_spec_address *out, struct cp_error *err) {
    const char *at = strchr(text, '@');
    CP_TRY(parse_name(text, at ? (size_t)(at - text) : strlen(text), out, err));
    return parse_layers(config, at ? at + 1 : "*", out, err);
}

bool cp_spec_covers(const struct cp_spec_address *address, enum cp_tower tower, int layer) {
    if (tower == CP_JOINT)
        return address->joint;
    if (!address->tower[tower])
        return false;
    return address->first < 0 || (layer >= address->first && layer <= address->last);
}
