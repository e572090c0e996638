/* SPDX-License-Identifier: GPL-3.0-or-later
 * Prints the causes within 80 columns, neighbouring layers with the same cause as one range. */
#include "analysis/causes.h"

#include "analysis/inconclusive.h"
#include "analysis/teacher_forcing.h"
#include "base/escape.h"

#include <stdlib.h>

enum { WIDTH = 80 };

struct print {
    const struct cp_sites *sites;
    const enum cp_cause *cause; /* per site */
    FILE *out;
    size_t printed;
    int column;
};

static enum cp_cause at(const struct print *p, const struct cp_site *site, int layer) {
    const size_t i = cp_sites_find(p->sites, site->tower, site->point, layer);
    return i < p->sites->count ? p->cause[i] : CP_CAUSE_NONE;
}

/* One cause, on a new line where this one would grow too wide. */
static void put(struct print *p, const char *name, enum cp_cause cause) {
    char text[160];
    const int length = snprintf(text, sizeof text, "%s (%s)", name, cp_cause_names[cause]);
    if (p->printed++ == 0)
        p->column = fprintf(p->out, "  caused by ");
    else if (p->column + length + 3 > WIDTH)
        p->column = fprintf(p->out, ",\n    ") - 2;
    else
        p->column += fprintf(p->out, ", ");
    cp_put_terminal(p->out, text);
    p->column += length;
}

static void print_run(struct print *p, const struct cp_site *first, int layers) {
    char name[128], range[32] = "";
    const enum cp_cause cause = at(p, first, first->layer);
    if (first->layer < 0) {
        cp_tap_address(first->name, name);
        put(p, name, cause);
        return;
    }
    if (layers > 1)
        (void)snprintf(range, sizeof range, "-%d", first->layer + layers - 1);
    const char *point = cp_point_name(first->point, first->tower);
    (void)snprintf(name, sizeof name, "%s.%d%s%s%s", cp_tower_words[first->tower].name, first->layer, range,
                   point[0] ? "." : "", point);
    put(p, name, cause);
}

/* Neighbouring layers with the same cause at the same point are one entry, where the first stands. */
static void print_site(struct print *p, const struct cp_site *site) {
    const enum cp_cause cause = at(p, site, site->layer);
    int layers = 1;
    if (cause == CP_CAUSE_NONE || (site->layer > 0 && at(p, site, site->layer - 1) == cause))
        return;
    while (site->layer >= 0 && at(p, site, site->layer + layers) == cause)
        layers++;
    print_run(p, site, layers);
}

/* An operation that could not be judged may be a cause all the same. */
static void print_end(const struct print *p, const struct cp_inconclusive *inconclusive, size_t taps) {
    if (p->printed)
        (void)fputs("\n", p->out);
    if (inconclusive->taps) {
        cp_print(p->out, "  %scauses inconclusive at %zu of %zu operations", p->printed ? "other " : "",
                 inconclusive->taps, taps);
        cp_inconclusive_print(inconclusive, p->out);
    } else if (p->printed == 0) {
        (void)fputs("  no operation errs beyond the limit on the baseline's own input\n", p->out);
    }
}

enum cp_status cp_causes_print(const struct cp_lockstep *ls, size_t s, FILE *out, struct cp_error *err) {
    const struct cp_study *study = ls->study;
    enum cp_status status = CP_OK;
    size_t tap = 0;
    if (!cp_teacher_forcing_of(ls))
        return CP_OK;
    enum cp_cause *cause = calloc(study->sites.count, sizeof *cause);
    struct print p = {.sites = &study->sites, .cause = cause, .out = out};
    struct cp_inconclusive inconclusive = cp_inconclusive_none();
    CP_TRY(CP_CHECK_ALLOC(cause, err, "", "the table"));
    for (size_t i = 0; i < study->sites.count && status == CP_OK; i++) {
        double fields[CP_VERDICT_FIELDS];
        if (!study->watched[i])
            continue;
        status = cp_result_read(ls->result, cp_teacher_forcing_of(ls)->verdicts[s], tap++, 1, fields, err);
        if (status != CP_OK)
            break;
        cause[i] = cp_cause_of(fields);
        cp_inconclusive_add(&inconclusive, study->sites.list[i].point, fields, CP_FIELD_VERDICT);
    }
    for (size_t i = 0; i < study->sites.count && status == CP_OK; i++)
        print_site(&p, &study->sites.list[i]);
    if (status == CP_OK)
        print_end(&p, &inconclusive, tap);
    free(cause);
    return status;
}
