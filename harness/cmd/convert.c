/* SPDX-License-Identifier: GPL-3.0-or-later
 * Parses the arguments alone; the conversion is task/convert.c. */
#include "task/convert.h"
#include "cmd/cmd.h"
#include "cmd/option.h"

#include <string.h>

#define ARGUMENTS "IN OUT, --config FILE or --name NAME, --activation quick | erf | tanh, --force"

enum cp_status cp_cmd_convert(int argc, char **argv, struct cp_error *err) {
    struct cp_conversion c = {.in = NULL};
    const struct cp_cmd_option values[] = {
        {"--config", &c.config}, {"--name", &c.name}, {"--activation", &c.activation}};
    const size_t count = sizeof values / sizeof values[0];
    for (int i = 0; i < argc; i++) {
        bool missing;
        if (cp_cmd_option(values, count, argc, argv, &i, &missing))
            continue;
        if (strcmp(argv[i], "--force") == 0) {
            c.force = true;
            continue;
        }
        if (argv[i][0] == '-' || c.out)
            return (void)cp_fail(err, CP_USAGE, "", "convert: '%s'", argv[i]), cp_expected(err, ARGUMENTS);
        *(c.in ? &c.out : &c.in) = argv[i];
    }
    if (!c.out || (c.config && c.name))
        return (void)cp_fail(err, CP_USAGE, "", "convert: %s",
                             c.out ? "both --config and --name" : "two files are needed"),
               cp_expected(err, ARGUMENTS);
    struct cp_arena arena = {0};
    struct cp_notes notes = {0};
    const enum cp_status status = cp_convert(&c, &arena, &notes, err);
    if (status == CP_OK)
        cp_notes_print(&notes, stderr);
    cp_arena_free(&arena);
    return status;
}
