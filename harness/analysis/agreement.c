/* SPDX-License-Identifier: GPL-3.0-or-later
 * Turns both ledgers' rows into parts, tap by tap in order of execution, and decides pass or fail. */
#include "analysis/agreement.h"

#include <math.h>

const char *const cp_own_kind_names[CP_OWN_KINDS] = {"nonfinite", "contradicted", "settings", "weights",
                                                     "inputs",    "rounding",     "unchecked"};
const char *const cp_own_side_names[3] = {"a", "b", "both"};

static int verdict_of(const double *row) {
    return row ? (int)row[CP_OPERATION_FIELD_VERDICT] : CP_LEDGER_UNCHECKED;
}

static bool is_own_nonfinite(const double *row) {
    return verdict_of(row) == CP_LEDGER_NONFINITE && row[CP_OPERATION_FIELD_OWN] == 1;
}

/* Exact, explained, or what was not finite before. */
static bool is_explained(const double *row) {
    const int verdict = verdict_of(row);
    return verdict == CP_LEDGER_EXACT || verdict == CP_LEDGER_EXPLAINED ||
           (verdict == CP_LEDGER_NONFINITE && !is_own_nonfinite(row));
}

static bool is_input(const struct cp_agreement_tap *tap) {
    return tap->place.point <= CP_PIXELS_NORMALIZED || tap->place.point == CP_TOKENS;
}

/* A result of an older program need not have a field: NaN. */
static size_t count_of(double field) {
    return field >= 0 ? (size_t)field : 0;
}

static struct cp_own_part part_of(const struct cp_agreement_tap *tap, enum cp_own_kind kind,
                                  enum cp_own_side side) {
    const double *row = side == CP_SIDE_A ? tap->a : tap->b;
    struct cp_own_part part = {.tap = tap,
                               .kind = kind,
                               .side = side,
                               .verdict = verdict_of(row),
                               .size = NAN,
                               .bound = NAN,
                               .alternative = -1,
                               .at = -1,
                               .before = NAN,
                               .after = NAN,
                               .slope = NAN,
                               .slope_error = NAN,
                               .row = row};
    if (!row)
        return part;
    part.basis = row[CP_OPERATION_FIELD_BASIS] == CP_BASIS_EMPIRICAL ? CP_BASIS_EMPIRICAL : CP_BASIS_BOUND;
    part.checked = count_of(row[CP_OPERATION_FIELD_INPUTS]);
    part.worst = count_of(row[CP_OPERATION_FIELD_WORST]);
    return part;
}

/* Codes of a file are checked before they are used. */
static int point_of(const double *row) {
    const double at = row[CP_OPERATION_FIELD_AT];
    return at >= 0 && at < CP_POINT_COUNT ? (int)at : -1;
}

/* Of what a side's own operation does. */
static struct cp_own_part own_part(const struct cp_agreement_tap *tap, enum cp_own_kind kind,
                                   enum cp_own_side side) {
    struct cp_own_part part = part_of(tap, kind, side);
    const double *row = part.row;
    part.size = row[CP_OPERATION_FIELD_RESIDUAL];
    part.inputs = count_of(row[CP_OPERATION_FIELD_FAILING]);
    part.bound = kind == CP_OWN_CONTRADICTED && part.basis == CP_BASIS_BOUND
                     ? row[CP_OPERATION_FIELD_BOUND]
                     : row[CP_OPERATION_FIELD_COARSENESS];
    part.tried = !isnan(row[CP_OPERATION_FIELD_ALTERNATIVE]);
    part.alternative = part.tried ? (int)row[CP_OPERATION_FIELD_ALTERNATIVE] : -1;
    part.at =
        part.alternative >= 0 && row[CP_OPERATION_FIELD_AT] != (double)tap->place.point ? point_of(row) : -1;
    part.before = row[CP_OPERATION_FIELD_BEFORE];
    part.after = row[CP_OPERATION_FIELD_AFTER];
    part.slope = row[CP_OPERATION_FIELD_SLOPE];
    part.slope_error = row[CP_OPERATION_FIELD_SLOPE_ERROR];
    return part;
}

/* A part that both sides may have: one entry where they have it alike. */
static size_t add_sides(const struct cp_agreement_tap *tap, enum cp_own_kind kind, bool a, bool b,
                        struct cp_own_part *parts) {
    size_t count = 0;
    if (a && b) {
        const struct cp_own_part x = own_part(tap, kind, CP_SIDE_A), y = own_part(tap, kind, CP_SIDE_B);
        if (x.alternative == y.alternative) {
            parts[0] = y.size >= x.size ? y : x;
            parts[0].side = CP_SIDE_BOTH;
            return 1;
        }
    }
    if (a)
        parts[count++] = own_part(tap, kind, CP_SIDE_A);
    if (b)
        parts[count++] = own_part(tap, kind, CP_SIDE_B);
    return count;
}

static bool has_difference(const double *row, enum cp_operation_field field) {
    return row && row[field] > 0;
}

