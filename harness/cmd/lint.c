/* SPDX-License-Identifier: GPL-3.0-or-later
 * Prints what lint found; contradictions are a parity failure. */
#include "task/lint/lint.h"
#include "cmd/cmd.h"
#include "cmd/option.h"
#include "report/json/lint.h"

#include <string.h>

struct arguments {
    struct cp_lint_inputs in;
    bool json;
};

static enum cp_status parse(int argc, char **argv, struct arguments *a, struct cp_error *err) {
    const struct cp_cmd_option values[] = {{"--name", &a->in.name}, {"--pretrained", &a->in.pretrained}};
    for (int i = 0; i < argc; i++) {
        bool missing;
        if (cp_cmd_option(values, sizeof values / sizeof values[0], argc, argv, &i, &missing))
            continue;
        if (strcmp(argv[i], "--json") == 0)
            a->json = true;
        else if (missing)
            return (void)cp_fail(err, CP_USAGE, "", "lint: %s without a value", argv[i]),
                   cp_expected(err, "%s VALUE", argv[i]);
        else if (argv[i][0] == '-')
            return (void)cp_fail(err, CP_USAGE, "", "lint: unknown option '%s'", argv[i]),
                   cp_expected(err, "--name, --pretrained or --json");
        else if (a->in.path)
            return (void)cp_fail(err, CP_USAGE, "", "lint: a second path '%s'", argv[i]),
                   cp_expected(err, "one folder or checkpoint");
        else
            a->in.path = argv[i];
    }
    if (a->in.pretrained && !a->in.name)
        return (void)cp_fail(err, CP_USAGE, "", "lint: --pretrained without --name"),
               cp_expected(err, "--name NAME --pretrained TAG");
    if (!a->in.path && !a->in.name)
        return (void)cp_fail(err, CP_USAGE, "", "lint: nothing to look at"),
               cp_expected(err, "a model's folder, a checkpoint, or --name NAME");
    return CP_OK;
}

enum cp_status cp_cmd_lint(int argc, char **argv, struct cp_error *err) {
    struct arguments a = {.json = false};
    struct cp_arena arena = {0};
    struct cp_lint lint = {.count = 0};
    CP_TRY(parse(argc, argv, &a, err));
    enum cp_status status = cp_lint(&a.in, &arena, &lint, err);
    if (status == CP_OK) {
        (a.json ? cp_lint_json : cp_lint_text)(&lint, stdout);
        status = lint.count ? CP_PARITY_FAILURE : CP_OK;
    }
    cp_arena_free(&arena);
    return status;
}
