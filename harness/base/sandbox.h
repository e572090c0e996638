/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a process may still ask of the kernel that is about to parse a file of somebody else's. */
#ifndef CP_BASE_SANDBOX_H
#define CP_BASE_SANDBOX_H

#include <stdbool.h>

/* For the rest of this process's life: files are opened for reading only, nothing is executed or mapped to be, and
 * there are no new sockets, processes or signals to others; what is refused fails with EPERM. Memory, what is open
 * already, clocks and its own end it keeps. False where that could not be: no libseccomp when this was built, a
 * sanitizer, or a kernel without the filter. The process then goes on as it was. */
bool cp_sandbox_enter(void);

#endif
