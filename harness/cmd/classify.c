/* SPDX-License-Identifier: GPL-3.0-or-later
 * Runs the classification and prints it as a table or JSON. */
#include "task/classify.h"
#include "cmd/cmd.h"
#include "report/json/classification.h"

#include <stdio.h>

struct arguments {
    struct cp_classify_inputs in;
    struct cp_words images, prompts, compare;
    bool json;
    struct cp_common common;
};

/* What is known of the model, and what the numbers cannot say. */
static void print_notes(const struct cp_classification *r, FILE *out) {
    cp_notes_print(&r->study->notes, out);
    if (out && r->study->inputs.prompts == 1)
        (void)fputs("one prompt: its probability is 1 whatever the image\n", out);
}

static void take_lists(struct arguments *a) {
    a->in.images = a->images.word;
    a->in.image_count = a->images.count;
    a->in.prompts = a->prompts.word;
    a->in.prompt_count = a->prompts.count;
    a->in.compare = a->compare.word;
    a->in.compare_count = a->compare.count;
}

static enum cp_status run(void *arguments, struct cp_error *err) {
    struct arguments *a = arguments;
    struct cp_classification result;
    if (a->in.config && a->in.name)
        return cp_fail(err, CP_USAGE, "", "classify: both --config and --name"),
               cp_expected(err, "one of them");
    take_lists(a);
    CP_TRY(cp_classify(&a->in, &result, err));
    print_notes(&result, cp_common_notes(&a->common));
    (a->json ? cp_classification_json : cp_classification_text)(&result, stdout);
    cp_classification_free(&result);
    return CP_OK;
}

/* ---- the table ---- */

static const struct cp_option options[] = {
    {"--model", 0, "MODEL", CP_WORD_FILE, "a checkpoint, or the folder of a model",
     CP_INTO(struct arguments, in.model), .required = true},
    {"--image", 0, "FILE", CP_WORD_FILE, "one or more images", CP_INTO(struct arguments, images),
     .required = true},
    {"--prompt", 0, "TEXT", CP_WORD_TEXT, "one or more prompts", CP_INTO(struct arguments, prompts),
     .required = true},
    {"--compare", 0, "SPEC", CP_WORD_SETTINGS, "other settings; SPEC is [NAME:]ADDRESS=VALUE,...",
     CP_INTO(struct arguments, compare)},
    {"--baseline", 0, "ADDRESS=VALUE,...", CP_WORD_SETTINGS,
     "settings of the first column (default: the config's)", CP_INTO(struct arguments, in.baseline)},
    {"--config", 0, "FILE", CP_WORD_FILE, "the model's config, if there is none beside it",
     CP_INTO(struct arguments, in.config)},
    {"--name", 0, "NAME", CP_WORD_MODEL, "or the name of one of open_clip's configs",
     CP_INTO(struct arguments, in.name)},
    {"--image-size", 0, "N", CP_WORD_TEXT, "pixels a side; position embeddings are resized",
     CP_INTO(struct arguments, in.image_size)},
    {"--truncate", 0, NULL, CP_WORD_TEXT, "cut prompts that are too long",
     CP_INTO(struct arguments, in.truncate)},
    {"--json", 0, NULL, CP_WORD_TEXT, "print JSON", CP_INTO(struct arguments, json)},
    {0},
};

static const struct cp_example examples[] = {
    {"With the config's activation, and with GELU",
     "clip-parity classify --model data/fashion-clip \\\n"
     "    --image data/fashion-clip/images/00029-dress.png \\\n"
     "    --prompt \"a photo of a dress\" \"a photo of a bag\" --compare activation=erf"},
    {0},
};

const struct cp_command cp_cmd_classify = {
    .name = "classify",
    .group = CP_COMMANDS_MODEL,
    .summary = "classify images under several settings, side by side",
    .about = "Prints the probability of each prompt for each image, as the model's config says and under "
             "other settings, side by side.\n",
    .example = examples,
    .excess = "no option before",
    .expected = "--image FILE... and --prompt TEXT...",
    .option = options,
    .common = CP_COMMON_QUIET | CP_COMMON_COLOR,
    .common_at = offsetof(struct arguments, common),
    .size = sizeof(struct arguments),
    .run = run,
};
