/* SPDX-License-Identifier: GPL-3.0-or-later
 * Turns a loaded report's taps into parts, and prints them as text or as JSON. */
#include "report/data/difference.h"

#include "format/json_write.h"

#include <math.h>
#include <string.h>

static struct cp_agreement_tap tap_of(const struct cp_report_tap *from, bool tolerance) {
    struct cp_agreement_tap tap = {.name = from->name,
                                   .place = {from->tower, from->point, from->layer},
                                   .compared = from->over_inputs.compared > 0,
                                   .different = from->over_inputs.different,
                                   .nonfinite = from->over_inputs.nonfinite,
                                   .beyond = tolerance ? from->metric[CP_BEYOND].worst : NAN,
                                   .relative_l2 = from->over_inputs.mean_rel[CP_TOTAL],
                                   .semantic = from->over_inputs.mean_rel[CP_SEMANTIC],
                                   .a = from->ledger[0],
                                   .b = from->ledger[1]};
    memcpy(tap.address, from->address, sizeof tap.address);
    return tap;
}

enum cp_status cp_difference(const struct cp_report *report, const struct cp_report_candidate *candidate,
                             const char *a, const char *b, const struct cp_agreement_options *options,
                             struct cp_arena *arena, struct cp_difference *d, struct cp_error *err) {
    *d = (struct cp_difference){.report = report, .candidate = candidate};
    CP_TRY(CP_ARENA_CALLOC(arena, d->tap, candidate->taps + 1, err, "", "a report"));
    for (size_t t = 0; t < candidate->taps; t++)
        d->tap[t] = tap_of(&candidate->tap[t], options->tolerance);
    d->words = (struct cp_agreement_words){.a = a,
                                           .b = b,
                                           .alternatives = (const char *const *)report->alternatives.items,
                                           .alternative_count = report->alternatives.count,
                                           .image_names = (const char *const *)report->images.items,
                                           .prompt_names = (const char *const *)report->prompts.items,
                                           .images = report->images.count,
                                           .prompts = report->prompts.count};
    return cp_agreement(d->tap, candidate->taps, options, arena, &d->agreement, err);
}

/* ---- words ---- */

/* Names, four on a line at most, and how many more there are. */
static void print_names(const struct cp_difference *d, bool (*is_listed)(const struct cp_agreement_tap *),
                        FILE *out) {
    enum { SHOWN = 8 };
    size_t shown = 0, count = 0;
    for (size_t t = 0; t < d->agreement.taps; t++) {
        if (!is_listed(&d->tap[t]))
            continue;
        if (count++ < SHOWN)
            (void)fprintf(out, "%s%s", shown++ % 4 ? ", " : "\n    ", d->tap[t].address);
    }
    (void)fprintf(out, count > SHOWN ? ", ... (%zu more)\n" : "\n", count - shown);
}

static bool is_unmatched(const struct cp_agreement_tap *tap) {
    return !tap->compared;
}

static size_t count_outside(const struct cp_difference *d) {
    size_t count = 0;
    for (size_t t = 0; t < d->agreement.taps; t++)
        count += cp_agreement_is_outside(&d->tap[t]);
    return count;
}

/* "FAIL: first difference at text.0.attn.probs: contradicted in B (no causal mask)" */
static void print_first(const struct cp_difference *d, FILE *out) {
    const struct cp_own_part *first = cp_agreement_first(&d->agreement);
    if (d->agreement.nothing) {
        (void)fprintf(out, "FAIL: nothing could be compared\n");
        return;
    }
    if (d->agreement.tolerance && count_outside(d)) {
        (void)fprintf(out, "FAIL: %zu of %zu taps are outside the tolerance\n", count_outside(d),
                      d->agreement.compared);
        return;
    }
    if (d->agreement.incomplete && (!first || d->agreement.tolerance)) {
        (void)fprintf(out, "FAIL: %zu of %zu taps are in one file only\n", d->agreement.unmatched,
                      d->agreement.taps);
        return;
    }
    if (!first) {
        (void)fprintf(out, "FAIL: the weights differ, though no tap that was compared reads them directly\n");
        return;
    }
    (void)fprintf(out, "FAIL: first difference at %s: %s", first->tap->address,
                  cp_own_kind_names[first->kind]);
    if (first->side != CP_SIDE_BOTH)
        (void)fprintf(out, " in %s", first->side == CP_SIDE_A ? d->words.a : d->words.b);
    if (cp_own_explanation(first, &d->words))
        (void)fprintf(out, " (%s)", cp_own_explanation(first, &d->words));
    (void)fputc('\n', out);
}

/* A broken reference is said before anything that was compared with it. */
static void print_broken(const struct cp_difference *d, FILE *out) {
    for (size_t p = 0; p < d->agreement.parts; p++) {
        const struct cp_own_part *part = &d->agreement.part[p];
        if ((part->kind == CP_OWN_CONTRADICTED || part->kind == CP_OWN_NONFINITE) &&
            part->side != CP_SIDE_B) {
            (void)fprintf(
                out,
                "%s, the reference, is broken itself, from %s on: nothing that agrees with it is right\n",
                d->words.a, part->tap->address);
            return;
        }
    }
}

