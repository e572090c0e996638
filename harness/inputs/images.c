/* SPDX-License-Identifier: GPL-3.0-or-later
 * Expands globs to pictures, NPY, IDX or synthetic images, and makes the pixels of those in a batch. */
#include "inputs/load.h"

#include "base/hash.h"
#include "format/file.h"
#include "picture/image.h"
#include "picture/picture.h"

#include <glob.h>
#include <string.h>

/* Images [first, first + count) of the run come from one file, or from a seed. */
struct cp_image_source {
    size_t first, count;
    const char *path;     /* a picture; NULL: bytes, values or a seed */
    const uint8_t *bytes; /* IDX: (count, height, width), grey */
    size_t height, width; /* of bytes */
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
    CP_TRY(
        CP_CHECK_ALLOC(cp_inputs_grow(l->arena, (void **)&in->sources, in->source_count, sizeof *in->sources),
                       l->err, "", "the inputs"));
    in->sources[in->source_count++] = source;
    for (size_t i = 0; i < source.count; i++) {
        CP_TRY(CP_CHECK_ALLOC(
            cp_inputs_grow(l->arena, (void **)&in->image_names, in->images, sizeof *in->image_names), l->err,
            "", "the inputs"));
        const char *own =
            source.path ? cp_arena_strdup(l->arena, base) : cp_arena_printf(l->arena, "%s[%zu]", base, i);
        CP_TRY(CP_CHECK_ALLOC(own, l->err, "", "the inputs"));
        in->image_names[in->images++] = own;
    }
    return CP_OK;
}

static enum cp_status add_npy(struct cp_inputs_loader *l, const char *path) {
    const size_t side = (size_t)l->config->vision.image_size;
    struct cp_array array;
    CP_TRY(cp_npy_read(path, l->arena, &array, l->err));
    if (array.dtype != CP_FP32 || array.rank != 4 || array.shape[1] != 3 || array.shape[2] != side ||
        array.shape[3] != side)
        return cp_fail(l->err, CP_BAD_INPUT, path, "is not a tensor of normalised pixels for this model"),
               cp_expected(l->err, "float32 (images, 3, %zu, %zu)", side, side);
    return add_source(l, (struct cp_image_source){.count = array.shape[0], .values = array.data}, path);
}

static enum cp_status add_idx(struct cp_inputs_loader *l, const char *path) {
    struct cp_array array;
    CP_TRY(cp_idx_read(path, l->arena, &array, l->err));
    if (array.rank != 3)
        return cp_fail(l->err, CP_BAD_INPUT, path, "is not a stack of images"),
               cp_expected(l->err, "unsigned bytes (images, height, width)");
    const struct cp_image_source source = {
        .count = array.shape[0], .bytes = array.data, .height = array.shape[1], .width = array.shape[2]};
    return add_source(l, source, path);
}

static enum cp_status add_picture(struct cp_inputs_loader *l, const char *path) {
    return add_source(l, (struct cp_image_source){.count = 1, .path = path}, path);
}

/* By the ending, so that ten thousand pictures are not opened before the first is read; by the first bytes
 * where the ending says nothing. */
static enum cp_status add_image_file(struct cp_inputs_loader *l, const char *path) {
    static const struct {
        const char *ending;
        enum cp_status (*add)(struct cp_inputs_loader *l, const char *path);
    } endings[] = {{".png", add_picture},
                   {".jpg", add_picture},
                   {".jpeg", add_picture},
                   {".webp", add_picture},
                   {".npy", add_npy}};
    struct cp_file start;
    CP_TRY(cp_inputs_add_file(l, path));
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (cp_inputs_ends_with(path, endings[i].ending))
            return endings[i].add(l, path);
    CP_TRY(cp_file_read_start(path, CP_PICTURE_MAGIC, l->arena, &start, l->err));
    if (cp_picture_is_known(start.bytes, start.size))
        return add_picture(l, path);
    if (start.size >= 2 && start.bytes[0] == 0 && start.bytes[1] == 0)
        return add_idx(l, path);
    return cp_fail(l->err, CP_BAD_INPUT, path, "is not a known image format, by its first bytes"),
           cp_expected(l->err, "PNG, JPEG, WebP, .npy, or IDX of unsigned bytes");
}

