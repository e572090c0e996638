/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table at the end of a run, 80 columns wide. */
#include "run/analysis.h"

#include "analysis/causes.h"
#include "analysis/decisions.h"
#include "analysis/failing.h"
#include "analysis/inconclusive.h"
#include "analysis/own_parts.h"
#include "analysis/verdict.h"
#include "base/escape.h"
#include "run/captured/captured.h"

#include <math.h>
#include <stdlib.h>

static enum cp_status summarise(const struct cp_lockstep *ls, size_t s, size_t site,
                                struct cp_tap_summary *out, struct cp_error *err) {
    const size_t inputs = ls->study->sites.list[site].shape[0];
    double *metrics = malloc(inputs * CP_PART_COUNT * CP_METRIC_COUNT * sizeof *metrics);
    CP_TRY(CP_CHECK_ALLOC(metrics, err, "", "the table"));
    const enum cp_status status =
        cp_result_read(ls->result, ls->lanes[s].compare.handles[site], 0, inputs, metrics, err);
    if (status == CP_OK)
        *out = cp_tap_summarise(metrics, inputs);
    free(metrics);
    return status;
}

static void print_value(FILE *out, double value) {
    if (isnan(value))
        cp_print(out, "%10s", "-");
    else if (value == 0)
        cp_print(out, "%10s", "0");
    else
        (void)fprintf(out, "%10.2e", value);
}

static void print_row(FILE *out, const struct cp_site *site, const struct cp_tap_summary *t) {
    char name[96];
    cp_tap_address(site->name, name);
    cp_print(out, "  %-24.24s", name);
    if (t->compared == 0) {
        (void)fprintf(out, "  unmatched: one side has no such tap\n");
        return;
    }
    if (t->different == 0) {
        (void)fprintf(out, "  identical bits\n");
        return;
    }
    print_value(out, t->mean_rel[CP_TOTAL]);
    print_value(out, t->worst_token);
    print_value(out, t->mean_rel[CP_SEMANTIC]);
    (void)fputs("  ", out);
    print_value(out, t->mean_rel[CP_ROUNDING]);
    (void)fputs("  ", out);
    print_value(out, t->mean_rel[CP_ROUNDING_BASELINE]);
    (void)fprintf(out, "\n");
}

/* The taps that tell the story of a tower: the last one alike and the first that differs, ends of blocks,
 * outputs. */
static bool tells(const struct cp_study *study, size_t i, bool first_different) {
    const struct cp_site *site = &study->sites.list[i];
    const int layers = (int)cp_tower_shape(&study->model.config, site->tower).layers;
    return first_different || site->tower == CP_JOINT || site->point == CP_FEATURES ||
           (site->point == CP_BLOCK &&
            (site->layer == 0 || site->layer == layers / 2 || site->layer == layers - 1));
}

static enum cp_status print_taps(const struct cp_lockstep *ls, size_t s, FILE *out, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    bool differs[3] = {false, false, false};
    for (size_t i = 0; i < study->sites.count; i++) {
        const struct cp_site *site = &study->sites.list[i];
        struct cp_tap_summary t = {0};
        if (!study->watched[i])
            continue;
        CP_TRY(summarise(ls, s, i, &t, err));
        const bool first = !differs[site->tower] && t.different > 0;
        differs[site->tower] = differs[site->tower] || first;
        if (tells(study, i, first && site->tower != CP_JOINT))
            print_row(out, site, &t);
    }
    return CP_OK;
}

static void print_counts(const struct cp_decisions *d, FILE *out) {
    if (d->decided)
        (void)fprintf(out, "  top-1 flips %zu of %zu (95 %% interval %.2f to %.2f %%)\n", d->flips,
                      d->decided, 100 * d->flip_low, 100 * d->flip_high);
    if (d->decided < d->images)
        (void)fprintf(out, "  nothing is decided for %zu of %zu images: NaN on both sides\n",
                      d->images - d->decided, d->images);
    if (d->certifiable)
        (void)fprintf(out, "  %zu of %zu images provably cannot flip (margin above the divergence)\n",
                      d->certified, d->images);
    (void)fprintf(out, "  max |dp| %.2e, KL mean %.2e, worst %.2e\n", d->max_dp, d->kl_mean, d->kl_worst);
    if (!isnan(d->accuracy))
        (void)fprintf(out, "  accuracy %.2f %%, baseline %.2f %%\n", 100 * d->accuracy,
                      100 * d->accuracy_baseline);
}

static enum cp_status print_decisions(const struct cp_lockstep *ls, size_t s, FILE *out,
                                      struct cp_error *err) {
    const struct cp_run_inputs *in = &ls->study->inputs;
    if (!cp_decisions_has(ls, s))
        return CP_OK;
    double *rows = malloc(in->images * CP_DECISION_COUNT * sizeof *rows);
    CP_TRY(CP_CHECK_ALLOC(rows, err, "", "the table"));
    const enum cp_status status = cp_decisions_read(ls, s, rows, err);
    if (status == CP_OK) {
        const struct cp_decisions d = cp_decisions_count(rows, in->labels, in->images);
        print_counts(&d, out);
    }
    free(rows);
    return status;
}

/* What makes the float64 references differ. */
static const char *differing(const struct cp_study *study, size_t s) {
    if (study->spec_weights[s] == study->spec_weights[0])
        return "functions";
    return cp_spec_same_maths(study->spec[s], study->spec[0]) ? "weights" : "functions or weights";
}

/* What a candidate's taps come to. */
struct verdict_tally {
    size_t taps, rounding[CP_VERDICT_COUNT], nonfinite, judged, unmatched, identical;
    size_t begins;             /* places from which a different function shows */
    bool semantic[3];          /* in that tower */
    double reference_distance; /* how far the references are apart, at most */
    struct cp_inconclusive inconclusive;
    struct cp_equivalence equivalence;
};

