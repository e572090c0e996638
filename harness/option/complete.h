/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a shell offers for the word that is being typed. The shells' scripts (data/completion) ask for it with every
 * word so far. */
#ifndef CP_OPTION_COMPLETE_H
#define CP_OPTION_COMPLETE_H

#include "option/option.h"

#include <stdio.h>

/* Words behind the program's name, the last of them being typed. Prints one candidate a line, "WORD<tab>HELP", and lines for
 * the script: ":files", names of files are candidates too; ":nospace", more is to be typed behind a candidate. */
void cp_complete(const struct cp_command *const *commands, const struct cp_words *words, FILE *out);

#endif
