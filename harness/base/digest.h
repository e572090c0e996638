/* SPDX-License-Identifier: GPL-3.0-or-later
 * SHA-256 (FIPS 180-4) of bytes, files and tensors. */
#ifndef CP_BASE_DIGEST_H
#define CP_BASE_DIGEST_H

#include "base/number.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

enum { CP_DIGEST_BYTES = 32, CP_DIGEST_HEX = 65 };

struct cp_digest;

/* End with cp_digest_finish_hex, which frees it. */
enum cp_status cp_digest_start(struct cp_digest **digest, struct cp_error *err);
void cp_digest_add(struct cp_digest *digest, const void *bytes, size_t size);
/* 64 lower-case hexadecimal digits and a NUL. */
void cp_digest_finish_hex(struct cp_digest *digest, char hex[CP_DIGEST_HEX]);

/* A whole regular file, read in pieces. */
enum cp_status cp_digest_file(const char *path, char hex[CP_DIGEST_HEX], struct cp_error *err);

/* count values of float (CP_FP32) or double (CP_FP64) as little-endian bytes, every NaN as the quiet one with
 * an empty payload (0x7fc00000, 0x7ff8000000000000). All zeros, which no SHA-256 is, when out of memory. */
void cp_digest_tensor(enum cp_dtype dtype, const void *values, size_t count, uint8_t digest[CP_DIGEST_BYTES]);

#endif
