/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "study/verdict.h"

#include "num/bootstrap.h"

#include <math.h>

/* Rounding of two float64 oracles apart: their own error is some 1e-15. */
#define SEMANTIC_LIMIT 1e-12

const char *const cp_verdict_names[CP_VERDICT_COUNT] = {"unmatched",    "nonfinite", "identical",
                                                        "semantic",     "degraded",  "equivalent",
                                                        "inconclusive", "differs",   "contradicted"};
const char *const cp_verdict_field_names[CP_VERDICT_FIELDS] = {
    "verdict",    "rounding",     "inputs", "semantic", "ratio",   "low",        "high",
    "p_degraded", "p_equivalent", "k",      "weights",  "failing", "worst_input"};

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

/* One input's ratio: is it the worst, and does it fail? */
static void add_ratio(struct cp_verdict_facts *facts, size_t input, double d, double *most) {
    if (!(d <= *most)) {
        *most = d;
        facts->worst = input;
    }
    facts->failing += facts->elements >= CP_VERDICT_ELEMENTS && d > log(CP_VERDICT_FAILS * facts->k);
    facts->d[facts->inputs++] = d;
}

void cp_verdict_facts(const double *metrics, size_t inputs, const double *yardstick,
                      struct cp_verdict_facts *facts) {
    double most = -INFINITY;
    facts->compared = 0;
    facts->nonfinite = false;
    facts->identical = true;
    facts->semantic = NAN;
    facts->inputs = facts->failing = facts->worst = 0;
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
        if (!isfinite(c[CP_RMS]) || !isfinite(b[CP_RMS]))
            continue;
        add_ratio(facts, i, log_ratio(c, b, yardstick ? yardstick[i] : NAN), &most);
    }
}

void cp_verdict_statistics(const struct cp_verdict_facts *facts, double alpha, uint64_t seed, double *work,
                           double fields[CP_VERDICT_FIELDS]) {
    for (int f = 0; f < CP_VERDICT_FIELDS; f++)
        fields[f] = NAN;
    fields[CP_FIELD_INPUTS] = (double)facts->inputs;
    fields[CP_FIELD_SEMANTIC] = facts->semantic;
    fields[CP_FIELD_K] = facts->k;
    fields[CP_FIELD_FAILING] = (double)facts->failing;
    if (facts->inputs == 0)
        return;
    fields[CP_FIELD_WORST] = (double)facts->worst;
    double sum = 0;
    for (size_t i = 0; i < facts->inputs; i++)
        sum += facts->d[i];
    fields[CP_FIELD_RATIO] = exp(sum / (double)facts->inputs);
    if (facts->inputs < CP_VERDICT_MIN_INPUTS || !isfinite(sum))
        return;
    const size_t n = cp_group_means(facts->d, facts->inputs, CP_VERDICT_GROUPS);
    const struct cp_bootstrap b =
        cp_bootstrap(facts->d, n, seed, work, CP_VERDICT_DRAWS, work + CP_VERDICT_DRAWS);
    fields[CP_FIELD_LOW] = exp(cp_bootstrap_low(&b, alpha));
    fields[CP_FIELD_HIGH] = exp(cp_bootstrap_high(&b, alpha));
    fields[CP_FIELD_P_DEGRADED] = cp_bootstrap_p_above(&b, log(facts->k));
    fields[CP_FIELD_P_EQUIVALENT] = cp_bootstrap_p_below(&b, log(facts->k));
}

static enum cp_verdict rounding_verdict(const double *fields, double alpha) {
    if (fields[CP_FIELD_P_DEGRADED] <= alpha)
        return CP_DEGRADED;
    return fields[CP_FIELD_P_EQUIVALENT] <= alpha ? CP_EQUIVALENT : CP_INCONCLUSIVE;
}

void cp_verdict_decide(const struct cp_verdict_facts *facts, double *fields, size_t count, double alpha,
                       size_t *order) {
    cp_holm(fields + CP_FIELD_P_DEGRADED, CP_VERDICT_FIELDS, count, order);
    cp_holm(fields + CP_FIELD_P_EQUIVALENT, CP_VERDICT_FIELDS, count, order);
    for (size_t tap = 0; tap < count; tap++, fields += CP_VERDICT_FIELDS) {
        enum cp_verdict rounding = rounding_verdict(fields, alpha);
        if (rounding == CP_EQUIVALENT && facts[tap].failing)
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
