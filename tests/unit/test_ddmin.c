/* SPDX-License-Identifier: GPL-3.0-or-later
 * ddmin on predicates whose minimal sets are known: what it finds, how many tests it takes, and that it is
 * 1-minimal even where the predicate is not monotone. */
#include "support/test.h"

#include "base/hash.h"
#include "num/ddmin.h"

enum { MOST = 64 };

/* Which sets, as bits, have the effect. */
struct predicate {
    size_t units;
    bool (*has_effect)(const struct predicate *p, uint64_t set);
    uint64_t needed; /* what has_effect makes of it */
    size_t calls, fail_at;
};

static enum cp_status try_set(void *context, const bool *in, bool *has_effect, struct cp_error *err) {
    struct predicate *p = context;
    uint64_t set = 0;
    for (size_t u = 0; u < p->units; u++)
        set |= (uint64_t)in[u] << u;
    assert_true(set != 0); /* never tried: it lacks the effect */
    if (++p->calls == p->fail_at)
        return cp_fail(err, CP_INTERRUPTED, "", "stopped");
    *has_effect = p->has_effect(p, set);
    return CP_OK;
}

static size_t size_of(uint64_t set) {
    size_t size = 0;
    for (; set; set &= set - 1)
        size++;
    return size;
}

/* Runs ddmin on all units; checks the count of tests, the effect and 1-minimality; the set found. */
static uint64_t minimise(struct predicate *p) {
    bool in[MOST];
    struct cp_error err;
    size_t tests = 0;
    uint64_t set = 0;
    for (size_t u = 0; u < p->units; u++)
        in[u] = true;
    p->calls = 0;
    assert_int_equal(cp_ddmin(p->units, try_set, p, in, &tests, &err), CP_OK);
    assert_int_equal(tests, p->calls);
    assert_true(tests <= p->units * p->units + 3 * p->units);
    for (size_t u = 0; u < p->units; u++)
        set |= (uint64_t)in[u] << u;
    assert_true(p->has_effect(p, set));
    for (size_t u = 0; u < p->units && size_of(set) > 1; u++)
        assert_false((set >> u & 1) && p->has_effect(p, set & ~((uint64_t)1 << u)));
    return set;
}

static bool contains_all(const struct predicate *p, uint64_t set) {
    return (set & p->needed) == p->needed;
}

/* One culprit of 64 is a binary search: at most two tests in each of its six steps. */
static void one_culprit(void **state) {
    (void)state;
    for (size_t u = 0; u < MOST; u++) {
        struct predicate p = {MOST, contains_all, (uint64_t)1 << u, 0, 0};
        assert_true(minimise(&p) == p.needed);
        assert_true(p.calls <= 12);
    }
}

/* A monotone predicate with one minimal set: that set, wherever its members are. */
static void scattered_culprits(void **state) {
    (void)state;
    for (uint64_t trial = 0; trial < 300; trial++) {
        const size_t units = 1 + cp_counter_hash(1, trial, 0) % 20;
        struct predicate p = {units, contains_all, 0, 0, 0};
        p.needed = cp_counter_hash(2, trial, 0) & cp_counter_hash(3, trial, 0) & (((uint64_t)1 << units) - 1);
        if (p.needed)
            assert_true(minimise(&p) == p.needed);
    }
}

/* Zeller & Hildebrandt's example: of 8 changes 1, 7 and 8 together. */
static void the_papers_example(void **state) {
    struct predicate p = {8, contains_all, 1 | 1 << 6 | 1 << 7, 0, 0};
    (void)state;
    assert_true(minimise(&p) == p.needed);
}

static void everything_is_needed(void **state) {
    struct predicate p = {10, contains_all, (1 << 10) - 1, 0, 0};
    (void)state;
    assert_true(minimise(&p) == p.needed);
    p.units = 1;
    p.needed = 1;
    assert_true(minimise(&p) == 1);
    assert_int_equal(p.calls, 0); /* nothing to take away */
}

static bool large_enough(const struct predicate *p, uint64_t set) {
    return size_of(set) >= p->needed;
}

/* Any so many: one of many minimal sets. */
static void any_three(void **state) {
    struct predicate p = {20, large_enough, 3, 0, 0};
    (void)state;
    assert_int_equal(size_of(minimise(&p)), 3);
}

static bool odd_with_first(const struct predicate *p, uint64_t set) {
    return (set & 1) && (size_of(set) % 2 == p->needed % 2);
}

/* Harm that a further change undoes, and a predicate that is noise: still 1-minimal. */
static void not_monotone(void **state) {
    struct predicate p = {15, odd_with_first, 1, 0, 0};
    (void)state;
    assert_true(minimise(&p) == 1);
    p = (struct predicate){16, odd_with_first, 2, 0, 0};
    assert_true(size_of(minimise(&p)) % 2 == 0);
}

static bool noise(const struct predicate *p, uint64_t set) {
    return set == ((uint64_t)1 << p->units) - 1 || cp_counter_hash(p->needed, set, 0) % 4 == 0;
}

static void noise_is_minimised(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct predicate p = {2 + seed % 12, noise, seed, 0, 0};
        (void)minimise(&p);
    }
}

