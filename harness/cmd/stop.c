/* SPDX-License-Identifier: GPL-3.0-or-later
 * A handler that remembers the signal, at which the run looks between batches, and a timer for where that takes
 * too long. */
#include "cmd/stop.h"

#include "base/status.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t caught;
static timer_t timer;
static volatile sig_atomic_t timed;

static _Noreturn void end_now(void) {
    _exit(caught == SIGTERM ? CP_TERMINATED : CP_INTERRUPTED);
}

/* Only what POSIX lets a handler call. */
static void give_up(int number) {
    static const char interrupted[] = "clip-parity: stopped by Ctrl-C in the middle of a step\n";
    static const char terminated[] = "clip-parity: stopped by SIGTERM in the middle of a step\n";
    const char *line = caught == SIGTERM ? terminated : interrupted;
    (void)number;
    if (write(STDERR_FILENO, line, strlen(line)) < 0)
        end_now(); /* nobody reads it */
    end_now();
}

static void remember(int number) {
    static const struct itimerspec soon = {.it_value = {.tv_nsec = CP_STOP_MILLISECONDS * 1000000L}};
    if (caught)
        end_now();
    caught = number;
    if (timed)
        (void)timer_settime(timer, 0, &soon, NULL);
}

/* nohup, and jobs in the background, have a signal ignored; it stays so. */
static void take(int number) {
    if (signal(number, remember) == SIG_IGN)
        (void)signal(number, SIG_IGN);
}

const volatile sig_atomic_t *cp_cmd_stop(void) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    if (!timed) {
        (void)signal(SIGALRM, give_up);
        timed = timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
    }
    take(SIGINT);
    take(SIGTERM);
    return &caught;
}
