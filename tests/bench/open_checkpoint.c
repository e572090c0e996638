/* SPDX-License-Identifier: GPL-3.0-or-later
 * How long opening a checkpoint takes, and what it and then reading every value add to memory.
 *
 *   open_checkpoint FILE... */
#include "checkpoint/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* MiB of this kind in memory, such as RssAnon. */
static double resident(const char *kind) {
    char line[128];
    double mib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, kind, strlen(kind)) == 0)
            mib = strtod(line + strlen(kind) + 1, NULL) / 1024;
    if (status)
        (void)fclose(status);
    return mib;
}

static double read_values(const struct cp_checkpoint *file) {
    double sum = 0;
    struct cp_error err;
    for (size_t i = 0; i < cp_checkpoint_count(file); i++) {
        const struct cp_checkpoint_tensor *tensor = cp_checkpoint_at(file, i);
        const size_t count = cp_checkpoint_elements(tensor);
        float *values = malloc(count * sizeof *values + 1);
        if (values && count && cp_checkpoint_widen(file, tensor, values, &err) == CP_OK)
            sum += (double)values[0];
        free(values);
    }
    return sum;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        struct cp_checkpoint *file;
        struct cp_error err;
        const double start = seconds(), anonymous = resident("RssAnon:"), mapped = resident("RssFile:");
        if (cp_checkpoint_open(argv[i], &file, &err) != CP_OK)
            return fprintf(stderr, "%s: %s\n", err.where, err.what), 1;
        const double opened = seconds();
        printf(
            "%s: %s, %zu tensors, opened in %.4f s; memory of its own %.1f MiB, pages of the file %.1f MiB\n",
            argv[i], cp_checkpoint_format_names[cp_checkpoint_format(file)], cp_checkpoint_count(file),
            opened - start, resident("RssAnon:") - anonymous, resident("RssFile:") - mapped);
        const double sum = read_values(file);
        printf("  every value read in %.2f s (sum of first values %g); memory of its own %.1f MiB, pages "
               "%.1f MiB\n",
               seconds() - opened, sum, resident("RssAnon:") - anonymous, resident("RssFile:") - mapped);
        cp_checkpoint_close(file);
    }
    return 0;
}
