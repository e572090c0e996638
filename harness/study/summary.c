/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table at the end of a run, 80 columns wide. */
#include "study/run.h"

#include "study/verdict.h"

#include <math.h>
#include <string.h>

/* One candidate at one tap over all inputs. */
struct tap_summary {
    double mean_rel[CP_PART_COUNT]; /* over the inputs that have it */
    double worst_token;             /* of the total, over inputs */
    double different;               /* elements, over inputs */
};

static enum cp_status summarise(const struct cp_lockstep *ls, size_t s, size_t site, struct tap_summary *out,
                                struct cp_error *err) {
    const size_t inputs = ls->study->sites.list[site].shape[0];
    size_t counted[CP_PART_COUNT] = {0};
    *out = (struct tap_summary){.worst_token = 0};
    for (size_t i = 0; i < inputs; i++) {
        double m[CP_PART_COUNT][CP_METRIC_COUNT];
        CP_TRY(cp_result_read(ls->result, ls->lanes[s].compare.handles[site], i, 1, m, err));
        for (int part = 0; part < CP_PART_COUNT; part++) {
            if (isnan(m[part][CP_DIFFERENT]))
                continue;
            out->mean_rel[part] += m[part][CP_REL_L2];
            counted[part]++;
        }
        out->different += m[CP_TOTAL][CP_DIFFERENT];
        out->worst_token = cp_worse(out->worst_token, m[CP_TOTAL][CP_WORST_REL_L2]);
    }
    for (int part = 0; part < CP_PART_COUNT; part++)
        out->mean_rel[part] = counted[part] ? out->mean_rel[part] / (double)counted[part] : NAN;
    return CP_OK;
}

/* "visual.0.mlp.gelu" for "visual.transformer.resblocks.0.mlp.gelu": the address form of a layer. */
static void short_name(const struct cp_site *site, char text[96]) {
    const char *blocks = strstr(site->name, "transformer.resblocks.");
    (void)snprintf(text, 96, "%s%s",
                   !blocks                    ? ""
                   : site->tower == CP_VISUAL ? "visual."
                                              : "text.",
                   blocks ? blocks + strlen("transformer.resblocks.") : site->name);
}

static void print_value(FILE *out, double value) {
    if (isnan(value))
        (void)fprintf(out, "%10s", "-");
    else if (value == 0)
        (void)fprintf(out, "%10s", "0");
    else
        (void)fprintf(out, "%10.2e", value);
}

static void print_row(FILE *out, const struct cp_site *site, const struct tap_summary *t) {
    char name[96];
    short_name(site, name);
    (void)fprintf(out, "  %-26.26s", name);
    if (t->different == 0) {
        (void)fprintf(out, "  identical bits\n");
        return;
    }
    print_value(out, t->mean_rel[CP_TOTAL]);
    print_value(out, t->worst_token);
    print_value(out, t->mean_rel[CP_SEMANTIC]);
    print_value(out, t->mean_rel[CP_ROUNDING]);
    print_value(out, t->mean_rel[CP_ROUNDING_BASELINE]);
    (void)fprintf(out, "\n");
}

/* The taps that tell the story of a tower: the last one alike and the first that differs, ends of blocks,
 * outputs. */
static bool tells(const struct cp_study *study, size_t i, bool first_different) {
    const struct cp_site *site = &study->sites.list[i];
    const int layers =
        site->tower == CP_VISUAL ? study->model.config.vision.layers : study->model.config.text.layers;
    return first_different || site->tower == CP_JOINT || site->point == CP_FEATURES ||
           (site->point == CP_BLOCK &&
            (site->layer == 0 || site->layer == layers / 2 || site->layer == layers - 1));
}

