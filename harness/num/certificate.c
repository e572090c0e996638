/* SPDX-License-Identifier: GPL-3.0-or-later
 * Evaluates that bound for each column in float64 and takes the smallest lead that remains. */
#include "num/certificate.h"

#include <math.h>

static double dot(const float *x, const float *y, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)y[i];
    return sum;
}

static double norm(const float *x, size_t n) {
    return sqrt(dot(x, x, n));
}

static double distance(const float *x, const float *y, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
    return sqrt(sum);
}

struct move {
    const struct cp_scored *baseline, *candidate;
    size_t width;
    double image, image_candidate, image_difference; /* |a|, |a'|, |a' - a| */
};

static double logit(const struct move *m, size_t column) {
    const struct cp_scored *b = m->baseline;
    return b->scale * dot(b->image, b->columns + column * m->width, m->width) + b->bias;
}

static double rounding(const struct move *m, const struct cp_scored *side, double image, double column) {
    const double factors = (double)m->width + 4;
    return factors * side->roundoff * (side->scale * image * column + fabs(side->bias) + 1);
}

/* m_j, the most that the logit of a column can have moved. */
static double most(const struct move *m, size_t column) {
    const struct cp_scored *b = m->baseline, *c = m->candidate;
    const float *t = b->columns + column * m->width, *t_candidate = c->columns + column * m->width;
    const double length = norm(t, m->width), length_candidate = norm(t_candidate, m->width);
    return c->scale *
               (m->image_candidate * distance(t_candidate, t, m->width) + m->image_difference * length) +
           fabs(c->scale - b->scale) * fabs(dot(b->image, t, m->width)) + fabs(c->bias - b->bias) +
           rounding(m, b, m->image, length) + rounding(m, c, m->image_candidate, length_candidate);
}

struct cp_certificate cp_certify(const struct cp_scored *baseline, const struct cp_scored *candidate,
                                 size_t columns, size_t width) {
    const struct move m = {baseline,
                           candidate,
                           width,
                           norm(baseline->image, width),
                           norm(candidate->image, width),
                           distance(candidate->image, baseline->image, width)};
    struct cp_certificate certificate = {INFINITY, NAN, true};
    size_t winner = 0;
    double least = INFINITY;
    for (size_t j = 1; j < columns; j++)
        if (logit(&m, j) > logit(&m, winner))
            winner = j;
    const double top = logit(&m, winner), most_winner = most(&m, winner);
    for (size_t j = 0; j < columns; j++) {
        if (j == winner)
            continue;
        const double lead = top - logit(&m, j), bound = most_winner + most(&m, j), left = lead - bound;
        certificate.certified = certificate.certified && left > 0;
        certificate.margin = fmin(certificate.margin, lead);
        if (!(left >= least)) {
            least = left;
            certificate.bound = bound;
        }
    }
    certificate.certified = certificate.certified && isfinite(most_winner);
    return certificate;
}