static void count(struct verdict_tally *t, const struct cp_site *site,
                  const double fields[CP_VERDICT_FIELDS]) {
    const int verdict = (int)fields[CP_FIELD_VERDICT], rounding = (int)fields[CP_FIELD_ROUNDING];
    t->taps++;
    t->unmatched += verdict == CP_UNMATCHED;
    t->identical += verdict == CP_IDENTICAL;
    t->nonfinite += verdict == CP_NONFINITE_VERDICT;
    t->judged += fields[CP_FIELD_INPUTS] > 0;
    t->reference_distance = fmax(t->reference_distance, fields[CP_FIELD_SEMANTIC]); /* fmax passes over NaN */
    if (verdict != CP_UNMATCHED && (verdict != CP_IDENTICAL || rounding != CP_INCONCLUSIVE))
        t->rounding[rounding]++;
    cp_inconclusive_add(&t->inconclusive, site->point, fields, CP_FIELD_ROUNDING);
    cp_equivalence_add(&t->equivalence, fields);
}

/* Where a different function begins in each tower; in what joins them only where it did in neither. */
static void print_beginning(struct verdict_tally *t, const struct cp_site *site, const char *what,
                            FILE *out) {
    char name[96];
    if (t->semantic[site->tower])
        return;
    t->semantic[site->tower] = true;
    cp_tap_address(site->name, name);
    if (site->tower == CP_JOINT && t->begins)
        return;
    if (!t->begins)
        cp_print(out, "  different %s from", what);
    cp_print(out, "%s %s", t->begins++ ? " and" : "", name);
}

/* What is declared; a function so near that no verdict shows it is another one all the same. */
static void print_declared(const struct verdict_tally *t, FILE *out) {
    if (t->begins)
        (void)fputs(" on\n", out);
    else if (t->reference_distance > 0)
        (void)fprintf(out,
                      t->identical == t->taps ? "  a different function is declared, whose reference is %.1e "
                                                "away at most;\n  the bits are the same\n"
                                              : "  a different function is declared, whose reference is %.1e "
                                                "away at most\n",
                      t->reference_distance);
    else
        (void)fputs("  no different function is declared\n", out);
}

static void print_tally(const struct verdict_tally *t, FILE *out) {
    if (t->judged) {
        print_declared(t, out);
        (void)fprintf(out, "  errors equivalent at %zu, degraded at %zu, inconclusive at %zu of %zu taps",
                      t->rounding[CP_EQUIVALENT], t->rounding[CP_DEGRADED], t->rounding[CP_INCONCLUSIVE],
                      t->taps);
        cp_inconclusive_print(&t->inconclusive, out);
        cp_equivalence_print(&t->equivalence, out);
    } else {
        (void)fprintf(out, "  no oracle, so functions and rounding are not told apart\n");
    }
    if (t->unmatched)
        (void)fprintf(out, "  unmatched, on one side only, %zu of %zu taps\n", t->unmatched, t->taps);
    if (t->nonfinite)
        (void)fprintf(out, "  NaN or infinity at %zu taps\n", t->nonfinite);
}

static enum cp_status print_verdicts(const struct cp_lockstep *ls, size_t s, FILE *out,
                                     struct cp_error *err) {
    const struct cp_study *study = ls->study;
    struct verdict_tally t = {.inconclusive = cp_inconclusive_none(), .equivalence = cp_equivalence_none()};
    for (size_t i = 0; i < study->sites.count; i++) {
        double fields[CP_VERDICT_FIELDS];
        if (!study->watched[i])
            continue;
        CP_TRY(cp_verdicts_read(ls, s, t.taps, fields, err));
        count(&t, &study->sites.list[i], fields);
        if (cp_verdict_is_semantic(fields))
            print_beginning(&t, &study->sites.list[i], differing(study, s), out);
    }
    print_tally(&t, out);
    return cp_failing_print(ls, s, out, err);
}

static enum cp_status print(const struct cp_lockstep *ls, FILE *out, struct cp_error *err) {
    const struct cp_experiment *e = ls->study->experiment;
    if (ls->study->spec_count == 1)
        return CP_OK;
    (void)fputc('\n', out);
    if (ls->study->oracle_count && ls->study->oracle_images < ls->study->inputs.images)
        (void)fprintf(
            out,
            e->oracle == CP_ORACLE_AUTO
                ? "means of images are over the first %zu, and what goes much further, which have an oracle\n"
                : "means of images are over the first %zu, which have an oracle\n",
            ls->study->oracle_images);
    (void)fprintf(out, "relative L2 error, mean over inputs; worst: the worst token of any input;\n"
                       "semantic: different functions; cand. error, base error: each against its own\n"
                       "float64 reference\n");
    for (size_t s = 1; s <= e->candidate_count; s++) { /* layerwise has a table of its own */
        cp_print(out, "\n%s\n  %-24s%10s%10s%10s%12s%12s\n", ls->study->spec[s]->name, "tap", "total",
                 "worst", "semantic", "cand. error", "base error");
        CP_TRY(print_taps(ls, s, out, err));
        CP_TRY(print_verdicts(ls, s, out, err));
        if (cp_ledger_of(ls) && !cp_captured_of(ls->study, s))
            CP_TRY(cp_own_parts_print(ls, s, out, err));
        else
            CP_TRY(cp_causes_print(ls, s, out, err));
        CP_TRY(print_decisions(ls, s, out, err));
    }
    return CP_OK;
}

const struct cp_analysis cp_summary_analysis = {
    .print = print,
    .details = true,
};
