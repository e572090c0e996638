/* SPDX-License-Identifier: GPL-3.0-or-later
 * Other people's text, from names of files to names of taps, in each syntax that this program writes: one
 * function for each. YAML and JSON strings are in format/yaml.h and format/json_write.h.
 *
 * What no syntax may pass on is shown instead: control characters and bytes that are no UTF-8 as \xNN, C1
 * controls, marks that turn the direction of text, and line and paragraph separators as \uNNNN.
 */
#ifndef CP_BASE_ESCAPE_H
#define CP_BASE_ESCAPE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { CP_SHOWN = 8 };

/* Bytes of the character at text, which is not at its end. code: its code point, or the byte itself where the
 * text is no UTF-8 there. */
size_t cp_character(const char *text, unsigned *code, bool *utf8);
/* Whether a code point controls a terminal or the direction or lines of text. */
bool cp_is_hidden(unsigned code);
/* Whether a log takes a line that holds what text begins with for a command: "##[", of GitHub's older form, has
 * its # shown as \x23 in every syntax that a log can hold. */
bool cp_is_log_command(const char *text);
/* The same character as shown, NUL-terminated; *escaped says whether that is another text. Returns its bytes.
 */
size_t cp_visible(const char *text, char shown[CP_SHOWN], bool *escaped);
/* What a character at `at`, within text, becomes in a syntax; otherwise as cp_visible. */
typedef size_t cp_show(const char *text, const char *at, char shown[CP_SHOWN], bool *escaped);
/* For a line of a terminal, or a log: the first colon of a "::" that could begin a line is shown as \x3a, since
 * a GitHub job takes lines with it for commands. */
cp_show cp_show_line;
/* Text, or an attribute's value in double quotes; for XML line feeds and tabs are shown, too. */
cp_show cp_show_html;
cp_show cp_show_xml;

/* Appends to a buffer that holds `used` bytes, and cuts; returns what it then holds. */
size_t cp_append_visible(char *line, size_t size, size_t used, const char *text);
void cp_put_terminal(FILE *out, const char *text);
/* fprintf for people to read: every %s, with width and precision in characters and bytes, goes through
 * cp_put_terminal, so that only the format itself can break a line. Numbers, %c and %% are C's. */
void cp_print(FILE *out, const char *format, ...) CP_PRINTF(2, 3);
/* The same with cp_put_html: the format is markup, and every %s text. */
void cp_print_html(FILE *out, const char *format, ...) CP_PRINTF(2, 3);

/* A field of RFC 4180, always one line. A text that a spreadsheet would take for a formula, and one that
 * begins with ', has a ' before it. */
void cp_put_csv(FILE *out, const char *text);
void cp_put_html(FILE *out, const char *text);
void cp_put_xml(FILE *out, const char *text);
/* Text within a line or a cell of GitHub-flavoured Markdown; of several lines, blanks stand between them. */
void cp_put_markdown(FILE *out, const char *text);
/* Lines of code, within a fence that none of them ends; kind: the language. */
void cp_put_markdown_block(FILE *out, const char *kind, const char *text);
/* One word of a command for a POSIX shell; where it holds what cannot be shown, for bash ($'...'). */
void cp_put_shell(FILE *out, const char *text);
/* A message of a GitHub workflow command, or the value of one of its properties. */
void cp_put_github(FILE *out, const char *text, bool property);

#endif
