/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/process.h"
#include "support/test.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct process start_program(const char *const *arguments, prepare *in_child) {
    int outs[2], errs[2];
    char *argv[28] = {NULL};
    for (size_t i = 0; arguments[i]; i++)
        assert_true(i + 2 < sizeof argv / sizeof *argv);
    assert_true(pipe2(outs, O_CLOEXEC) == 0 && pipe2(errs, O_CLOEXEC) == 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)signal(SIGINT, SIG_DFL); /* a test in the background may have been started without */
        (void)signal(SIGPIPE, SIG_DFL);
        if (dup2(outs[1], STDOUT_FILENO) >= 0 && dup2(errs[1], STDERR_FILENO) >= 0) {
            if (in_child)
                in_child();
            argv[0] = strdup(CP_PROGRAM);
            for (size_t i = 0; arguments[i]; i++)
                argv[i + 1] = strdup(arguments[i]);
            (void)execv(CP_PROGRAM, argv);
        }
        _exit(127);
    }
    (void)close(outs[1]);
    (void)close(errs[1]);
    return (struct process){pid, outs[0], errs[0]};
}

/* Appends to text what comes until the end, or until text is full, and closes. */
static void read_rest(int fd, char *text, size_t size) {
    size_t used = strlen(text);
    for (ssize_t got = 1; got > 0 && used + 1 < size; used += got > 0 ? (size_t)got : 0)
        got = read(fd, text + used, size - 1 - used);
    text[used] = '\0';
    (void)close(fd);
}

int wait_for(const struct process *process, const char *words, struct ended *ended) {
    size_t used = strlen(ended->err);
    ssize_t got = 1;
    while (!strstr(ended->err, words) && got > 0 && used + 1 < sizeof ended->err) {
        got = read(process->err, ended->err + used, sizeof ended->err - 1 - used);
        used += got > 0 ? (size_t)got : 0;
        ended->err[used] = '\0';
    }
    return strstr(ended->err, words) != NULL;
}

void wait_until_ended(struct process *process, struct ended *ended) {
    int status = 0;
    read_rest(process->out, ended->out, sizeof ended->out);
    read_rest(process->err, ended->err, sizeof ended->err);
    assert_int_equal(waitpid(process->pid, &status, 0), process->pid);
    ended->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    ended->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

struct ended run_to_end(const char *const *arguments, prepare *in_child) {
    struct process process = start_program(arguments, in_child);
    struct ended ended = {.code = -1};
    wait_until_ended(&process, &ended);
    return ended;
}

struct ended assert_done(struct ended ended) {
    if (ended.code != 0)
        print_error("exit code %d, signal %d: %s\n", ended.code, ended.signal, ended.err);
    assert_int_equal(ended.code, 0);
    return ended;
}

const char *only_error(const struct ended *ended) {
    const char *line = strstr(ended->err, "clip-parity: ");
    if (!line || strchr(line, '\n') != ended->err + strlen(ended->err) - 1)
        return NULL;
    return line == ended->err || line[-1] == '\n' ? line : NULL;
}
