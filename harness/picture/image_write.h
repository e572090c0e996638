/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CP_PICTURE_IMAGE_WRITE_H
#define CP_PICTURE_IMAGE_WRITE_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* rgb (height, width, 3) as a PNG of 8 bits a channel. Free *png with free(). Equal pixels make equal bytes
 * (with one version of zlib). */
enum cp_status cp_png_write(const uint8_t *rgb, size_t height, size_t width, uint8_t **png, size_t *size,
                            struct cp_error *err);

#endif
