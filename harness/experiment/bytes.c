/* SPDX-License-Identifier: GPL-3.0-or-later
 * Sizes with a unit. */
#include "experiment/read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    double bytes;
} units[] = {{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"", 1}};

enum { UNITS = sizeof units / sizeof units[0] };

/* NAN: it is none. */
static double parse(const char *text) {
    char *end;
    if (strspn(text, "0123456789.") == 0)
        return NAN;
    const double number = strtod(text, &end);
    end += strspn(end, " ");
    for (size_t u = 0; u < UNITS; u++)
        if (strcmp(end, units[u].name) == 0)
            return number * units[u].bytes;
    return NAN;
}

enum cp_status cp_read_bytes(const struct cp_yaml *node, const char *key, double *bytes,
                             struct cp_error *err) {
    const char *text = NULL;
    if (node->kind != CP_YAML_SCALAR || cp_yaml_string(node, key, &text, err) != CP_OK)
        return (void)cp_yaml_fail(node, key, "is not a size", err),
               cp_expected(err, "bytes, as in 500 MB or 2 GB, or off");
    *bytes = strcmp(text, "off") == 0 ? INFINITY : parse(text);
    if (*bytes > 0)
        return CP_OK;
    return (void)cp_yaml_fail(node, key, "is not a size", err),
           cp_expected(err, "bytes, as in 500 MB or 2 GB, or off");
}

void cp_put_bytes(FILE *out, double bytes) {
    size_t u = 0;
    while (u + 1 < UNITS && bytes < units[u].bytes)
        u++;
    if (isinf(bytes)) {
        (void)fputs("off", out);
        return;
    }
    cp_yaml_put_number(out, bytes / units[u].bytes);
    (void)fprintf(out, "%s%s", units[u].name[0] ? " " : "", units[u].name);
}
