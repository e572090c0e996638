/* SPDX-License-Identifier: GPL-3.0-or-later
 * Encodes with libspng into a buffer in memory. */
#include "picture/image_write.h"

#include <spng.h>

enum cp_status cp_png_write(const uint8_t *rgb, size_t height, size_t width, uint8_t **png, size_t *size,
                            struct cp_error *err) {
    struct spng_ihdr header = {.width = (uint32_t)width,
                               .height = (uint32_t)height,
                               .bit_depth = 8,
                               .color_type = SPNG_COLOR_TYPE_TRUECOLOR};
    spng_ctx *encoder = spng_ctx_new(SPNG_CTX_ENCODER);
    int code = encoder ? spng_set_option(encoder, SPNG_ENCODE_TO_BUFFER, 1) : SPNG_EMEM;
    code = code ? code : spng_set_ihdr(encoder, &header);
    code =
        code ? code : spng_encode_image(encoder, rgb, height * width * 3, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
    *png = code ? NULL : spng_get_png_buffer(encoder, size, &code);
    spng_ctx_free(encoder);
    return code ? cp_fail(err, CP_INTERNAL, "", "an image cannot be encoded: %s", spng_strerror(code))
                : CP_OK;
}
