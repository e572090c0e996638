/* SPDX-License-Identifier: GPL-3.0-or-later
 * A table that the handler can read at any time: each entry has its line written already. */
#include "format/mapping.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAPPINGS = 1024 };

struct mapping {
    uintptr_t start;
    size_t size;
    char line[1700];
};
static _Atomic(struct mapping *) mappings[MAPPINGS];

static void end_program(const struct mapping *mapping) {
    size_t left = strlen(mapping->line);
    for (const char *from = mapping->line; left;) {
        const ssize_t put = write(STDERR_FILENO, from, left);
        if (put <= 0)
            break;
        from += put;
        left -= (size_t)put;
    }
    _exit(CP_BAD_INPUT);
}

static void handle(int number, siginfo_t *info, void *context) {
    const uintptr_t at = (uintptr_t)info->si_addr;
    (void)context;
    for (size_t m = 0; m < MAPPINGS; m++) {
        const struct mapping *mapping = atomic_load(&mappings[m]);
        if (mapping && at >= mapping->start && at - mapping->start < mapping->size)
            end_program(mapping);
    }
    (void)signal(number, SIG_DFL); /* none of ours: what raised it raises it again */
}

static void install(void) {
    static atomic_flag installed = ATOMIC_FLAG_INIT;
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    if (!atomic_flag_test_and_set(&installed))
        (void)sigaction(SIGBUS, &action, NULL);
}

enum cp_status cp_mapping_guard(const char *path, const void *start, size_t size, struct cp_error *err) {
    struct mapping *mapping = malloc(sizeof *mapping);
    struct cp_error shortened;
    char line[1600];
    CP_TRY(CP_CHECK_ALLOC(mapping, err, path, "the file"));
    (void)cp_fail(&shortened, CP_BAD_INPUT, path, "was shortened while it was read");
    (void)cp_expected(&shortened, "a file that nobody changes meanwhile");
    cp_error_line(&shortened, line, sizeof line);
    *mapping = (struct mapping){.start = (uintptr_t)start, .size = size};
    (void)snprintf(mapping->line, sizeof mapping->line, "clip-parity: %s\n", line);
    install();
    for (size_t m = 0; m < MAPPINGS; m++) {
        struct mapping *none = NULL;
        if (atomic_compare_exchange_strong(&mappings[m], &none, mapping))
            return CP_OK;
    }
    free(mapping);
    return CP_OK;
}

void cp_mapping_release(const void *start) {
    for (size_t m = 0; m < MAPPINGS; m++) {
        struct mapping *mapping = atomic_load(&mappings[m]);
        if (mapping && mapping->start == (uintptr_t)start) {
            atomic_store(&mappings[m], NULL);
            free(mapping);
            return;
        }
    }
}
