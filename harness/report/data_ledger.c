/* SPDX-License-Identifier: GPL-3.0-or-later
 * The ledger of both passes at a candidate's taps. */
#include "report/load.h"

#include <math.h>
#include <string.h>

/* One pass's operations by tap; count 0: its ledger is not there. */
struct operations {
    struct cp_reader_texts names;
    struct cp_reader_array fields;
};

static enum cp_status read_operations(const struct cp_load *l, const char *pass, struct operations *o) {
    char object[400];
    *o = (struct operations){.names.count = 0};
    (void)snprintf(object, sizeof object, "/ledger/%.255s/operations", pass);
    if (!cp_reader_has(l->reader, object))
        return CP_OK;
    CP_TRY(cp_load_array(l, object, &cp_load_operations, 2, "(tap, field)", &l->report->arena, &o->fields));
    CP_TRY(cp_reader_labels(l->reader, object, 0, &l->report->arena, &o->names, l->err));
    return o->names.count == o->fields.shape[0] ? CP_OK : cp_load_damaged(l, object, "(tap, field)");
}

/* Codes that no table of this program has would be read beyond its end. */
static bool are_codes(const double *row) {
    const double verdict = row[CP_OPERATION_FIELD_VERDICT], inputs = row[CP_OPERATION_FIELD_INPUTS];
    return verdict >= 0 && verdict < CP_LEDGER_VERDICTS && inputs >= 0 && inputs < 0x1p53;
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
    const char *text = NULL;
    struct cp_reader_texts *names = &l->report->alternatives;
    if (names->count || !cp_reader_has(l->reader, "/ledger"))
        return CP_OK;
    CP_TRY(cp_reader_text(l->reader, "/ledger", "alternatives", &l->report->arena, &text, l->err));
    size_t lines = 1;
    for (const char *c = text; c && *c; c++)
        lines += *c == '\n';
    names->items = cp_arena_calloc(&l->report->arena, lines, sizeof *names->items);
    for (const char *c = text; names->items && c && *c; c += strcspn(c, "\n"), c += *c == '\n') {
        names->items[names->count] = cp_arena_printf(&l->report->arena, "%.*s", (int)strcspn(c, "\n"), c);
        if (!names->items[names->count++])
            return cp_load_no_memory(l);
    }
    return names->items ? CP_OK : cp_load_no_memory(l);
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
    return CP_OK;
}
