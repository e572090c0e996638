/* SPDX-License-Identifier: GPL-3.0-or-later
 * Writes the one-paragraph answer of a candidate, clause by clause, from taps, ledger and decisions. */
#include "report/data/difference.h"
#include "report/data/words.h"

#include <math.h>
#include <string.h>

static size_t count_causes(const struct cp_report_candidate *c, enum cp_cause cause) {
    size_t count = 0;
    for (size_t t = 0; t < c->taps; t++)
        count += c->tap[t].cause == cause;
    return count;
}

static bool same_place(const struct cp_report_tap *a, const struct cp_report_tap *b) {
    const char *first = cp_component_words(a), *second = cp_component_words(b);
    return first && second && strcmp(first, second) == 0 && a->layer == b->layer;
}

/* Whether nothing before a tap of its tower was recorded that could have differed already. */
static bool first_recorded(const struct cp_report_candidate *c, const struct cp_report_tap *tap) {
    return tap && tap->point > CP_LN_PRE && (tap == c->tap || tap[-1].tower != tap->tower);
}

static void append_towers(struct cp_sentence *s, const struct cp_report_tap *first,
                          const struct cp_report_tap *second) {
    cp_append_place(s, first);
    if (second && same_place(first, second)) {
        cp_append(s, " on in both towers");
        return;
    }
    if (first->tower != CP_JOINT)
        cp_append(s, " (%s)", cp_tower_names[first->tower]);
    if (second) {
        cp_append(s, " and from ");
        cp_append_place(s, second);
        cp_append(s, " (%s)", cp_tower_names[second->tower]);
    }
    cp_append(s, " on");
}

/* "differs from B, from here (visual) and from there (text) on"; whether there was anything to say. */
static bool append_where(struct cp_sentence *s, const struct cp_report_candidate *c, const char *before) {
    const struct cp_report_tap *visual = cp_report_first(c, CP_VISUAL), *text = cp_report_first(c, CP_TEXT);
    const struct cp_report_tap *first = visual ? visual : text ? text : cp_report_first(c, CP_JOINT);
    const struct cp_report_tap *second = visual ? text : NULL;
    if (!first)
        return false;
    cp_append(s, "%s %s, from ", before, c->baseline);
    append_towers(s, first, second);
    if (first_recorded(c, first) || first_recorded(c, second))
        cp_append(s, ", the first tap recorded");
    return true;
}

static bool has_larger_error(const struct cp_tap_set *set, size_t tap) {
    return set->candidate->tap[tap].cause == CP_CAUSE_ROUNDING;
}

static double largest_local(const struct cp_tap_set *set, enum cp_part part) {
    double largest = NAN;
    for (size_t t = 0; t < set->candidate->taps; t++)
        if (set->has(set, t))
            largest = fmax(largest, set->candidate->tap[t].local_rel[part]);
    return largest;
}

/* Operations whose error by itself is larger than the baseline's beyond the limit; the ledger knows them by
 * their declared arithmetic. */
static void append_rounding_causes(struct cp_sentence *s, const struct cp_report_candidate *c,
                                   const char *before) {
    const struct cp_tap_set set = {.candidate = c, .has = has_larger_error};
    char places[CP_REPORT_SUMMARY / 2] = "";
    struct cp_sentence p = {places, sizeof places, 0};
    const double size = largest_local(&set, CP_ROUNDING);
    if (c->difference || !cp_append_taps(&p, &set))
        return;
    cp_append(s, "%sthe rounding of %s", before, places);
    if (size > 0)
        cp_append(s, " (up to %.2g)", size);
}

/* ", attributed to its settings at A (0.01), to its weights at B"; of a result without a ledger as its local
 * verdicts have it. */
