/* SPDX-License-Identifier: GPL-3.0-or-later
 * A handler that only remembers the signal; the run looks at it between batches. */
#include "cmd/stop.h"

static volatile sig_atomic_t caught;

static void remember(int number) {
    caught = number;
}

const volatile sig_atomic_t *cp_cmd_stop(void) {
    (void)signal(SIGINT, remember);
    (void)signal(SIGTERM, remember);
    return &caught;
}
