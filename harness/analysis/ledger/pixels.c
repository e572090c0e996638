/* SPDX-License-Identifier: GPL-3.0-or-later
 * Pixels as a pass has them. Where what made them is not recorded, pictures still have whole levels:
 * normalised as the config says, every pixel is (n / 255 - mean) / std for a whole n. Pixels that all lie
 * there are explained; others need not be wrong (noise, a resize that is not rounded to bytes), so they are
 * left unchecked. Where two passes have different pixels, it is told how one comes from the other: channel by
 * channel a straight line, its planes in the other order, or normalised once more. */
#include "analysis/ledger/ledger.h"

#include <math.h>
#include <string.h>

struct pixels {
    const float *own, *theirs; /* (colour, plane); theirs NULL: the baseline's own */
    size_t plane;
    const double *mean, *std;
};

static double level_of(const struct pixels *p, size_t c, size_t i) {
    return ((double)p->own[c * p->plane + i] * p->std[c] + p->mean[c]) * 255;
}

/* Five roundings of either operand of the difference, as in ledger/embed.c, in levels. */
static bool is_level(double level, double mean) {
    const double n = nearbyint(level);
    return n >= 0 && n <= 255 && fabs(level - n) <= 8 * 0x1p-24 * (fabs(n) + 255 * fabs(mean) + 255);
}

static bool are_levels(const struct pixels *p) {
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < p->plane; i++)
            if (!is_level(level_of(p, c, i), p->mean[c]))
                return false;
    return true;
}

/* own = scale theirs + offset, by least squares; left: rms of what that does not explain, over the rms of
 * own. */
struct line {
    double scale, offset, left;
};

static struct line fit(const struct pixels *p, size_t own_plane, size_t their_plane) {
    const float *y = p->own + own_plane * p->plane, *x = p->theirs + their_plane * p->plane;
    const double n = (double)p->plane;
    double sx = 0, sy = 0, xx = 0, xy = 0, yy = 0, left = 0;
    for (size_t i = 0; i < p->plane; i++) {
        sx += (double)x[i];
        sy += (double)y[i];
    }
    for (size_t i = 0; i < p->plane; i++) {
        const double dx = (double)x[i] - sx / n, dy = (double)y[i] - sy / n;
        xx += dx * dx;
        xy += dx * dy;
        yy += (double)y[i] * (double)y[i];
    }
    struct line line = {.scale = xx > 0 ? xy / xx : 1};
    line.offset = (sy - line.scale * sx) / n;
    for (size_t i = 0; i < p->plane; i++) {
        const double d = (double)y[i] - line.scale * (double)x[i] - line.offset;
        left += d * d;
    }
    line.left = yy == 0 ? 0 : sqrt(left / yy); /* NaN of pixels that are not finite: fits nothing */
    return line;
}

static bool is_same(const struct line *l, double scale, double offset) {
    return fabs(l->scale - scale) <= 1e-4 * fabs(scale) &&
           fabs(l->offset - offset) <= 1e-4 * (1 + fabs(offset));
}

/* Lines this good are no accident. */
#define FITS 1e-4

static int find_alternative(const char *name) {
    for (size_t i = 0; i < cp_alternative_count; i++)
        if (strcmp(cp_alternatives[i].name, name) == 0 && cp_alternatives[i].kind == CP_OPERATION_NORMALIZE)
            return (int)i;
    return -1;
}

/* The channels whose line is not the identity; -1: no line fits. */
static int changed_channels(const struct line lines[3], int *channel) {
    int changed = 0;
    for (int c = 0; c < 3; c++) {
        if (!(lines[c].left <= FITS))
            return -1;
        if (is_same(&lines[c], 1, 0))
            continue;
        *channel = c;
        changed++;
    }
    return changed;
}

static int explain(const struct pixels *p, double *row) {
    static const char *const means[] = {CP_OTHER_RED, CP_OTHER_GREEN, CP_OTHER_BLUE};
    struct line lines[3];
    int channel = 0;
    bool twice = true;
    for (size_t c = 0; c < 3; c++) {
        lines[c] = fit(p, c, c);
        /* One pass' pixels normalised once more are the other's. */
        twice = twice && lines[c].left <= FITS &&
                (is_same(&lines[c], 1 / p->std[c], -p->mean[c] / p->std[c]) ||
                 is_same(&lines[c], p->std[c], p->mean[c]));
    }
    const int changed = changed_channels(lines, &channel);
    row[CP_LEDGER_FIELD_ROW] = channel;
    row[CP_LEDGER_FIELD_Y] = lines[channel].offset;
    row[CP_LEDGER_FIELD_F] = lines[channel].scale;
    row[CP_LEDGER_FIELD_AFTER] = lines[channel].left;
    if (twice)
        return find_alternative(CP_NORMALISED_TWICE);
    if (changed == 1)
        return find_alternative(means[channel]);
    const struct line red = fit(p, 0, 2), blue = fit(p, 2, 0);
    /* Of a grey picture every plane is a line of every other one. */
    if (changed > 1 && !(is_same(&red, 1, 0) && is_same(&blue, 1, 0)))
        return find_alternative(CP_OTHER_CHANNELS);
    row[CP_LEDGER_FIELD_AFTER] = fmax(red.left, blue.left);
    row[CP_LEDGER_FIELD_ROW] = row[CP_LEDGER_FIELD_Y] = row[CP_LEDGER_FIELD_F] =
        NAN; /* no line of a channel */
    return red.left <= FITS && blue.left <= FITS ? find_alternative(CP_REVERSED) : -1;
}

void cp_ledger_pixels(const struct cp_ledger_at *at, const float *baseline, double *rows) {
    const struct cp_preprocess how = cp_spec_preprocess(at->side->spec);
    const float *own = at->value[CP_PIXELS_NORMALIZED].recorded;
    const size_t each = at->value[CP_PIXELS_NORMALIZED].each;
    for (size_t n = 0; own && n < at->inputs; n++) {
        const struct pixels p = {own + n * each, baseline ? baseline + n * each : NULL, each / 3, how.mean,
                                 how.std};
        double *row = rows + n * CP_LEDGER_FIELDS;
        if (row[CP_LEDGER_FIELD_VERDICT] == CP_LEDGER_UNCHECKED) {
            row[CP_LEDGER_FIELD_VERDICT] = are_levels(&p) ? CP_LEDGER_EXPLAINED : CP_LEDGER_UNCHECKED;
            row[CP_LEDGER_FIELD_BASIS] = CP_BASIS_BOUND;
            row[CP_LEDGER_FIELD_OWN] = 1;
        }
        if (!p.theirs || row[CP_LEDGER_FIELD_VERDICT] > CP_LEDGER_EXPLAINED ||
            memcmp(p.own, p.theirs, each * sizeof *own) == 0)
            continue;
        row[CP_LEDGER_FIELD_ALTERNATIVE] = explain(&p, row);
        row[CP_LEDGER_FIELD_COARSENESS] =
            1 + row[CP_LEDGER_FIELD_AFTER]; /* the one that no line explains is the worst */
    }
}
