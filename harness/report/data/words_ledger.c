/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the ledgers of both passes found, in words: parts side by side, each with its size. */
#include "report/data/difference.h"
#include "report/data/words.h"

#include <math.h>
#include <string.h>

enum { CLAUSES = 3 }; /* different explanations before the rest is only counted */

size_t cp_report_count_own(const struct cp_report_candidate *c, int side, int kind) {
    size_t count = 0;
    for (size_t t = 0; t < c->taps; t++)
        count += cp_report_has(&c->tap[t], side, kind);
    return count;
}

bool cp_report_is_declared(const struct cp_report_candidate *c) {
    return cp_report_count_own(c, 1, CP_OWN_SETTINGS) || cp_report_count_own(c, 1, CP_OWN_WEIGHTS) ||
           cp_report_count_own(c, 1, CP_OWN_INPUTS);
}

const char *cp_report_explanation(const struct cp_reader_texts *alternatives, const double *row) {
    const double alternative = row ? row[CP_OPERATION_FIELD_ALTERNATIVE] : NAN;
    return alternative >= 0 && alternative < (double)alternatives->count
               ? alternatives->items[(size_t)alternative]
               : NULL;
}

const char *cp_report_basis(const double *row) {
    const double basis = row[CP_OPERATION_FIELD_BASIS];
    return basis >= 0 && basis < CP_BASIS_COUNT ? cp_ledger_basis_names[(int)basis] : "";
}

int cp_report_kind(const struct cp_own_part *part) {
    return part->kind == CP_OWN_ROUNDING && part->verdict == CP_LEDGER_EXPLAINED ? (int)CP_OWN_LARGER
                                                                                 : (int)part->kind;
}

void cp_append_part(struct cp_sentence *s, const struct cp_own_part *part,
                    const struct cp_agreement_words *words) {
    if (cp_report_kind(part) != CP_OWN_LARGER) {
        cp_own_append(s, part, words);
        return;
    }
    cp_append(s, "rounds as its declared arithmetic does: ");
    cp_append_multiple(s, part->bound);
    cp_append(s, " times as much as the baseline");
}

void cp_append_many(struct cp_sentence *s, const struct cp_tap_set *set) {
    enum { MANY = 24 };
    const struct cp_report_tap *first = NULL;
    size_t count = 0;
    for (size_t t = set->candidate->taps; t-- > 0;)
        if (set->has(set, t)) {
            first = &set->candidate->tap[t];
            count++;
        }
    if (count <= MANY && cp_append_taps(s, set))
        return;
    cp_append(s, "%zu operations", count);
    if (first)
        cp_append(s, " from %s on", first->address);
}

/* ---- operations that do something of their own ---- */

static bool is_of(const struct cp_own_part *part, int side, int kind) {
    return cp_report_kind(part) == kind && (part->side == CP_SIDE_BOTH || (int)part->side == side);
}

