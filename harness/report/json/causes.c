/* SPDX-License-Identifier: GPL-3.0-or-later
 * A candidate's causes: the ledger's parts; without a ledger, what the local verdicts say. */
#include "report/data/difference.h"
#include "report/data/words.h"
#include "report/json/json.h"

#include <math.h>

/* What one cause is called where only three are told apart. */
static const char *class_of(enum cp_own_kind kind) {
    return kind == CP_OWN_SETTINGS ? cp_cause_names[CP_CAUSE_SEMANTIC] : cp_own_kind_names[kind];
}

static enum cp_own_kind kind_of(enum cp_cause cause) {
    return cause == CP_CAUSE_SEMANTIC  ? CP_OWN_SETTINGS
           : cause == CP_CAUSE_WEIGHTS ? CP_OWN_WEIGHTS
                                       : CP_OWN_ROUNDING;
}

/* What is declared is declared for all inputs. */
static bool has_inputs(enum cp_own_kind kind) {
    return kind != CP_OWN_SETTINGS && kind != CP_OWN_WEIGHTS && kind != CP_OWN_UNCHECKED;
}

static void put_part(struct cp_json_writer *j, const struct cp_own_part *part,
                     const struct cp_agreement_words *words) {
    static const char *const sides[] = {"baseline", "candidate", "both"};
    char text[1024];
    struct cp_sentence s = {text, sizeof text, 0};
    cp_append_part(&s, part, words);
    cp_json_open(j, NULL, '{');
    cp_json_text(j, "tap", part->tap->name);
    cp_json_text(j, "class", class_of(part->kind));
    cp_json_text(j, "kind", cp_own_kind_names[part->kind]);
    cp_json_text(j, "side", sides[part->side]);
    cp_json_text(j, "verdict", cp_ledger_verdict_names[part->verdict]);
    cp_json_text(j, "basis", cp_ledger_basis_names[part->basis]);
    cp_json_number(j, "size", part->size);
    cp_json_number(j, "bound", part->bound);
    cp_json_number(j, "inputs", has_inputs(part->kind) ? (double)part->inputs : NAN);
    cp_json_count(j, "checked", part->checked);
    cp_json_text(j, "explained_by", cp_own_explanation(part, words));
    cp_own_part_json_end(j, part, text);
}

static void put_local(struct cp_json_writer *j, const struct cp_report_tap *tap) {
    static const char *const unknown[] = {"explained_by", "size_before", "size_after",
                                          "slope",        "slope_error", "text"};
    const enum cp_own_kind kind = kind_of(tap->cause);
    const double *row = tap->ledger[1];
    cp_json_open(j, NULL, '{');
    cp_json_text(j, "tap", tap->name);
    cp_json_text(j, "class", class_of(kind));
    cp_json_text(j, "kind", cp_own_kind_names[kind]);
    cp_json_text(j, "side", "candidate");
    cp_json_text(j, "verdict", row ? cp_ledger_verdict_names[(int)row[CP_OPERATION_FIELD_VERDICT]] : NULL);
    cp_json_null(j, "basis");
    cp_json_number(j, "size", tap->local_rel[kind == CP_OWN_ROUNDING ? CP_ROUNDING : CP_SEMANTIC]);
    cp_json_null(j, "bound");
    cp_json_number(j, "inputs", tap->local_verdict[CP_FIELD_INPUTS]);
    cp_json_number(j, "checked", tap->local_verdict[CP_FIELD_INPUTS]);
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        cp_json_null(j, unknown[i]);
    cp_json_close(j, '}');
}

/* Whether the local verdict is all that is known. */
static bool is_told(const struct cp_report_candidate *c, const struct cp_report_tap *tap) {
    return c->local && !c->difference && tap->cause != CP_CAUSE_NONE;
}

void cp_json_causes(struct cp_json_writer *j, const struct cp_report_candidate *c) {
    size_t p = 0;
    if (!c->local && !c->difference) {
        cp_json_null(j, "causes");
        return;
    }
    cp_json_open(j, "causes", '[');
    for (size_t t = 0; t < c->taps; t++) {
        const struct cp_difference *d = c->difference;
        for (; d && p < d->agreement.parts && d->agreement.part[p].tap == &d->tap[t]; p++)
            put_part(j, &d->agreement.part[p], &d->words);
        if (is_told(c, &c->tap[t]))
            put_local(j, &c->tap[t]);
    }
    cp_json_close(j, ']');
}
