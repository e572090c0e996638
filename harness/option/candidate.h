/* SPDX-License-Identifier: GPL-3.0-or-later
 * Candidates for a word of each kind, from the tables of what the word names. */
#ifndef CP_OPTION_CANDIDATE_H
#define CP_OPTION_CANDIDATE_H

#include "option/option.h"

#include <stdio.h>

struct cp_candidates {
    FILE *out;
    const char *typed;               /* the whole word so far */
    size_t fixed;                    /* bytes of it that stay before every candidate: "--json=", "isa=" */
    const char *const *choices;      /* of CP_WORD_CHOICE */
    bool (*takes)(const char *word); /* candidates that are no such word are left out; NULL: none is */
    bool files;                      /* names of files are candidates, too */
    bool unfinished;                 /* one of them ends where more is to be typed */
};

/* Prints a candidate if what is typed is its beginning. help: one line, or "". */
void cp_candidate(struct cp_candidates *c, const char *word, const char *help);

/* Prints those of a kind; of plain text there are none. */
void cp_candidates_print(struct cp_candidates *c, enum cp_word_kind kind);

/* ---- those with an '=' (candidate_setting.c) ---- */

void cp_candidates_key(struct cp_candidates *c);
void cp_candidates_settings(struct cp_candidates *c);

#endif
