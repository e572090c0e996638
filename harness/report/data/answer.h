/* SPDX-License-Identifier: GPL-3.0-or-later
 * The answer to each candidate in one row: verdict, first difference, cause, and what becomes of it at the outputs. The
 * terminal, the page and Markdown show these rows as a table. */
#ifndef CP_REPORT_DATA_ANSWER_H
#define CP_REPORT_DATA_ANSWER_H

#include "base/sentence.h"
#include "report/data/report.h"

/* Green is for what was shown alone. */
enum cp_tone { CP_TONE_BAD, CP_TONE_WARNING, CP_TONE_OPEN, CP_TONE_GOOD };

struct cp_answer {
    const struct cp_report_candidate *candidate;
    size_t index;        /* of the candidate in its report */
    const char *verdict; /* "different function", at most 18 characters */
    const char *class;   /* of it in the page's style sheet */
    enum cp_tone tone;
    int rank;          /* of the verdict: the worse, the larger */
    const char *first; /* the tap where it first differs, else NULL */
    double
        relative_l2; /* mean over inputs, of the features the larger; without features of the last tap; NaN: none */
    double max_dp; /* NaN: nothing was decided */
    size_t flips, decided;
};

/* Of all candidates, worst first. Lives in the arena. */
enum cp_status cp_answers(const struct cp_report *report, struct cp_arena *arena, struct cp_answer **answers,
                          struct cp_error *err);
/* Why, in a line: "settings at visual.0-5.mlp.gelu", "8 inputs are too few, 12 or more are needed"; whether there is anything
 * to say. */
bool cp_append_reason(struct cp_sentence *sentence, const struct cp_report_candidate *candidate);

#endif
