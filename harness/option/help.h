/* SPDX-License-Identifier: GPL-3.0-or-later
 * What --help prints, in 80 columns. */
#ifndef CP_OPTION_HELP_H
#define CP_OPTION_HELP_H

#include "option/option.h"

#include <stdio.h>

/* What the program is, for its help and its man page. */
extern const char cp_about[];
struct cp_exit_code {
    const char *code, *meaning;
};
extern const struct cp_exit_code cp_exit_codes[]; /* end with {0} */
extern const char *const cp_command_group_names[CP_COMMAND_GROUPS];

/* Enough for a usage line, and for an option's name and value. */
enum { CP_USAGE_TEXT = 400, CP_OPTION_TEXT = 80 };
/* "clip-parity run [OPTIONS] EXPERIMENT.yaml... [KEY=VALUE...]" */
void cp_usage_text(const struct cp_command *command, char text[CP_USAGE_TEXT]);
/* " FILE", " FILE..." or "", as behind the option's name. */
void cp_option_value_text(const struct cp_option *option, char text[CP_OPTION_TEXT]);

void cp_help_command(const struct cp_command *command, FILE *out);
/* All commands, a line each; they end with NULL. */
void cp_help_overview(const struct cp_command *const *commands, FILE *out);

#endif
