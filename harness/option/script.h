/* SPDX-License-Identifier: GPL-3.0-or-later
 * The scripts that have a shell ask `clip-parity complete`, put into the program when it is built. */
#ifndef CP_OPTION_SCRIPT_H
#define CP_OPTION_SCRIPT_H

extern const char *const cp_completion_shells[]; /* end with NULL */
/* shell: one of them. */
const char *cp_completion_script(const char *shell);

#endif