/* Which side's pixels cannot have come from a picture by the declared normalisation, where one alone cannot.
 */
static enum cp_own_side odd_pixels(const struct cp_agreement_tap *tap) {
    if (is_explained(tap->a) == is_explained(tap->b))
        return CP_SIDE_BOTH;
    return is_explained(tap->a) ? CP_SIDE_B : CP_SIDE_A;
}

static size_t add_inputs(const struct cp_agreement_tap *tap, struct cp_own_part *parts) {
    if (!is_input(tap) || tap->different == 0)
        return 0;
    const bool declared = has_difference(tap->b, CP_OPERATION_FIELD_SETTINGS);
    if (tap->semantic > 1e-12 || declared) { /* the settings make them different */
        parts[0] = part_of(tap, CP_OWN_SETTINGS, CP_SIDE_BOTH);
        parts[0].size = declared ? tap->b[CP_OPERATION_FIELD_SETTINGS] : tap->semantic;
        return 1;
    }
    parts[0] = part_of(tap, CP_OWN_INPUTS, odd_pixels(tap));
    parts[0].size = tap->relative_l2;
    if (tap->b) {
        parts[0].tried = !isnan(tap->b[CP_OPERATION_FIELD_ALTERNATIVE]);
        parts[0].alternative = parts[0].tried ? (int)tap->b[CP_OPERATION_FIELD_ALTERNATIVE] : -1;
        parts[0].after = tap->b[CP_OPERATION_FIELD_AFTER];
        parts[0].inputs = count_of(tap->b[CP_OPERATION_FIELD_FAILING]);
        parts[0].row = tap->b;
    }
    return 1;
}

static size_t add_declared(const struct cp_agreement_tap *tap, struct cp_own_part *parts) {
    size_t count = 0;
    if (!is_input(tap) && has_difference(tap->b, CP_OPERATION_FIELD_SETTINGS)) {
        parts[count] = part_of(tap, CP_OWN_SETTINGS, CP_SIDE_BOTH);
        parts[count++].size = tap->b[CP_OPERATION_FIELD_SETTINGS];
    }
    if (tap->b && !isnan(tap->b[CP_OPERATION_FIELD_WEIGHTS])) {
        parts[count] = part_of(tap, CP_OWN_WEIGHTS, CP_SIDE_BOTH);
        parts[count++].size = tap->b[CP_OPERATION_FIELD_WEIGHTS];
    }
    return count;
}

/* Rounding that b's declared arithmetic explains, and that is more than a's. */
static size_t add_ratio(const struct cp_agreement_tap *tap, double times, struct cp_own_part *parts) {
    if (!(times > 0) || !tap->a || !tap->b || verdict_of(tap->b) != CP_LEDGER_EXPLAINED ||
        !is_explained(tap->a))
        return 0;
    const double least = fmax(tap->a[CP_OPERATION_FIELD_RESIDUAL], tap->a[CP_OPERATION_FIELD_PLAIN]);
    const double own = tap->b[CP_OPERATION_FIELD_RESIDUAL];
    if (!(own > times * least))
        return 0;
    parts[0] = part_of(tap, CP_OWN_ROUNDING, CP_SIDE_B);
    parts[0].size = own;
    parts[0].bound = own / least;
    return 1;
}

enum { PARTS_OF_TAP = 10 };

static bool is_wrong(const struct cp_agreement_tap *tap) {
    return verdict_of(tap->a) == CP_LEDGER_CONTRADICTED || verdict_of(tap->b) == CP_LEDGER_CONTRADICTED ||
           is_own_nonfinite(tap->a) || is_own_nonfinite(tap->b);
}

static bool was_recomputed(const struct cp_agreement_tap *tap) {
    return (tap->a && tap->a[CP_OPERATION_FIELD_RECOMPUTED] == 1) ||
           (tap->b && tap->b[CP_OPERATION_FIELD_RECOMPUTED] == 1);
}

static size_t parts_of_tap(const struct cp_agreement_tap *tap, double times,
                           struct cp_own_part parts[PARTS_OF_TAP]) {
    const int a = verdict_of(tap->a), b = verdict_of(tap->b);
    size_t count = 0;
    if (!tap->compared || was_recomputed(tap))
        return 0;
    count += add_sides(tap, CP_OWN_NONFINITE, is_own_nonfinite(tap->a), is_own_nonfinite(tap->b), parts);
    count += add_sides(tap, CP_OWN_CONTRADICTED, a == CP_LEDGER_CONTRADICTED, b == CP_LEDGER_CONTRADICTED,
                       parts + count);
    count += add_declared(tap, parts + count);
    count += add_sides(tap, CP_OWN_ROUNDING, a == CP_LEDGER_COARSE, b == CP_LEDGER_COARSE, parts + count);
    count += add_ratio(tap, times, parts + count);
    if (count == 0 || is_input(tap))
        count += add_inputs(tap, parts + count);
    if (count == 0 && tap->different > 0 && !(is_explained(tap->a) && is_explained(tap->b))) {
        parts[count] = part_of(tap, CP_OWN_UNCHECKED, CP_SIDE_BOTH);
        parts[count].size = tap->relative_l2;
        parts[count++].verdict = CP_LEDGER_UNCHECKED;
    }
    return count;
}

