/* SPDX-License-Identifier: GPL-3.0-or-later
 * Parses the `inputs` section; the files it names are opened elsewhere (inputs/inputs.h). */
#include "experiment/read.h"

#include <string.h>

/* A list of texts, or one text as a list of one. `empty`: an item may be the empty string. */
static enum cp_status read_list(struct cp_experiment *experiment, const struct cp_yaml *node, const char *key,
                                bool empty, struct cp_text **items, size_t *count, struct cp_error *err) {
    const bool list = node->kind == CP_YAML_SEQUENCE;
    *count = list ? node->count : 1;
    if (*count == 0)
        return (void)cp_yaml_fail(node, key, "without items", err), cp_expected(err, "at least one");
    CP_TRY(CP_ARENA_CALLOC(&experiment->arena, *items, *count, err, node->mark.source, "an experiment"));
    for (size_t i = 0; i < *count; i++) {
        const struct cp_yaml *item = list ? node->entries[i].value : node;
        struct cp_text *text = &(*items)[i];
        if (empty) {
            text->mark = item->mark;
            CP_TRY(cp_yaml_string(item, key, &text->text, err));
        } else {
            CP_TRY(cp_read_text(item, key, text, err));
        }
    }
    return CP_OK;
}

/* A list of lines, or the path of a file of lines. */
static enum cp_status read_lines(struct cp_experiment *experiment, const struct cp_yaml *node,
                                 const char *key, struct cp_lines *lines, struct cp_error *err) {
    if (node->kind == CP_YAML_SEQUENCE)
        return read_list(experiment, node, key, true, &lines->items, &lines->count, err);
    if (cp_read_text(node, key, &lines->path, err) != CP_OK)
        return cp_expected(err, "a list, or the path of a file of lines");
    return CP_OK;
}

static bool is_token_file(const struct cp_yaml *node) {
    const size_t length = node->kind == CP_YAML_SCALAR ? strlen(node->text) : 0;
    return length > 4 && strcmp(node->text + length - 4, ".npy") == 0;
}

static enum cp_status read_prompt_mapping(struct cp_experiment *experiment, const struct cp_yaml *node,
                                          struct cp_error *err) {
    static const char *const keys[] = {"file", "classes", "templates", NULL};
    struct cp_inputs *inputs = &experiment->inputs;
    CP_TRY(cp_yaml_keys(node, "inputs.prompts", keys, err));
    const struct cp_yaml_entry *file = cp_yaml_entry(node, "file");
    const struct cp_yaml *classes = cp_yaml_get(node, "classes"), *templates = cp_yaml_get(node, "templates");
    if (file && node->count > 1)
        return (void)cp_mark_fail(&file->mark, err, "inputs.prompts: file beside other keys"),
               cp_expected(err, "file alone, or classes and templates");
    if (file) {
        inputs->prompts = CP_PROMPTS_LINES;
        return cp_read_text(file->value, "inputs.prompts.file", &inputs->texts.path, err);
    }
    if (!classes || !templates)
        return (void)cp_mark_fail(&node->mark, err, "inputs.prompts: no %s",
                                  classes ? "templates" : "classes"),
               cp_expected(err, "file, or classes and templates");
    inputs->prompts = CP_PROMPTS_CLASSES;
    CP_TRY(read_lines(experiment, classes, "inputs.prompts.classes", &inputs->texts, err));
    return read_lines(experiment, templates, "inputs.prompts.templates", &inputs->templates, err);
}

static enum cp_status read_prompts(struct cp_experiment *experiment, const struct cp_yaml *node,
                                   struct cp_error *err) {
    struct cp_inputs *inputs = &experiment->inputs;
    if (node->kind == CP_YAML_MAPPING)
        return read_prompt_mapping(experiment, node, err);
    if (node->kind == CP_YAML_SEQUENCE || is_token_file(node)) {
        inputs->prompts = node->kind == CP_YAML_SEQUENCE ? CP_PROMPTS_LINES : CP_PROMPTS_TOKENS;
        return read_lines(experiment, node, "inputs.prompts", &inputs->texts, err);
    }
    (void)cp_yaml_fail(node, "inputs.prompts", "is one text", err);
    return cp_expected(
        err, "a list, {file: PATH}, {classes: PATH or list, templates: PATH or list}, or token ids in "
             "a .npy file");
}

