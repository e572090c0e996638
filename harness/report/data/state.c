/* SPDX-License-Identifier: GPL-3.0-or-later
 * One state for each tap: the worse of its verdict and of what the ledger found there. */
#include "report/data/report.h"

const char *const cp_report_state_names[CP_REPORT_STATES] = {[CP_UNMATCHED] = "unmatched",
                                                             [CP_NONFINITE_VERDICT] = "nonfinite",
                                                             [CP_IDENTICAL] = "identical",
                                                             [CP_SEMANTIC_VERDICT] = "semantic",
                                                             [CP_DEGRADED] = "degraded",
                                                             [CP_EQUIVALENT] = "equivalent",
                                                             [CP_INCONCLUSIVE] = "inconclusive",
                                                             [CP_DIFFERS] = "differs",
                                                             [CP_CONTRADICTED_VERDICT] = "contradicted",
                                                             [CP_STATE_COARSE] = "coarse"};

int cp_report_state_rank(int state) {
    static const int ranks[CP_REPORT_STATES] = {[CP_IDENTICAL] = 0,         [CP_EQUIVALENT] = 1,
                                                [CP_INCONCLUSIVE] = 2,      [CP_DIFFERS] = 3,
                                                [CP_DEGRADED] = 4,          [CP_STATE_COARSE] = 5,
                                                [CP_SEMANTIC_VERDICT] = 6,  [CP_CONTRADICTED_VERDICT] = 7,
                                                [CP_NONFINITE_VERDICT] = 8, [CP_UNMATCHED] = 9};
    return ranks[state];
}

static bool any_side(const struct cp_report_tap *tap, int kind) {
    return cp_report_has(tap, 0, kind) || cp_report_has(tap, 1, kind);
}

/* Equal NaNs are no agreement, whoever made them. */
static bool is_nonfinite(const struct cp_report_tap *tap) {
    for (int side = 0; side < 2; side++)
        if (tap->ledger[side] && tap->ledger[side][CP_OPERATION_FIELD_VERDICT] == CP_LEDGER_NONFINITE)
            return true;
    return false;
}

int cp_report_state(const struct cp_report_tap *tap) {
    const int verdict = (int)tap->verdict[CP_FIELD_VERDICT];
    const int found = is_nonfinite(tap)                    ? CP_NONFINITE_VERDICT
                      : any_side(tap, CP_OWN_CONTRADICTED) ? CP_CONTRADICTED_VERDICT
                      : any_side(tap, CP_OWN_ROUNDING)     ? CP_STATE_COARSE
                                                           : verdict;
    return cp_report_state_rank(found) > cp_report_state_rank(verdict) ? found : verdict;
}

const char *cp_report_state_side(const struct cp_report_tap *tap) {
    const int state = cp_report_state(tap);
    const int kind = state == CP_CONTRADICTED_VERDICT ? (int)CP_OWN_CONTRADICTED : (int)CP_OWN_ROUNDING;
    if ((state != CP_CONTRADICTED_VERDICT && state != CP_STATE_COARSE) || !cp_report_has(tap, 0, kind))
        return "";
    return cp_report_has(tap, 1, kind) ? " by both" : " by the baseline";
}

size_t cp_report_count_state(const struct cp_report_candidate *c, int state) {
    size_t count = 0;
    for (size_t t = 0; t < c->taps; t++)
        count += cp_report_state(&c->tap[t]) == state;
    return count;
}
