/* SPDX-License-Identifier: GPL-3.0-or-later
 * The encoder, padding included. Nothing here decodes. */
#include "base/base64.h"

void cp_base64(const uint8_t *bytes, size_t size, char *text) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    enum { PAD = 64 }; /* what stands after the digits */
    for (size_t i = 0; i < size; i += 3, text += 4) {
        const size_t remaining = size - i;
        const uint32_t bits = (uint32_t)bytes[i] << 16 | (remaining > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                              (remaining > 2 ? (uint32_t)bytes[i + 2] : 0);
        text[0] = digits[bits >> 18];
        text[1] = digits[bits >> 12 & 63];
        text[2] = digits[remaining > 1 ? bits >> 6 & 63 : PAD];
        text[3] = digits[remaining > 2 ? bits & 63 : PAD];
    }
    *text = '\0';
}
