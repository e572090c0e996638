/* SPDX-License-Identifier: GPL-3.0-or-later
 * Teacher forcing: a tap that replaces every tensor by what was kept of the baseline, so that each operation
 * is fed the baseline's own input and what it then computes differs by its own error alone. It stands last
 * among a lane's taps: the operation's result is observed first, then replaced for the next operation. */
#ifndef CP_TAP_REPLACE_H
#define CP_TAP_REPLACE_H

#include "tap/buffer.h"

/* baseline: float32, of every site; widened for an oracle. Borrowed. */
struct cp_tap cp_replace_tap(struct cp_tap_buffer *baseline);

#endif
