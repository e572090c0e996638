/* SPDX-License-Identifier: GPL-3.0-or-later
 * Refuses overlong forms, surrogates and control characters, one character at a time. */
#include "base/utf8.h"

size_t cp_utf8_length(const unsigned char *text, size_t remaining) {
    /* The first code that needs this many bytes; of two bytes, the first behind the C1 controls. */
    static const unsigned lowest[] = {0, 0, 0xa0, 0x800, 0x10000};
    const unsigned first = text[0];
    if (first < 0x80)
        return first == '\t' || first == '\n' || first == '\r' || (first >= 0x20 && first != 0x7f);
    const size_t length = first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 0;
    if (length == 0 || remaining < length)
        return 0;
    unsigned code = first & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3fu);
    }
    return code < lowest[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : length;
}