/* Both sides contradict it while they agree within what rounding does: what they are held against is not
 * theirs. */
static bool is_shared(const struct cp_own_part *part) {
    if (part->kind != CP_OWN_CONTRADICTED || !part->tap->a || !part->tap->b)
        return false;
    if (verdict_of(part->tap->a) != CP_LEDGER_CONTRADICTED ||
        verdict_of(part->tap->b) != CP_LEDGER_CONTRADICTED)
        return false;
    const double plain = part->tap->a[CP_OPERATION_FIELD_PLAIN] + part->tap->b[CP_OPERATION_FIELD_PLAIN];
    return part->tap->relative_l2 <= fmax(2 * CP_COARSE * plain, 1e-3 * part->size);
}

bool cp_agreement_is_outside(const struct cp_agreement_tap *tap) {
    return tap->compared &&
           (tap->beyond > 0 || tap->nonfinite > 0 || verdict_of(tap->a) == CP_LEDGER_NONFINITE ||
            verdict_of(tap->b) == CP_LEDGER_NONFINITE);
}

static void conclude(const struct cp_agreement_tap *taps, size_t count,
                     const struct cp_agreement_options *options, struct cp_agreement *a) {
    size_t identical = 0, explained = 0, outside = 0;
    for (size_t t = 0; t < count; t++) {
        a->unmatched += !taps[t].compared;
        a->recomputed += taps[t].compared && was_recomputed(&taps[t]);
        if (was_recomputed(&taps[t]) && isnan(taps[t].beyond))
            continue;
        a->compared += taps[t].compared;
        identical += taps[t].compared && taps[t].different == 0;
        explained += taps[t].compared && is_explained(taps[t].a) && is_explained(taps[t].b);
        a->tolerance = a->tolerance || !isnan(taps[t].beyond);
        outside += cp_agreement_is_outside(&taps[t]);
    }
    bool decided = false; /* anything that is not merely unchecked */
    for (size_t p = 0; p < a->parts; p++)
        decided = decided || a->part[p].kind != CP_OWN_UNCHECKED;
    a->nothing = a->compared == 0 || (!a->tolerance && identical + explained == 0 && !decided);
    a->pass = !a->nothing && (a->tolerance ? outside == 0 : a->parts == 0);
    a->incomplete = options->strict && a->unmatched;
    a->pass = a->pass && !a->incomplete;
    if (a->parts && is_shared(&a->part[0]))
        a->shared = &a->part[0];
}

/* Values that are not finite though no operation made them so: they were in the inputs, or where nothing
 * could be checked. Once for each tower. */
static size_t add_nonfinite(const struct cp_agreement_tap *tap, size_t found, bool said[3],
                            struct cp_own_part *parts) {
    const bool a = verdict_of(tap->a) == CP_LEDGER_NONFINITE, b = verdict_of(tap->b) == CP_LEDGER_NONFINITE;
    if (!tap->compared || was_recomputed(tap) || said[tap->place.tower] || !(a || b || tap->nonfinite > 0))
        return 0;
    said[tap->place.tower] = true;
    return found || !(a || b) ? 0 : add_sides(tap, CP_OWN_NONFINITE, a, b, parts);
}

enum cp_status cp_agreement(const struct cp_agreement_tap *taps, size_t count,
                            const struct cp_agreement_options *options, struct cp_arena *arena,
                            struct cp_agreement *agreement, struct cp_error *err) {
    *agreement = (struct cp_agreement){.taps = count};
    CP_TRY(CP_ARENA_CALLOC(arena, agreement->part, count * PARTS_OF_TAP + 1, err, "", "the ledger"));
    bool said[3] = {false, false, false};
    bool pixels = false; /* what pixels differ in at one step the next steps inherit */
    for (size_t t = 0; t < count; t++) {
        if (pixels && taps[t].place.point <= CP_PIXELS_NORMALIZED && !is_wrong(&taps[t]))
            continue;
        pixels = pixels ||
                 (taps[t].compared && taps[t].place.point <= CP_PIXELS_NORMALIZED && taps[t].different > 0);
        struct cp_own_part *const parts = agreement->part + agreement->parts;
        const size_t found = parts_of_tap(&taps[t], options->times, parts);
        agreement->parts += found + add_nonfinite(&taps[t], found, said, parts);
    }
    conclude(taps, count, options, agreement);
    return CP_OK;
}

const struct cp_own_part *cp_agreement_first(const struct cp_agreement *agreement) {
    for (size_t p = 0; p < agreement->parts; p++)
        if (agreement->part[p].kind != CP_OWN_UNCHECKED)
            return &agreement->part[p];
    return agreement->parts ? &agreement->part[0] : NULL;
}
