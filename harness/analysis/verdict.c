/* SPDX-License-Identifier: GPL-3.0-or-later
 * The decision alone: error ratios of one tap, their statistics and what follows. No input or output. */
#include "analysis/verdict.h"

#include "num/bootstrap.h"
#include "num/mean_test.h"

#include <math.h>

/* Errors of a tap's elements are not independent: beyond so many elements the share is taken for the same. */
enum { CP_SHARE_ELEMENTS = 10 };

/* Rounding of two float64 oracles apart: their own error is some 1e-15. */
#define SEMANTIC_LIMIT 1e-12

const char *const cp_verdict_names[CP_VERDICT_COUNT] = {"unmatched",    "nonfinite", "identical",
                                                        "semantic",     "degraded",  "equivalent",
                                                        "inconclusive", "differs",   "contradicted"};
const char *const cp_verdict_field_names[CP_VERDICT_FIELDS] = {
    "verdict",     "rounding",     "inputs", "semantic",  "ratio",      "low",         "high",
    "p_degraded",  "p_equivalent", "k",      "weights",   "failing",    "worst_input", "distinct",
    "independent", "df",           "above",  "above_low", "above_high", "p_mixed"};

const char *const cp_failing_field_names[CP_FAILING_FIELDS] = {"failing_taps", "times_limit"};

const char *const cp_cause_names[CP_CAUSE_COUNT] = {"none", "semantic", "rounding", "weights"};

bool cp_verdict_is_semantic(const double fields[CP_VERDICT_FIELDS]) {
    const int verdict = (int)fields[CP_FIELD_VERDICT];
    return verdict == CP_SEMANTIC_VERDICT ||
           (verdict == CP_CONTRADICTED_VERDICT && fields[CP_FIELD_SEMANTIC] > SEMANTIC_LIMIT);
}

enum cp_cause cp_cause_of(const double fields[CP_VERDICT_FIELDS]) {
    const int verdict = (int)fields[CP_FIELD_VERDICT];
    if (verdict != CP_SEMANTIC_VERDICT && verdict != CP_DEGRADED && verdict != CP_NONFINITE_VERDICT)
        return CP_CAUSE_NONE;
    if (fields[CP_FIELD_WEIGHTS] == 1)
        return CP_CAUSE_WEIGHTS;
    return verdict == CP_SEMANTIC_VERDICT ? CP_CAUSE_SEMANTIC : CP_CAUSE_ROUNDING;
}

/* Ratio of two errors, each with the floor; 1 where both are the same. */
static double log_ratio(const double *c, const double *b, double yardstick) {
    const double least = fmax(b[CP_RMS], yardstick); /* fmax passes over NaN */
    if (c[CP_RMS] == least && c[CP_RMS_REF] == b[CP_RMS_REF])
        return 0;
    return log((c[CP_RMS] + 0x1p-24 * c[CP_RMS_REF]) / (least + 0x1p-24 * b[CP_RMS_REF]));
}

static void note_failing(struct cp_verdict_facts *facts, size_t input, double times) {
    double *row = facts->fails ? facts->fails + input * CP_FAILING_FIELDS : NULL;
    facts->failing++;
    if (!row)
        return;
    row[CP_FAILING_TAPS]++;
    row[CP_FAILING_TIMES] = fmax(row[CP_FAILING_TIMES], times);
}

void cp_verdict_add(struct cp_verdict_facts *facts, size_t input, double d) {
    const struct cp_verdict_units *units = &facts->units;
    if (facts->inputs == 0 || d > facts->most) {
        facts->most = d;
        facts->worst = input;
    }
    if (facts->carrying >= CP_VERDICT_ELEMENTS && d > log(CP_VERDICT_FAILS * facts->k))
        note_failing(facts, input, exp(d) / facts->k);
    facts->inputs++;
    if (units->first && units->first[input] != input)
        return;
    if (facts->group) {
        facts->group[facts->distinct] = units->template[input];
        facts->group[facts->capacity + facts->distinct] = units->class[input];
    }
    facts->d[facts->distinct++] = d;
}