static enum cp_status add_images(struct cp_inputs_loader *l, const struct cp_marked_text *pattern) {
    glob_t found;
    const int code = glob(pattern->text, 0, NULL, &found); /* sorted */
    enum cp_status status = CP_OK;
    if (code != 0) {
        char where[256];
        cp_mark_text(&pattern->mark, where, sizeof where);
        (void)cp_fail(l->err, CP_BAD_INPUT, where, "inputs.images: nothing matches '%s'", pattern->text);
        return cp_expected(l->err, "files; paths are relative to the experiment's folder or the current directory");
    }
    for (size_t i = 0; i < found.gl_pathc && status == CP_OK; i++) {
        const char *path = cp_arena_strdup(l->arena, found.gl_pathv[i]);
        status = path ? add_image_file(l, path) : cp_no_memory(l->err, "", "the inputs");
    }
    globfree(&found);
    return status;
}

enum cp_status cp_inputs_images(struct cp_inputs_loader *l) {
    const struct cp_experiment_inputs *inputs = &l->experiment->inputs;
    for (size_t i = 0; i < inputs->image_count; i++)
        CP_TRY(add_images(l, &inputs->images[i]));
    if (!inputs->synthetic)
        return CP_OK;
    const struct cp_image_source source = {.count = (size_t)inputs->synthetic_images,
                                           .seed = (uint64_t)inputs->synthetic_seed};
    return add_source(l, source, "synthetic");
}

/* RGB of the model's size. */
static void synthesize(const struct cp_image_source *source, size_t image, struct cp_picture *to) {
    const size_t row = to->width * to->height * 3;
    for (size_t i = 0; i < row; i++)
        to->bytes[i] =
            (uint8_t)(cp_counter_hash(source->seed, cp_name_hash("pixels"), image * row + i) >> 56);
}

static enum cp_status make_picture(const struct cp_image_source *source, const struct cp_preprocess *how,
                                   size_t image, struct cp_picture *picture, struct cp_error *err) {
    const bool grey = source->bytes != NULL;
    if (source->path)
        return cp_picture_read(source->path, &how->decode, picture, err);
    *picture = (struct cp_picture){.width = grey ? source->width : how->size,
                                   .height = grey ? source->height : how->size,
                                   .mode = grey ? CP_PICTURE_L : CP_PICTURE_RGB};
    CP_TRY(cp_picture_alloc(picture, "", err));
    const size_t row = picture->width * picture->height;
    if (grey)
        memcpy(picture->bytes, source->bytes + image * row, row);
    else
        synthesize(source, image, picture);
    return CP_OK;
}

/* The last source that starts at the image or before it. */
static const struct cp_image_source *source_of(const struct cp_run_inputs *in, size_t image) {
    size_t low = 0, end = in->source_count;
    while (end - low > 1) {
        const size_t middle = low + (end - low) / 2;
        if (in->sources[middle].first <= image)
            low = middle;
        else
            end = middle;
    }
    return &in->sources[low];
}

enum cp_status cp_inputs_picture(const struct cp_run_inputs *in, const struct cp_preprocess *how,
                                 size_t image, struct cp_picture *picture, const char **path,
                                 struct cp_error *err) {
    const struct cp_image_source *source = source_of(in, image);
    *path = source->path ? source->path : "";
    return make_picture(source, how, image - source->first, picture, err);
}

bool cp_inputs_is_picture(const struct cp_run_inputs *in, size_t image) {
    return source_of(in, image)->values == NULL;
}

static enum cp_status read_one(const struct cp_run_inputs *in, const struct cp_preprocess *how, size_t image,
                               float *pixels, struct cp_error *err) {
    const size_t row = 3 * how->size * how->size;
    const struct cp_image_source *source = source_of(in, image);
    struct cp_picture picture;
    const char *path;
    if (source->values) {
        memcpy(pixels, source->values + (image - source->first) * row, row * sizeof *pixels);
        return CP_OK;
    }
    CP_TRY(cp_inputs_picture(in, how, image, &picture, &path, err));
    const enum cp_status status = cp_preprocess_apply(how, &picture, path, NULL, pixels, err);
    cp_picture_free(&picture);
    return status;
}

enum cp_status cp_inputs_pixels(const struct cp_run_inputs *in, const struct cp_preprocess *how, size_t first,
                                size_t count, float *pixels, struct cp_error *err) {
    const size_t row = 3 * how->size * how->size;
    for (size_t i = 0; i < count; i++)
        CP_TRY(read_one(in, how, first + i, pixels + i * row, err));
    return CP_OK;
}

bool cp_inputs_has_pictures(const struct cp_run_inputs *in) {
    for (size_t s = 0; s < in->source_count; s++)
        if (!in->sources[s].values)
            return true;
    return false;
}
