/* SPDX-License-Identifier: GPL-3.0-or-later
 * Heatmaps: which operation of which block errs, and which swap in which layer does the harm. */
#include "report/data/words.h"
#include "report/term/term.h"

#include <math.h>
#include <string.h>

enum { NAME = 16, SWAP = 24, GAP = 2, SHARE = 30 };

/* Rows of values by layer, of one tower; a value that is not there is -1. */
struct heat {
    const struct cp_screen *screen;
    double low, high; /* log10 */
};

static void widen(struct heat *h, double value) {
    if (!(value > 0) || !isfinite(value))
        return;
    h->low = fmin(h->low, floor(log10(value)));
    h->high = fmax(h->high, ceil(log10(value)));
}

/* 0: nothing differs; 1 to 4 between the ends; 5: not a number; -1: not there. */
static int level_of(const struct heat *h, double value) {
    if (value <= 0)
        return value < 0 ? -1 : 0;
    if (!isfinite(value))
        return 5;
    const int level = 1 + (int)(4 * (log10(value) - h->low) / (h->high - h->low));
    return level < 1 ? 1 : level > 4 ? 4 : level;
}

static void put_cell(const struct heat *h, double value, size_t columns) {
    static const enum cp_ink inks[] = {CP_INK_SOFT,   CP_INK_GREEN, CP_INK_GREEN,
                                       CP_INK_YELLOW, CP_INK_RED,   CP_INK_BOLD};
    const int level = level_of(h, value);
    if (level >= 0)
        cp_screen_ink(h->screen, inks[level]);
    for (size_t i = 0; i < columns; i++)
        cp_screen_shade(h->screen, level);
    if (level >= 0)
        cp_screen_ink(h->screen, CP_INK_PLAIN);
}

/* Columns of a cell so that two towers of so many layers stand side by side. */
static size_t cell_columns(const struct cp_screen *s, size_t layers) {
    const size_t space = s->width - 2 - SWAP - GAP;
    return 2 * layers <= space ? 2 : 1;
}

static void put_title(const struct heat *h, const char *what) {
    char text[200];
    (void)snprintf(text, sizeof text, "%s, shades from 1e%.0f to 1e%.0f", what, h->low, h->high);
    cp_screen_wrap(h->screen, text, 2);
}

/* The names of the towers above their columns, cut to them. */
static void put_head(const struct heat *h, int name, const size_t layers[2], size_t columns) {
    (void)fprintf(h->screen->out, "%*s", 2 + name, "");
    for (int tower = CP_VISUAL; tower <= CP_TEXT; tower++) {
        if (layers[tower] == 0)
            continue;
        cp_screen_cell(h->screen, cp_tower_names[tower], columns * layers[tower]);
        (void)fprintf(h->screen->out, "%*s", tower == CP_VISUAL && layers[CP_TEXT] ? GAP : 0, "");
    }
    (void)fputc('\n', h->screen->out);
}

/* ---- operations ---- */

static double value_of(const struct cp_report_candidate *c, const struct cp_report_tap *tap) {
    if (c->local && !tap->local)
        return -1;
    return c->local ? tap->local_rel[CP_TOTAL] : tap->over_inputs.mean_rel[CP_TOTAL];
}

static double find(const struct cp_report_candidate *c, int point, enum cp_tower tower, int layer) {
    for (size_t t = 0; t < c->taps; t++)
        if ((int)c->tap[t].point == point && c->tap[t].tower == tower && c->tap[t].layer == layer)
            return value_of(c, &c->tap[t]);
    return -1;
}

static void put_point(const struct heat *h, const struct cp_report_candidate *c, int point,
                      const size_t layers[2], size_t columns) {
    const char *name = cp_points[point].visual;
    (void)fputs("  ", h->screen->out);
    cp_screen_cell(h->screen, name[0] ? name : "block", NAME);
    for (int tower = CP_VISUAL; tower <= CP_TEXT; tower++) {
        for (size_t layer = 0; layer < layers[tower]; layer++)
            put_cell(h, find(c, point, (enum cp_tower)tower, (int)layer), columns);
        (void)fprintf(h->screen->out, "%*s",
                      tower == CP_VISUAL && layers[CP_VISUAL] && layers[CP_TEXT] ? GAP : 0, "");
    }
    (void)fputc('\n', h->screen->out);
}

static bool recorded(const struct cp_report_candidate *c, int point) {
    for (size_t t = 0; t < c->taps; t++)
        if ((int)c->tap[t].point == point && c->tap[t].layer >= 0)
            return true;
    return false;
}