/* (sum |e|)^2 / sum e^2 of one part, the mean over inputs; all elements where it is not known. */
static double carrying_elements(const double *metrics, size_t inputs, enum cp_part part, size_t elements) {
    double sum = 0, count = 0;
    for (size_t i = 0; i < inputs; i++) {
        const double *m = metrics + (i * CP_PART_COUNT + part) * CP_METRIC_COUNT;
        const double share = m[CP_MEAN_ABS] * m[CP_MEAN_ABS] / (m[CP_RMS] * m[CP_RMS]);
        if (!(share > 0 && isfinite(share)))
            continue;
        sum += share;
        count++;
    }
    return count > 0 ? (double)elements * sum / count : (double)elements;
}

void cp_verdict_facts(const double *metrics, size_t inputs, const double *yardstick,
                      struct cp_verdict_facts *facts) {
    facts->carrying = fmin(carrying_elements(metrics, inputs, CP_ROUNDING, facts->elements),
                           carrying_elements(metrics, inputs, CP_ROUNDING_BASELINE, facts->elements));
    facts->compared = 0;
    facts->nonfinite = false;
    facts->identical = true;
    facts->semantic = NAN;
    facts->inputs = facts->distinct = facts->failing = facts->worst = 0;
    for (size_t i = 0; i < inputs; i++, metrics += CP_PART_COUNT * CP_METRIC_COUNT) {
        const double *total = metrics, *semantic = metrics + CP_SEMANTIC * CP_METRIC_COUNT;
        const double *c = metrics + CP_ROUNDING * CP_METRIC_COUNT,
                     *b = metrics + CP_ROUNDING_BASELINE * CP_METRIC_COUNT;
        if (isnan(total[CP_DIFFERENT]))
            continue; /* one side has no such tensor */
        facts->compared++;
        facts->nonfinite = facts->nonfinite || total[CP_NONFINITE] != 0;
        facts->identical = facts->identical && total[CP_DIFFERENT] == 0;
        if (!(facts->semantic >= semantic[CP_REL_L2]) && !isnan(semantic[CP_REL_L2]))
            facts->semantic = semantic[CP_REL_L2];
        if (isfinite(c[CP_RMS]) && isfinite(b[CP_RMS]))
            cp_verdict_add(facts, i, log_ratio(c, b, yardstick ? yardstick[i] : NAN));
    }
}

/* ---- the statistics ---- */

/* A zero on one side is no measure of how much more: it counts as the largest ratio that is one, and as no
 * less than what fails. */
static void replace_infinite(const struct cp_verdict_facts *facts) {
    double most = log(CP_VERDICT_FAILS * facts->k);
    for (size_t i = 0; i < facts->distinct; i++)
        most = isfinite(facts->d[i]) ? fmax(most, fabs(facts->d[i])) : most;
    for (size_t i = 0; i < facts->distinct; i++)
        if (isinf(facts->d[i]))
            facts->d[i] = copysign(most, facts->d[i]);
}

/* The share of inputs whose ratio is above k where both errors are legitimate roundings. */
static double legitimate_share(const struct cp_verdict_facts *facts) {
    const double m = fmin(facts->carrying, CP_SHARE_ELEMENTS);
    if (m == 0)
        return 1; /* not known */
    return cp_share_of_ratios(facts->k, m);
}

static void tell_share(const struct cp_verdict_facts *facts, double alpha, double fields[CP_VERDICT_FIELDS]) {
    size_t above = 0;
    for (size_t i = 0; i < facts->distinct; i++)
        above += facts->d[i] > log(facts->k);
    const double share = (double)above / (double)facts->distinct, n = fields[CP_FIELD_INDEPENDENT];
    fields[CP_FIELD_ABOVE] = share;
    fields[CP_FIELD_ABOVE_LOW] = cp_share_low(share * n, n, alpha);
    fields[CP_FIELD_ABOVE_HIGH] = cp_share_high(share * n, n, alpha);
    fields[CP_FIELD_P_MIXED] = cp_share_p_above(share * n, n, legitimate_share(facts));
}

