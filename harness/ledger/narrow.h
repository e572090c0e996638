/* SPDX-License-Identifier: GPL-3.0-or-later
 * Formats that tensors may have been rounded to without a word: what an undeclared TF32, half or int8 product
 * computes with. */
#ifndef CP_LEDGER_NARROW_H
#define CP_LEDGER_NARROW_H

#include "ledger/case.h"

/* y = x in the format, to nearest even; (rows, n), of which INT8_CHANNEL has a scale for each row. y == x is
 * allowed. TF32 keeps 10 bits of the significand. INT8: round(x / s) s with s = max |x| / 127. UINT8: with s
 * = (max - min) / 255 over a range that contains 0, and a whole zero point (Jacob et al. 2018,
 * arXiv:1712.05877). */
void cp_narrow_apply(enum cp_narrow format, const double *x, size_t rows, size_t n, double *y);
void cp_narrow_apply_float(enum cp_narrow format, const float *x, size_t rows, size_t n, float *y);

#endif
