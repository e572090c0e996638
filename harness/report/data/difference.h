/* SPDX-License-Identifier: GPL-3.0-or-later
 * What `diff` concludes from a result: whether two passes agree, and everything that sets them apart. */
#ifndef CP_REPORT_DATA_DIFFERENCE_H
#define CP_REPORT_DATA_DIFFERENCE_H

#include "analysis/agreement.h"
#include "format/json_write.h"
#include "report/data/report.h"

struct cp_difference {
    const struct cp_report *report;
    const struct cp_report_candidate *candidate;
    struct cp_agreement_tap *tap; /* [candidate->taps] */
    struct cp_agreement agreement;
    struct cp_agreement_words words;
};

/* Of one candidate. words: what the sides are called; "A" and "B", or the passes' names. Lives in the arena.
 */
enum cp_status cp_difference(const struct cp_report *report, const struct cp_report_candidate *candidate,
                             const char *a, const char *b, const struct cp_agreement_options *options,
                             struct cp_arena *arena, struct cp_difference *difference, struct cp_error *err);
/* The causes, what is unmatched, and a last line PASS or FAIL. */
void cp_difference_print(const struct cp_difference *difference, FILE *out);
/* data/schema/diff-1.json. a, b: the files. */
void cp_difference_json(const struct cp_difference *difference, const char *a, const char *b, FILE *out);

/* What both JSON forms end an own part with: how explaining it went, and the part in words. Closes its object.
 */
void cp_own_part_json_end(struct cp_json_writer *json, const struct cp_own_part *part, const char *text);

#endif
