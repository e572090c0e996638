/* SPDX-License-Identifier: GPL-3.0-or-later
 * Parses lists of images and prompts, and says which keys of `inputs` go together; the files that it names are
 * opened elsewhere (inputs/inputs.h). */
#include "experiment/field.h"
#include "experiment/read.h"

#include <string.h>

/* A list of texts, or one text as a list of one. `empty`: an item may be the empty string. */
static enum cp_status read_list(struct cp_experiment *experiment, const struct cp_yaml *node, const char *key,
                                bool empty, struct cp_marked_text **items, size_t *count,
                                struct cp_error *err) {
    const bool list = node->kind == CP_YAML_SEQUENCE;
    *count = list ? node->count : 1;
    if (*count == 0)
        return (void)cp_yaml_fail(node, key, "without items", err), cp_expected(err, "at least one");
    CP_TRY(CP_ARENA_CALLOC(&experiment->arena, *items, *count, err, node->mark.source, "an experiment"));
    for (size_t i = 0; i < *count; i++) {
        const struct cp_yaml *item = list ? node->entries[i].value : node;
        struct cp_marked_text *text = &(*items)[i];
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
    struct cp_experiment_inputs *inputs = &experiment->inputs;
    CP_TRY(cp_keys_known(node, "inputs.prompts", "inputs.prompts", err));
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

enum cp_status cp_read_prompts(struct cp_experiment *experiment, const struct cp_yaml *section,
                               const struct cp_yaml *node, struct cp_error *err) {
    struct cp_experiment_inputs *inputs = &experiment->inputs;
    (void)section;
    if (!node)
        return CP_OK;
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

enum cp_status cp_read_images(struct cp_experiment *experiment, const struct cp_yaml *section,
                              const struct cp_yaml *node, struct cp_error *err) {
    struct cp_experiment_inputs *inputs = &experiment->inputs;
    (void)section;
    return node ? read_list(experiment, node, "inputs.images", false, &inputs->images, &inputs->image_count,
                            err)
                : CP_OK;
}

/* ---- which keys go together ---- */

enum cp_status cp_finish_synthetic(struct cp_experiment *experiment, const struct cp_yaml *node,
                                   struct cp_error *err) {
    struct cp_experiment_inputs *inputs = &experiment->inputs;
    inputs->synthetic = true;
    if (inputs->synthetic_images == 0 && inputs->synthetic_prompts == 0)
        return (void)cp_mark_fail(&node->mark, err, "inputs.synthetic: no input"),
               cp_expected(err, "images or prompts above 0");
    return CP_OK;
}

static enum cp_status check_synthetic(const struct cp_yaml *node, struct cp_error *err) {
    const struct cp_yaml *limit = cp_yaml_get(node, "limit");
    if (limit)
        return (void)cp_mark_fail(&limit->mark, err, "inputs: limit beside synthetic"),
               cp_expected(err, "the number as inputs.synthetic.images");
    if (node->count > 1)
        return (void)cp_mark_fail(&cp_yaml_entry(node, "synthetic")->mark, err,
                                  "inputs: synthetic beside other keys"),
               cp_expected(err, "synthetic alone, or files");
    return CP_OK;
}

static enum cp_status check_files(const struct cp_yaml *node, struct cp_error *err) {
    const struct cp_yaml *images = cp_yaml_get(node, "images"), *prompts = cp_yaml_get(node, "prompts");
    const struct cp_yaml *labels = cp_yaml_get(node, "labels"), *limit = cp_yaml_get(node, "limit");
    const struct cp_yaml *truncate = cp_yaml_get(node, "truncate");
    if (!images && !prompts)
        return (void)cp_mark_fail(&node->mark, err, "inputs: none"),
               cp_expected(err, "images, prompts or both, or synthetic");
    if (truncate && (!prompts || is_token_file(prompts)))
        return (void)cp_mark_fail(&truncate->mark, err, "inputs: truncate without texts"),
               cp_expected(err, "prompts as texts");
    if ((labels || limit) && !images)
        return (void)cp_mark_fail(&(labels ? labels : limit)->mark, err,
                                  "inputs: labels or limit without images"),
               cp_expected(err, "images");
    return CP_OK;
}

static enum cp_status check_captured(const struct cp_yaml *node, struct cp_error *err) {
    const size_t beside = (cp_yaml_get(node, "map") != NULL) + (size_t)(cp_yaml_get(node, "limit") != NULL);
    if (node->count > 1 + beside)
        return (void)cp_mark_fail(&node->mark, err, "inputs: capture beside other keys"),
               cp_expected(err, "capture with map and limit, or files");
    return CP_OK;
}

enum cp_status cp_check_inputs_keys(struct cp_experiment *experiment, const struct cp_yaml *node,
                                    struct cp_error *err) {
    const struct cp_yaml *capture = cp_yaml_get(node, "capture");
    if (cp_yaml_get(node, "synthetic"))
        return check_synthetic(node, err);
    if (capture) /* a value that is none is the first thing to say */
        CP_TRY(cp_read_text(capture, "capture", &experiment->inputs.capture.file, err));
    CP_TRY(cp_check_map(node, err));
    return capture ? check_captured(node, err) : check_files(node, err);
}
