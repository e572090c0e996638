/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table of commands. */
#include "cmd/cmd.h"

const struct cp_command *const cp_commands[] = {
    &cp_cmd_run,   &cp_cmd_report,     &cp_cmd_bisect,     &cp_cmd_diff,
    &cp_cmd_check, &cp_cmd_accept,     &cp_cmd_classify,   &cp_cmd_inspect,
    &cp_cmd_lint,  &cp_cmd_convert,    &cp_cmd_preprocess, &cp_cmd_tokenize,
    &cp_cmd_list,  &cp_cmd_completion, &cp_cmd_complete,   &cp_cmd_man,
    NULL,
};
