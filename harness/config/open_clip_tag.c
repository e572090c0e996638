/* SPDX-License-Identifier: GPL-3.0-or-later
 * Looks a tag up in the table of data/. */
#include "config/open_clip_tag.h"

#include "base/nearest.h"
#include "config/clip_config_field.h"
#include "format/json_file.h"

#include <stdio.h>
#include <string.h>

enum { TAGS_MAX = 64 };

void cp_open_clip_clean_tag(const char *tag, char cleaned[64]) {
    (void)snprintf(cleaned, 64, "%s", tag);
    for (char *c = cleaned; *c; c++)
        if (*c == '-')
            *c = '_';
        else if (*c >= 'A' && *c <= 'Z')
            *c = "abcdefghijklmnopqrstuvwxyz"[*c - 'A'];
}

/* A tag says what is not as OpenAI has it. */
static enum cp_status read_entry(const char *path, json_t *entry, struct cp_open_clip_tag *known,
                                 struct cp_error *err) {
    const struct cp_field_reader reader = {path, err};
    json_t *preprocess = json_object_get(entry, "preprocess_cfg");
    known->quick_gelu = json_is_true(json_object_get(entry, "quick_gelu"));
    known->preprocessed = cp_clip_config_default();
    return preprocess ? cp_field_preprocess(&reader, preprocess, &known->preprocessed) : CP_OK;
}

static enum cp_status refuse(const char *name, const char *tag, json_t *tags, bool suffixed,
                             struct cp_error *err) {
    const char *names[TAGS_MAX], *key;
    json_t *entry;
    size_t count = 0;
    json_object_foreach(tags, key, entry) {
        if (count < TAGS_MAX && (!suffixed || json_is_true(json_object_get(entry, "quick_gelu"))))
            names[count++] = key;
    }
    char cleaned[64];
    cp_open_clip_clean_tag(tag, cleaned);
    const char *nearest = cp_nearest(cleaned, names, count);
    (void)cp_fail(err, CP_BAD_INPUT, "", "open_clip has no weights '%.100s' for %.100s", tag, name);
    if (nearest)
        cp_did_you_mean(err, nearest, "");
    return cp_expected(err, "a tag of that model, or the path of a file");
}

/* open_clip reads ViT-B/32 as ViT-B-32. */
static json_t *tags_of(json_t *root, const char *name, size_t length) {
    char dashed[128];
    (void)snprintf(dashed, sizeof dashed, "%.*s", (int)(length < sizeof dashed ? length : 0), name);
    for (char *c = strchr(dashed, '/'); c; c = strchr(c, '/'))
        *c = '-';
    return json_object_get(root, dashed);
}

static enum cp_status common_preprocessing(const char *path, json_t *tags, bool quick,
                                           struct cp_clip_config *common, enum cp_tags_agree *agree,
                                           struct cp_error *err) {
    const char *key;
    json_t *entry;
    json_object_foreach(tags, key, entry) {
        struct cp_open_clip_tag known;
        CP_TRY(read_entry(path, entry, &known, err));
        if (quick && !known.quick_gelu)
            continue;
        if (*agree == CP_TAGS_NONE)
            *common = known.preprocessed;
        const bool same = cp_clip_config_same_preprocessing(common, &known.preprocessed);
        *agree = same && *agree != CP_TAGS_DIFFER ? CP_TAGS_AGREE : CP_TAGS_DIFFER;
    }
    if (*agree != CP_TAGS_AGREE)
        *common = cp_clip_config_default();
    return CP_OK;
}

/* The name of the same architecture with which the tags stand. */
static size_t without_suffix(const char *name) {
    static const char suffix[] = "-quickgelu";
    const size_t length = strlen(name), most = sizeof suffix - 1;
    return length > most && strcmp(name + length - most, suffix) == 0 ? length - most : length;
}

enum cp_status cp_open_clip_preprocessing(const char *name, struct cp_clip_config *preprocessed,
                                          enum cp_tags_agree *agree, struct cp_error *err) {
    const size_t length = without_suffix(name);
    struct cp_arena arena = {0};
    const char *path;
    json_t *root;
    *preprocessed = cp_clip_config_default();
    *agree = CP_TAGS_NONE;
    enum cp_status status = cp_json_data("model_configs/pretrained.json", &arena, &path, &root, err);
    if (status == CP_OK)
        status = common_preprocessing(path, tags_of(root, name, length), name[length] != '\0', preprocessed,
                                      agree, err);
    json_decref(root);
    cp_arena_free(&arena);
    return status;
}

enum cp_status cp_open_clip_tag(const char *name, const char *tag, struct cp_open_clip_tag *known,
                                struct cp_error *err) {
    const size_t length = without_suffix(name);
    const bool suffixed = name[length] != '\0';
    struct cp_arena arena = {0};
    const char *path;
    char cleaned[64];
    json_t *root;
    enum cp_status status = cp_json_data("model_configs/pretrained.json", &arena, &path, &root, err);
    if (status == CP_OK) {
        cp_open_clip_clean_tag(tag, cleaned);
        json_t *tags = tags_of(root, name, length);
        json_t *entry = json_object_get(tags, cleaned);
        const bool there = entry && (!suffixed || json_is_true(json_object_get(entry, "quick_gelu")));
        status = there ? read_entry(path, entry, known, err) : refuse(name, tag, tags, suffixed, err);
    }
    json_decref(root);
    cp_arena_free(&arena);
    return status;
}