static bool same_words(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The same kind on the same side, explained by the same; alternatives of different operations share a name.
 */
static bool is_like(const struct cp_own_part *a, const struct cp_own_part *b,
                    const struct cp_agreement_words *words) {
    return cp_report_kind(a) == cp_report_kind(b) && a->side == b->side &&
           isnan(a->slope) == isnan(b->slope) && a->basis == b->basis &&
           same_words(cp_own_explanation(a, words), cp_own_explanation(b, words));
}

static bool has_like(const struct cp_tap_set *set, size_t tap) {
    const struct cp_difference *d = set->candidate->difference;
    for (size_t p = 0; p < d->agreement.parts; p++)
        if (d->agreement.part[p].tap == &d->tap[tap] && is_like(&d->agreement.part[p], set->like, &d->words))
            return true;
    return false;
}

/* The largest of the parts like one, where that one is the first; NULL where it is not. */
static const struct cp_own_part *lead(const struct cp_difference *d, const struct cp_own_part *first) {
    const struct cp_agreement *a = &d->agreement;
    const struct cp_own_part *largest = first;
    for (size_t p = 0; p < a->parts; p++) {
        if (!is_like(&a->part[p], first, &d->words))
            continue;
        if (&a->part[p] < first)
            return NULL;
        largest = a->part[p].bound > largest->bound ? &a->part[p] : largest;
    }
    return largest;
}

bool cp_append_found(struct cp_sentence *s, const struct cp_report_candidate *c, int side, int kind,
                     const char *before) {
    size_t clauses = 0;
    for (size_t p = 0; c->difference && p < c->difference->agreement.parts; p++) {
        const struct cp_own_part *part = &c->difference->agreement.part[p];
        const struct cp_own_part *largest = is_of(part, side, kind) ? lead(c->difference, part) : NULL;
        const struct cp_tap_set set = {.candidate = c, .has = has_like, .like = part};
        if (!largest || clauses++ >= CLAUSES)
            continue;
        cp_append(s, "%s at ", clauses == 1 ? before : ";");
        cp_append_many(s, &set);
        cp_append(s, " ");
        cp_own_append(s, largest, &c->difference->words);
    }
    if (clauses > CLAUSES)
        cp_append(s, "; and so on, %zu operations in all", cp_report_count_own(c, side, kind));
    return clauses > 0;
}

/* ---- what was declared ---- */

/* The candidate's own error beside the size of what is declared; own NaN: nothing computes it (pixels, ids).
 */
struct shares {
    double size, own;
    size_t taps, larger; /* where the own error is the larger */
};

static struct shares shares_of(const struct cp_report_candidate *c, enum cp_own_kind kind) {
    struct shares shares = {NAN, NAN, 0, 0};
    for (size_t p = 0; p < c->difference->agreement.parts; p++) {
        const struct cp_own_part *part = &c->difference->agreement.part[p];
        const double own = part->row ? part->row[CP_OPERATION_FIELD_RESIDUAL] : NAN;
        if (part->kind != kind)
            continue;
        shares.size = fmax(shares.size, part->size);
        shares.own = fmax(shares.own, own);
        shares.larger += own > part->size;
        shares.taps++;
    }
    return shares;
}

static bool has_kind(const struct cp_tap_set *set, size_t tap) {
    return cp_report_has(&set->candidate->tap[tap], 1, set->which);
}

static void append_share(struct cp_sentence *s, const struct cp_report_candidate *c, enum cp_own_kind kind,
                         const char *what, const char **before) {
    const struct cp_tap_set set = {.candidate = c, .has = has_kind, .which = (int)kind};
    const struct shares shares = shares_of(c, kind);
    if (shares.taps == 0)
        return;
    cp_append(s, "%s%s", *before, what);
    (void)cp_append_taps(s, &set);
    cp_append(s, " (%s%.2g", shares.taps > 1 ? "up to " : "", shares.size);
    if (!isnan(shares.own))
        cp_append(s, ", own error %s%.2g", shares.taps > 1 ? "up to " : "", shares.own);
    if (shares.larger && shares.taps > 1)
        cp_append(s, ", the larger at %zu of %zu", shares.larger, shares.taps);
    cp_append(s, ")");
    *before = ", to ";
}

/* Rounding that is declared, and larger than the baseline's. */
static void append_larger(struct cp_sentence *s, const struct cp_report_candidate *c, const char **before) {
    const struct cp_tap_set set = {.candidate = c, .has = has_kind, .which = CP_OWN_LARGER};
    double size = 0, times = 0;
    for (size_t p = 0; p < c->difference->agreement.parts; p++) {
        const struct cp_own_part *part = &c->difference->agreement.part[p];
        if (cp_report_kind(part) != CP_OWN_LARGER)
            continue;
        size = fmax(size, part->size);
        times = fmax(times, part->bound);
    }
    if (size == 0)
        return;
    cp_append(s, "%sits declared arithmetic at ", *before);
    cp_append_many(s, &set);
    cp_append(s, " (rounding up to %.2g, ", size);
    cp_append_multiple(s, times);
    cp_append(s, " times the baseline's)");
    *before = ", to ";
}

/* The first step of a tower at which they differ; the others follow from it. */
static void append_inputs(struct cp_sentence *s, const struct cp_report_candidate *c, const char **before) {
    bool said[3] = {false, false, false};
    for (size_t p = 0; p < c->difference->agreement.parts; p++) {
        const struct cp_own_part *part = &c->difference->agreement.part[p];
        if (part->kind != CP_OWN_INPUTS || said[part->tap->place.tower])
            continue;
        said[part->tap->place.tower] = true;
        cp_append(s, "%sits inputs at %s", *before, part->tap->address);
        if (part->inputs) {
            cp_append(s, ": ");
            cp_own_append(s, part, &c->difference->words);
        } else if (part->size > 0) {
            cp_append(s, " (%.2g)", part->size);
        }
        *before = ", to ";
    }
}

bool cp_append_attributed(struct cp_sentence *s, const struct cp_report_candidate *c, const char *before) {
    const char *const first = before;
    if (!c->difference)
        return false;
    append_share(s, c, CP_OWN_SETTINGS, "its settings at ", &before);
    append_share(s, c, CP_OWN_WEIGHTS, "its weights at ", &before);
    append_inputs(s, c, &before);
    append_larger(s, c, &before);
    return before != first;
}

/* ---- how much is explained ---- */

static bool is_checked(const double *row) {
    return row && row[CP_OPERATION_FIELD_VERDICT] != CP_LEDGER_UNCHECKED;
}

/* What was not finite already is no fault of the operation. */
static bool is_explained(const double *row) {
    const int verdict = (int)row[CP_OPERATION_FIELD_VERDICT];
    return verdict == CP_LEDGER_EXACT || verdict == CP_LEDGER_EXPLAINED;
}

void cp_append_explained(struct cp_sentence *s, const struct cp_report_candidate *c) {
    size_t checked = 0, explained = 0, unchecked = 0;
    for (size_t t = 0; t < c->taps; t++) {
        const double *a = c->tap[t].ledger[0], *b = c->tap[t].ledger[1];
        if (is_checked(a) && is_checked(b)) {
            checked++;
            explained += is_explained(a) && is_explained(b);
        } else if (c->tap[t].over_inputs.compared > 0) {
            unchecked++;
        }
    }
    if (checked && explained == checked)
        cp_append(s, "; all %zu operations of both passes are explained by their declared arithmetic",
                  checked);
    else if (checked)
        cp_append(s, "; %zu of %zu operations of both passes are explained by their declared arithmetic",
                  explained, checked);
    if (unchecked)
        cp_append(s, "%s %zu could not be checked", checked ? "," : ";", unchecked);
}
