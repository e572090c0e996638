/* SPDX-License-Identifier: GPL-3.0-or-later
 * The arguments alone; the conversion is task/convert.c. */
#include "task/convert.h"
#include "cmd/cmd.h"

struct arguments {
    struct cp_conversion conversion;
    struct cp_common common;
};

static enum cp_status run(void *arguments, struct cp_error *err) {
    const struct arguments *a = arguments;
    struct cp_arena arena = {0};
    struct cp_notes notes = {0};
    if (a->conversion.config && a->conversion.name)
        return cp_fail(err, CP_USAGE, "", "convert: both --config and --name"),
               cp_expected(err, "one of them");
    const enum cp_status status = cp_convert(&a->conversion, &arena, &notes, err);
    if (status == CP_OK)
        cp_notes_print(&notes, cp_common_notes(&a->common));
    cp_arena_free(&arena);
    return status;
}

/* ---- the table ---- */

static const struct cp_argument words[] = {
    {"IN|FOLDER", CP_WORD_FILE, "a checkpoint of any format, or the folder of a model",
     CP_INTO(struct arguments, conversion.in), .missing = "two files are needed", .expected = "IN and OUT"},
    {"OUT", CP_WORD_FILE, "OUT.safetensors or OUT.h5", CP_INTO(struct arguments, conversion.out),
     .missing = "two files are needed", .expected = "IN and OUT"},
    {0},
};

static const struct cp_option options[] = {
    {"--config", 0, "FILE", CP_WORD_FILE, "the model's config", CP_INTO(struct arguments, conversion.config)},
    {"--name", 0, "NAME", CP_WORD_MODEL, "or the name of one of open_clip's configs",
     CP_INTO(struct arguments, conversion.name)},
    {"--activation", 0, "NAME", CP_WORD_ACTIVATION, "quick, erf or tanh, if nothing else says which",
     CP_INTO(struct arguments, conversion.activation)},
    {"--force", 0, NULL, CP_WORD_TEXT, "overwrite OUT", CP_INTO(struct arguments, conversion.force)},
    {0},
};

static const struct cp_example examples[] = {
    {"Embed the demo model's config in its weights",
     "clip-parity convert data/fashion-clip fashion-clip.safetensors"},
    {0},
};

const struct cp_command cp_cmd_convert = {
    .name = "convert",
    .group = CP_COMMANDS_MODEL,
    .summary = "embed the config in a checkpoint",
    .about =
        "Writes the checkpoint as safetensors or HDF5, with its config and activation in the metadata, so "
        "that every loader can read how to compute it.\n",
    .example = examples,
    .argument = words,
    .excess = "a third file",
    .expected = "IN and OUT",
    .option = options,
    .common = CP_COMMON_QUIET,
    .common_at = offsetof(struct arguments, common),
    .size = sizeof(struct arguments),
    .run = run,
};
