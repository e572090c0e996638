/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/sandbox.h"

#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static bool refused(long result) {
    return result == -1 && errno == EPERM;
}

/* In a process of its own, which says in bits what did not go as it should. */
static int in_the_sandbox(void) {
    char *const none[] = {NULL};
    char byte;
    int wrong = 0;
    if (!cp_sandbox_enter())
        return 255;
    const int file = open("README.md", O_RDONLY | O_CLOEXEC);
    void *memory = malloc(1 << 22);
    wrong |= file >= 0 && read(file, &byte, 1) == 1 && memory ? 0 : 1;
    wrong |= refused(open("/tmp/clip-parity-sandbox", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) ? 0 : 2;
    wrong |= refused(open("README.md", O_RDWR | O_CLOEXEC)) ? 0 : 4;
    wrong |= refused(socket(AF_INET, SOCK_STREAM, 0)) ? 0 : 8;
    wrong |= refused(execve("/bin/true", none, none)) && refused(fork()) ? 0 : 16;
    wrong |=
        mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? 0 : 32;
    wrong |= refused(kill(getppid(), 0)) && refused(unlink("/tmp/clip-parity-nothing")) ? 0 : 64;
    free(memory);
    return wrong;
}

static void only_reading_is_left(void **state) {
    int status;
    (void)state;
    const pid_t child = fork();
    if (child == 0)
        _exit(in_the_sandbox());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 255)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_reading_is_left)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
