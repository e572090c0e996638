/* SPDX-License-Identifier: GPL-3.0-or-later
 * Picks the decoder by the first bytes; allocation, size limits and EXIF are the same for all of them. */
#include "picture/decode.h"

#include "format/file.h"

#include <stdlib.h>
#include <string.h>

const char *const cp_picture_mode_names[CP_PICTURE_MODES] = {"1", "L", "LA", "P", "RGB", "RGBA", "I", "CMYK"};

size_t cp_picture_pixel(enum cp_picture_mode mode) {
    static const uint8_t bytes[CP_PICTURE_MODES] = {1, 1, 2, 1, 3, 4, 4, 4};
    return bytes[mode];
}

void cp_picture_free(struct cp_picture *picture) {
    free(picture->bytes);
    free(picture->exif);
    *picture = (struct cp_picture){0};
}

enum cp_status cp_picture_alloc(struct cp_picture *picture, const char *path, struct cp_error *err) {
    return CP_CHECK_ALLOC(picture->bytes =
                              calloc(picture->width * picture->height, cp_picture_pixel(picture->mode)),
                          err, path, "a picture of %zu x %zu", picture->width, picture->height);
}

enum cp_status cp_picture_start(const struct cp_picture_source *source, size_t width, size_t height,
                                enum cp_picture_mode mode) {
    if (width == 0 || height == 0)
        return cp_fail(source->err, CP_BAD_INPUT, source->path, "picture of %zu x %zu", width, height),
               cp_expected(source->err, "a pixel at least");
    if (width > CP_PICTURE_PIXELS / height)
        return cp_fail(source->err, CP_BAD_INPUT, source->path, "picture of %zu x %zu", width, height),
               cp_expected(source->err, "at most %d pixels, Pillow's limit", CP_PICTURE_PIXELS);
    source->to->width = width;
    source->to->height = height;
    source->to->mode = mode;
    return cp_picture_alloc(source->to, source->path, source->err);
}

enum cp_status cp_picture_keep_exif(const struct cp_picture_source *source, const void *exif, size_t size) {
    if (source->to->exif || size == 0)
        return CP_OK;
    CP_TRY(CP_CHECK_ALLOC(source->to->exif = malloc(size), source->err, source->path, "EXIF"));
    memcpy(source->to->exif, exif, size);
    source->to->exif_size = size;
    return CP_OK;
}

static bool is_png(const uint8_t *bytes, size_t size) {
    return size >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static bool is_jpeg(const uint8_t *bytes, size_t size) {
    return size >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0;
}

static bool is_webp(const uint8_t *bytes, size_t size) {
    return size >= 16 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0 &&
           (memcmp(bytes + 12, "VP8 ", 4) == 0 || memcmp(bytes + 12, "VP8X", 4) == 0 ||
            memcmp(bytes + 12, "VP8L", 4) == 0);
}

/* What each plugin of Pillow accepts (its _accept). */
static const struct {
    bool (*accepts)(const uint8_t *bytes, size_t size);
    enum cp_status (*decode)(const struct cp_picture_source *source);
} formats[] = {{is_png, cp_picture_png}, {is_jpeg, cp_picture_jpeg}, {is_webp, cp_picture_webp}};

/* The format's index; the number of formats where none accepts. */
static size_t format_of(const uint8_t *bytes, size_t size) {
    size_t f = 0;
    while (f < sizeof formats / sizeof formats[0] && !formats[f].accepts(bytes, size))
        f++;
    return f;
}

bool cp_picture_is_known(const uint8_t *bytes, size_t size) {
    return format_of(bytes, size) < sizeof formats / sizeof formats[0];
}

static enum cp_status refuse(const struct cp_picture_source *source) {
    return cp_fail(source->err, CP_BAD_INPUT, source->path,
                   source->size ? "is not a known picture format, by its first bytes" : "is empty"),
           cp_expected(source->err, "PNG, JPEG or WebP");
}

enum cp_status cp_picture_decode(const uint8_t *bytes, size_t size, const char *path,
                                 const struct cp_picture_options *options, struct cp_picture *picture,
                                 struct cp_error *err) {
    const struct cp_picture_source source = {bytes, size, path, options, picture, err};
    const size_t f = format_of(bytes, size);
    *picture = (struct cp_picture){0};
    if (f == sizeof formats / sizeof formats[0])
        return refuse(&source);
    const enum cp_status status = formats[f].decode(&source);
    if (status != CP_OK)
        cp_picture_free(picture);
    return status;
}

enum cp_status cp_picture_read(const char *path, const struct cp_picture_options *options,
                               struct cp_picture *picture, struct cp_error *err) {
    struct cp_file file;
    CP_TRY(cp_file_map(path, &file, err));
    const enum cp_status status = cp_picture_decode(file.bytes, file.size, path, options, picture, err);
    cp_file_unmap(&file);
    return status;
}
