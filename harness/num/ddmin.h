/* SPDX-License-Identifier: GPL-3.0-or-later
 * Delta debugging: of changes that together have an effect, a smallest set that still has it. The algorithm
 * ddmin of Zeller & Hildebrandt, "Simplifying and isolating failure-inducing input", IEEE Transactions on
 * Software Engineering 28(2), 2002, section 3.3: try parts, then complements of parts, then smaller parts. */
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

#endif
