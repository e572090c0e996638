/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/prompt.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum { SHOWN = 60, ENTITY_MAX = 32 };

/* HTML's names that count without a semicolon, whatever follows (the HTML standard's table of named character
 * references; Python's html.entities.html5). */
static const char *const BARE_ENTITIES[] = {
    "AElig",  "AMP",    "Aacute", "Acirc",  "Agrave", "Aring",  "Atilde", "Auml",  "COPY",   "Ccedil",
    "ETH",    "Eacute", "Ecirc",  "Egrave", "Euml",   "GT",     "Iacute", "Icirc", "Igrave", "Iuml",
    "LT",     "Ntilde", "Oacute", "Ocirc",  "Ograve", "Oslash", "Otilde", "Ouml",  "QUOT",   "REG",
    "THORN",  "Uacute", "Ucirc",  "Ugrave", "Uuml",   "Yacute", "aacute", "acirc", "acute",  "aelig",
    "agrave", "amp",    "aring",  "atilde", "auml",   "brvbar", "ccedil", "cedil", "cent",   "copy",
    "curren", "deg",    "divide", "eacute", "ecirc",  "egrave", "eth",    "euml",  "frac12", "frac14",
    "frac34", "gt",     "iacute", "icirc",  "iexcl",  "igrave", "iquest", "iuml",  "laquo",  "lt",
    "macr",   "micro",  "middot", "nbsp",   "not",    "ntilde", "oacute", "ocirc", "ograve", "ordf",
    "ordm",   "oslash", "otilde", "ouml",   "para",   "plusmn", "pound",  "quot",  "raquo",  "reg",
    "sect",   "shy",    "sup1",   "sup2",   "sup3",   "szlig",  "thorn",  "times", "uacute", "ucirc",
    "ugrave", "uml",    "uuml",   "yacute", "yen",    "yuml"};

/* Whether html.unescape might replace an & that is followed by text. It knows 2231 names with a semicolon;
 * here any name counts. */
static bool is_entity(const char *text) {
    if (text[0] == '#')
        return isdigit((unsigned char)text[1]) ||
               ((text[1] == 'x' || text[1] == 'X') && isxdigit((unsigned char)text[2]));
    const size_t length = strcspn(text, "\t\n\f\r <&#;");
    if (length > 0 && length <= ENTITY_MAX && text[length] == ';')
        return true;
    for (size_t i = 0; i < sizeof BARE_ENTITIES / sizeof BARE_ENTITIES[0]; i++)
        if (strncmp(text, BARE_ENTITIES[i], strlen(BARE_ENTITIES[i])) == 0)
            return true;
    return false;
}

/* The first byte that is no ASCII text, shown behind what precedes it. */
static enum cp_status check_bytes(const char *text, struct cp_error *err) {
    for (size_t i = 0; text[i]; i++) {
        const unsigned char c = (unsigned char)text[i];
        if ((c >= 0x20 && c < 0x7f) || strchr("\t\n\f\r", c))
            continue;
        return cp_fail(err, CP_BAD_INPUT, "", "prompt '%.*s...': byte %zu is 0x%02x, %s",
                       i < SHOWN ? (int)i : SHOWN, text, i + 1, c,
                       c < 0x80 ? "a control character" : "not ASCII"),
               cp_expected(err, "ASCII text, or token ids from a .npy file");
    }
    return CP_OK;
}

enum cp_status cp_prompt_check(const char *text, struct cp_error *err) {
    static const char *const special[] = {"<|startoftext|>", "<|endoftext|>", "<start_of_text>",
                                          "<end_of_text>"};
    CP_TRY(check_bytes(text, err));
    for (const char *at = strchr(text, '&'); at; at = strchr(at + 1, '&'))
        if (is_entity(at + 1))
            return cp_fail(err, CP_BAD_INPUT, "", "prompt '%.*s': the & of byte %zu may begin an HTML entity",
                           SHOWN, text, (size_t)(at - text) + 1),
                   cp_expected(err, "plain text, or token ids from a .npy file");
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
        if (strcasestr(text, special[i]))
            return cp_fail(err, CP_BAD_INPUT, "",
                           "prompt '%.*s' holds %s, one token for some tokenizers and text for others", SHOWN,
                           text, special[i]),
                   cp_expected(err, "plain text, or token ids from a .npy file");
    return CP_OK;
}