static void append_causes(struct cp_sentence *s, const struct cp_report_candidate *c, const char *before) {
    static const char *const how[] = {"its settings at ", "its weights at "};
    static const enum cp_cause order[] = {CP_CAUSE_SEMANTIC, CP_CAUSE_WEIGHTS};
    (void)cp_append_attributed(s, c, before);
    for (size_t i = 0; i < 2 && !c->difference; i++) {
        if (count_causes(c, order[i]) == 0)
            continue;
        cp_append(s, "%s%s", before, how[i]);
        (void)cp_append_causes(s, c, order[i]);
        before = ", to ";
    }
}

/* " gives NaN or infinity at 3 of 20 taps, from here on"; whether it does. */
static bool append_nonfinite(struct cp_sentence *s, const struct cp_report_candidate *c) {
    const struct cp_report_tap *first = NULL;
    size_t count = 0;
    for (size_t t = 0; t < c->taps; t++)
        if (cp_report_state(&c->tap[t]) == CP_NONFINITE_VERDICT && count++ == 0)
            first = &c->tap[t];
    if (!first)
        return false;
    cp_append(s, " gives NaN or infinity at %zu of %zu taps, from ", count, c->taps);
    cp_append_place(s, first);
    if (first->tower != CP_JOINT)
        cp_append(s, " (%s)", cp_tower_names[first->tower]);
    cp_append(s, " on");
    return true;
}

static size_t count_verdict(const struct cp_report_candidate *c, enum cp_verdict verdict) {
    size_t count = 0;
    for (size_t t = 0; t < c->taps; t++)
        count += (int)c->tap[t].verdict[CP_FIELD_VERDICT] == (int)verdict;
    return count;
}

/* " (2 times the baseline's)", " (2 to 3 times the baseline's)": k by the taps' precision. */
static void append_limit(struct cp_sentence *s, const struct cp_report_candidate *c) {
    double low = NAN, high = NAN;
    for (size_t t = 0; t < c->taps; t++) {
        low = fmin(low, c->tap[t].verdict[CP_FIELD_K]);
        high = fmax(high, c->tap[t].verdict[CP_FIELD_K]);
    }
    if (low < high)
        cp_append(s, " (%.3g to %.3g times the baseline's)", low, high);
    else if (low > 0)
        cp_append(s, " (%.3g times the baseline's)", low);
}

static bool is_semantic(const struct cp_report_candidate *c) {
    return cp_report_first(c, CP_VISUAL) || cp_report_first(c, CP_TEXT) || cp_report_first(c, CP_JOINT);
}

/* Nothing is said of the error beside a broken baseline's, nor of one that no rounding explains, nor of one
 * that different inputs make. */
static bool is_comparable(const struct cp_report_candidate *c) {
    return !c->broken && cp_report_count_own(c, 1, CP_OWN_CONTRADICTED) == 0 &&
           (cp_report_count_own(c, 1, CP_OWN_INPUTS) == 0 || is_semantic(c));
}

/* "; whether its error exceeds the limit could not be decided at 8 of 20 taps: 8 inputs are too few, ..."
 */
static void append_inconclusive(struct cp_sentence *s, const struct cp_report_candidate *c,
                                const struct cp_inconclusive *inconclusive, const char *what) {
    if (inconclusive->taps == 0 || !is_comparable(c))
        return;
    cp_append(s, "; %s could not be decided at %zu of %zu taps: ", what, inconclusive->taps, c->taps);
    cp_append_inconclusive_why(s, inconclusive);
    cp_append_inconclusive_ratio(s, inconclusive, "; ");
}

/* " (of 100 inputs; up to 13 % of others could exceed the limit)" */
static void append_equivalence(struct cp_sentence *s, const struct cp_report_candidate *c) {
    struct cp_equivalence e = cp_equivalence_none();
    for (size_t t = 0; t < c->taps; t++)
        cp_equivalence_add(&e, c->tap[t].verdict);
    if (isnan(e.beyond))
        return;
    cp_append(s, " (");
    cp_append_equivalence(s, &e);
    cp_append(s, ")");
}

