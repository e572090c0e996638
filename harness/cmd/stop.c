/* SPDX-License-Identifier: GPL-3.0-or-later */
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
