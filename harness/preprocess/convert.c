/* SPDX-License-Identifier: GPL-3.0-or-later
 * Pixel by pixel to RGB, and alpha multiplied in and divided out, in Pillow's integer arithmetic. */
#include "preprocess/convert.h"

#include <string.h>

/* ImagingUtils.h MULDIV255: a * b / 255, rounded. */
static unsigned muldiv255(unsigned a, unsigned b) {
    const unsigned t = a * b + 128;
    return ((t >> 8) + t) >> 8;
}

static void grey(uint8_t *rgb, uint8_t value) {
    rgb[0] = rgb[1] = rgb[2] = value;
}

/* i2rgb: what lies beyond a byte is cut, so 16-bit grey is mostly white. */
static void from_i(const uint8_t *pixel, uint8_t *rgb) {
    int32_t value;
    memcpy(&value, pixel, sizeof value);
    grey(rgb, (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value));
}

/* cmyk2rgb */
static void from_cmyk(const uint8_t *pixel, uint8_t *rgb) {
    const unsigned rest = 255u - pixel[3];
    for (size_t c = 0; c < 3; c++)
        rgb[c] = (uint8_t)(rest - muldiv255(pixel[c], rest));
}

void cp_convert_rgb(const struct cp_picture *picture, const uint8_t *pixels, size_t count, uint8_t *rgb) {
    const size_t size = cp_picture_pixel(picture->mode);
    for (size_t i = 0; i < count; i++, pixels += size, rgb += 3)
        switch (picture->mode) {
        case CP_PICTURE_1: /* bit2rgb */
            grey(rgb, *pixels ? 255 : 0);
            break;
        case CP_PICTURE_P: /* p2rgb */
            memcpy(rgb, picture->palette + 3 * *pixels, 3);
            break;
        case CP_PICTURE_RGB:
        case CP_PICTURE_RGBA: /* rgba2rgb */
            memcpy(rgb, pixels, 3);
            break;
        case CP_PICTURE_I:
            from_i(pixels, rgb);
            break;
        case CP_PICTURE_CMYK:
            from_cmyk(pixels, rgb);
            break;
        default: /* l2rgb, la2rgb */
            grey(rgb, *pixels);
        }
}

/* rgbA2rgba, lA2la */
void cp_premultiply(uint8_t *pixels, size_t count, size_t channels) {
    for (size_t i = 0; i < count; i++, pixels += channels)
        for (size_t c = 0; c + 1 < channels; c++)
            pixels[c] = (uint8_t)muldiv255(pixels[c], pixels[channels - 1]);
}

/* rgba2rgbA, la2lA */
void cp_unpremultiply(uint8_t *pixels, size_t count, size_t channels) {
    for (size_t i = 0; i < count; i++, pixels += channels) {
        const unsigned alpha = pixels[channels - 1];
        for (size_t c = 0; c + 1 < channels && alpha != 0 && alpha != 255; c++) {
            const unsigned value = 255u * pixels[c] / alpha;
            pixels[c] = (uint8_t)(value > 255 ? 255 : value);
        }
    }
}
