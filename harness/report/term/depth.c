/* SPDX-License-Identifier: GPL-3.0-or-later
 * Error over depth: a sparkline of log10 of the relative L2 error for each tower, tap by tap, and beneath it
 * the verdicts. Where a tower has more taps than the screen columns, a column stands for the worst of some.
 */
#include "report/data/words.h"
#include "report/term/term.h"

#include <math.h>
#include <string.h>

enum { NAME = 8, VALUE = 10 };

/* Powers of ten that the bars run between. */
struct range {
    double low, high;
};

static struct range range_of(const struct cp_report_candidate *c) {
    struct range range = {INFINITY, -INFINITY};
    for (size_t t = 0; t < c->taps; t++) {
        const double error = c->tap[t].over_inputs.mean_rel[CP_TOTAL];
        if (!(error > 0) || !isfinite(error))
            continue;
        range.low = fmin(range.low, floor(log10(error)));
        range.high = fmax(range.high, ceil(log10(error)));
    }
    if (range.low == range.high)
        range.low--;
    return range;
}

/* 0: the same bits; 1 to 8 between the range's ends; 9: not a number. */
static int level_of(struct range range, double error) {
    if (error == 0)
        return 0;
    if (!isfinite(error))
        return 9;
    const int level = 1 + (int)(8 * (log10(error) - range.low) / (range.high - range.low));
    return level < 1 ? 1 : level > 8 ? 8 : level;
}

/* Where columns stand for several taps the worst is shown. */
static int rank_of(const struct cp_report_tap *tap) {
    return cp_report_state_rank(cp_report_state(tap));
}

/* By rank. */
static const struct look {
    char letter;
    enum cp_ink ink;
} looks[CP_REPORT_STATES] = {
    {'.', CP_INK_SOFT},   {'e', CP_INK_GREEN}, {'?', CP_INK_SOFT}, {'d', CP_INK_YELLOW}, {'D', CP_INK_YELLOW},
    {'C', CP_INK_YELLOW}, {'S', CP_INK_RED},   {'X', CP_INK_RED},  {'N', CP_INK_BOLD},   {'u', CP_INK_BOLD}};

struct strip {
    const struct cp_screen *screen;
    const struct cp_report_tap *tap; /* [taps] of one tower */
    size_t taps, columns;
};

/* The taps that a column stands for: [first, end). */
static size_t first_of(const struct strip *s, size_t column) {
    return column * s->taps / s->columns;
}

static void put_bars(const struct strip *s, struct range range) {
    for (size_t k = 0; k < s->columns; k++) {
        int level = 0;
        for (size_t t = first_of(s, k); t < first_of(s, k + 1); t++) {
            const int own = level_of(range, s->tap[t].over_inputs.mean_rel[CP_TOTAL]);
            level = own > level ? own : level;
        }
        cp_screen_bar(s->screen, level);
    }
}

static void put_verdicts(const struct strip *s) {
    for (size_t k = 0; k < s->columns; k++) {
        int rank = 0;
        for (size_t t = first_of(s, k); t < first_of(s, k + 1); t++)
            rank = rank_of(&s->tap[t]) > rank ? rank_of(&s->tap[t]) : rank;
        cp_screen_ink(s->screen, looks[rank].ink);
        (void)fputc(looks[rank].letter, s->screen->out);
        cp_screen_ink(s->screen, CP_INK_PLAIN);
    }
}

static void put_tower(const struct strip *s, struct range range) {
    const double last = s->tap[s->taps - 1].over_inputs.mean_rel[CP_TOTAL];
    (void)fputs("  ", s->screen->out);
    cp_screen_cell(s->screen, cp_tower_names[s->tap[0].tower], NAME);
    put_bars(s, range);
    (void)fprintf(s->screen->out, last == 0 ? " 0\n" : " %.1e\n", last);
    (void)fprintf(s->screen->out, "%*s", 2 + NAME, "");
    put_verdicts(s);
    (void)fputc('\n', s->screen->out);
}

void cp_term_depth(const struct cp_screen *screen, const struct cp_report_candidate *c) {
    const struct range range = range_of(c);
    const size_t space = screen->width - 2 - NAME - VALUE;
    char text[200];
    if (isinf(range.low))
        return;
    (void)snprintf(text, sizeof text, "relative L2 error, tap by tap, bars from 1e%.0f to 1e%.0f; verdicts",
                   range.low, range.high);
    cp_screen_wrap(screen, text, 2);
    for (size_t first = 0, end = 0; first < c->taps; first = end) {
        while (end < c->taps && c->tap[end].tower == c->tap[first].tower)
            end++;
        const size_t taps = end - first;
        const struct strip strip = {screen, c->tap + first, taps, taps < space ? taps : space};
        put_tower(&strip, range);
    }
    cp_screen_wrap(
        screen,
        ". identical, e equivalent, D degraded, C coarse, S semantic, X contradicted, d differs, N "
        "nonfinite, ? inconclusive, u unmatched",
        2);
}
