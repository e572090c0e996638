/* SPDX-License-Identifier: GPL-3.0-or-later
 * Values are hashed as they lie in memory: the supported machines are little-endian. */
#include "base/digest.h"

#include "base/regular.h"
#include "base/wide.h"

#include <errno.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cp_digest {
    EVP_MD_CTX *context;
};

enum cp_status cp_digest_start(struct cp_digest **out, struct cp_error *err) {
    struct cp_digest *digest = malloc(sizeof *digest);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!digest || !context || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
        free(digest);
        EVP_MD_CTX_free(context);
        return cp_fail(err, CP_INTERNAL, "", "SHA-256 could not be started");
    }
    digest->context = context;
    *out = digest;
    return CP_OK;
}

void cp_digest_add(struct cp_digest *digest, const void *bytes, size_t size) {
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): cp_fail never returns CP_OK */
    (void)EVP_DigestUpdate(digest->context, bytes, size);
}

void cp_digest_finish_hex(struct cp_digest *digest, char hex[CP_DIGEST_HEX]) {
    unsigned char bytes[CP_DIGEST_BYTES];
    (void)EVP_DigestFinal_ex(digest->context, bytes, NULL);
    for (int i = 0; i < CP_DIGEST_BYTES; i++)
        (void)snprintf(hex + 2 * (size_t)i, 3, "%02x", bytes[i]);
    EVP_MD_CTX_free(digest->context);
    free(digest);
}

enum cp_status cp_digest_file(const char *path, char hex[CP_DIGEST_HEX], struct cp_error *err) {
    static const size_t piece = 1 << 16;
    struct cp_digest *digest = NULL;
    FILE *file;
    CP_TRY(cp_regular_stream(path, &file, err));
    unsigned char *buffer = malloc(piece);
    enum cp_status status = CP_CHECK_ALLOC(buffer, err, path, "a digest");
    if (status == CP_OK)
        status = cp_digest_start(&digest, err);
    for (size_t got; status == CP_OK && (got = fread(buffer, 1, piece, file)) > 0;)
        cp_digest_add(digest, buffer, got);
    if (status == CP_OK && ferror(file))
        status = cp_fail(err, CP_BAD_INPUT, path, "cannot be read: %s", strerror(errno));
    if (digest)
        cp_digest_finish_hex(digest, hex);
    free(buffer);
    (void)fclose(file);
    return status;
}

static inline uint64_t bits_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Whether the largest magnitude, as an integer, is beyond infinity's. */
CP_WIDE static bool any_nan32(const float *x, size_t count) {
    uint32_t most = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t magnitude = cp_bits(x[i]) & 0x7fffffffu;
        most = magnitude > most ? magnitude : most;
    }
    return most > 0x7f800000u;
}

CP_WIDE static bool any_nan64(const double *x, size_t count) {
    uint64_t most = 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t magnitude = bits_of(x[i]) & INT64_MAX;
        most = magnitude > most ? magnitude : most;
    }
    return most > 0x7ff0000000000000u;
}

enum { PIECE = 2048 };

static void add_floats(EVP_MD_CTX *context, const float *values, size_t n) {
    float copy[PIECE];
    if (any_nan32(values, n)) {
        for (size_t i = 0; i < n; i++)
            copy[i] = isnan(values[i]) ? cp_from_bits(0x7fc00000u) : values[i];
        values = copy;
    }
    (void)EVP_DigestUpdate(context, values, n * sizeof *values);
}

static void add_doubles(EVP_MD_CTX *context, const double *values, size_t n) {
    const uint64_t nan64 = 0x7ff8000000000000u;
    double copy[PIECE];
    if (any_nan64(values, n)) {
        memcpy(copy, values, n * sizeof *copy);
        for (size_t i = 0; i < n; i++)
            if (isnan(copy[i]))
                memcpy(&copy[i], &nan64, sizeof nan64);
        values = copy;
    }
    (void)EVP_DigestUpdate(context, values, n * sizeof *values);
}

void cp_digest_tensor(enum cp_dtype dtype, const void *values, size_t count,
                      uint8_t digest[CP_DIGEST_BYTES]) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    memset(digest, 0, CP_DIGEST_BYTES);
    (void)EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    for (size_t done = 0; done < count; done += PIECE) {
        const size_t n = count - done < PIECE ? count - done : PIECE;
        if (dtype == CP_FP64)
            add_doubles(context, (const double *)values + done, n);
        else
            add_floats(context, (const float *)values + done, n);
    }
    (void)EVP_DigestFinal_ex(context, digest, NULL);
    EVP_MD_CTX_free(context);
}
