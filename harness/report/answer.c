/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report/report.h"
#include "report/words.h"

#include <math.h>
#include <string.h>

/* Below this share of a divergence rounding explains none of it. */
#define NONE_OF_IT 0.01

const struct cp_report_tap *cp_report_first(const struct cp_report_candidate *c, enum cp_tower tower) {
    for (size_t t = 0; t < c->taps; t++) {
        const struct cp_report_tap *tap = &c->tap[t];
        const int verdict = (int)tap->verdict[CP_FIELD_VERDICT];
        if (tap->tower == tower &&
            (c->judged ? verdict == CP_SEMANTIC_VERDICT : tap->over_inputs.different > 0))
            return tap;
    }
    return NULL;
}

size_t cp_report_rounding(const struct cp_report_candidate *c, enum cp_verdict verdict) {
    size_t count = 0;
    for (size_t t = 0; t < c->taps; t++)
        count += (int)c->tap[t].verdict[CP_FIELD_ROUNDING] == (int)verdict;
    return count;
}

const struct cp_report_tap *cp_report_outcome(const struct cp_report_candidate *c) {
    static const char *const features[] = {"image_features", "text_features"};
    const struct cp_report_tap *worst = NULL;
    for (size_t t = 0; t < c->taps; t++) {
        const struct cp_report_tap *tap = &c->tap[t];
        const double error = tap->over_inputs.mean_rel[CP_TOTAL];
        if ((strcmp(tap->name, features[0]) == 0 || strcmp(tap->name, features[1]) == 0) &&
            (!worst || !(error <= worst->over_inputs.mean_rel[CP_TOTAL])))
            worst = tap;
    }
    return worst;
}

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

static void say_towers(struct cp_sentence *s, const struct cp_report_tap *first,
                       const struct cp_report_tap *second) {
    cp_say_place(s, first);
    if (second && same_place(first, second)) {
        cp_say(s, " on in both towers");
        return;
    }
    if (first->tower != CP_JOINT)
        cp_say(s, " (%s)", cp_tower_names[first->tower]);
    if (second) {
        cp_say(s, " and from ");
        cp_say_place(s, second);
        cp_say(s, " (%s)", cp_tower_names[second->tower]);
    }
    cp_say(s, " on");
}

/* "differs from B, from here (visual) and from there (text) on"; whether there was anything to say. */
static bool say_where(struct cp_sentence *s, const struct cp_report_candidate *c, const char *before) {
    const struct cp_report_tap *visual = cp_report_first(c, CP_VISUAL), *text = cp_report_first(c, CP_TEXT);
    const struct cp_report_tap *first = visual ? visual : text ? text : cp_report_first(c, CP_JOINT);
    const struct cp_report_tap *second = visual ? text : NULL;
    if (!first)
        return false;
    cp_say(s, "%s %s, from ", before, c->baseline);
    say_towers(s, first, second);
    if (first_recorded(c, first) || first_recorded(c, second))
        cp_say(s, ", the first tap recorded");
    return true;
}

/* ", caused by A, by other weights in B and by the rounding of C" */
static void say_causes(struct cp_sentence *s, const struct cp_report_candidate *c) {
    static const char *const how[CP_CAUSE_COUNT] = {[CP_CAUSE_SEMANTIC] = "",
                                                    [CP_CAUSE_ROUNDING] = "the rounding of ",
                                                    [CP_CAUSE_WEIGHTS] = "other weights in "};
    static const enum cp_cause order[] = {CP_CAUSE_SEMANTIC, CP_CAUSE_WEIGHTS, CP_CAUSE_ROUNDING};
    const char *before = ", caused by ";
    for (size_t i = 0; i < 3; i++) {
        if (count_causes(c, order[i]) == 0)
            continue;
        cp_say(s, "%s%s", before, how[order[i]]);
        (void)cp_say_causes(s, c, order[i]);
        before = " and by ";
    }
}

static void say_floor(struct cp_sentence *s, const struct cp_report_tap *outcome) {
    const double multiple = outcome ? cp_times_floor(outcome) : NAN;
    if (!(multiple > 0))
        return;
    cp_say(s, "; %s diverge by ", outcome->address);
    cp_say_multiple(s, multiple);
    cp_say(s, " times the noise floor");
}