/* One tower at a time where both are too wide for the screen. */
static void put_points(const struct heat *h, const struct cp_report_candidate *c, const size_t layers[2]) {
    const size_t space = h->screen->width - 2 - NAME - GAP;
    if (layers[0] && layers[1] && layers[0] + layers[1] > space) {
        const size_t first[2] = {layers[0], 0}, second[2] = {0, layers[1]};
        put_points(h, c, first);
        put_points(h, c, second);
        return;
    }
    const size_t shown[2] = {layers[0] < space ? layers[0] : space, layers[1] < space ? layers[1] : space};
    const size_t columns = cell_columns(h->screen, shown[0] + shown[1]);
    put_head(h, NAME, shown, columns);
    for (int point = 0; point < CP_POINT_COUNT; point++)
        if (recorded(c, point))
            put_point(h, c, point, shown, columns);
}

void cp_term_heat(const struct cp_screen *screen, const struct cp_report_candidate *c) {
    struct heat h = {screen, INFINITY, -INFINITY};
    size_t layers[2] = {0, 0};
    for (size_t t = 0; t < c->taps; t++) {
        const struct cp_report_tap *tap = &c->tap[t];
        if (tap->layer < 0 || tap->point == CP_POINT_COUNT)
            continue;
        widen(&h, value_of(c, tap));
        if ((size_t)tap->layer >= layers[tap->tower])
            layers[tap->tower] = (size_t)tap->layer + 1;
    }
    if (isinf(h.low))
        return;
    h.low -= h.low == h.high;
    put_title(&h, c->local ? "each operation's own error, by block" : "error of each operation, by block");
    put_points(&h, c, layers);
}

/* ---- swaps ---- */

static void put_layers(struct heat *h, const struct cp_report_table *table, enum cp_tower tower) {
    const size_t space = h->screen->width - 2 - SWAP - GAP;
    const size_t layers = table->shape[1] < space ? table->shape[1] : space;
    size_t shown[2] = {0, 0};
    char text[400] = "";
    struct cp_sentence worst = {text, sizeof text, 0};
    shown[tower] = layers;
    put_head(h, SWAP, shown, cell_columns(h->screen, layers));
    for (size_t i = 0; i < table->shape[0]; i++) {
        (void)fputs("  ", h->screen->out);
        cp_screen_cell(h->screen, table->label[0].items[i], SWAP - 1);
        (void)fputc(' ', h->screen->out);
        for (size_t layer = 0; layer < layers; layer++) {
            const double value = table->values[i * table->shape[1] + layer];
            put_cell(h, isnan(value) ? -1 : value, cell_columns(h->screen, layers));
        }
        (void)fputc('\n', h->screen->out);
    }
    cp_append_worst_layer(&worst, table, tower);
    cp_screen_wrap(h->screen, text, 2);
}

static void put_share(const struct cp_screen *s, double share, double low, double high) {
    (void)fprintf(s->out, isnan(share) ? "-" : " %.1f %%", 100 * share);
    if (isfinite(low) && isfinite(high))
        (void)fprintf(s->out, " (%.1f to %.1f)", 100 * low, 100 * high);
    (void)fputc('\n', s->out);
}

static void put_shares(const struct cp_screen *s, const struct cp_report_table *shapley) {
    const size_t space = s->width - 2 - SWAP - SHARE;
    for (size_t k = 0; k < shapley->shape[1]; k++) {
        char text[200];
        (void)snprintf(text, sizeof text, "Shapley shares of %.100s, 95 %% intervals",
                       shapley->label[1].items[k]);
        cp_screen_wrap(s, text, 2);
        for (size_t i = 0; i < shapley->shape[0]; i++) {
            const char *response = shapley->label[1].items[k];
            const double share = cp_report_cell(shapley, i, response, "share");
            const double length = fmin(fmax(share, 0), 1) * (double)space;
            (void)fputs("  ", s->out);
            cp_screen_cell(s, shapley->label[0].items[i], SWAP - 1);
            (void)fputc(' ', s->out);
            for (size_t bar = 0; bar < (size_t)lround(length); bar++)
                cp_screen_bar(s, 8);
            put_share(s, share, cp_report_cell(shapley, i, response, "share_low"),
                      cp_report_cell(shapley, i, response, "share_high"));
        }
    }
}

void cp_term_attribution(const struct cp_screen *screen, const struct cp_report *r) {
    struct heat h = {screen, INFINITY, -INFINITY};
    if (r->shapley.values) {
        (void)fputc('\n', screen->out);
        put_shares(screen, &r->shapley);
    }
    for (int tower = CP_VISUAL; tower <= CP_TEXT; tower++)
        for (size_t i = 0; i < r->layers[tower].shape[0] * r->layers[tower].shape[1]; i++)
            widen(&h, r->layers[tower].values[i]);
    if (isinf(h.low))
        return;
    h.low -= h.low == h.high;
    (void)fputc('\n', screen->out);
    put_title(&h, "error of the features by a swap in one layer alone");
    for (int tower = CP_VISUAL; tower <= CP_TEXT; tower++)
        if (r->layers[tower].values)
            put_layers(&h, &r->layers[tower], (enum cp_tower)tower);
}
