/* SPDX-License-Identifier: GPL-3.0-or-later
 * The rows of the table of resizes. */
#ifndef CP_PREPROCESS_VARIANTS_H
#define CP_PREPROCESS_VARIANTS_H

#include "preprocess/preprocess.h"

extern const struct cp_resize cp_resize_pillow;

#endif
