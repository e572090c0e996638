/* SPDX-License-Identifier: GPL-3.0-or-later
 * How many times the accepted error a run's is, over inputs: as a verdict of a candidate against the
 * baseline is reached (analysis/verdict.h), with what was accepted in the baseline's place. */
#include "gate/judge.h"
#include "num/mean_test.h"

#include <math.h>
#include <stdlib.h>

struct family {
    const struct cp_judging *judging;
    struct cp_verdict_facts *facts; /* [findings] */
    double *fields;                 /* (findings, CP_VERDICT_FIELDS) */
    double *d;                      /* (findings, CP_GATE_INPUTS) */
    size_t *group;                  /* (findings, 2, CP_GATE_INPUTS) */
    double *sums;                   /* [2 * CP_GATE_INPUTS] */
    size_t *order;                  /* [findings] */
};

/* d_i = log((e_i + f_i) / (accepted e_i + f_i)), f_i = 2^-24 of the oracle's RMS. */
static void gather(const struct cp_gate_finding *f, struct cp_verdict_facts *facts) {
    const struct cp_gate_tap *now = f->tap, *accepted = f->accepted;
    for (size_t i = 0; i < now->inputs && i < accepted->inputs; i++) {
        const double a = now->error[i], b = accepted->error[i], floor = 0x1p-24 * accepted->oracle[i];
        if (isfinite(a) && isfinite(b) && isfinite(floor))
            cp_verdict_add(facts, i, a == b ? 0 : log((a + floor) / (b + floor)));
    }
}

static void note_needed(const struct cp_verdict_facts *facts, double alpha, size_t taps,
                        struct cp_gate_finding *f) {
    const size_t n = facts->distinct;
    f->inputs = n;
    f->needed = SIZE_MAX;
    if (n < 2 || facts->group) /* more prompts of the same templates and classes add little */
        return;
    const struct cp_mean_test test = cp_mean_test(facts->d, n, NULL, NULL);
    f->needed =
        cp_values_to_decide(test.mean, test.error * sqrt((double)n), log(facts->k), alpha / (double)taps);
    /* More than were not enough. */
    const size_t least = n < CP_VERDICT_MIN_INPUTS ? CP_VERDICT_MIN_INPUTS : n + 1;
    f->needed = f->needed < least ? least : f->needed;
}

/* An untouched tap has the accepted error, and is no test. */
static bool is_tested(const struct cp_gate_finding *f) {
    return f->tap && f->accepted && !cp_judge_unchanged(f->tap, f->accepted);
}

static enum cp_status prepare(const struct family *family, struct cp_gate_judged *judged) {
    const struct cp_judging *j = family->judging;
    for (size_t i = 0; i < judged->findings; i++) {
        struct cp_gate_finding *f = &judged->finding[i];
        struct cp_gate_measure *m = &f->measure[CP_GATE_RATIO];
        struct cp_verdict_facts *facts = &family->facts[i];
        bool checked;
        *facts = (struct cp_verdict_facts){.semantic = NAN,
                                           .d = family->d + i * CP_GATE_INPUTS,
                                           .capacity = CP_GATE_INPUTS,
                                           .k = 2,
                                           .units = cp_gate_kept_units(&j->verdict->samples->kept, f->tower)};
        if (facts->units.template)
            facts->group = family->group + 2 * i * CP_GATE_INPUTS;
        if (f->decisions || !f->tap || !f->accepted)
            continue;
        CP_TRY(cp_judge_limit(j, judged->name, f, CP_CHECK_RATIO, m->limit, m, &checked));
        facts->k = m->limit;
        m->value = 1;
        m->outcome = checked ? CP_GATE_PASSED : CP_GATE_UNCHECKED;
        if (is_tested(f))
            gather(f, facts);
    }
    return CP_OK;
}

static void test(const struct family *family, struct cp_gate_judged *judged) {
    const double alpha = family->judging->verdict->experiment->verdict_alpha;
    for (size_t i = 0; i < judged->findings; i++) {
        const size_t tower = (size_t)judged->finding[i].tower;
        size_t taps = 0;
        for (size_t t = 0; t < judged->findings; t++)
            taps += (size_t)judged->finding[t].tower == tower && family->facts[t].inputs > 0;
        note_needed(&family->facts[i], alpha, taps ? taps : 1, &judged->finding[i]);
        cp_verdict_statistics(&family->facts[i], alpha, family->sums, family->fields + i * CP_VERDICT_FIELDS);
    }
    for (size_t first = 0, end = 0; first < judged->findings; first = end) {
        while (end < judged->findings && judged->finding[end].tower == judged->finding[first].tower)
            end++;
        cp_verdict_decide(family->facts + first, family->fields + first * CP_VERDICT_FIELDS, end - first,
                          alpha, family->order);
    }
}

static enum cp_status conclude(const struct family *family, const char *subject, const double *fields,
                               struct cp_gate_finding *f) {
    struct cp_gate_measure *m = &f->measure[CP_GATE_RATIO], allowed = {0};
    bool strict;
    CP_TRY(cp_judge_limit(family->judging, subject, f, CP_CHECK_INCONCLUSIVE, 0, &allowed, &strict));
    if (!is_tested(f))
        return CP_OK;
    f->verdict = (enum cp_verdict)fields[CP_FIELD_ROUNDING];
    m->value = fields[CP_FIELD_RATIO];
    f->low = fields[CP_FIELD_LOW];
    f->high = fields[CP_FIELD_HIGH];
    if (m->outcome == CP_GATE_UNCHECKED || f->verdict == CP_EQUIVALENT)
        return CP_OK;
    m->outcome = f->verdict != CP_DEGRADED && !strict ? CP_GATE_ALLOWED : CP_GATE_FAILED;
    return CP_OK;
}

static enum cp_status judge_family(const struct family *family, struct cp_gate_judged *judged) {
    CP_TRY(prepare(family, judged));
    test(family, judged);
    for (size_t i = 0; i < judged->findings; i++) {
        struct cp_gate_finding *f = &judged->finding[i];
        if (!f->decisions && f->tap && f->accepted)
            CP_TRY(conclude(family, judged->name, family->fields + i * CP_VERDICT_FIELDS, f));
    }
    return CP_OK;
}

enum cp_status cp_judge_ratios(const struct cp_judging *j, struct cp_gate_judged *judged) {
    const size_t taps = judged->findings;
    struct cp_arena arena = {0};
    const struct family family = {.judging = j,
                                  .facts = cp_arena_calloc(&arena, taps, sizeof *family.facts),
                                  .fields = cp_arena_calloc(&arena, taps * CP_VERDICT_FIELDS, sizeof(double)),
                                  .d = cp_arena_calloc(&arena, taps * CP_GATE_INPUTS, sizeof(double)),
                                  .group = cp_arena_calloc(&arena, taps * 2 * CP_GATE_INPUTS, sizeof(size_t)),
                                  .sums = cp_arena_alloc(&arena, 2 * CP_GATE_INPUTS, sizeof(double)),
                                  .order = cp_arena_alloc(&arena, taps, sizeof(size_t))};
    const bool allocated =
        family.facts && family.fields && family.d && family.group && family.sums && family.order;
    const enum cp_status status = allocated ? judge_family(&family, judged)
                                            : cp_no_memory(j->err, j->verdict->samples->path, "a verdict");
    cp_arena_free(&arena);
    return status;
}
