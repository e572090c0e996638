/* SPDX-License-Identifier: GPL-3.0-or-later
 * Base64 (RFC 4648, section 4), for data: URIs and the hashes of a content security policy. */
#ifndef CP_BASE_BASE64_H
#define CP_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Characters of size bytes, padded, without the NUL. */
static inline size_t cp_base64_length(size_t size) {
    return (size + 2) / 3 * 4;
}

/* text has room for cp_base64_length(size) + 1. */
void cp_base64(const uint8_t *bytes, size_t size, char *text);

#endif
