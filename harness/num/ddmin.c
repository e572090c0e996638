/* SPDX-License-Identifier: GPL-3.0-or-later
 * Delta debugging over an array of units, then a search through all smaller sets in lexicographic order. */
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

static enum cp_status start(struct search *s, struct cp_error *err) {
    s->member = calloc(s->units + 1, sizeof *s->member);
    s->trial = calloc(s->units + 1, sizeof *s->trial);
    return CP_CHECK_ALLOC(s->member && s->trial, err, "", "%zu units", s->units);
}

static void finish(struct search *s) {
    free(s->member);
    free(s->trial);
}

static void mark(const struct search *s, bool *in) {
    for (size_t u = 0; u < s->units; u++)
        in[u] = false;
    for (size_t m = 0; m < s->count; m++)
        in[s->member[m]] = true;
}

enum cp_status cp_ddmin(size_t units, cp_ddmin_test *test, void *context, bool *in, size_t *tests,
                        struct cp_error *err) {
    struct search s = {.test = test, .context = context, .units = units};
    enum cp_status status;
    *tests = 0;
    CP_TRY_DONE(start(&s, err));
    for (size_t u = 0; u < units; u++)
        if (in[u])
            s.member[s.count++] = u;
    status = minimise(&s, err);
    mark(&s, in);
    *tests = s.tests;
done:
    finish(&s);
    return status;
}

/* ---- smaller sets ---- */

/* n choose k, or most + 1, whichever is less. */
static size_t choose(size_t n, size_t k, size_t most) {
    const size_t fewer = k < n - k ? k : n - k;
    size_t sets = 1;
    for (size_t i = 0; i < fewer && sets <= most; i++)
        sets = sets * (n - i) / (i + 1);
    return sets <= most ? sets : most + 1;
}

/* The next of the sets of `count` members, in lexicographic order; false after the last. */
static bool next_set(struct search *s) {
    for (size_t m = s->count; m-- > 0;) {
        if (s->member[m] + (s->count - m) >= s->units)
            continue;
        s->member[m]++;
        for (size_t later = m + 1; later < s->count; later++)
            s->member[later] = s->member[later - 1] + 1;
        return true;
    }
    return false;
}

static enum cp_status try_size(struct search *s, size_t size, bool *found, struct cp_error *err) {
    bool more = true;
    s->count = size;
    for (size_t m = 0; m < size; m++)
        s->member[m] = m;
    for (*found = false; more && !*found; more = !*found && next_set(s)) {
        mark(s, s->trial);
        s->tests++;
        CP_TRY(s->test(s->context, s->trial, found, err));
    }
    return CP_OK;
}

enum cp_status cp_smaller_set(size_t units, cp_ddmin_test *test, void *context, size_t most, bool *in,
                              size_t *tried, size_t *tests, struct cp_error *err) {
    struct search s = {.test = test, .context = context, .units = units};
    size_t count = 0, left = most;
    bool found = false;
    enum cp_status status;
    *tried = 0;
    for (size_t u = 0; u < units; u++)
        count += in[u];
    CP_TRY_DONE(start(&s, err));
    for (size_t size = 1; size < count && choose(units, size, left) <= left && !found; size++) {
        left -= choose(units, size, left);
        CP_TRY_DONE(try_size(&s, size, &found, err));
        if (found)
            mark(&s, in);
        else
            *tried = size;
    }
    status = CP_OK;
done:
    *tests += s.tests;
    finish(&s);
    return status;
}
