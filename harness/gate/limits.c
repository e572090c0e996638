/* SPDX-License-Identifier: GPL-3.0-or-later
 * Sets the limit of each kind for one tap or one set of decisions: by rule, else from what was accepted. */
#include "gate/judge.h"

#include <string.h>

/* Rounding of two float64 oracles, and of their kept digits, apart. */
#define MATHS_LIMIT 1e-12
/* The worst of all tokens of all inputs scatters far more than their mean: of 3,768 that another order of
 * sums moved (experiments/quickgelu-vs-gelu.yaml, 6 orders, no bound of accuracy broken) 1 % went beyond 2.5
 * times the accepted and the last to 5.7 times. */
#define WORST_RATIO 4
/* An elementwise operation's largest error went up to 1.3 times the accepted there. */
#define ULP_RATIO 1.5

/* ---- rules ---- */

static bool is_looser(const struct cp_check_limit *limit, double automatic) {
    return limit->state == CP_CHECK_OFF || (limit->state == CP_CHECK_NUMBER && !(limit->number <= automatic));
}

/* A rule is told once for a kind, of the first tap; same: the characters of the line that say which they are. */
static enum cp_status note_rule(const struct cp_judging *j, const char *line, size_t same) {
    struct cp_gate_verdict *v = j->verdict;
    for (size_t i = 0; i < v->rules; i++)
        if (strncmp(v->rule[i], line, same) == 0)
            return CP_OK;
    return cp_judge_note(j, &v->rule, &v->rules, line);
}

static enum cp_status note_looser(const struct cp_judging *j, const struct cp_check_rule *rule,
                                  enum cp_check_kind kind, double automatic) {
    const struct cp_check_limit *limit = &rule->limit[kind];
    char line[400];
    if (limit->state == CP_CHECK_NUMBER)
        (void)snprintf(line, sizeof line, "%.255s: %s %.4g is looser than auto (%.4g)", rule->where,
                       cp_check_names[kind], limit->number, automatic);
    else
        (void)snprintf(line, sizeof line, "%.255s: %s %s is looser than the default", rule->where,
                       cp_check_names[kind], kind == CP_CHECK_INCONCLUSIVE ? "allow" : "off");
    return note_rule(j, line, strcspn(line, "("));
}

enum cp_status cp_judge_limit(const struct cp_judging *j, const char *subject,
                              const struct cp_gate_finding *finding, enum cp_check_kind kind,
                              double automatic, struct cp_gate_measure *measure, bool *checked) {
    const struct cp_check_rule *rule =
        cp_experiment_check(j->verdict->experiment, subject, finding->decisions ? NULL : finding->name, kind);
    const struct cp_check_limit *limit = &rule->limit[kind];
    measure->rule = rule;
    measure->limit = limit->state == CP_CHECK_NUMBER ? limit->number : automatic;
    *checked = limit->state != CP_CHECK_OFF && !isnan(measure->limit);
    return is_looser(limit, automatic) && !rule->reason ? note_looser(j, rule, kind, automatic) : CP_OK;
}

/* Of a measure with its value and limit. */
static void weigh(struct cp_gate_measure *measure, bool checked) {
    if (checked)
        measure->outcome = measure->value <= measure->limit ? CP_GATE_PASSED : CP_GATE_FAILED;
}

/* ---- taps ---- */

/* The largest relative distance of the oracle from the accepted one; NaN: it can be told on one side alone;
 * -1: on neither. */
static double oracle_distance(const struct cp_gate_tap *now, const struct cp_gate_tap *accepted) {
    double largest = now->inputs || accepted->inputs ? 0 : -1;
    if (now->inputs != accepted->inputs)
        return NAN;
    for (size_t i = 0; i < now->inputs; i++) {
        const double a = now->oracle[i], b = accepted->oracle[i];
        if (isnan(a) && isnan(b))
            continue;
        largest = cp_worse(largest, a == b ? 0 : fabs(a - b) / b);
    }
    return largest;
}

bool cp_judge_unchanged(const struct cp_gate_tap *now, const struct cp_gate_tap *accepted) {
    return now->bits[0] && strcmp(now->bits, accepted->bits) == 0 &&
           oracle_distance(now, accepted) <= MATHS_LIMIT;
}

