/* SPDX-License-Identifier: GPL-3.0-or-later
 * What sets each candidate apart, part by part. */
#include "report/data/difference.h"
#include "report/data/words.h"
#include "report/md/md.h"

#include <math.h>

/* One line of the table, with its head before the first. */
struct line {
    const char *part, *side, *words;
    double size;
};

static void put_line(FILE *out, const struct cp_report_candidate *c, const struct line *line, bool *any) {
    if (!*any)
        (void)fputs(
            "\n## Causes\n\n| candidate | part | side | size up to | operations |\n| --- | --- | --- | "
            "---: | --- |\n",
            out);
    *any = true;
    (void)fputs("| ", out);
    cp_put_markdown(out, c->name);
    cp_md_cell(out, line->part);
    cp_md_cell(out, line->side);
    cp_md_number(out, line->size);
    cp_md_cell(out, line->words);
    (void)fputs(" |\n", out);
}

/* ---- of the ledger ---- */

static const struct cp_own_part *largest_of(const struct cp_difference *d, int kind, enum cp_own_side side) {
    const struct cp_own_part *largest = NULL;
    for (size_t p = 0; p < d->agreement.parts; p++) {
        const struct cp_own_part *part = &d->agreement.part[p];
        if (cp_report_kind(part) == kind && part->side == side && (!largest || part->size > largest->size))
            largest = part;
    }
    return largest;
}

static bool has_part(const struct cp_tap_set *set, size_t tap) {
    const struct cp_difference *d = set->candidate->difference;
    for (size_t p = 0; p < d->agreement.parts; p++)
        if (d->agreement.part[p].tap == &d->tap[tap] &&
            cp_report_kind(&d->agreement.part[p]) == cp_report_kind(set->like) &&
            d->agreement.part[p].side == set->like->side)
            return true;
    return false;
}

static void put_part(FILE *out, const struct cp_report_candidate *c, const struct cp_own_part *largest,
                     bool *any) {
    static const char *const sides[] = {"baseline", "candidate", "both"};
    char text[CP_REPORT_SUMMARY] = "";
    struct cp_sentence s = {text, sizeof text, 0};
    const int kind = cp_report_kind(largest);
    const struct cp_tap_set set = {.candidate = c, .has = has_part, .like = largest};
    const struct line line = {kind == CP_OWN_ROUNDING ? "coarse" : cp_own_kind_names[largest->kind],
                              sides[largest->side], text, largest->size};
    cp_append_many(&s, &set);
    if (largest->kind < CP_OWN_SETTINGS || largest->kind == CP_OWN_ROUNDING) {
        cp_append(&s, ": ");
        cp_append_part(&s, largest, &c->difference->words);
    }
    put_line(out, c, &line, any);
}

static void put_ledger(FILE *out, const struct cp_report_candidate *c, bool *any) {
    for (int kind = 0; kind <= CP_OWN_LARGER; kind++)
        for (int side = CP_SIDE_A; side <= CP_SIDE_BOTH; side++) {
            const struct cp_own_part *largest = largest_of(c->difference, kind, (enum cp_own_side)side);
            if (largest)
                put_part(out, c, largest, any);
        }
}

/* ---- by itself, over inputs ---- */

static const char *const words[CP_CAUSE_COUNT] = {
    [CP_CAUSE_SEMANTIC] = "settings", [CP_CAUSE_ROUNDING] = "larger error", [CP_CAUSE_WEIGHTS] = "weights"};

/* Of a result without a ledger. */
static void put_local(FILE *out, const struct cp_report_candidate *c, bool *any) {
    for (int cause = CP_CAUSE_SEMANTIC; cause < CP_CAUSE_COUNT; cause++) {
        char text[CP_REPORT_SUMMARY] = "";
        struct cp_sentence s = {text, sizeof text, 0};
        const struct line line = {words[cause], "candidate", text, NAN};
        if (cp_append_causes(&s, c, (enum cp_cause)cause))
            put_line(out, c, &line, any);
    }
}

/* Operations that may be causes all the same. */
static void put_inconclusive(FILE *out, const struct cp_report_candidate *c, bool *any) {
    const struct cp_inconclusive inconclusive = cp_report_inconclusive_causes(c);
    char text[CP_REPORT_SUMMARY] = "";
    struct cp_sentence s = {text, sizeof text, 0};
    const struct line line = {"inconclusive", "", text, NAN};
    if (inconclusive.taps == 0)
        return;
    cp_append(&s, "%zu of %zu: ", inconclusive.taps, c->taps);
    cp_append_inconclusive_why(&s, &inconclusive);
    cp_append_inconclusive_ratio(&s, &inconclusive, "; ");
    put_line(out, c, &line, any);
}

void cp_md_causes(FILE *out, const struct cp_report *r) {
    bool any = false;
    for (size_t i = 0; i < r->candidates; i++) {
        const struct cp_report_candidate *c = &r->candidate[i];
        if (c->layerwise)
            continue;
        if (c->difference) {
            put_ledger(out, c, &any);
        } else {
            put_local(out, c, &any);
            put_inconclusive(out, c, &any);
        }
    }
}
