/* SPDX-License-Identifier: GPL-3.0-or-later
 * Chooses a candidate's verdict from its taps and ledger, and sorts the candidates by it. */
#include "report/data/answer.h"

#include "report/data/difference.h"
#include "report/data/words.h"

#include <math.h>
#include <stdlib.h>

/* From the best to the worst. */
enum verdict {
    IDENTICAL,
    EQUIVALENT,
    PARTLY,
    EXPLAINED,
    UNDECIDED,
    DIFFERS,
    UNMATCHED,
    DEGRADED,
    COARSE,
    FUNCTION,
    CONTRADICTED,
    NONFINITE,
    BROKEN,
    VERDICTS
};
static const struct {
    const char *words, *class;
    enum cp_tone tone;
} verdicts[VERDICTS] = {[IDENTICAL] = {"identical", "same", CP_TONE_GOOD},
                        [EQUIVALENT] = {"equivalent", "same", CP_TONE_GOOD},
                        [PARTLY] = {"partly equivalent", "partly", CP_TONE_GOOD},
                        [EXPLAINED] = {"explained", "partly", CP_TONE_GOOD},
                        [UNDECIDED] = {"inconclusive", "open", CP_TONE_OPEN},
                        [DIFFERS] = {"differs", "open", CP_TONE_OPEN},
                        [UNMATCHED] = {"unmatched taps", "open", CP_TONE_OPEN},
                        [DEGRADED] = {"degraded", "degraded", CP_TONE_WARNING},
                        [COARSE] = {"coarse", "degraded", CP_TONE_WARNING},
                        [FUNCTION] = {NULL, "semantic", CP_TONE_WARNING}, /* cp_report_difference_words */
                        [CONTRADICTED] = {"contradicted", "contradicted", CP_TONE_BAD},
                        [NONFINITE] = {"NaN or infinity", "nonfinite", CP_TONE_BAD},
                        [BROKEN] = {"broken baseline", "contradicted", CP_TONE_BAD}};

/* What the ledger found, worst first; VERDICTS: nothing of the kind. */
static enum verdict verdict_of_ledger(const struct cp_report_candidate *c) {
    if (c->broken)
        return BROKEN;
    if (cp_report_count_state(c, CP_NONFINITE_VERDICT))
        return NONFINITE;
    if (cp_report_count_own(c, 1, CP_OWN_CONTRADICTED))
        return CONTRADICTED;
    if (cp_report_count_state(c, CP_SEMANTIC_VERDICT) || cp_report_is_declared(c))
        return FUNCTION;
    return cp_report_count_own(c, 1, CP_OWN_ROUNDING) ? COARSE : VERDICTS;
}

static bool is_explained(const struct cp_report_candidate *c) {
    return c->difference && cp_report_count_own(c, 1, CP_OWN_UNCHECKED) == 0;
}

/* What is inconclusive is good in part where every operation is explained, or all but some taps were decided and no ratio
 * beyond its limit was seen. */
static enum verdict verdict_of(const struct cp_report_candidate *c) {
    const struct cp_inconclusive inconclusive = cp_report_inconclusive(c);
    const size_t within = cp_report_count_state(c, CP_EQUIVALENT);
    const enum verdict found = verdict_of_ledger(c);
    if (found != VERDICTS)
        return found;
    if (cp_report_rounding(c, CP_DEGRADED))
        return DEGRADED;
    if (cp_report_count_state(c, CP_UNMATCHED))
        return UNMATCHED;
    if (inconclusive.taps && is_explained(c))
        return EXPLAINED;
    if (!c->judged && (inconclusive.taps || cp_report_count_state(c, CP_DIFFERS)))
        return DIFFERS;
    if (inconclusive.taps)
        return within && inconclusive.over_k < 1 ? PARTLY : UNDECIDED;
    return within ? EQUIVALENT : IDENTICAL;
}

/* Of what sets the passes apart the first; else where a different function shows, else other bits. */
static const char *first_of(const struct cp_report_candidate *c) {
    const struct cp_own_part *part = c->difference ? cp_agreement_first(&c->difference->agreement) : NULL;
    const struct cp_report_tap *tap = NULL;
    if (part)
        return part->tap->address;
    for (int tower = CP_VISUAL; !tap && tower <= CP_JOINT; tower++)
        tap = cp_report_first(c, (enum cp_tower)tower);
    for (size_t t = 0; !tap && t < c->taps; t++)
        tap = c->tap[t].over_inputs.different > 0 ? &c->tap[t] : NULL;
    return tap ? tap->address : NULL;
}

