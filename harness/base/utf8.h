/* SPDX-License-Identifier: GPL-3.0-or-later
 * Well-formedness of UTF-8 text. */
#ifndef CP_BASE_UTF8_H
#define CP_BASE_UTF8_H

#include <stddef.h>

/* Bytes of the character at text, of which left > 0 bytes can be read; 0 if it is not well-formed UTF-8 (RFC
 * 3629, section 4) or a control character other than tab, line feed and carriage return. */
size_t cp_utf8_length(const unsigned char *text, size_t remaining);

#endif
