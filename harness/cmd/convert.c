/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "study/convert.h"
#include "cmd/cmd.h"

#include <string.h>

enum cp_status cp_cmd_convert(int argc, char **argv, struct cp_error *err) {
    struct cp_conversion c = {.in = NULL};
    const struct {
        const char *option, **value;
    } values[] = {{"--config", &c.config}, {"--name", &c.name}, {"--activation", &c.activation}};
    const size_t count = sizeof values / sizeof values[0];
    for (int i = 0; i < argc; i++) {
        size_t v = 0;
        while (v < count && strcmp(argv[i], values[v].option) != 0)
            v++;
        if (v < count && i + 1 < argc)
            *values[v].value = argv[++i];
        else if (v < count || argv[i][0] == '-' || c.out)
            return (void)cp_fail(err, CP_USAGE, "", "convert: '%s'", argv[i]),
                   cp_expected(err, "IN OUT, --config FILE or --name NAME, --activation quick | erf | tanh");
        else
            *(c.in ? &c.out : &c.in) = argv[i];
    }
    if (!c.out || (c.config && c.name))
        return (void)cp_fail(err, CP_USAGE, "", "convert: %s",
                             c.out ? "both --config and --name" : "two files are needed"),
               cp_expected(err, "IN OUT, --config FILE or --name NAME, --activation quick | erf | tanh");
    return cp_convert(&c, err);
}