/* Only what is in the first set is tried; a failing test ends the search with its error. */
static void starts_from_a_subset(void **state) {
    struct predicate p = {8, contains_all, 1 << 2, 0, 0};
    bool in[8] = {false, true, true, true, false, false, true, false};
    struct cp_error err = {0};
    size_t tests = 0;
    (void)state;
    assert_int_equal(cp_ddmin(8, try_set, &p, in, &tests, &err), CP_OK);
    for (size_t u = 0; u < 8; u++)
        assert_int_equal(in[u], u == 2);
    bool all[8] = {true, true, true, true, true, true, true, true};
    p.calls = 0;
    p.fail_at = 3;
    assert_int_equal(cp_ddmin(8, try_set, &p, all, &tests, &err), CP_INTERRUPTED);
    assert_int_equal(tests, 3);
    assert_true(all[2]);
}

/* ---- smaller sets ---- */

/* Which sets have the effect, from a table of those that do; all others that contain one of them do, too. */
struct table {
    size_t units, sets, calls, fail_at;
    uint64_t set[4];
};

static enum cp_status look_up(void *context, const bool *in, bool *has_effect, struct cp_error *err) {
    struct table *t = context;
    uint64_t set = 0;
    for (size_t u = 0; u < t->units; u++)
        set |= (uint64_t)in[u] << u;
    assert_true(set != 0);
    if (++t->calls == t->fail_at)
        return cp_fail(err, CP_INTERRUPTED, "", "stopped");
    *has_effect = false;
    for (size_t i = 0; i < t->sets; i++)
        *has_effect |= (set & t->set[i]) == t->set[i];
    return CP_OK;
}

/* ddmin's set of all units, then what at most so many tests make of it; both as bits. */
struct searched {
    uint64_t first, set;
    size_t tried, tests; /* tests: after ddmin's */
};

static struct searched search(struct table *t, size_t most) {
    bool in[MOST];
    struct cp_error err;
    struct searched s = {0};
    size_t tests = 0;
    for (size_t u = 0; u < t->units; u++)
        in[u] = true;
    t->calls = 0;
    assert_int_equal(cp_ddmin(t->units, look_up, t, in, &tests, &err), CP_OK);
    for (size_t u = 0; u < t->units; u++)
        s.first |= (uint64_t)in[u] << u;
    s.tests = tests;
    assert_int_equal(cp_smaller_set(t->units, look_up, t, most, in, &s.tried, &tests, &err), CP_OK);
    assert_int_equal(tests, t->calls);
    s.tests = tests - s.tests;
    assert_true(s.tests <= most);
    for (size_t u = 0; u < t->units; u++)
        s.set |= (uint64_t)in[u] << u;
    return s;
}

/* Units 1, 2 and 3 of 13 do it, which are neighbours; so do 0 and 12, which ddmin's parts tear apart. */
static void pair_beats_three(void **state) {
    struct table t = {13, 2, 0, 0, {0xe, 0x1001}};
    (void)state;
    struct searched s = search(&t, 200);
    assert_true(s.first == 0xe && s.set == 0x1001);
    assert_int_equal(s.tried, 1);
    assert_int_equal(s.tests, 13 + 12); /* all single ones, then pairs from {0, 1} to {0, 12} */
    s = search(&t, 13 + 77);            /* the 78 pairs are too many */
    assert_true(s.set == 0xe);
    assert_int_equal(s.tried, 1);
    assert_int_equal(s.tests, 13);
    s = search(&t, 12);
    assert_true(s.set == 0xe && s.tried == 0 && s.tests == 0);
}

/* Nothing smaller does it: a smallest set where all sizes fit into the tests, else as far as they do. */
static void none_is_smaller(void **state) {
    struct table t = {13, 1, 0, 0, {0x111}};
    (void)state;
    struct searched s = search(&t, 200);
    assert_true(s.first == 0x111 && s.set == 0x111);
    assert_true(s.tried == 2 && s.tests == 13 + 78);
    t = (struct table){13, 1, 0, 0, {0x1111}};
    s = search(&t, 200); /* 286 sets of three are too many */
    assert_true(s.set == 0x1111 && s.tried == 2 && s.tests == 13 + 78);
    t = (struct table){7, 1, 0, 0, {0x7f}};
    s = search(&t, 200);
    assert_true(s.set == 0x7f && s.tried == 6 && s.tests == 126);
    t = (struct table){13, 1, 0, 0, {0x10}};
    s = search(&t, 200);
    assert_true(s.set == 0x10 && s.tried == 0 && s.tests == 0);
}

/* A set of one that ddmin misses; a failing test ends the search with its error and leaves the set. */
static void smaller_ends_at_once(void **state) {
    struct table t = {6, 1, 0, 2, {0x10}};
    bool in[6] = {true, true, true, false, false, false};
    struct cp_error err = {0};
    size_t tried = 9, tests = 5;
    (void)state;
    assert_int_equal(cp_smaller_set(6, look_up, &t, 200, in, &tried, &tests, &err), CP_INTERRUPTED);
    assert_true(tests == 7 && tried == 0 && in[0] && in[1] && in[2] && !in[4]);
    t.fail_at = 0;
    assert_int_equal(cp_smaller_set(6, look_up, &t, 200, in, &tried, &tests, &err), CP_OK);
    assert_true(tests == 12 && tried == 0 && !in[0] && in[4] && !in[5]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_culprit),
        cmocka_unit_test(scattered_culprits),
        cmocka_unit_test(the_papers_example),
        cmocka_unit_test(everything_is_needed),
        cmocka_unit_test(any_three),
        cmocka_unit_test(not_monotone),
        cmocka_unit_test(noise_is_minimised),
        cmocka_unit_test(starts_from_a_subset),
        cmocka_unit_test(pair_beats_three),
        cmocka_unit_test(none_is_smaller),
        cmocka_unit_test(smaller_ends_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
