/* SPDX-License-Identifier: GPL-3.0-or-later
 * Prints what lint found; contradictions are a parity failure. */
#include "task/lint/lint.h"
#include "cmd/cmd.h"
#include "report/json/lint.h"

#include <stdio.h>

struct arguments {
    struct cp_lint_inputs in;
    bool json;
};

static enum cp_status check(const struct cp_lint_inputs *in, struct cp_error *err) {
    if (in->pretrained && !in->name)
        return cp_fail(err, CP_USAGE, "", "lint: --pretrained without --name"),
               cp_expected(err, "--name NAME --pretrained TAG");
    if (!in->path && !in->name)
        return cp_fail(err, CP_USAGE, "", "lint: nothing to look at"),
               cp_expected(err, "a model's folder, a checkpoint, or --name NAME");
    return CP_OK;
}

static enum cp_status run(void *arguments, struct cp_error *err) {
    const struct arguments *a = arguments;
    struct cp_arena arena = {0};
    struct cp_lint lint = {.count = 0};
    CP_TRY(check(&a->in, err));
    enum cp_status status = cp_lint(&a->in, &arena, &lint, err);
    if (status == CP_OK) {
        (a->json ? cp_lint_json : cp_lint_text)(&lint, stdout);
        status = lint.count ? CP_PARITY_FAILURE : CP_OK;
    }
    cp_arena_free(&arena);
    return status;
}

/* ---- the table ---- */

static const struct cp_argument words[] = {
    {"FOLDER|CHECKPOINT", CP_WORD_FILE, "the folder of a model, or a checkpoint",
     CP_INTO(struct arguments, in.path)},
    {0},
};

static const struct cp_option options[] = {
    {"--name", 0, "NAME", CP_WORD_MODEL, "what open_clip.create_model(NAME) would load",
     CP_INTO(struct arguments, in.name)},
    {"--pretrained", 0, "TAG", CP_WORD_TEXT, "with pretrained=TAG", CP_INTO(struct arguments, in.pretrained)},
    {"--json", 0, NULL, CP_WORD_TEXT, "print JSON", CP_INTO(struct arguments, json)},
    {0},
};

static const struct cp_example examples[] = {
    {"The demo model", "clip-parity lint data/fashion-clip"},
    {"A published model, by name", "clip-parity lint --name ViT-B-32 --pretrained openai"},
    {0},
};

const struct cp_command cp_cmd_lint = {
    .name = "lint",
    .group = CP_COMMANDS_MODEL,
    .summary = "check that a model's files agree",
    .about = "Checks whether a model's config, processor, tokenizer and weights agree, and prints what "
             "open_clip, transformers and OpenAI's code compute from them. Nothing is run. Exits with 1 on a "
             "contradiction.\n",
    .example = examples,
    .argument = words,
    .excess = "a second path",
    .expected = "one folder or checkpoint",
    .option = options,
    .size = sizeof(struct arguments),
    .run = run,
};
