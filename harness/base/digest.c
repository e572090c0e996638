/* SPDX-License-Identifier: GPL-3.0-or-later
 * Values are hashed as they lie in memory: the supported machines are little-endian. */
#include "base/digest.h"

#include <errno.h>
#include <math.h>
#include <openssl/evp.h>
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
    FILE *file = fopen(path, "rb");
    unsigned char *buffer = malloc(piece);
    enum cp_status status = CP_OK;
    if (!file || !buffer)
        status = cp_fail(err, CP_BAD_INPUT, path, "cannot be read: %s", strerror(errno));
    else
        status = cp_digest_start(&digest, err);
    for (size_t got; status == CP_OK && (got = fread(buffer, 1, piece, file)) > 0;)
        cp_digest_add(digest, buffer, got);
    if (status == CP_OK && ferror(file))
        status = cp_fail(err, CP_BAD_INPUT, path, "cannot be read: %s", strerror(errno));
    if (digest)
        cp_digest_finish_hex(digest, hex);
    free(buffer);
    if (file)
        (void)fclose(file);
    return status;
}

void cp_digest_tensor(enum cp_dtype dtype, const void *values, size_t count,
                      uint8_t digest[CP_DIGEST_BYTES]) {
    enum { PIECE = 512 };
    const uint32_t nan32 = 0x7fc00000u;
    const uint64_t nan64 = 0x7ff8000000000000u;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    (void)EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    for (size_t done = 0; done < count; done += PIECE) {
        const size_t n = count - done < PIECE ? count - done : PIECE;
        double doubles[PIECE];
        float floats[PIECE];
        if (dtype == CP_FP64) {
            memcpy(doubles, (const double *)values + done, n * sizeof *doubles);
            for (size_t i = 0; i < n; i++)
                if (isnan(doubles[i]))
                    memcpy(&doubles[i], &nan64, sizeof nan64);
            (void)EVP_DigestUpdate(context, doubles, n * sizeof *doubles);
        } else {
            memcpy(floats, (const float *)values + done, n * sizeof *floats);
            for (size_t i = 0; i < n; i++)
                if (isnan(floats[i]))
                    memcpy(&floats[i], &nan32, sizeof nan32);
            (void)EVP_DigestUpdate(context, floats, n * sizeof *floats);
        }
    }
    (void)EVP_DigestFinal_ex(context, digest, NULL);
    EVP_MD_CTX_free(context);
}
