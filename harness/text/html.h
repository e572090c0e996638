/* SPDX-License-Identifier: GPL-3.0-or-later
 * HTML's character references (&amp; &#38; &#x26;), as Python and as ftfy replace them. */
#ifndef CP_TEXT_HTML_H
#define CP_TEXT_HTML_H

#include "text/unicode.h"

/* Python's html.unescape: the HTML standard's rules, with and without semicolon. It stops at a decimal number
 * of more digits than this, which Python refuses to read; *refused says so. */
enum { CP_HTML_DIGITS_MAX = 4300 };
struct cp_codes cp_html_unescape(struct cp_codes text, bool *refused, struct cp_arena *arena);

/* ftfy's unescape_html: only with semicolon, names in capitals too. */
struct cp_codes cp_html_unescape_ftfy(struct cp_codes text, struct cp_arena *arena);

#endif
