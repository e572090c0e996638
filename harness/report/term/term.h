/* SPDX-License-Identifier: GPL-3.0-or-later
 * The report in a terminal: a screen that is so many columns wide, in colour or not, with block characters or
 * without. */
#ifndef CP_REPORT_TERM_TERM_H
#define CP_REPORT_TERM_TERM_H

#include "report/data/report.h"

struct cp_screen {
    FILE *out;
    size_t width; /* columns, at least CP_SCREEN_LEAST */
    bool colour;  /* ANSI escapes */
    bool unicode; /* the locale is UTF-8 and set */
};
enum { CP_SCREEN_LEAST = 40, CP_SCREEN_MOST = 80 };

/* What a stream can show: the terminal's width (of a pipe or a file 80 columns), colours on a terminal where
 * NO_COLOR is not set (no-color.org), block characters where the locale is UTF-8. Sets the locale's
 * characters. */
struct cp_screen cp_screen_of(FILE *out);

/* Whether screens made from now on are in colour whatever the stream is, as the command line asked. */
enum cp_screen_ink_when { CP_SCREEN_INK_AUTO, CP_SCREEN_INK_ALWAYS, CP_SCREEN_INK_NEVER };
void cp_screen_ink_when(enum cp_screen_ink_when when);

/* The answer as a table: rel L2: mean over inputs, at the features; |dp|: the largest change of a probability. reasons: a line
 * beneath each. Nothing of layerwise swaps, which have a table of their own. */
enum cp_status cp_term_answers(const struct cp_report *report, bool reasons, FILE *out, struct cp_error *err);
/* What ends a run: the answer, where the result is, and its content digest. report NULL: nothing was compared. */
struct cp_term_result {
    const char *path, *digest;
    bool reasons; /* beneath the answers */
};
enum cp_status cp_term_outcome(const struct cp_report *report, const struct cp_term_result *result, FILE *out,
                               struct cp_error *err);

/* ---- its parts (text.c, depth.c, heat.c) ---- */

enum cp_ink { CP_INK_PLAIN, CP_INK_BOLD, CP_INK_SOFT, CP_INK_RED, CP_INK_YELLOW, CP_INK_GREEN, CP_INK_INKS };
void cp_screen_ink(const struct cp_screen *screen, enum cp_ink ink);
/* A text cut to columns, and filled up to them. */
void cp_screen_cell(const struct cp_screen *screen, const char *text, size_t columns);
/* The same, ending in "..." where it was cut; columns >= 3. */
void cp_screen_short(const struct cp_screen *screen, const char *text, size_t columns);
/* The rest of a line of which `used` columns are taken, cut likewise. */
void cp_screen_end(const struct cp_screen *screen, const char *text, size_t used);
/* A text of many words, wrapped, each line after so many spaces. */
void cp_screen_wrap(const struct cp_screen *screen, const char *text, size_t indent);
/* A level from 0 to 8 as a bar, 0 to 4 as a shade; below 0: nothing there; above: not a number. */
void cp_screen_bar(const struct cp_screen *screen, int level);
void cp_screen_shade(const struct cp_screen *screen, int level);

/* Error over depth with the verdicts beneath, for each tower. */
void cp_term_depth(const struct cp_screen *screen, const struct cp_report_candidate *candidate);
/* Which operation of which block errs: its own error where that was measured, else the whole. */
void cp_term_heat(const struct cp_screen *screen, const struct cp_report_candidate *candidate);
/* Swaps in one layer at a time, and whose the harm is. */
void cp_term_attribution(const struct cp_screen *screen, const struct cp_report *report);
void cp_term_decisions(const struct cp_screen *screen, const struct cp_report *report,
                       const struct cp_report_candidate *candidate);

#endif
