/* SPDX-License-Identifier: GPL-3.0-or-later
 * A case of every kind of operation on normal operands, as a model would have it. */
#ifndef CP_TESTS_SUPPORT_LEDGER_CASES_H
#define CP_TESTS_SUPPORT_LEDGER_CASES_H

#include "support/ledger.h"

#include <stddef.h>

enum { CASE_VARIANTS = 6 };

void scale_operand(struct instance *in, int operand, double centre, double scale);

/* Ready to be judged. Free with free_instance. */
void make_case(struct instance *in, enum cp_operation_kind kind, const struct arithmetic *a, size_t inputs,
               size_t rows, size_t width, int variant);

#endif
