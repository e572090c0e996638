/* SPDX-License-Identifier: GPL-3.0-or-later
 * The ledger of both passes at a candidate's taps, and what it sets apart. */
#include "report/data/difference.h"
#include "report/data/load.h"
#include "report/data/words.h"
#include "result/schema.h"

#include <math.h>
#include <string.h>

/* One pass's operations by tap; count 0: its ledger is not there. */
struct operations {
    struct cp_reader_texts names;
    struct cp_reader_array fields;
};

static enum cp_status read_operations(const struct cp_load *l, const char *pass, struct operations *o) {
    char object[CP_SCHEMA_PATH];
    *o = (struct operations){.names.count = 0};
    (void)cp_schema_path(CP_SCHEMA_OPERATIONS, CP_NAMES(pass), object);
    if (!cp_reader_has(l->reader, object))
        return CP_OK;
    CP_TRY(cp_load_array(l, object, &cp_load_operations, 2, "(tap, field)", &l->report->arena, &o->fields));
    CP_TRY(cp_reader_labels(l->reader, object, 0, &l->report->arena, &o->names, l->err));
    return o->names.count == o->fields.shape[0] ? CP_OK : cp_load_damaged(l, object, "(tap, field)");
}

/* Of a field that the file need not have. */
static bool may_count(double x) {
    return isnan(x) || (x >= 0 && x < 0x1p53);
}

/* Codes that no table of this program has would be read beyond its end. */
static bool are_codes(const double *row) {
    const double verdict = row[CP_OPERATION_FIELD_VERDICT], alternative = row[CP_OPERATION_FIELD_ALTERNATIVE];
    return verdict >= 0 && verdict < CP_LEDGER_VERDICTS && row[CP_OPERATION_FIELD_INPUTS] >= 0 &&
           row[CP_OPERATION_FIELD_INPUTS] < 0x1p53 && may_count(row[CP_OPERATION_FIELD_FAILING]) &&
           may_count(row[CP_OPERATION_FIELD_WORST]) &&
           (isnan(alternative) || (alternative >= -1 && alternative < 0x1p31));
}

static enum cp_status find(const struct cp_load *l, const struct operations *o, const char *tap,
                           const double **row) {
    *row = NULL;
    for (size_t i = 0; i < o->names.count; i++) {
        const double *found = o->fields.values + i * CP_OPERATION_FIELD_COUNT;
        if (strcmp(o->names.items[i], tap) != 0)
            continue;
        if (!are_codes(found))
            return cp_load_damaged(l, tap, "a verdict's code");
        *row = found;
    }
    return CP_OK;
}

static enum cp_status load_alternatives(const struct cp_load *l) {
    const struct cp_schema_row *row = &cp_schema[CP_SCHEMA_LEDGER_ALTERNATIVES];
    const char *text = NULL;
    struct cp_reader_texts *names = &l->report->alternatives;
    if (names->count || !cp_reader_has(l->reader, row->path))
        return CP_OK;
    CP_TRY(cp_reader_text(l->reader, row->path, row->attribute, &l->report->arena, &text, l->err));
    size_t lines = 1;
    for (const char *c = text; c && *c; c++)
        lines += *c == '\n';
    names->items = cp_arena_calloc(&l->report->arena, lines, sizeof *names->items);
    for (const char *c = text; names->items && c && *c; c += strcspn(c, "\n"), c += *c == '\n') {
        names->items[names->count] = cp_arena_printf(&l->report->arena, "%.*s", (int)strcspn(c, "\n"), c);
        CP_TRY(CP_CHECK_ALLOC(names->items[names->count++], l->err, l->report->path, "a report"));
    }
    return CP_CHECK_ALLOC(names->items, l->err, l->report->path, "a report");
}

