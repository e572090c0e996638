/* SPDX-License-Identifier: GPL-3.0-or-later
 * The certificate of a decision. Logits are s <a, t_j> + b of an image's features a and each column's
 * features t_j. From how far the candidate's features are from the baseline's alone, not from where they
 * went, each logit can have moved by at most (Cauchy & Schwarz)
 *
 *   m_j = s' (|a'| |t'_j - t_j| + |a' - a| |t_j|) + |s' - s| |<a, t_j>| + |b' - b| + r_j
 *
 * with r_j the rounding of both products and of the probabilities, (n + 4) u of each. Where the baseline's
 * winner leads every other column j by more than m_winner + m_j, no divergence of that size can change the
 * decision. */
#ifndef CP_NUM_CERTIFICATE_H
#define CP_NUM_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>

/* One side: float32 features as computed. */
struct cp_scored {
    const float *image;   /* (width) */
    const float *columns; /* (columns, width) */
    double scale, bias;
    double roundoff; /* u of the products and of what they are stored in */
};

struct cp_certificate {
    double margin; /* the winner's smallest lead, in logits; infinite where there is no other column */
    double bound;  /* m_winner + m_j of the column with the least lead left */
    bool certified;
};

/* Sums in float64, in index order. NaN anywhere certifies nothing. */
struct cp_certificate cp_certify(const struct cp_scored *baseline, const struct cp_scored *candidate,
                                 size_t columns, size_t width);

#endif