/* Whether it said that the error is within the limit. */
static bool append_rounding(struct cp_sentence *s, const struct cp_report_candidate *c, bool same_function) {
    const size_t degraded = cp_report_rounding(c, CP_DEGRADED), within = count_verdict(c, CP_EQUIVALENT);
    const bool said = degraded || (same_function && within);
    if (!is_comparable(c))
        return false;
    if (said) {
        cp_append(s, degraded ? "; its error is above the limit" : "; its error is within the limit");
        append_limit(s, c);
    }
    if (degraded)
        cp_append(s, " at %zu of %zu taps", degraded, c->taps);
    else if (said)
        cp_append(s, " at %zu of %zu taps that differ", within, within + cp_report_inconclusive(c).taps);
    if (said && !degraded)
        append_equivalence(s, c);
    append_rounding_causes(s, c, degraded ? ", attributed to " : "; above the limit by itself is ");
    return said && !degraded;
}

/* Where the error is known to be larger, somebody asks for the operation to blame. */
static void append_no_cause(struct cp_sentence *s, const struct cp_report_candidate *c) {
    const struct cp_inconclusive inconclusive = cp_report_inconclusive_causes(c);
    for (int cause = CP_CAUSE_SEMANTIC; cause < CP_CAUSE_COUNT; cause++)
        if (count_causes(c, (enum cp_cause)cause))
            return;
    if (cp_report_rounding(c, CP_DEGRADED))
        append_inconclusive(s, c, &inconclusive, "whether the operation by itself is to blame");
}

static void append_unmatched(struct cp_sentence *s, const struct cp_report_candidate *c) {
    const size_t unmatched = count_verdict(c, CP_UNMATCHED);
    if (unmatched)
        cp_append(s, "; %zu of %zu taps are on one side only", unmatched, c->taps);
}

/* What makes the declared passes differ. */
static enum cp_own_kind declared(const struct cp_report_candidate *c) {
    const size_t settings =
        c->difference ? cp_report_count_own(c, 1, CP_OWN_SETTINGS) : count_causes(c, CP_CAUSE_SEMANTIC);
    const size_t weights =
        c->difference ? cp_report_count_own(c, 1, CP_OWN_WEIGHTS) : count_causes(c, CP_CAUSE_WEIGHTS);
    if (settings == 0 && weights)
        return CP_OWN_WEIGHTS;
    return settings == 0 && cp_report_count_own(c, 1, CP_OWN_INPUTS) ? CP_OWN_INPUTS : CP_OWN_SETTINGS;
}

const char *cp_report_difference_words(const struct cp_report_candidate *c) {
    const enum cp_own_kind kind = declared(c);
    return kind == CP_OWN_WEIGHTS  ? "different weights"
           : kind == CP_OWN_INPUTS ? "different inputs"
                                   : "different function";
}

static const char *how_it_differs(const struct cp_report_candidate *c) {
    const enum cp_own_kind kind = declared(c);
    return kind == CP_OWN_WEIGHTS  ? "uses different weights from"
           : kind == CP_OWN_INPUTS ? "gets different inputs from"
                                   : "computes a different function from";
}

/* How far the references are apart, at most; 0: the same function is declared. */
static double declared_distance(const struct cp_report_candidate *c) {
    double distance = 0;
    for (size_t t = 0; t < c->taps; t++)
        distance = fmax(distance, c->tap[t].verdict[CP_FIELD_SEMANTIC]); /* fmax passes over NaN */
    return distance;
}

/* Where nothing is contradicted, coarse or declared otherwise so that a verdict shows it. */
static void append_alike(struct cp_sentence *s, const struct cp_report_candidate *c) {
    if (declared_distance(c) > 0)
        cp_append(s, " declares a different function from %s, whose reference is %.1e away at most",
                  c->baseline, declared_distance(c));
    else if (!c->difference)
        cp_append(s, " declares the function of %s; whether it computes it was not checked", c->baseline);
    else if (cp_report_count_own(c, 1, CP_OWN_UNCHECKED))
        cp_append(s, " differs from %s; why could not be checked at %zu of %zu taps", c->baseline,
                  cp_report_count_own(c, 1, CP_OWN_UNCHECKED), c->taps);
    else if (cp_report_is_declared(c))
        cp_append(s, " %s %s", how_it_differs(c), c->baseline);
    else if (c->broken)
        cp_append(s, " computes what its own settings, weights and inputs say");
    else
        cp_append(s, " differs from %s by rounding alone", c->baseline);
}

