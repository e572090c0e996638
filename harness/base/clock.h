/* SPDX-License-Identifier: GPL-3.0-or-later
 * Time that only goes on. */
#ifndef CP_BASE_CLOCK_H
#define CP_BASE_CLOCK_H

/* Seconds since a moment that stays the same while the machine is up. */
double cp_clock_seconds(void);

#endif
