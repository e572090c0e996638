/* SPDX-License-Identifier: GPL-3.0-or-later
 * A handler that remembers the signal, at which the run looks between batches, and a timer for where that takes
 * too long. */
#include "cmd/stop.h"

#include "base/status.h"
#include "format/unfinished.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t caught;
static timer_t timer;
static volatile sig_atomic_t timed;
static volatile sig_atomic_t terminal; /* standard error is one */

static void put(const char *text) {
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        return; /* nobody reads it */
}

/* Only what POSIX lets a handler call. */
static void give_up(int number) {
    static const char *const left[] = {
        [CP_UNFINISHED_NONE] = "\n",
        [CP_UNFINISHED_USELESS] =
            " before the first batch of images was done, so there is nothing to resume\n",
        [CP_UNFINISHED_KEPT] = "; --resume continues from here\n"};
    (void)number;
    /* NOLINTNEXTLINE(bugprone-signal-handler,cert-sig30-c): unlink, which POSIX lets a handler call */
    const enum cp_unfinished state = cp_unfinished_leave();
    put(terminal ? "\r\033[K" : ""); /* a bar that was there */
    put(caught == SIGTERM ? "clip-parity: stopped by SIGTERM" : "clip-parity: stopped by Ctrl-C");
    put(left[state]);
    _exit(caught == SIGTERM ? CP_TERMINATED : CP_INTERRUPTED);
}

static void remember(int number) {
    static const struct itimerspec soon = {.it_value = {.tv_nsec = CP_STOP_MILLISECONDS * 1000000L}};
    if (caught)
        give_up(number);
    caught = number;
    if (timed)
        (void)timer_settime(timer, 0, &soon, NULL);
}

static void leave(int number) {
    (void)cp_unfinished_leave(); /* NOLINT(bugprone-signal-handler,cert-sig30-c): as above */
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

/* nohup, and jobs in the background, have a signal ignored; it stays so. */
static void take(int number, void (*handler)(int)) {
    if (signal(number, handler) == SIG_IGN)
        (void)signal(number, SIG_IGN);
}

const volatile sig_atomic_t *cp_cmd_stop(void) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    if (!timed) {
        (void)signal(SIGALRM, give_up);
        timed = timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
    }
    terminal = isatty(STDERR_FILENO);
    take(SIGINT, remember);
    take(SIGTERM, remember);
    return &caught;
}

void cp_cmd_stop_at_once(void) {
    static const struct itimerspec never = {0};
    if (timed)
        (void)timer_settime(timer, 0, &never, NULL);
    take(SIGINT, leave);
    take(SIGTERM, leave);
}
