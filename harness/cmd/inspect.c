/* SPDX-License-Identifier: GPL-3.0-or-later
 * Checks which options go together, then prints the inspection as text or JSON. */
#include "task/inspect.h"
#include "cmd/cmd.h"
#include "cmd/option.h"
#include "report/json/inspection.h"
#include "task/model_folder.h"

#include <string.h>

struct arguments {
    struct cp_inspect_inputs in;
    bool json;
};

static enum cp_status check(const struct arguments *a, struct cp_error *err) {
    const struct cp_inspect_inputs *in = &a->in;
    if (!in->path)
        return (void)cp_fail(err, CP_USAGE, "", "inspect: no file"),
               cp_expected(err, "a checkpoint, or the folder of a model");
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

static enum cp_status parse(int argc, char **argv, struct arguments *a, struct cp_error *err) {
    const struct cp_cmd_option values[] = {{"--config", &a->in.config},   {"--name", &a->in.name},
                                           {"--images", &a->in.images},   {"--prompts", &a->in.prompts},
                                           {"--classes", &a->in.classes}, {"--templates", &a->in.templates},
                                           {"--labels", &a->in.labels},   {"--limit", &a->in.limit}};
    const size_t count = sizeof values / sizeof values[0];
    for (int i = 0; i < argc; i++) {
        bool missing;
        if (cp_cmd_option(values, count, argc, argv, &i, &missing))
            continue;
        if (strcmp(argv[i], "--json") == 0)
            a->json = true;
        else if (missing)
            return (void)cp_fail(err, CP_USAGE, "", "inspect: %s without a value", argv[i]),
                   cp_expected(err, "%s VALUE", argv[i]);
        else if (argv[i][0] == '-')
            return (void)cp_fail(err, CP_USAGE, "", "inspect: unknown option '%s'", argv[i]),
                   cp_expected(err,
                               "--config, --name, --images, --prompts, --classes, --templates, --labels, "
                               "--limit or --json");
        else if (a->in.path)
            return (void)cp_fail(err, CP_USAGE, "", "inspect: a second file '%s'", argv[i]),
                   cp_expected(err, "one checkpoint");
        else
            a->in.path = argv[i];
    }
    return check(a, err);
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

enum cp_status cp_cmd_inspect(int argc, char **argv, struct cp_error *err) {
    struct arguments a = {.json = false};
    struct cp_arena arena = {0};
    struct cp_checkpoint *file = NULL;
    struct cp_inspection inspection;
    CP_TRY(parse(argc, argv, &a, err));
    enum cp_status status = find_in_folder(&a.in, &arena, err);
    if (status == CP_OK)
        status = cp_inspect(&a.in, &arena, &file, &inspection, err);
    if (status == CP_OK)
        (a.json ? cp_inspection_json : cp_inspection_text)(&inspection, stdout);
    cp_checkpoint_close(file);
    cp_arena_free(&arena);
    return status;
}
