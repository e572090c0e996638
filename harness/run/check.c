/* SPDX-License-Identifier: GPL-3.0-or-later
 * Refuses a rule that matches no tap and no candidate. */
#include "run/check.h"

/* Decisions and tolerances are the candidates'. */
static bool matches(const struct cp_study *study, const struct cp_check_rule *rule, const char *subject,
                    bool candidate) {
    if (!candidate && cp_check_says_tolerance(rule))
        return false;
    if (!rule->tap)
        return candidate && cp_check_matches(rule, subject, NULL);
    for (size_t i = 0; i < study->sites.count; i++)
        if (cp_check_matches(rule, subject, study->sites.list[i].name))
            return true;
    return false;
}

enum cp_status cp_check_globs(const struct cp_study *study, struct cp_error *err) {
    const struct cp_experiment *e = study->experiment;
    for (size_t r = 2; r < e->check_count; r++) {
        size_t s = 0;
        while (s < study->spec_count && !matches(study, &e->check[r], study->spec[s]->name, s > 0))
            s++;
        if (s == study->spec_count)
            return (void)cp_mark_fail(&e->check[r].mark, err, "check: nothing matches '%.300s'",
                                      e->check[r].where),
                   cp_expected(err,
                               cp_check_says_tolerance(&e->check[r])
                                   ? "a tap of a candidate, which rtol and atol compare with the baseline's"
                                   : "a tap of the baseline or a candidate; `clip-parity list taps` shows "
                                     "taps");
    }
    return CP_OK;
}