static double mean_of(const struct cp_verdict_facts *facts) {
    double sum = 0;
    for (size_t i = 0; i < facts->distinct; i++)
        sum += facts->d[i];
    return sum / (double)facts->distinct;
}

void cp_verdict_statistics(const struct cp_verdict_facts *facts, double alpha, double *sums,
                           double fields[CP_VERDICT_FIELDS]) {
    const struct cp_grouping grouping = {facts->group, facts->group + (facts->group ? facts->capacity : 0),
                                         facts->units.templates, facts->units.classes};
    for (int f = 0; f < CP_VERDICT_FIELDS; f++)
        fields[f] = NAN;
    fields[CP_FIELD_INPUTS] = (double)facts->inputs;
    fields[CP_FIELD_DISTINCT] = (double)facts->distinct;
    fields[CP_FIELD_SEMANTIC] = facts->semantic;
    fields[CP_FIELD_K] = facts->k;
    fields[CP_FIELD_FAILING] = (double)facts->failing;
    if (facts->inputs == 0)
        return;
    fields[CP_FIELD_WORST] = (double)facts->worst;
    fields[CP_FIELD_RATIO] = exp(mean_of(facts));
    if (facts->distinct < CP_VERDICT_MIN_INPUTS)
        return;
    replace_infinite(facts);
    const struct cp_mean_test test =
        cp_mean_test(facts->d, facts->distinct, facts->group ? &grouping : NULL, sums);
    fields[CP_FIELD_DF] = test.df;
    fields[CP_FIELD_INDEPENDENT] = test.independent;
    if (test.df < CP_VERDICT_MIN_DF)
        return;
    fields[CP_FIELD_LOW] = exp(cp_mean_low(&test, alpha));
    fields[CP_FIELD_HIGH] = exp(cp_mean_high(&test, alpha));
    fields[CP_FIELD_P_DEGRADED] = cp_mean_p_above(&test, log(facts->k));
    fields[CP_FIELD_P_EQUIVALENT] = cp_mean_p_below(&test, log(facts->k));
    tell_share(facts, alpha, fields);
}

static enum cp_verdict rounding_verdict(const double *fields, double alpha) {
    if (fields[CP_FIELD_P_DEGRADED] <= alpha)
        return CP_DEGRADED;
    if (!(fields[CP_FIELD_P_EQUIVALENT] <= alpha))
        return CP_INCONCLUSIVE;
    return fields[CP_FIELD_P_MIXED] <= alpha ? CP_DEGRADED : CP_EQUIVALENT;
}

void cp_verdict_decide(const struct cp_verdict_facts *facts, double *fields, size_t count, double alpha,
                       size_t *order) {
    cp_holm(fields + CP_FIELD_P_DEGRADED, CP_VERDICT_FIELDS, count, order);
    cp_holm(fields + CP_FIELD_P_EQUIVALENT, CP_VERDICT_FIELDS, count, order);
    cp_holm(fields + CP_FIELD_P_MIXED, CP_VERDICT_FIELDS, count, order);
    for (size_t tap = 0; tap < count; tap++, fields += CP_VERDICT_FIELDS) {
        enum cp_verdict rounding = rounding_verdict(fields, alpha);
        if (facts[tap].failing && !isnan(fields[CP_FIELD_P_DEGRADED]))
            rounding = CP_DEGRADED;
        enum cp_verdict verdict = facts[tap].inputs ? rounding : CP_DIFFERS;
        if (facts[tap].semantic > SEMANTIC_LIMIT)
            verdict = CP_SEMANTIC_VERDICT;
        if (facts[tap].identical)
            verdict = CP_IDENTICAL;
        if (facts[tap].nonfinite)
            verdict = CP_NONFINITE_VERDICT;
        if (!facts[tap].compared)
            verdict = CP_UNMATCHED;
        fields[CP_FIELD_ROUNDING] = rounding;
        fields[CP_FIELD_VERDICT] = verdict;
    }
}
