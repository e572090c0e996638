/* SPDX-License-Identifier: GPL-3.0-or-later
 * What CLIP's tokenizers do to a text before they split it. */
#ifndef CP_TEXT_CLEAN_H
#define CP_TEXT_CLEAN_H

#include "base/status.h"
#include "text/unicode.h"

/* ftfy.fix_text of ftfy 6.3.1 with its defaults, but for one thing: a text that ftfy takes for mojibake
 * (UTF-8 read in another encoding, such as "cafÃ©") and would try to repair is refused. */
enum cp_status cp_clean_ftfy(struct cp_codes *text, struct cp_arena *arena, struct cp_error *err);

/* html.unescape, twice, and str.strip. */
enum cp_status cp_clean_html(struct cp_codes *text, struct cp_arena *arena, struct cp_error *err);

/* Every run of white space becomes one space, those at the ends nothing. */
enum cp_status cp_clean_spaces(struct cp_codes *text, struct cp_arena *arena, struct cp_error *err);

/* Whether ftfy takes a text for mojibake (ftfy.badness.is_bad); *at is where the first such pair begins. */
bool cp_is_mojibake(struct cp_codes text, size_t *at);

#endif