/* How much of a divergence in maths the candidate's own rounding could be. */
static void say_share(struct cp_sentence *s, const struct cp_report_tap *outcome) {
    if (!outcome)
        return;
    const double share = outcome->over_inputs.mean_rel[CP_ROUNDING] / outcome->over_inputs.mean_rel[CP_TOTAL];
    if (share < NONE_OF_IT)
        cp_say(s, "; rounding explains none of it");
    else if (share < 1)
        cp_say(s, "; rounding is %.0f %% as large", 100 * share);
    else if (share >= 1)
        cp_say(s, "; rounding is as large");
}

/* " gives NaN or infinity at 3 of 20 taps, from here on"; whether it does. */
static bool say_nonfinite(struct cp_sentence *s, const struct cp_report_candidate *c) {
    const struct cp_report_tap *first = NULL;
    size_t count = 0;
    for (size_t t = 0; t < c->taps; t++)
        if ((int)c->tap[t].verdict[CP_FIELD_VERDICT] == CP_NONFINITE_VERDICT && count++ == 0)
            first = &c->tap[t];
    if (!first)
        return false;
    cp_say(s, " gives NaN or infinity at %zu of %zu taps, from ", count, c->taps);
    cp_say_place(s, first);
    if (first->tower != CP_JOINT)
        cp_say(s, " (%s)", cp_tower_names[first->tower]);
    cp_say(s, " on");
    return true;
}

struct cp_undecided cp_report_undecided(const struct cp_report_candidate *c) {
    struct cp_undecided undecided = cp_undecided_none();
    for (size_t t = 0; t < c->taps; t++)
        cp_undecided_add(&undecided, c->tap[t].verdict, CP_FIELD_VERDICT);
    return undecided;
}

struct cp_undecided cp_report_undecided_causes(const struct cp_report_candidate *c) {
    struct cp_undecided undecided = cp_undecided_none();
    for (size_t t = 0; c->local && t < c->taps; t++)
        cp_undecided_add(&undecided, c->tap[t].local_verdict, CP_FIELD_VERDICT);
    return undecided;
}

static size_t count_verdict(const struct cp_report_candidate *c, enum cp_verdict verdict) {
    size_t count = 0;
    for (size_t t = 0; t < c->taps; t++)
        count += (int)c->tap[t].verdict[CP_FIELD_VERDICT] == (int)verdict;
    return count;
}

/* " (2 times the baseline's)", " (2 to 3 times the baseline's)": k by the taps' precision. */
static void say_limit(struct cp_sentence *s, const struct cp_report_candidate *c) {
    double low = NAN, high = NAN;
    for (size_t t = 0; t < c->taps; t++) {
        low = fmin(low, c->tap[t].verdict[CP_FIELD_K]);
        high = fmax(high, c->tap[t].verdict[CP_FIELD_K]);
    }
    if (low < high)
        cp_say(s, " (%.3g to %.3g times the baseline's)", low, high);
    else if (low > 0)
        cp_say(s, " (%.3g times the baseline's)", low);
}

/* "; rounding could not be decided at 8 of 20 taps: 8 inputs are too few, ..." */
static void say_undecided(struct cp_sentence *s, const struct cp_report_candidate *c,
                          const struct cp_undecided *undecided, const char *what) {
    if (undecided->taps == 0)
        return;
    cp_say(s, "; %s could not be decided at %zu of %zu taps: ", what, undecided->taps, c->taps);
    cp_say_undecided_why(s, undecided);
    cp_say_undecided_ratio(s, undecided, "; ");
}

static void say_rounding(struct cp_sentence *s, const struct cp_report_candidate *c, bool same_maths) {
    const size_t degraded = cp_report_rounding(c, CP_DEGRADED), within = count_verdict(c, CP_EQUIVALENT);
    if (degraded) {
        cp_say(s, "; rounding is worse than the limit");
        say_limit(s, c);
        cp_say(s, " at %zu of %zu taps", degraded, c->taps);
    } else if (same_maths && within) {
        cp_say(s, "; rounding is within the limit");
        say_limit(s, c);
        cp_say(s, " at %zu of %zu taps that differ", within, within + cp_report_undecided(c).taps);
    }
}