static enum cp_status print_taps(const struct cp_lockstep *ls, size_t s, FILE *out, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    bool differs[3] = {false, false, false};
    for (size_t i = 0; i < study->sites.count; i++) {
        const struct cp_site *site = &study->sites.list[i];
        struct tap_summary t;
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

static enum cp_status print_decisions(const struct cp_lockstep *ls, size_t s, FILE *out,
                                      struct cp_error *err) {
    const struct cp_run_inputs *in = &ls->study->inputs;
    double max_dp = 0, kl = 0, worst_kl = 0, low, high;
    size_t flips = 0, right = 0, right_baseline = 0;
    if (ls->probs_site == ls->study->sites.count)
        return CP_OK;
    for (size_t i = 0; i < in->images; i++) {
        double d[CP_DECISION_COUNT];
        CP_TRY(cp_result_read(ls->result, ls->decisions[s], i, 1, d, err));
        flips += d[CP_FLIP] != 0;
        max_dp = cp_worse(max_dp, d[CP_MAX_DP]);
        worst_kl = cp_worse(worst_kl, d[CP_KL]);
        kl += d[CP_KL] / (double)in->images;
        right += in->labels && d[CP_TOP1] == (double)in->labels[i];
        right_baseline += in->labels && d[CP_TOP1_REFERENCE] == (double)in->labels[i];
    }
    cp_wilson(flips, in->images, &low, &high);
    (void)fprintf(out, "  top-1 flips %zu of %zu (95 %% interval %.2f to %.2f %%)\n", flips, in->images,
                  100 * low, 100 * high);
    (void)fprintf(out, "  max |dp| %.2e, KL mean %.2e, worst %.2e\n", max_dp, kl, worst_kl);
    if (in->labels)
        (void)fprintf(out, "  accuracy %.2f %%, baseline %.2f %%\n", 100 * (double)right / (double)in->images,
                      100 * (double)right_baseline / (double)in->images);
    return CP_OK;
}

/* Where other maths begins in each tower, and how the taps' rounding was judged. */
static enum cp_status print_verdicts(const struct cp_lockstep *ls, size_t s, FILE *out,
                                     struct cp_error *err) {
    const struct cp_study *study = ls->study;
    size_t rounding[CP_VERDICT_COUNT] = {0}, taps = 0, nonfinite = 0, begins = 0, judged = 0;
    bool semantic[3] = {false, false, false};
    for (size_t i = 0; i < study->sites.count; i++) {
        const struct cp_site *site = &study->sites.list[i];
        double fields[CP_VERDICT_FIELDS];
        char name[96];
        if (!study->watched[i])
            continue;
        CP_TRY(cp_result_read(ls->result, ls->verdicts[s], taps++, 1, fields, err));
        rounding[(size_t)fields[CP_FIELD_ROUNDING]]++;
        judged += fields[CP_FIELD_INPUTS] > 0;
        nonfinite += fields[CP_FIELD_VERDICT] == CP_NONFINITE_VERDICT;
        if (fields[CP_FIELD_VERDICT] != CP_SEMANTIC_VERDICT || semantic[site->tower])
            continue;
        semantic[site->tower] = true;
        short_name(site, name);
        if (site->tower != CP_JOINT || !begins)
            (void)fprintf(out, "%s %s", begins++ ? " and" : "  other maths from", name);
    }
    if (judged)
        (void)fprintf(out,
                      "%s\n  rounding equivalent at %zu, degraded at %zu, inconclusive at %zu of %zu taps\n",
                      begins ? " on" : "  no other maths", rounding[CP_EQUIVALENT], rounding[CP_DEGRADED],
                      rounding[CP_INCONCLUSIVE], taps);
    else
        (void)fprintf(out, "  no oracle, so maths and rounding are not told apart\n");
    if (nonfinite)
        (void)fprintf(out, "  NaN or infinity at %zu taps\n", nonfinite);
    return CP_OK;
}

enum cp_status cp_summary_print(const struct cp_lockstep *ls, FILE *out, struct cp_error *err) {
    const struct cp_experiment *e = ls->study->experiment;
    (void)fprintf(out, "\n%s: %zu images, %zu prompts\n", e->name, ls->study->inputs.images,
                  ls->study->inputs.prompts);
    (void)fprintf(out, "relative L2 error, mean over inputs; worst: the worst token of any input;\n"
                       "semantic: wrong maths; round C, B: rounding of candidate and of baseline\n");
    for (size_t s = 1; s < ls->study->spec_count; s++) {
        (void)fprintf(out, "\n%s\n  %-26s%10s%10s%10s%10s%10s\n", ls->study->spec[s]->name, "tap", "total",
                      "worst", "semantic", "round C", "round B");
        CP_TRY(print_taps(ls, s, out, err));
        CP_TRY(print_verdicts(ls, s, out, err));
        CP_TRY(print_decisions(ls, s, out, err));
    }
    return CP_OK;
}