/* What its own operations do against what they say; whether there was anything to say. */
static bool append_own(struct cp_sentence *s, const struct cp_report_candidate *c) {
    bool said = append_nonfinite(s, c);
    said = cp_append_found(s, c, 1, CP_OWN_CONTRADICTED, said ? ";" : "") || said;
    return cp_append_found(s, c, 1, CP_OWN_ROUNDING, said ? ";" : "") || said;
}

static void append_judged(struct cp_sentence *s, const struct cp_report_candidate *c) {
    const struct cp_report_tap *outcome = cp_report_outcome(c);
    const struct cp_inconclusive inconclusive = cp_report_inconclusive(c);
    const bool own = append_own(s, c);
    char how[64];
    (void)snprintf(how, sizeof how, "%s %s", own ? "; it" : "", how_it_differs(c));
    const bool semantic = c->judged && append_where(s, c, how);
    if (!semantic && !own)
        append_alike(s, c);
    append_causes(s, c, own && !semantic ? "; what else differs is attributed to " : ", attributed to ");
    if (!c->broken)
        (void)cp_append_found(s, c, 0, CP_OWN_ROUNDING, "; the baseline");
    cp_append_explained(s, c);
    const bool within = append_rounding(s, c, !semantic && !own);
    if (is_comparable(c))
        cp_append_failing(s, c);
    if (!semantic)
        append_inconclusive(s, c, &inconclusive, within ? "that" : "whether its error exceeds the limit");
    append_no_cause(s, c);
    cp_append_floor(s, outcome);
    if (semantic && is_comparable(c))
        cp_append_share(s, outcome);
}

/* The reference's own fault is said before anything that was compared with it. */
static void append_broken(struct cp_sentence *s, const struct cp_report_candidate *c) {
    cp_append(s, " is compared with a broken baseline, which");
    const bool contradicted = cp_append_found(s, c, 0, CP_OWN_CONTRADICTED, "");
    (void)cp_append_found(s, c, 0, CP_OWN_NONFINITE, contradicted ? ";" : "");
    if (c->difference->agreement.shared)
        cp_append(s, "; both contradict it alike, so the model, the config or the seed is not theirs");
    cp_append(s, ". Agreeing with it shows nothing. %s", c->name);
}

/* Equal NaNs are no agreement. */
static bool has_same_bits(const struct cp_report_candidate *c) {
    for (size_t t = 0; t < c->taps; t++)
        if (!(c->tap[t].over_inputs.different == 0) || cp_report_state(&c->tap[t]) == CP_NONFINITE_VERDICT)
            return false;
    return true;
}

void cp_report_summary(const struct cp_report_candidate *c, char *text, size_t size) {
    struct cp_sentence s = {text, size, 0};
    cp_append(&s, "%s", c->name);
    if (c->broken)
        append_broken(&s, c);
    if (has_same_bits(c)) {
        cp_append(&s, " has the bits of %s everywhere", c->baseline);
        if (declared_distance(c) > 0)
            cp_append(&s, ", though it declares a different function (its reference is %.1e away at most)",
                      declared_distance(c));
        cp_append_explained(&s, c);
    } else if (!c->judged && !c->difference) {
        (void)append_where(&s, c, " differs from");
        cp_append(&s, "; no oracle ran, so a different function and rounding are not told apart");
    } else {
        append_judged(&s, c);
    }
    cp_append_growth(&s, c);
    append_unmatched(&s, c);
    cp_append_decisions(&s, c);
    cp_append(&s, ".");
}
