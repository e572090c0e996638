/* SPDX-License-Identifier: GPL-3.0-or-later
 * Delta debugging: of changes that together have an effect, a small set that still has it. The algorithm
 * ddmin of Zeller & Hildebrandt, "Simplifying and isolating failure-inducing input", IEEE Transactions on
 * Software Engineering 28(2), 2002, section 3.3: try parts, then complements of parts, then smaller parts.
 * Its set is 1-minimal, which is not smallest: other units, fewer of them, may have the effect. So sets of
 * one, two, ... units are tried after it. */
#ifndef CP_NUM_DDMIN_H
#define CP_NUM_DDMIN_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Says whether the set of those units u for which in[u] is true has the effect. Its failure ends the search.
 */
typedef enum cp_status cp_ddmin_test(void *context, const bool *in, bool *has_effect, struct cp_error *err);

/* in: (units) a set that has the effect, which is not tried again, as the empty set is not, which must lack
 * it. It becomes a subset that has it and is 1-minimal: without any one of its units the effect is gone,
 * whether or not the effect is monotone. For a set of n at most n^2 + 3n tests, 2 log2 n where one unit alone
 * has the effect and the test is monotone. *tests counts them. The order of tests is fixed. */
enum cp_status cp_ddmin(size_t units, cp_ddmin_test *test, void *context, bool *in, size_t *tests,
                        struct cp_error *err);

/* Tries every set of one unit, then of two, and so on, while it is smaller than the set in, and as long as
 * all sets of a size still fit into `most` tests in all. The first that has the effect takes the place of in.
 * in: as cp_ddmin leaves it. *tried: no set of so many units or fewer has the effect, the empty set by
 * assumption; size of in - 1 if in is a smallest set. *tests is added to. Sets of a size are tried in
 * lexicographic order. */
enum cp_status cp_smaller_set(size_t units, cp_ddmin_test *test, void *context, size_t most, bool *in,
                              size_t *tried, size_t *tests, struct cp_error *err);

#endif
