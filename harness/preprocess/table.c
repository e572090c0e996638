/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preprocess/variants.h"

const struct cp_resize *const cp_resizes[] = {&cp_resize_pillow, NULL};
