/* SPDX-License-Identifier: GPL-3.0-or-later
 * Parses options that take lists of words, runs the classification and prints it as a table or JSON. */
#include "task/classify.h"
#include "cmd/cmd.h"
#include "cmd/option.h"
#include "report/json/classification.h"

#include <stdlib.h>
#include <string.h>

struct arguments {
    struct cp_classify_inputs in;
    bool json;
};

/* An option that takes every word up to the next one, and may come again. */
struct list {
    const char *name, **values;
    size_t *count;
};

static enum cp_status check(const struct arguments *a, struct cp_error *err) {
    const struct cp_classify_inputs *in = &a->in;
    if (!in->model || !in->image_count || !in->prompt_count)
        return (void)cp_fail(err, CP_USAGE, "", "classify: no %s",
                             !in->model         ? "--model"
                             : !in->image_count ? "--image"
                                                : "--prompt"),
               cp_expected(err, "--model MODEL --image FILE... --prompt TEXT...");
    if (in->config && in->name)
        return (void)cp_fail(err, CP_USAGE, "", "classify: both --config and --name"),
               cp_expected(err, "one of them");
    return CP_OK;
}

static const struct list *find(const struct list *lists, size_t count, const char *word) {
    for (size_t l = 0; l < count; l++)
        if (strcmp(lists[l].name, word) == 0)
            return &lists[l];
    return NULL;
}

/* A word is a value of the list before it. */
static enum cp_status take_word(const struct list *list, const char *word, struct cp_error *err) {
    if (strncmp(word, "--", 2) == 0)
        return (void)cp_fail(err, CP_USAGE, "", "classify: unknown option '%s'", word),
               cp_expected(err, "--model, --image, --prompt, --compare, --baseline, --config, --name, "
                                "--image-size, --truncate or --json");
    if (!list)
        return (void)cp_fail(err, CP_USAGE, "", "classify: '%s' is of no option", word),
               cp_expected(err, "--image FILE... and --prompt TEXT...");
    list->values[(*list->count)++] = word;
    return CP_OK;
}

static enum cp_status parse(int argc, char **argv, struct arguments *a, struct cp_error *err) {
    struct cp_classify_inputs *in = &a->in;
    const struct cp_cmd_option values[] = {{"--model", &in->model},
                                           {"--config", &in->config},
                                           {"--name", &in->name},
                                           {"--image-size", &in->image_size},
                                           {"--baseline", &in->baseline}};
    const struct list lists[] = {{"--image", in->images, &in->image_count},
                                 {"--prompt", in->prompts, &in->prompt_count},
                                 {"--compare", in->compare, &in->compare_count}};
    const size_t count = sizeof values / sizeof values[0], list_count = sizeof lists / sizeof lists[0];
    const struct list *list = NULL;
    for (int i = 0; i < argc; i++) {
        bool missing;
        const struct list *next = find(lists, list_count, argv[i]);
        const bool ends = next || strncmp(argv[i], "--", 2) == 0;
        if (cp_cmd_option(values, count, argc, argv, &i, &missing)) {
            list = NULL;
            continue;
        }
        if (missing || (next && (i + 1 == argc || strncmp(argv[i + 1], "--", 2) == 0)))
            return (void)cp_fail(err, CP_USAGE, "", "classify: %s without a value", argv[i]),
                   cp_expected(err, "%s VALUE", argv[i]);
        if (strcmp(argv[i], "--json") == 0)
            a->json = true;
        else if (strcmp(argv[i], "--truncate") == 0)
            in->truncate = true;
        else if (!next)
            CP_TRY(take_word(list, argv[i], err));
        list = ends ? next : list;
    }
    return check(a, err);
}

/* What is known of the model, and what the numbers cannot say. */
static void print_notes(const struct cp_classification *r) {
    cp_notes_print(&r->study->notes, stderr);
    if (r->study->inputs.prompts == 1)
        (void)fputs("one prompt: its probability is 1 whatever the image\n", stderr);
}

enum cp_status cp_cmd_classify(int argc, char **argv, struct cp_error *err) {
    const char **words = calloc(3 * ((size_t)argc + 1), sizeof *words);
    struct arguments a = {.in = {.images = words, .prompts = words + argc, .compare = words + 2 * argc}};
    struct cp_classification result;
    CP_TRY(CP_CHECK_ALLOC(words, err, "", "the arguments"));
    enum cp_status status = parse(argc, argv, &a, err);
    if (status == CP_OK)
        status = cp_classify(&a.in, &result, err);
    if (status == CP_OK) {
        print_notes(&result);
        (a.json ? cp_classification_json : cp_classification_text)(&result, stdout);
        cp_classification_free(&result);
    }
    free(words);
    return status;
}
