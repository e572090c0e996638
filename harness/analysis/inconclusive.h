/* SPDX-License-Identifier: GPL-3.0-or-later
 * Taps whose rounding the statistics could not decide: how many, why, and how large the ratio was that was
 * seen there. The table, the reports and the notes before a run all say it with these words. */
#ifndef CP_ANALYSIS_INCONCLUSIVE_H
#define CP_ANALYSIS_INCONCLUSIVE_H

#include "analysis/verdict.h"
#include "base/sentence.h"

#include <stdio.h>

struct cp_inconclusive {
    size_t taps;          /* inconclusive */
    size_t few;           /* of those, the taps with fewer distinct inputs than CP_VERDICT_MIN_INPUTS */
    double least, most;   /* inputs of those few */
    size_t alike;         /* of those, the taps of fewer degrees of freedom than CP_VERDICT_MIN_DF */
    double classes;       /* of the tap that has one value for each class; NaN: it is not among them */
    double ratio, over_k; /* the largest ratio of rounding errors seen, and that as a share of its limit; NaN:
                             none was seen */
};

/* How far the taps that are equivalent are: of how many inputs, and which share of others could be above k.
 */
struct cp_equivalence {
    double inputs; /* the fewest distinct ones, and */
    double beyond; /* the largest upper limit of that share; NaN: no tap is equivalent */
};
struct cp_equivalence cp_equivalence_none(void);
void cp_equivalence_add(struct cp_equivalence *equivalence, const double fields[CP_VERDICT_FIELDS]);
/* "of 100 inputs; up to 13 % of others could exceed the limit" */
void cp_append_equivalence(struct cp_sentence *sentence, const struct cp_equivalence *equivalence);
/* A line of a table; nothing where no tap is equivalent. */
void cp_equivalence_print(const struct cp_equivalence *equivalence, FILE *out);

/* What to start from. */
struct cp_inconclusive cp_inconclusive_none(void);
/* fields: of one tap of verdicts or local verdicts. which: CP_FIELD_VERDICT, or CP_FIELD_ROUNDING to count
 * where the maths differs, too. Where the bits are the same or not finite, nothing was left to decide. */
void cp_inconclusive_add(struct cp_inconclusive *inconclusive, enum cp_point point,
                         const double fields[CP_VERDICT_FIELDS], enum cp_verdict_field which);
/* "8 inputs are too few, 12 or more are needed", "class_features has a value for each of 10 classes, 12 or
 * more are needed", "the inputs do not settle it" */
void cp_append_inconclusive_why(struct cp_sentence *sentence, const struct cp_inconclusive *inconclusive);
/* "the error there is up to 2,030 times the baseline's"; nothing where no ratio was seen. */
void cp_append_inconclusive_ratio(struct cp_sentence *sentence, const struct cp_inconclusive *inconclusive,
                                  const char *before);

/* Ends a line of a table that says how many they are: ":", then why and how large, indented. */
void cp_inconclusive_print(const struct cp_inconclusive *inconclusive, FILE *out);

/* "8 images, 8 prompts: too few to judge rounding, 12 or more are needed"; nothing where they are
 * enough, or where nothing is judged. */
void cp_append_few_inputs(const struct cp_study *study, struct cp_sentence *sentence);

#endif
