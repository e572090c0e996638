/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CP_CMD_STOP_H
#define CP_CMD_STOP_H

#include <signal.h>

/* Has Ctrl-C and SIGTERM remembered from now on: what is pointed to is then not 0. Who does not end within
 * CP_STOP_MILLISECONDS of the first, or gets a second, ends at once, with 130 or 143: what is on its way to a
 * file is then as after SIGKILL, from which results go on. */
enum { CP_STOP_MILLISECONDS = 500 };
const volatile sig_atomic_t *cp_cmd_stop(void);

/* Before that and after it both end the program at once, and a file that is half written is removed; what was
 * set off by a signal that was remembered does not come any more. */
void cp_cmd_stop_at_once(void);

#endif
