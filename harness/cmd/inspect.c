/* SPDX-License-Identifier: GPL-3.0-or-later
 * Checks which options go together, then prints the inspection as text or JSON. */
#include "task/inspect.h"
#include "cmd/cmd.h"
#include "report/json/inspection.h"
#include "task/model_folder.h"

#include <stdio.h>

struct arguments {
    struct cp_inspect_inputs in;
    bool json;
};

static enum cp_status check(const struct arguments *a, struct cp_error *err) {
    const struct cp_inspect_inputs *in = &a->in;
    if (in->config && in->name)
        return (void)cp_fail(err, CP_USAGE, "", "inspect: both --config and --name"),
               cp_expected(err, "one of them");
    if (!in->classes != !in->templates || (in->classes && in->prompts))
        return (void)cp_fail(err, CP_USAGE, "", "inspect: prompts are not plain"),
               cp_expected(err, "--prompts FILE, or --classes FILE --templates FILE");
    if (!in->images != !(in->prompts || in->classes) || ((in->labels || in->limit) && !in->images))
        return (void)cp_fail(err, CP_USAGE, "", "inspect: a calibration takes images and prompts"),
               cp_expected(err, "--images, and --prompts or --classes and --templates; --labels");
    return CP_OK;
}

/* The checkpoint in a model's folder, with the config beside it where none is given. */
static enum cp_status find_in_folder(struct cp_inspect_inputs *in, struct cp_arena *arena,
                                     struct cp_error *err) {
    const char *checkpoint, *config;
    CP_TRY(cp_model_folder_any(in->path, in->config || in->name, arena, &checkpoint, &config, err));
    in->path = checkpoint;
    in->config = config ? config : in->config;
    return CP_OK;
}

static enum cp_status run(void *arguments, struct cp_error *err) {
    struct arguments *a = arguments;
    struct cp_arena arena = {0};
    struct cp_checkpoint *file = NULL;
    struct cp_inspection inspection;
    CP_TRY(check(a, err));
    enum cp_status status = find_in_folder(&a->in, &arena, err);
    if (status == CP_OK)
        status = cp_inspect(&a->in, &arena, &file, &inspection, err);
    if (status == CP_OK)
        (a->json ? cp_inspection_json : cp_inspection_text)(&inspection, stdout);
    cp_checkpoint_close(file);
    cp_arena_free(&arena);
    return status;
}

/* ---- the table ---- */

static const struct cp_argument words[] = {
    {"CHECKPOINT|FOLDER", CP_WORD_FILE, "a checkpoint, or the folder of a model",
     CP_INTO(struct arguments, in.path), .missing = "no file",
     .expected = "a checkpoint, or the folder of a model"},
    {0},
};

static const struct cp_option options[] = {
    {"--config", 0, "FILE", CP_WORD_FILE, "the model's config", CP_INTO(struct arguments, in.config)},
    {"--name", 0, "NAME", CP_WORD_MODEL, "or the name of one of open_clip's configs",
     CP_INTO(struct arguments, in.name)},
    {"--images", 0, "GLOB", CP_WORD_FILE, "try each activation on these images",
     CP_INTO(struct arguments, in.images)},
    {"--prompts", 0, "FILE", CP_WORD_FILE, "one prompt per line, each the pair of an image",
     CP_INTO(struct arguments, in.prompts)},
    {"--classes", 0, "FILE", CP_WORD_FILE, "or one class per line,", CP_INTO(struct arguments, in.classes)},
    {"--templates", 0, "FILE", CP_WORD_FILE, "and one template per line, with {} for the class",
     CP_INTO(struct arguments, in.templates)},
    {"--labels", 0, "FILE", CP_WORD_FILE, "the class of each image", CP_INTO(struct arguments, in.labels)},
    {"--limit", 0, "N", CP_WORD_TEXT, "use the first N images", CP_INTO(struct arguments, in.limit)},
    {"--json", 0, NULL, CP_WORD_TEXT, "print JSON", CP_INTO(struct arguments, json)},
    {0},
};

static const struct cp_example examples[] = {
    {"The demo model", "clip-parity inspect data/fashion-clip"},
    {"Try the activations on labelled images", "clip-parity inspect data/fashion-clip \\\n"
                                               "    --images 'data/fashion-clip/images/*.png' \\\n"
                                               "    --classes data/fashion-clip/classes.txt \\\n"
                                               "    --templates data/fashion-clip/templates.txt \\\n"
                                               "    --labels data/fashion-clip/labels.csv"},
    {0},
};

const struct cp_command cp_cmd_inspect = {
    .name = "inspect",
    .group = CP_COMMANDS_MODEL,
    .summary = "show what a checkpoint is and which activation it was trained with",
    .about = "Prints a checkpoint's format, layout, architecture and identity, and which activation it was "
             "trained with, as far as files and weights say. With labelled images it tries the "
             "activations.\n",
    .example = examples,
    .argument = words,
    .excess = "a second file",
    .expected = "one checkpoint",
    .option = options,
    .size = sizeof(struct arguments),
    .run = run,
};