enum cp_status cp_load_ledger(const struct cp_load *l, struct cp_report_candidate *c) {
    struct operations baseline, own;
    CP_TRY(load_alternatives(l));
    CP_TRY(read_operations(l, "baseline", &baseline));
    CP_TRY(read_operations(l, c->name, &own));
    c->ledger = own.names.count > 0;
    for (size_t t = 0; t < c->taps; t++) {
        CP_TRY(find(l, &baseline, c->tap[t].name, &c->tap[t].ledger[0]));
        CP_TRY(find(l, &own, c->tap[t].name, &c->tap[t].ledger[1]));
    }
    return c->ledger ? cp_report_find_difference(l->report, c, l->err) : CP_OK;
}

/* ---- what sets them apart ---- */

/* Keeps what was found: the parts have room for all that any tap could have. */
static enum cp_status keep(struct cp_report *r, const struct cp_difference *found, size_t taps,
                           struct cp_difference **kept, struct cp_error *err) {
    const struct cp_agreement *a = &found->agreement;
    struct cp_difference *d = cp_arena_calloc(&r->arena, 1, sizeof *d);
    struct cp_agreement_tap *tap = cp_arena_calloc(&r->arena, taps + 1, sizeof *tap);
    struct cp_own_part *part = cp_arena_calloc(&r->arena, a->parts + 1, sizeof *part);
    CP_TRY(CP_CHECK_ALLOC(d && tap && part, err, "", "a report"));
    *d = *found;
    memcpy(tap, found->tap, taps * sizeof *tap);
    d->tap = tap;
    d->agreement.part = part;
    d->agreement.parts = 0;
    for (size_t p = 0; p < a->parts; p++) {
        if (a->part[p].kind == CP_OWN_WEIGHTS && a->part[p].size == 0)
            continue; /* tensors that differ where no input reads them, or in type alone */
        part[d->agreement.parts] = a->part[p];
        part[d->agreement.parts].tap = tap + (a->part[p].tap - found->tap);
        if (a->shared == &a->part[p])
            d->agreement.shared = &part[d->agreement.parts];
        d->agreement.parts++;
    }
    *kept = d;
    return CP_OK;
}

static void mark(struct cp_report_candidate *c) {
    for (size_t p = 0; p < c->difference->agreement.parts; p++) {
        const struct cp_own_part *part = &c->difference->agreement.part[p];
        struct cp_report_tap *tap = &c->tap[part->tap - c->difference->tap];
        for (int side = 0; side < 2; side++)
            if (part->side == CP_SIDE_BOTH || (int)part->side == side)
                tap->own[side] |= 1u << cp_report_kind(part);
        if (part->side != CP_SIDE_B && (part->kind == CP_OWN_CONTRADICTED || part->kind == CP_OWN_NONFINITE))
            c->broken = true;
    }
}

static void withdraw(double *verdict) {
    if (*verdict == CP_EQUIVALENT)
        *verdict = CP_INCONCLUSIVE;
}

/* The largest k of any tap: declared rounding beyond it is a part. */
static double limit_of(const struct cp_report_candidate *c) {
    double limit = 2;
    for (size_t t = 0; t < c->taps; t++)
        limit = fmax(limit, c->tap[t].verdict[CP_FIELD_K]); /* fmax passes over NaN */
    return limit;
}

enum cp_status cp_report_find_difference(struct cp_report *r, struct cp_report_candidate *c,
                                         struct cp_error *err) {
    const struct cp_agreement_options options = {.times = limit_of(c)};
    struct cp_arena scratch = {0};
    struct cp_difference found, *kept = NULL;
    enum cp_status status = cp_difference(r, c, "the baseline", c->name, &options, &scratch, &found, err);
    if (status == CP_OK)
        status = keep(r, &found, c->taps, &kept, err);
    cp_arena_free(&scratch);
    CP_TRY(status);
    c->difference = kept;
    mark(c);
    for (size_t t = 0; c->broken && t < c->taps; t++)
        for (int field = CP_FIELD_VERDICT; field <= CP_FIELD_ROUNDING; field++) {
            withdraw(&c->tap[t].verdict[field]);
            withdraw(&c->tap[t].local_verdict[field]);
        }
    return CP_OK;
}
