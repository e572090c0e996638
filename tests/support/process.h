/* SPDX-License-Identifier: GPL-3.0-or-later
 * The program as a child process: started, watched, signalled. */
#ifndef CP_TESTS_SUPPORT_PROCESS_H
#define CP_TESTS_SUPPORT_PROCESS_H

#include <stddef.h>
#include <sys/types.h>

struct process {
    pid_t pid;
    int out, err; /* what it writes, to be read */
};

struct ended {
    int code;   /* its exit code, -1 where a signal ended it */
    int signal; /* that signal, 0 where there was none */
    char out[65536], err[4096];
};

/* The smallest run that commits several times, once with the oracle and taken apart, with a noise floor:
 * about half a second. */
#define SMALL_SETTINGS                                                                                       \
    "experiments/quickgelu-vs-gelu.yaml", "inputs.limit=6", "batch=1", "oracle=1", "local=1", "ledger=4",    \
        "floor=1", "inputs.prompts=[a bag, a dress]", "inputs.labels=off",                                   \
        "candidates={erf: {activation: erf}}",                                                               \
        "record={\"*\": \"off\", \"*ln_pre\": stats, \"*mlp.gelu\": stats, \"*_features\": full}"
#define SMALL_RUN "run", "--force", SMALL_SETTINGS

/* Called in the child before the program starts. */
typedef void prepare(void);

/* Starts the program with arguments that end in NULL. */
struct process start_program(const char *const *arguments, prepare *in_child);

/* Appends to ended->err what comes until it holds `words`; whether they came. */
int wait_for(const struct process *process, const char *words, struct ended *ended);

void wait_until_ended(struct process *process, struct ended *ended);

/* Runs the program to its end. */
struct ended run_to_end(const char *const *arguments, prepare *in_child);

#define RUN(in_child, ...) run_to_end((const char *const[]){__VA_ARGS__, NULL}, (in_child))

/* As RUN, where the run must succeed. */
struct ended assert_done(struct ended ended);

/* The one line of the program's own in what it wrote to standard error; NULL where there is none or more. */
const char *only_error(const struct ended *ended);

#endif
