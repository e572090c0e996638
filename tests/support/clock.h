/* SPDX-License-Identifier: GPL-3.0-or-later
 * A clock for limits and for figures of time. */
#ifndef CP_TESTS_SUPPORT_CLOCK_H
#define CP_TESTS_SUPPORT_CLOCK_H

/* Seconds of a clock that is never set. */
double seconds(void);

#endif
