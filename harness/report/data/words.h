/* SPDX-License-Identifier: GPL-3.0-or-later
 * Places and causes in plain words. */
#ifndef CP_REPORT_DATA_WORDS_H
#define CP_REPORT_DATA_WORDS_H

#include "base/sentence.h"
#include "report/data/report.h"

extern const char *const cp_tower_names[3];
/* The verdict in a field of verdicts or local verdicts. */
const char *cp_verdict_word(const double fields[CP_VERDICT_FIELDS], enum cp_verdict_field field);
/* A tap's divergence in multiples of its noise floor; NaN where there is none. */
double cp_times_floor(const struct cp_report_tap *tap);

/* What computes a tap: "activation", "norm before attention"; NULL: no tap of this program. */
const char *cp_component_words(const struct cp_report_tap *tap);
/* "block 0's activation", "the patch embedding" */
void cp_append_place(struct cp_sentence *sentence, const struct cp_report_tap *tap);
/* Some taps of a candidate: those by number that `has` takes. */
struct cp_tap_set {
    const struct cp_report_candidate *candidate;
    bool (*has)(const struct cp_tap_set *set, size_t tap);
    int which;                      /* for `has` */
    const struct cp_own_part *like; /* likewise */
};
/* "the activation of blocks 0-5 (visual) and 0-3 (text)"; whether there are any. */
bool cp_append_taps(struct cp_sentence *sentence, const struct cp_tap_set *set);
/* The same, or "112 operations from visual.conv1 on" where they are many. */
void cp_append_many(struct cp_sentence *sentence, const struct cp_tap_set *set);
/* "the activation of blocks 0-5 (visual) and 0-3 (text)": the causes of one class; whether there are any. */
bool cp_append_causes(struct cp_sentence *sentence, const struct cp_report_candidate *candidate,
                      enum cp_cause cause);

/* What the ledgers found (words_ledger.c); nothing of a candidate without. Each says whether it had anything
 * to say. " at PLACES does not compute what its settings, weights and inputs say: ..." of the baseline (side
 * 0) or the candidate (1): one clause for each explanation, ";" between. */
bool cp_append_found(struct cp_sentence *sentence, const struct cp_report_candidate *candidate, int side,
                     int kind, const char *before);
/* enum cp_own_kind of a part, or CP_OWN_LARGER. */
int cp_report_kind(const struct cp_own_part *part);
/* A part in words, as cp_own_append, declared rounding too. */
void cp_append_part(struct cp_sentence *sentence, const struct cp_own_part *part,
                    const struct cp_agreement_words *words);
/* "its settings at PLACES (up to 0.029), to ...", after `before` (", attributed to "). */
bool cp_append_attributed(struct cp_sentence *sentence, const struct cp_report_candidate *candidate,
                          const char *before);
/* "; all 155 operations of both passes are explained by their declared arithmetic" */
void cp_append_explained(struct cp_sentence *sentence, const struct cp_report_candidate *candidate);
/* "different function", "different weights", "different inputs": what the declared passes differ in. */
const char *cp_report_difference_words(const struct cp_report_candidate *candidate);
/* Whether settings, weights or inputs set the passes apart. */
bool cp_report_is_declared(const struct cp_report_candidate *candidate);
/* Taps that have a part of this kind. */
size_t cp_report_count_own(const struct cp_report_candidate *candidate, int side, int kind);
/* "bound" or "empirical"; "" of an operation that was not checked. */
const char *cp_report_basis(const double *row);
/* What explains an operation in a row of the ledger; NULL: nothing, or nothing was tried. */
const char *cp_report_explanation(const struct cp_reader_texts *alternatives, const double *row);

/* The end of the answer, each clause after ";" or "." (words_outcome.c). outcome NULL: no features. */
void cp_append_floor(struct cp_sentence *sentence, const struct cp_report_tap *outcome);
/* How much of a different function's divergence the candidate's own rounding could be. */
void cp_append_share(struct cp_sentence *sentence, const struct cp_report_tap *outcome);
/* "; 1 of 300 images fails by itself: b.png (120 times the limit, at 12 taps)"; nothing where all do */
void cp_append_failing(struct cp_sentence *sentence, const struct cp_report_candidate *candidate);
void cp_append_growth(struct cp_sentence *sentence, const struct cp_report_candidate *candidate);
void cp_append_decisions(struct cp_sentence *sentence, const struct cp_report_candidate *candidate);

/* The swap and the layer that move a tower's features most. */
void cp_append_worst_layer(struct cp_sentence *sentence, const struct cp_report_table *layers,
                           enum cp_tower tower);

#endif
