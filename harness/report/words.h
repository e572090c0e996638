/* SPDX-License-Identifier: GPL-3.0-or-later
 * Places and causes in plain words. */
#ifndef CP_REPORT_WORDS_H
#define CP_REPORT_WORDS_H

#include "base/sentence.h"
#include "report/report.h"

extern const char *const cp_tower_names[3];
/* The verdict in a field of verdicts or local verdicts. */
const char *cp_verdict_word(const double fields[CP_VERDICT_FIELDS], enum cp_verdict_field field);
/* A tap's divergence in multiples of its noise floor; NaN where there is none. */
double cp_times_floor(const struct cp_report_tap *tap);

/* What computes a tap: "activation", "norm before attention"; NULL: no tap of this program. */
const char *cp_component_words(const struct cp_report_tap *tap);
/* "block 0's activation", "the patch embedding" */
void cp_say_place(struct cp_sentence *sentence, const struct cp_report_tap *tap);
/* "the activation of blocks 0-5 (visual) and 0-3 (text)": the causes of one class; whether there are any. */
bool cp_say_causes(struct cp_sentence *sentence, const struct cp_report_candidate *candidate,
                   enum cp_cause cause);

/* The swap and the layer that move a tower's features most. */
void cp_say_worst_layer(struct cp_sentence *sentence, const struct cp_report_table *layers,
                        enum cp_tower tower);

#endif
