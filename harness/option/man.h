/* SPDX-License-Identifier: GPL-3.0-or-later
 * Manual pages of section 1, for man(7). */
#ifndef CP_OPTION_MAN_H
#define CP_OPTION_MAN_H

#include "option/option.h"

#include <stdio.h>

/* date: YYYY-MM-DD. */
void cp_man_command(const struct cp_command *command, const char *date, FILE *out);
/* clip-parity(1), which lists the commands; they end with NULL. */
void cp_man_overview(const struct cp_command *const *commands, const char *date, FILE *out);

#endif
