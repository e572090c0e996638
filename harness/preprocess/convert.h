/* SPDX-License-Identifier: GPL-3.0-or-later
 * Pillow's conversions between modes (src/libImaging/Convert.c). */
#ifndef CP_PREPROCESS_CONVERT_H
#define CP_PREPROCESS_CONVERT_H

#include "picture/picture.h"

/* convert('RGB') of `count` pixels. Alpha is dropped, not composited. */
void cp_convert_rgb(const struct cp_picture *picture, const uint8_t *pixels, size_t count, uint8_t *rgb);
/* convert('La'), convert('RGBa') and back, in place; `channels` with alpha, the last. */
void cp_premultiply(uint8_t *pixels, size_t count, size_t channels);
void cp_unpremultiply(uint8_t *pixels, size_t count, size_t channels);

#endif
