/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reads a candidate's ledger rows and metrics back from the result, and prints the parts they make. */
#include "analysis/own_parts.h"

#include <math.h>
#include <stdlib.h>

/* Lines of parts; the report has all. */
enum { LINES = 16 };

static enum cp_status read_operation(const struct cp_lockstep *ls, size_t s, size_t site,
                                     struct cp_arena *arena, const double **out, struct cp_error *err) {
    const size_t row = cp_ledger_row(ls, s, site);
    double *fields = cp_arena_alloc(arena, CP_OPERATION_FIELD_COUNT, sizeof *fields);
    *out = NULL;
    CP_TRY(CP_CHECK_ALLOC(fields, err, "", "the table"));
    if (row == SIZE_MAX)
        return CP_OK;
    *out = fields;
    return cp_ledger_read(ls, s, row, fields, err);
}

static enum cp_status read_tap(const struct cp_lockstep *ls, size_t s, size_t i, struct cp_arena *arena,
                               struct cp_agreement_tap *tap, struct cp_error *err) {
    const struct cp_site *site = &ls->study->sites.list[i];
    const size_t inputs = site->shape[0];
    double *metrics = malloc((inputs + 1) * CP_PART_COUNT * CP_METRIC_COUNT * sizeof *metrics);
    CP_TRY(CP_CHECK_ALLOC(metrics, err, "", "the table"));
    enum cp_status status =
        cp_result_read(ls->result, ls->lanes[s].compare.handles[i], 0, inputs, metrics, err);
    if (status == CP_OK) {
        const struct cp_tap_summary t = cp_tap_summarise(metrics, inputs);
        *tap = (struct cp_agreement_tap){.name = site->name,
                                         .place = {site->tower, site->point, site->layer},
                                         .compared = t.compared > 0,
                                         .different = t.different,
                                         .nonfinite = t.nonfinite,
                                         .beyond = NAN,
                                         .relative_l2 = t.mean_rel[CP_TOTAL],
                                         .semantic = t.mean_rel[CP_SEMANTIC]};
        cp_tap_address(site->name, tap->address);
        status = read_operation(ls, 0, i, arena, &tap->a, err);
    }
    if (status == CP_OK)
        status = read_operation(ls, s, i, arena, &tap->b, err);
    free(metrics);
    return status;
}

static struct cp_agreement_words words_of(const struct cp_lockstep *ls, size_t s, const char **alternatives) {
    const struct cp_run_inputs *in = &ls->study->inputs;
    for (size_t i = 0; i < cp_alternative_count; i++)
        alternatives[i] = cp_alternatives[i].name;
    return (struct cp_agreement_words){"the baseline",
                                       ls->study->spec[s]->name,
                                       alternatives,
                                       cp_alternative_count,
                                       (const char *const *)in->image_names,
                                       (const char *const *)in->prompt_texts,
                                       in->images,
                                       in->prompts};
}

/* Operations of the pass; those at taps that the baseline has not are no part. */
struct own_tally {
    size_t checked, explained;
};

static void print(const struct cp_agreement *a, const struct cp_agreement_words *words,
                  struct own_tally tally, FILE *out) {
    if (a->parts)
        (void)fputs("  what sets it apart from the baseline, in order of execution:\n", out);
    else if (tally.checked && tally.explained == tally.checked)
        (void)fprintf(out, "  all %zu checked operations are explained by their declared arithmetic\n",
                      tally.checked);
    else if (tally.checked)
        (void)fprintf(out, "  %zu of %zu checked operations are explained by their declared arithmetic\n",
                      tally.explained, tally.checked);
    cp_agreement_print(a, words, LINES, out);
}

enum cp_status cp_own_parts_print(const struct cp_lockstep *ls, size_t s, FILE *out, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    const struct cp_agreement_options options = {.times = cp_experiment_limit(study->experiment, CP_FP32)};
    struct cp_arena arena = {0};
    struct cp_agreement agreement;
    struct own_tally tally = {0, 0};
    size_t count = 0;
    enum cp_status status = CP_OK;
    struct cp_agreement_tap *taps = cp_arena_calloc(&arena, study->sites.count + 1, sizeof *taps);
    const char **alternatives = cp_arena_calloc(&arena, cp_alternative_count, sizeof *alternatives);
    if (!taps || !alternatives)
        status = cp_no_memory(err, "", "the table");
    for (size_t i = 0; i < study->sites.count && status == CP_OK; i++) {
        if (!study->watched[i])
            continue;
        status = read_tap(ls, s, i, &arena, &taps[count], err);
        const double *row = status == CP_OK ? taps[count++].b : NULL;
        const int verdict = row ? (int)row[CP_OPERATION_FIELD_VERDICT] : CP_LEDGER_UNCHECKED;
        tally.checked += verdict != CP_LEDGER_UNCHECKED ? 1 : 0;
        tally.explained += verdict == CP_LEDGER_EXACT || verdict == CP_LEDGER_EXPLAINED ? 1 : 0;
    }
    if (status == CP_OK)
        status = cp_agreement(taps, count, &options, &arena, &agreement, err);
    if (status == CP_OK) {
        const struct cp_agreement_words words = words_of(ls, s, alternatives);
        print(&agreement, &words, tally, out);
    }
    cp_arena_free(&arena);
    return status;
}
