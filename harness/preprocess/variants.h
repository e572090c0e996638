/* SPDX-License-Identifier: GPL-3.0-or-later
 * The rows of the table of resizes. */
#ifndef CP_PREPROCESS_VARIANTS_H
#define CP_PREPROCESS_VARIANTS_H

#include "preprocess/preprocess.h"

extern const struct cp_resize cp_resize_pillow, cp_resize_pillow_float, cp_resize_torch_antialias,
    cp_resize_torch, cp_resize_opencv, cp_resize_clip_cpp;

#endif
