/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which prompts the tokenizer takes. CLIP's tokenizers first clean a text (ftfy.fix_text, then html.unescape
 * twice); a text that this cleaning would change, or that not all of them read alike, is refused. */
#ifndef CP_MODEL_PROMPT_H
#define CP_MODEL_PROMPT_H

#include "base/status.h"

/* CP_OK for printable ASCII, tabs, line feeds, form feeds and carriage returns, without HTML entities and
 * special tokens. */
enum cp_status cp_prompt_check(const char *text, struct cp_error *err);

#endif