static enum cp_status judge_bits(const struct cp_judging *j, const char *subject, struct cp_gate_finding *f) {
    struct cp_gate_measure *m = &f->measure[CP_GATE_BITS_KIND];
    bool checked;
    CP_TRY(cp_judge_limit(j, subject, f, CP_CHECK_BITS, 0, m, &checked));
    m->value = strcmp(f->tap->bits, f->accepted->bits) != 0;
    weigh(m, checked && j->bits && (f->tap->bits[0] || f->accepted->bits[0]));
    return CP_OK;
}

/* The oracle's RMS does not show different maths where the tap is normalised to 1. There, other settings
 * whose ideal function is another, and other bits, are taken for it.
 */
static enum cp_status judge_maths(const struct cp_judging *j, const struct cp_gate_judged *judged,
                                  struct cp_gate_finding *f) {
    struct cp_gate_measure *m = &f->measure[CP_GATE_MATHS];
    bool checked;
    CP_TRY(cp_judge_limit(j, judged->name, f, CP_CHECK_MATHS, MATHS_LIMIT, m, &checked));
    m->value = oracle_distance(f->tap, f->accepted);
    if (m->value <= MATHS_LIMIT && judged->other_maths && strcmp(f->tap->bits, f->accepted->bits) != 0)
        m->value = INFINITY;
    weigh(m, checked && !(m->value < 0));
    return CP_OK;
}

static enum cp_status judge_worst_token(const struct cp_judging *j, const char *subject,
                                        struct cp_gate_finding *f) {
    const double k = cp_experiment_limit(j->verdict->experiment, f->accepted->type);
    struct cp_gate_measure *m = &f->measure[CP_GATE_WORST_TOKEN];
    bool checked;
    m->value = f->tap->worst_token;
    m->accepted = f->accepted->worst_token;
    /* 2^-24 is what rounding the outputs alone may make. */
    const double limit = isnan(m->accepted) ? NAN : WORST_RATIO * k * fmax(m->accepted, 0x1p-24);
    CP_TRY(cp_judge_limit(j, subject, f, CP_CHECK_WORST_TOKEN, limit, m, &checked));
    weigh(m, checked);
    return CP_OK;
}

static enum cp_status judge_ulp(const struct cp_judging *j, const char *subject, struct cp_gate_finding *f) {
    const struct cp_experiment *e = j->verdict->experiment;
    const struct cp_check_rule *rule = cp_experiment_check(e, subject, f->name, CP_CHECK_ULP);
    struct cp_gate_measure *m = &f->measure[CP_GATE_ULP];
    bool checked;
    if (rule == &e->check[0] && !cp_gate_is_elementwise(f->tap->point))
        return CP_OK;
    m->value = f->tap->ulp;
    m->accepted = f->accepted->ulp;
    const double limit = isnan(m->accepted) ? NAN : ULP_RATIO * fmax(m->accepted, 0.5);
    CP_TRY(cp_judge_limit(j, subject, f, CP_CHECK_ULP, limit, m, &checked));
    weigh(m, checked);
    return CP_OK;
}

/* Of a rule that says rtol or atol: what is unsaid is 0. */
static double allowed_by(const struct cp_check_rule *rule, enum cp_check_kind kind) {
    return rule->limit[kind].state == CP_CHECK_OFF ? INFINITY : rule->limit[kind].number;
}

static enum cp_status note_wider(const struct cp_judging *j, const struct cp_check_rule *rule,
                                 const struct cp_check_rule *before) {
    for (int kind = CP_CHECK_RTOL; kind <= CP_CHECK_ATOL; kind++) {
        const double wide = allowed_by(rule, (enum cp_check_kind)kind);
        const double narrow = allowed_by(before, (enum cp_check_kind)kind);
        char line[800];
        if (!(wide > narrow))
            continue;
        char now[32] = "off";
        if (isfinite(wide))
            (void)snprintf(now, sizeof now, "%.4g", wide);
        const int same = snprintf(line, sizeof line, "%.255s: %s %s is looser than ", rule->where,
                                  cp_check_names[kind], now);
        (void)snprintf(line + same, sizeof line - (size_t)same, "'%.255s' (%.4g)", before->where, narrow);
        CP_TRY(note_rule(j, line, (size_t)same));
    }
    return CP_OK;
}

/* A tolerance that is wider than what the rule before it gives the same tap needs a reason; so does `off`. */
static enum cp_status check_reasons(const struct cp_judging *j, const char *subject, const char *tap) {
    const struct cp_experiment *e = j->verdict->experiment;
    const struct cp_check_rule *before = NULL;
    for (size_t r = 0; r < e->check_count; r++) {
        const struct cp_check_rule *rule = &e->check[r];
        if (!cp_check_says_tolerance(rule) || !cp_check_matches(rule, subject, tap))
            continue;
        if (before && !rule->reason)
            CP_TRY(note_wider(j, rule, before));
        before = rule;
    }
    return CP_OK;
}

