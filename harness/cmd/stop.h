/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CP_CMD_STOP_H
#define CP_CMD_STOP_H

#include <signal.h>

/* Has Ctrl-C and SIGTERM remembered from now on: what is pointed to is then not 0. */
const volatile sig_atomic_t *cp_cmd_stop(void);

#endif
