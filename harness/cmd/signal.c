/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/cmd.h"

static volatile sig_atomic_t caught;

static void remember(int number) {
    caught = number;
}

const volatile sig_atomic_t *cp_cmd_signal(void) {
    (void)signal(SIGINT, remember);
    (void)signal(SIGTERM, remember);
    return &caught;
}