/* Of a candidate, whose distance to the baseline the run has counted. */
static enum cp_status judge_tolerance(const struct cp_judging *j, const struct cp_gate_judged *judged,
                                      struct cp_gate_finding *f) {
    struct cp_gate_measure *m = &f->measure[CP_GATE_TOLERANCE];
    struct cp_tolerance tolerance;
    if (judged == &j->verdict->judged[0])
        return CP_OK;
    m->rule = cp_experiment_tolerance(j->verdict->experiment, judged->name, f->name, &tolerance);
    m->value = f->tap->beyond;
    m->accepted = NAN;
    weigh(m, m->rule && f->tap->compared_inputs > 0);
    if (m->outcome == CP_GATE_PASSED && f->tap->beyond_inputs > 0)
        m->outcome = CP_GATE_FAILED;
    return check_reasons(j, judged->name, f->name);
}

/* What was accepted contradicted, with a reason, may stay so. */
static void judge_contradicted(struct cp_gate_finding *f) {
    struct cp_gate_measure *m = &f->measure[CP_GATE_CONTRADICTED];
    m->value = f->tap->contradicted;
    m->accepted = m->limit = f->accepted->contradicted;
    m->outcome = !(m->value > 0) ? CP_GATE_PASSED : m->accepted > 0 ? CP_GATE_ALLOWED : CP_GATE_FAILED;
}

enum cp_status cp_judge_tap(const struct cp_judging *j, const struct cp_gate_judged *judged,
                            struct cp_gate_finding *f) {
    const char *subject = judged->name;
    struct cp_gate_measure *matched = &f->measure[CP_GATE_UNMATCHED];
    struct cp_gate_measure *nonfinite = &f->measure[CP_GATE_NONFINITE];
    matched->outcome = f->tap && f->accepted ? CP_GATE_PASSED : CP_GATE_FAILED;
    if (matched->outcome == CP_GATE_FAILED)
        return CP_OK;
    nonfinite->value = f->tap->nonfinite;
    nonfinite->accepted = nonfinite->limit = f->accepted->nonfinite;
    weigh(nonfinite, true);
    judge_contradicted(f);
    f->measure[CP_GATE_RATIO].limit = cp_experiment_limit(j->verdict->experiment, f->accepted->type);
    CP_TRY(judge_bits(j, subject, f));
    CP_TRY(judge_maths(j, judged, f));
    CP_TRY(judge_worst_token(j, subject, f));
    CP_TRY(judge_ulp(j, subject, f));
    return judge_tolerance(j, judged, f);
}

/* ---- decisions ---- */

enum cp_status cp_judge_decisions(const struct cp_judging *j, const struct cp_gate_judged *judged,
                                  struct cp_gate_finding *f) {
    const struct cp_gate_subject *now = judged->subject, *accepted = judged->accepted;
    const struct cp_gate_tap *last = now->taps ? cp_gate_tap(accepted, now->tap[now->taps - 1].name) : NULL;
    const double k = cp_experiment_limit(j->verdict->experiment, last ? last->type : CP_FP32);
    struct cp_gate_measure *flips = &f->measure[CP_GATE_FLIPS], *kl = &f->measure[CP_GATE_KL];
    bool checked;
    f->measure[CP_GATE_UNMATCHED].outcome =
        now->decided && accepted->decided ? CP_GATE_PASSED : CP_GATE_FAILED;
    if (!now->decided || !accepted->decided)
        return CP_OK;
    flips->value = (double)now->flips;
    flips->accepted = (double)accepted->flips;
    CP_TRY(cp_judge_limit(j, judged->name, f, CP_CHECK_FLIPS, flips->accepted, flips, &checked));
    weigh(flips, checked);
    kl->value = now->kl_mean;
    kl->accepted = accepted->kl_mean;
    /* It grows with the square of the error; 2^-48 is that of rounding the probabilities. */
    const double limit = isnan(kl->accepted) ? NAN : k * k * fmax(kl->accepted, 0x1p-48);
    CP_TRY(cp_judge_limit(j, judged->name, f, CP_CHECK_KL, limit, kl, &checked));
    weigh(kl, checked);
    return CP_OK;
}
