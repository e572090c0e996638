/* SPDX-License-Identifier: GPL-3.0-or-later
 * The dispatch by name, and the exit status. */
#include "base/nearest.h"
#include "base/version.h"
#include "cmd/cmd.h"
#include "cmd/stop.h"
#include "ops/ops.h"
#include "option/help.h"
#include "option/parse.h"

#include <gsl/gsl_errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void print_version(void) {
    printf("clip-parity %s (%s)\ncompiler  %s\nflags     %s\nlibraries %s\nkernels  ", cp_version(),
           cp_version_commit(), cp_version_compiler(), cp_version_flags(), cp_version_libraries());
    for (const char *const *isa = cp_ops_available(); *isa; isa++)
        printf(" %s", *isa);
    printf("\n");
}

static enum cp_status unknown(const char *name, struct cp_error *err) {
    enum { MOST = 32 };
    const char *names[MOST] = {NULL};
    size_t count = 0;
    for (const struct cp_command *const *c = cp_commands; *c && count + 3 < MOST; c++)
        if ((*c)->group != CP_COMMANDS_HIDDEN)
            names[count++] = (*c)->name;
    names[count++] = "--version";
    names[count] = "--help";
    (void)cp_fail(err, CP_USAGE, "", "unknown command '%s'", name);
    return cp_expect_one_of(err, name, names);
}

static enum cp_status dispatch(int argc, char **argv, struct cp_error *err) {
    if (argc < 2)
        return cp_help_overview(cp_commands, stderr), CP_USAGE;
    const struct cp_command *command = cp_command_find(cp_commands, argv[1]);
    if (command)
        return cp_command_call(command, argc - 2, argv + 2, err);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return cp_help_overview(cp_commands, stdout), CP_OK;
    if (strcmp(argv[1], "--version") == 0)
        return print_version(), CP_OK;
    return unknown(argv[1], err);
}

int main(int argc, char **argv) {
    struct cp_error err = {CP_OK, "", "", ""};
    (void)gsl_set_error_handler_off();
    cp_cmd_stop_at_once();
    (void)signal(SIGXFSZ, SIG_IGN); /* a file-size limit is an error to report, not a death */
    enum cp_status status = dispatch(argc, argv, &err);
    cp_cmd_stop_at_once(); /* what is told below is told once */
    if (status != CP_OK && err.status != CP_OK) {
        char line[2048];
        cp_error_line(&err, line, sizeof line);
        (void)fprintf(stderr, "clip-parity: %s\n", line);
    }
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == CP_OK) {
        (void)fprintf(stderr, "clip-parity: standard output could not be written\n");
        status = CP_BAD_INPUT; /* as where a file cannot be written */
    }
    return (int)status;
}