void cp_difference_print(const struct cp_difference *d, FILE *out) {
    enum { LINES = 24 };
    print_broken(d, out);
    if (d->agreement.parts)
        (void)fputs("what sets them apart, in order of execution:\n", out);
    cp_agreement_print(&d->agreement, &d->words, LINES, out);
    cp_agreement_print_hidden(d->tap, d->agreement.taps, &d->words, out);
    if (d->agreement.unmatched) {
        (void)fprintf(out, "unmatched, in one file only: %zu taps", d->agreement.unmatched);
        print_names(d, is_unmatched, out);
    }
    if (d->agreement.recomputed && !d->agreement.tolerance)
        (void)fprintf(out, "recomputed by a capture tool, so not judged: %zu taps\n",
                      d->agreement.recomputed);
    if (d->agreement.tolerance && count_outside(d)) {
        (void)fprintf(out, "outside the tolerance: %zu taps", count_outside(d));
        print_names(d, cp_agreement_is_outside, out);
    }
    if (d->agreement.pass)
        (void)fprintf(out, "PASS (%zu of %zu taps compared)\n", d->agreement.compared, d->agreement.taps);
    else
        print_first(d, out);
}

/* ---- JSON ---- */

void cp_own_part_json_end(struct cp_json_writer *j, const struct cp_own_part *part, const char *text) {
    cp_json_number(j, "size_before", part->before);
    cp_json_number(j, "size_after", part->after);
    cp_json_number(j, "slope", part->slope);
    cp_json_number(j, "slope_error", part->slope_error);
    cp_json_text(j, "text", text);
    cp_json_close(j, '}');
}

static void put_cause(struct cp_json_writer *j, const struct cp_own_part *part,
                      const struct cp_agreement_words *words) {
    const struct cp_agreement_tap *tap = part->tap;
    char text[1024];
    struct cp_sentence s = {text, sizeof text, 0};
    cp_own_append(&s, part, words);
    cp_json_open(j, NULL, '{');
    cp_json_text(j, "side", cp_own_side_names[part->side]);
    cp_json_text(j, "tap", tap->name);
    cp_json_text(j, "address", tap->address);
    cp_json_text(j, "kind", cp_own_kind_names[part->kind]);
    cp_json_text(j, "verdict", cp_ledger_verdict_names[part->verdict]);
    cp_json_text(j, "basis", cp_ledger_basis_names[part->basis]);
    cp_json_number(j, "size", part->size);
    cp_json_number(j, "bound", part->bound);
    cp_json_count(j, "inputs", part->inputs);
    cp_json_count(j, "checked", part->checked);
    cp_json_count(j, "worst_input", part->worst);
    cp_json_text(j, "explained_by", cp_own_explanation(part, words));
    cp_json_text(j, "explained_at", part->at >= 0 ? cp_own_point(part) : NULL);
    cp_own_part_json_end(j, part, text);
}

/* The taps that are furthest apart, with the input. */
static void put_worst(struct cp_json_writer *j, const struct cp_difference *d) {
    enum { WORST = 5 };
    double last = INFINITY;
    cp_json_open(j, "worst", '[');
    for (int n = 0; n < WORST; n++) {
        const struct cp_report_tap *next = NULL;
        for (size_t t = 0; t < d->candidate->taps; t++) {
            const struct cp_report_tap *tap = &d->candidate->tap[t];
            const double rel = tap->metric[CP_REL_L2].worst;
            if (rel > 0 && rel < last && (!next || rel > next->metric[CP_REL_L2].worst))
                next = tap;
        }
        if (!next)
            break;
        last = next->metric[CP_REL_L2].worst;
        cp_json_open(j, NULL, '{');
        cp_json_text(j, "tap", next->name);
        cp_json_number(j, "relative_l2", last);
        cp_json_count(j, "input", next->metric[CP_REL_L2].input);
        cp_json_text(j, "name", cp_report_input(next, next->metric[CP_REL_L2].input));
        cp_json_close(j, '}');
    }
    cp_json_close(j, ']');
}

void cp_difference_json(const struct cp_difference *d, const char *a, const char *b, FILE *out) {
    struct cp_json_writer j = {out, true};
    cp_json_open(&j, NULL, '{');
    cp_json_text(&j, "schema", "clip-parity/diff-1");
    cp_json_bool(&j, "pass", d->agreement.pass);
    cp_json_text(&j, "a", a);
    cp_json_text(&j, "b", b);
    cp_json_text(&j, "result", d->report->path);
    cp_json_count(&j, "taps", d->agreement.taps);
    cp_json_count(&j, "compared", d->agreement.compared);
    cp_json_open(&j, "causes", '[');
    for (size_t p = 0; p < d->agreement.parts && !d->agreement.pass; p++)
        put_cause(&j, &d->agreement.part[p], &d->words);
    cp_json_close(&j, ']');
    cp_json_open(&j, "unmatched", '[');
    for (size_t t = 0; t < d->agreement.taps; t++)
        if (!d->tap[t].compared)
            cp_json_text(&j, NULL, d->tap[t].name);
    cp_json_close(&j, ']');
    put_worst(&j, d);
    cp_json_close(&j, '}');
    (void)fputc('\n', out);
}