/* Where rounding is known to be worse, somebody asks for the operation to blame. */
static void say_no_cause(struct cp_sentence *s, const struct cp_report_candidate *c) {
    const struct cp_undecided undecided = cp_report_undecided_causes(c);
    for (int cause = CP_CAUSE_SEMANTIC; cause < CP_CAUSE_COUNT; cause++)
        if (count_causes(c, (enum cp_cause)cause))
            return;
    if (cp_report_rounding(c, CP_DEGRADED))
        say_undecided(s, c, &undecided, "whether the operation by itself is to blame");
}

static void say_unmatched(struct cp_sentence *s, const struct cp_report_candidate *c) {
    const size_t unmatched = count_verdict(c, CP_UNMATCHED);
    if (unmatched)
        cp_say(s, "; %zu of %zu taps are on one side only", unmatched, c->taps);
}

static void say_decisions(struct cp_sentence *s, const struct cp_report_candidate *c) {
    const struct cp_decisions *d = &c->counts;
    if (d->images == 0)
        return;
    cp_say(s, ". ");
    cp_say_count(s, d->flips);
    cp_say(s, " of ");
    cp_say_count(s, d->images);
    cp_say(s, " decisions change (95 %% interval %.2f to %.2f %%)", 100 * d->flip_low, 100 * d->flip_high);
    if (c->certificates) {
        cp_say(s, ", for ");
        cp_say_count(s, d->certified);
        cp_say(s, " of ");
        cp_say_count(s, d->images);
        cp_say(s, " images no flip is possible");
    }
    cp_say(s, ", the largest change of a probability is %.2g", d->max_dp);
    if (d->accuracy == d->accuracy_baseline)
        cp_say(s, ", accuracy stays %.2f %%", 100 * d->accuracy);
    else if (!isnan(d->accuracy))
        cp_say(s, ", accuracy goes from %.2f to %.2f %%", 100 * d->accuracy_baseline, 100 * d->accuracy);
}

static void say_judged(struct cp_sentence *s, const struct cp_report_candidate *c) {
    const bool weights = count_causes(c, CP_CAUSE_WEIGHTS) && !count_causes(c, CP_CAUSE_SEMANTIC);
    const struct cp_report_tap *outcome = cp_report_outcome(c);
    const struct cp_undecided undecided = cp_report_undecided(c);
    const bool nonfinite = say_nonfinite(s, c);
    const bool semantic = say_where(s, c,
                                    nonfinite ? " and differs from"
                                    : weights ? " differs in weights from"
                                              : " differs in maths from");
    if (!semantic && !nonfinite)
        cp_say(s, " computes the same maths as %s", c->baseline);
    if (semantic)
        say_causes(s, c);
    say_rounding(s, c, !semantic && !nonfinite);
    if (!semantic) {
        say_causes(s, c);
        say_undecided(s, c, &undecided, "rounding");
    }
    say_no_cause(s, c);
    say_floor(s, outcome);
    if (semantic)
        say_share(s, outcome);
}

/* "; a difference of 0.0062 at pixels.normalized is one of 0.015 at the image features, 2.5 times as much
 * (random changes: 1.3 times)" */
static void say_growth(struct cp_sentence *s, const struct cp_report_candidate *c) {
    const struct cp_report_growth g = cp_report_growth(c);
    const size_t last = g.steps - 1;
    if (!g.features || isnan(g.times[last]))
        return;
    cp_say(s, "; a difference of %.2g at %s is one of %.2g at the image features, %.2g times as much",
           g.step[last]->over_inputs.mean_rel[CP_TOTAL], g.step[last]->address,
           g.features->over_inputs.mean_rel[CP_TOTAL], g.times[last]);
    if (!isnan(g.chance))
        cp_say(s, " (random changes of the pixels: %.2g times)", g.chance);
}

void cp_report_answer(const struct cp_report_candidate *c, char *text, size_t size) {
    struct cp_sentence s = {text, size, 0};
    size_t different = 0;
    for (size_t t = 0; t < c->taps; t++)
        different += !(c->tap[t].over_inputs.different == 0);
    cp_say(&s, "%s", c->name);
    if (different == 0) {
        cp_say(&s, " has the bits of %s everywhere", c->baseline);
    } else if (!c->judged) {
        (void)say_where(&s, c, " differs from");
        cp_say(&s, "; no oracle ran, so maths and rounding are not told apart");
    } else {
        say_judged(&s, c);
    }
    say_growth(&s, c);
    say_unmatched(&s, c);
    say_decisions(&s, c);
    cp_say(&s, ".");
}
