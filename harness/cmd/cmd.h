/* SPDX-License-Identifier: GPL-3.0-or-later
 * One file per subcommand: its table, and what it does with the arguments that were parsed by it. */
#ifndef CP_CMD_CMD_H
#define CP_CMD_CMD_H

#include "option/common.h"
#include "option/option.h"

extern const struct cp_command cp_cmd_run, cp_cmd_bisect, cp_cmd_check, cp_cmd_accept, cp_cmd_report,
    cp_cmd_diff, cp_cmd_classify, cp_cmd_inspect, cp_cmd_lint, cp_cmd_convert, cp_cmd_preprocess,
    cp_cmd_tokenize, cp_cmd_list, cp_cmd_completion, cp_cmd_complete, cp_cmd_man;

/* All of them, in the order of the help; NULL after the last. */
extern const struct cp_command *const cp_commands[];

#endif