static double outcome_of(const struct cp_report_candidate *c) {
    const struct cp_report_tap *outcome = cp_report_outcome(c);
    for (size_t t = c->taps; !outcome && t-- > 0;)
        outcome = c->tap[t].over_inputs.compared > 0 ? &c->tap[t] : NULL;
    return outcome ? outcome->over_inputs.mean_rel[CP_TOTAL] : NAN;
}

static struct cp_answer answer_of(const struct cp_report *report, size_t index) {
    const struct cp_report_candidate *c = &report->candidate[index];
    const enum verdict verdict = verdict_of(c);
    return (struct cp_answer){.candidate = c,
                              .index = index,
                              .verdict = verdict == FUNCTION ? cp_report_difference_words(c)
                                                             : verdicts[verdict].words,
                              .class = verdicts[verdict].class,
                              .tone = verdicts[verdict].tone,
                              .rank = (int)verdict,
                              .first = first_of(c),
                              .relative_l2 = outcome_of(c),
                              .max_dp = c->counts.decided ? c->counts.max_dp : NAN,
                              .flips = c->counts.flips,
                              .decided = c->counts.decided};
}

/* By verdict, then by divergence, then as the experiment has them. */
static int worse_first(const void *a, const void *b) {
    const struct cp_answer *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank > y->rank ? -1 : 1;
    if (x->relative_l2 > y->relative_l2 || x->relative_l2 < y->relative_l2)
        return x->relative_l2 > y->relative_l2 ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

enum cp_status cp_answers(const struct cp_report *report, struct cp_arena *arena, struct cp_answer **answers,
                          struct cp_error *err) {
    struct cp_answer *all;
    CP_TRY(CP_ARENA_CALLOC(arena, all, report->candidates + 1, err, report->path, "a report"));
    for (size_t c = 0; c < report->candidates; c++)
        all[c] = answer_of(report, c);
    qsort(all, report->candidates, sizeof *all, worse_first);
    *answers = all;
    return CP_OK;
}

/* ---- why ---- */

/* Of a result without a ledger as its local verdicts have it. */
static void append_causes(struct cp_sentence *s, const struct cp_report_candidate *c) {
    static const char *const words[CP_CAUSE_COUNT] = {[CP_CAUSE_SEMANTIC] = "settings at ",
                                                      [CP_CAUSE_ROUNDING] = "rounding of ",
                                                      [CP_CAUSE_WEIGHTS] = "weights at "};
    const size_t start = s->used;
    for (int cause = CP_CAUSE_SEMANTIC; cause < CP_CAUSE_COUNT; cause++) {
        char text[CP_REPORT_SUMMARY / 2] = "";
        struct cp_sentence places = {text, sizeof text, 0};
        if (cp_append_causes(&places, c, (enum cp_cause)cause))
            cp_append(s, "%s%s%s", s->used > start ? "; " : "", words[cause], text);
    }
}

/* Where no cause is known, why none is. */
static void append_open(struct cp_sentence *s, const struct cp_report_candidate *c, enum verdict verdict) {
    const struct cp_inconclusive inconclusive = cp_report_inconclusive(c);
    if (verdict == DIFFERS)
        cp_append(s, "no oracle ran, so a different function and rounding are not told apart");
    else if (inconclusive.taps)
        cp_append_inconclusive_why(s, &inconclusive);
}

bool cp_append_reason(struct cp_sentence *s, const struct cp_report_candidate *c) {
    const struct cp_difference *d = c->difference;
    const size_t start = s->used;
    if (d && c->broken) {
        cp_append(s, "the baseline: ");
        if (cp_agreement_append_reasons(s, &d->agreement, &d->words, CP_SIDE_A))
            cp_append(s, "; ");
    }
    if (d)
        (void)cp_agreement_append_reasons(s, &d->agreement, &d->words, CP_SIDE_B);
    else
        append_causes(s, c);
    if (s->used == start)
        append_open(s, c, verdict_of(c));
    return s->used > start;
}
