/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "study/inputs_load.h"

#include "base/hash.h"
#include "io/image.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

/* Images [first, first + count) of the run come from one file, or from a seed. */
struct cp_image_source {
    size_t first, count;
    const char *path;     /* PNG; NULL: bytes, values or a seed */
    const uint8_t *bytes; /* IDX: (count, side, side), grey */
    const float *values;  /* NPY: (count, 3, side, side), already normalised */
    uint64_t seed;        /* synthetic, where all others are NULL */
};

static enum cp_status add_source(struct cp_inputs_loader *l, struct cp_image_source source,
                                 const char *name) {
    struct cp_run_inputs *in = l->in;
    const int limit = l->experiment->inputs.limit;
    const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
    source.first = in->images;
    if (source.count > (size_t)limit - in->images)
        source.count = (size_t)limit - in->images;
    if (source.count == 0)
        return CP_OK;
    if (!cp_inputs_grow(l->arena, (void **)&in->sources, in->source_count, sizeof *in->sources))
        return cp_inputs_no_memory(l->err);
    in->sources[in->source_count++] = source;
    for (size_t i = 0; i < source.count; i++) {
        if (!cp_inputs_grow(l->arena, (void **)&in->image_names, in->images, sizeof *in->image_names))
            return cp_inputs_no_memory(l->err);
        in->image_names[in->images++] =
            source.path ? cp_arena_strdup(l->arena, base) : cp_arena_printf(l->arena, "%s[%zu]", base, i);
    }
    return CP_OK;
}

static enum cp_status add_image_file(struct cp_inputs_loader *l, const char *path) {
    const size_t side = (size_t)l->config->vision.image_size;
    struct cp_image_source source = {.count = 1};
    struct cp_array array;
    CP_TRY(cp_inputs_add_file(l, path));
    if (cp_inputs_ends_with(path, ".png")) {
        source.path = path;
        return add_source(l, source, path);
    }
    if (cp_inputs_ends_with(path, ".npy")) {
        CP_TRY(cp_npy_read(path, l->arena, &array, l->err));
        if (array.dtype != CP_FP32 || array.rank != 4 || array.shape[1] != 3 || array.shape[2] != side ||
            array.shape[3] != side)
            return cp_fail(l->err, CP_BAD_INPUT, path, "is no tensor of normalised pixels for this model"),
                   cp_expected(l->err, "float32 (images, 3, %zu, %zu)", side, side);
        source.values = array.data;
    } else {
        CP_TRY(cp_idx_read(path, l->arena, &array, l->err));
        if (array.rank != 3 || array.shape[1] != side || array.shape[2] != side)
            return cp_fail(l->err, CP_BAD_INPUT, path, "is no stack of images of the model's size"),
                   cp_expected(l->err, "unsigned bytes (images, %zu, %zu)", side, side);
        source.bytes = array.data;
    }
    source.count = array.shape[0];
    return add_source(l, source, path);
}

static enum cp_status add_images(struct cp_inputs_loader *l, const struct cp_text *pattern) {
    glob_t found;
    const int code = glob(pattern->text, 0, NULL, &found); /* sorted */
    enum cp_status status = CP_OK;
    if (code != 0) {
        char where[256];
        cp_mark_text(&pattern->mark, where, sizeof where);
        (void)cp_fail(l->err, CP_BAD_INPUT, where, "inputs.images: nothing matches '%s'", pattern->text);
        return cp_expected(l->err, "files, seen from the current directory");
    }
    for (size_t i = 0; i < found.gl_pathc && status == CP_OK; i++) {
        const char *path = cp_arena_strdup(l->arena, found.gl_pathv[i]);
        status = path ? add_image_file(l, path) : cp_inputs_no_memory(l->err);
    }
    globfree(&found);
    return status;
}

enum cp_status cp_inputs_images(struct cp_inputs_loader *l) {
    const struct cp_inputs *inputs = &l->experiment->inputs;
    for (size_t i = 0; i < inputs->image_count; i++)
        CP_TRY(add_images(l, &inputs->images[i]));
    if (!inputs->synthetic)
        return CP_OK;
    const struct cp_image_source source = {.count = (size_t)inputs->synthetic_images,
                                           .seed = (uint64_t)inputs->synthetic_seed};
    return add_source(l, source, "synthetic");
}

/* Divide, subtract, divide: three roundings, as torchvision's ToTensor and Normalize do on float32. */
static float normalise(uint8_t byte, double mean, double std) {
    return ((float)byte / 255.0f - (float)mean) / (float)std;
}

static uint8_t synthetic_byte(const struct cp_image_source *source, size_t image, size_t index, size_t row) {
    return (uint8_t)(cp_counter_hash(source->seed, cp_name_hash("pixels"), image * row + index) >> 56);
}

static enum cp_status read_one(const struct cp_image_source *source, const struct cp_clip_config *config,
                               size_t image, uint8_t *rgb, float *pixels, struct cp_error *err) {
    const size_t side = (size_t)config->vision.image_size, plane = side * side;
    if (source->values) {
        memcpy(pixels, source->values + image * 3 * plane, 3 * plane * sizeof *pixels);
        return CP_OK;
    }
    if (source->path)
        CP_TRY(cp_png_read(source->path, side, rgb, err));
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < plane; i++) {
            /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): without memory, nothing is read */
            const uint8_t byte = source->path    ? rgb[i * 3 + c]
                                 : source->bytes ? source->bytes[image * plane + i]
                                                 : synthetic_byte(source, image, i * 3 + c, 3 * plane);
            pixels[c * plane + i] = normalise(byte, config->mean[c], config->std[c]);
        }
    return CP_OK;
}

enum cp_status cp_inputs_pixels(const struct cp_run_inputs *in, const struct cp_clip_config *config,
                                size_t first, size_t count, float *pixels, struct cp_error *err) {
    const size_t row = 3 * (size_t)config->vision.image_size * (size_t)config->vision.image_size;
    uint8_t *rgb = malloc(row);
    enum cp_status status = rgb ? CP_OK : cp_inputs_no_memory(err);
    size_t s = 0;
    for (size_t i = first; i < first + count && status == CP_OK; i++) {
        while (i >= in->sources[s].first + in->sources[s].count)
            s++;
        status =
            read_one(&in->sources[s], config, i - in->sources[s].first, rgb, pixels + (i - first) * row, err);
    }
    free(rgb);
    return status;
}