static enum cp_status read_synthetic(struct cp_inputs *inputs, const struct cp_yaml *node,
                                     struct cp_error *err) {
    static const char *const keys[] = {"images", "prompts", "seed", NULL};
    CP_TRY(cp_yaml_keys(node, "inputs.synthetic", keys, err));
    const struct cp_yaml *images = cp_yaml_get(node, "images"), *prompts = cp_yaml_get(node, "prompts");
    const struct cp_yaml *seed = cp_yaml_get(node, "seed");
    inputs->synthetic = true;
    if (images)
        CP_TRY(cp_read_int(images, "inputs.synthetic.images", 0, INT_MAX, &inputs->synthetic_images, err));
    if (prompts)
        CP_TRY(cp_read_int(prompts, "inputs.synthetic.prompts", 0, INT_MAX, &inputs->synthetic_prompts, err));
    if (seed)
        CP_TRY(cp_yaml_integer(seed, "inputs.synthetic.seed", 0, INT64_MAX, &inputs->synthetic_seed, err));
    if (inputs->synthetic_images == 0 && inputs->synthetic_prompts == 0)
        return (void)cp_mark_fail(&node->mark, err, "inputs.synthetic: no input"),
               cp_expected(err, "images or prompts above 0");
    return CP_OK;
}

enum cp_status cp_read_inputs(struct cp_experiment *experiment, const struct cp_yaml *node,
                              struct cp_error *err) {
    static const char *const keys[] = {"images",    "prompts", "truncate", "labels", "limit",
                                       "synthetic", "capture", "map",      NULL};
    struct cp_inputs *inputs = &experiment->inputs;
    CP_TRY(cp_yaml_keys(node, "inputs", keys, err));
    const struct cp_yaml *images = cp_yaml_get(node, "images"), *prompts = cp_yaml_get(node, "prompts");
    const struct cp_yaml *labels = cp_yaml_get(node, "labels"), *limit = cp_yaml_get(node, "limit");
    const struct cp_yaml *truncate = cp_yaml_get(node, "truncate");
    const struct cp_yaml_entry *synthetic = cp_yaml_entry(node, "synthetic");
    if (synthetic && limit)
        return (void)cp_mark_fail(&limit->mark, err, "inputs: limit beside synthetic"),
               cp_expected(err, "the number as inputs.synthetic.images");
    if (synthetic && node->count > 1)
        return (void)cp_mark_fail(&synthetic->mark, err, "inputs: synthetic beside other keys"),
               cp_expected(err, "synthetic alone, or files");
    if (synthetic)
        return read_synthetic(inputs, synthetic->value, err);
    CP_TRY(cp_read_capture(node, "capture", &inputs->capture, err));
    if (inputs->capture.file.text) {
        if (node->count > 1 + (size_t)(inputs->capture.map.text != NULL) + (size_t)(limit != NULL))
            return (void)cp_mark_fail(&node->mark, err, "inputs: capture beside other keys"),
                   cp_expected(err, "capture with map and limit, or files");
        return limit ? cp_read_int(limit, "inputs.limit", 1, INT_MAX, &inputs->limit, err) : CP_OK;
    }
    if (!images && !prompts)
        return (void)cp_mark_fail(&node->mark, err, "inputs: none"),
               cp_expected(err, "images, prompts or both, or synthetic");
    if (images)
        CP_TRY(read_list(experiment, images, "inputs.images", false, &inputs->images, &inputs->image_count,
                         err));
    if (prompts)
        CP_TRY(read_prompts(experiment, prompts, err));
    if (truncate && (inputs->prompts == CP_PROMPTS_NONE || inputs->prompts == CP_PROMPTS_TOKENS))
        return (void)cp_mark_fail(&truncate->mark, err, "inputs: truncate without texts"),
               cp_expected(err, "prompts as texts");
    if (truncate)
        CP_TRY(cp_yaml_boolean(truncate, "inputs.truncate", &inputs->truncate, err));
    if ((labels || limit) && !images)
        return (void)cp_mark_fail(&(labels ? labels : limit)->mark, err,
                                  "inputs: labels or limit without images"),
               cp_expected(err, "images");
    if (labels)
        CP_TRY(cp_read_text(labels, "inputs.labels", &inputs->labels, err));
    if (limit)
        CP_TRY(cp_read_int(limit, "inputs.limit", 1, INT_MAX, &inputs->limit, err));
    return CP_OK;
}
