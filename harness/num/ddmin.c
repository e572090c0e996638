/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "num/ddmin.h"

#include <stdlib.h>

struct search {
    cp_ddmin_test *test;
    void *context;
    size_t units, count, tests;
    size_t *member; /* [count] of the smallest set so far */
    bool *trial;    /* [units] the set that was tried last */
};

/* Of `parts` equal parts of the set, one alone (or all others) after the other, until one has the effect; the
 * set is then that one. */
static enum cp_status reduce(struct search *s, size_t parts, bool others, bool *reduced,
                             struct cp_error *err) {
    *reduced = false;
    for (size_t part = 0; part < parts && !*reduced; part++) {
        const size_t first = s->count * part / parts, end = s->count * (part + 1) / parts;
        for (size_t u = 0; u < s->units; u++)
            s->trial[u] = false;
        for (size_t m = 0; m < s->count; m++)
            s->trial[s->member[m]] = (m >= first && m < end) != others;
        s->tests++;
        CP_TRY(s->test(s->context, s->trial, reduced, err));
    }
    if (!*reduced)
        return CP_OK;
    s->count = 0;
    for (size_t u = 0; u < s->units; u++)
        if (s->trial[u])
            s->member[s->count++] = u;
    return CP_OK;
}

/* Of two parts each is the other's complement. */
static enum cp_status minimise(struct search *s, struct cp_error *err) {
    size_t parts = 2;
    while (s->count > 1) {
        bool reduced = false;
        CP_TRY(reduce(s, parts, false, &reduced, err));
        if (reduced) {
            parts = 2;
            continue;
        }
        if (parts > 2)
            CP_TRY(reduce(s, parts, true, &reduced, err));
        if (reduced) {
            parts--;
            continue;
        }
        if (parts == s->count)
            return CP_OK;
        parts = 2 * parts < s->count ? 2 * parts : s->count;
    }
    return CP_OK;
}

enum cp_status cp_ddmin(size_t units, cp_ddmin_test *test, void *context, bool *in, size_t *tests,
                        struct cp_error *err) {
    struct search s = {.test = test, .context = context, .units = units};
    enum cp_status status = CP_OK;
    s.member = calloc(units + 1, sizeof *s.member);
    s.trial = calloc(units + 1, sizeof *s.trial);
    if (!s.member || !s.trial) {
        status = cp_fail(err, CP_INTERNAL, "", "out of memory for %zu units", units);
    } else {
        for (size_t u = 0; u < units; u++)
            if (in[u])
                s.member[s.count++] = u;
        status = minimise(&s, err);
    }
    for (size_t u = 0; u < units; u++)
        in[u] = false;
    for (size_t m = 0; m < s.count; m++)
        in[s.member[m]] = true;
    *tests = s.tests;
    free(s.member);
    free(s.trial);
    return status;
}
