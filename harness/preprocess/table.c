/* SPDX-License-Identifier: GPL-3.0-or-later
 * The variants of resizing, in the order of their indices. */
#include "preprocess/variants.h"

const struct cp_resize *const cp_resizes[] = {&cp_resize_pillow,
                                              &cp_resize_pillow_float,
                                              &cp_resize_torch_antialias,
                                              &cp_resize_torch,
                                              &cp_resize_opencv,
                                              &cp_resize_clip_cpp,
                                              NULL};
