/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "study/inputs.h"

#include "base/hash.h"
#include "io/file.h"
#include "io/image.h"
#include "model/pass.h"
#include "model/tokenizer.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_MAX = 1 << 26 };

/* Images [first, first + count) of the run come from one file, or from a seed. */
struct cp_image_source {
    size_t first, count;
    const char *path;     /* PNG; NULL: bytes, values or a seed */
    const uint8_t *bytes; /* IDX: (count, side, side), grey */
    const float *values;  /* NPY: (count, 3, side, side), already normalised */
    uint64_t seed;        /* synthetic, where all others are NULL */
};

struct loader {
    const struct cp_experiment *experiment;
    const struct cp_clip_config *config;
    struct cp_arena *arena;
    struct cp_run_inputs *in;
    struct cp_error *err;
};

static enum cp_status out_of_memory(struct cp_error *err) {
    return cp_fail(err, CP_INTERNAL, "", "out of memory for the inputs");
}

/* Doubles an array in the arena when count is a power of two. */
static bool grow(struct cp_arena *arena, void **array, size_t count, size_t size) {
    if (count & (count - 1))
        return true;
    void *larger = cp_arena_alloc(arena, count ? 2 * count : 1, size);
    if (larger && count)
        memcpy(larger, *array, count * size);
    *array = larger;
    return larger != NULL;
}

static enum cp_status add_file(struct loader *l, const char *path) {
    struct cp_run_inputs *in = l->in;
    if (!grow(l->arena, (void **)&in->files, in->file_count, sizeof *in->files))
        return out_of_memory(l->err);
    in->files[in->file_count++] = path;
    return CP_OK;
}

static enum cp_status add_source(struct loader *l, struct cp_image_source source, const char *name) {
    struct cp_run_inputs *in = l->in;
    const int limit = l->experiment->inputs.limit;
    const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
    source.first = in->images;
    if (source.count > (size_t)limit - in->images)
        source.count = (size_t)limit - in->images;
    if (source.count == 0)
        return CP_OK;
    if (!grow(l->arena, (void **)&in->sources, in->source_count, sizeof *in->sources))
        return out_of_memory(l->err);
    in->sources[in->source_count++] = source;
    for (size_t i = 0; i < source.count; i++) {
        if (!grow(l->arena, (void **)&in->image_names, in->images, sizeof *in->image_names))
            return out_of_memory(l->err);
        in->image_names[in->images++] =
            source.path ? cp_arena_strdup(l->arena, base) : cp_arena_printf(l->arena, "%s[%zu]", base, i);
    }
    return CP_OK;
}

static bool ends_with(const char *text, const char *ending) {
    const size_t a = strlen(text), b = strlen(ending);
    return a >= b && strcmp(text + a - b, ending) == 0;
}

static enum cp_status add_image_file(struct loader *l, const char *path) {
    const size_t side = (size_t)l->config->vision.image_size;
    struct cp_image_source source = {.count = 1};
    struct cp_array array;
    CP_TRY(add_file(l, path));
    if (ends_with(path, ".png")) {
        source.path = path;
        return add_source(l, source, path);
    }
    if (ends_with(path, ".npy")) {
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

static enum cp_status add_images(struct loader *l, const struct cp_text *pattern) {
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
        status = path ? add_image_file(l, path) : out_of_memory(l->err);
    }
    globfree(&found);
    return status;
}

/* ---- prompts
 * -------------------------------------------------------------------------------------------------- */

/* The lines of a list, or of the file it names, without empty ones. */
static enum cp_status read_lines(struct loader *l, const struct cp_lines *lines, const char ***items,
                                 size_t *count) {
    *count = 0;
    if (!lines->path.text) {
        *items = cp_arena_alloc(l->arena, lines->count, sizeof **items);
        for (; *items && *count < lines->count; ++*count)
            (*items)[*count] = lines->items[*count].text;
        return *items ? CP_OK : out_of_memory(l->err);
    }
    struct cp_file file;
    char *rest = NULL;
    CP_TRY(cp_file_read(lines->path.text, LIST_MAX, l->arena, &file, l->err));
    CP_TRY(add_file(l, lines->path.text));
    char *text = file.size ? (char *)(uintptr_t)file.bytes : (char[]){""}; /* the arena's copy, ours to cut */
    for (char *line = strtok_r(text, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest)) {
        if (!grow(l->arena, (void **)items, *count, sizeof **items))
            return out_of_memory(l->err);
        (*items)[(*count)++] = line;
    }
    if (*count == 0)
        return cp_fail(l->err, CP_BAD_INPUT, lines->path.text, "has no lines"),
               cp_expected(l->err, "one item a line");
    return CP_OK;
}

static enum cp_status from_templates(struct loader *l, const char **classes, const char **templates,
                                     size_t count) {
    struct cp_run_inputs *in = l->in;
    in->prompts = in->classes * count;
    in->prompt_texts = cp_arena_alloc(l->arena, in->prompts, sizeof *in->prompt_texts);
    if (!in->prompt_texts)
        return out_of_memory(l->err);
    for (size_t p = 0; p < in->prompts; p++) {
        const char *template = templates[p % count], *hole = strstr(template, "{}");
        if (!hole)
            return cp_fail(l->err, CP_BAD_INPUT, "", "template '%s' has no {}", template),
                   cp_expected(l->err, "a text such as \"a photo of a {}\"");
        in->prompt_texts[p] = cp_arena_printf(l->arena, "%.*s%s%s", (int)(hole - template), template,
                                              classes[p / count], hole + 2);
    }
    return CP_OK;
}

static enum cp_status tokenize(struct loader *l) {
    struct cp_run_inputs *in = l->in;
    const int length = l->config->text.context_length;
    const char *vocabulary = "data/vocab/bpe_simple_vocab_16e6.txt.gz";
    struct cp_tokenizer *tokenizer = NULL;
    if (l->config->text.vocab_size != 49408)
        return cp_fail(l->err, CP_BAD_INPUT, "",
                       "prompts need OpenAI's vocabulary of 49408, the model has %d",
                       l->config->text.vocab_size),
               cp_expected(l->err, "token ids from a .npy file");
    in->tokens = cp_arena_alloc(l->arena, in->prompts * (size_t)length, sizeof *in->tokens);
    if (!in->tokens)
        return out_of_memory(l->err);
    CP_TRY(add_file(l, vocabulary));
    CP_TRY(cp_tokenizer_open(vocabulary, &tokenizer, l->err));
    enum cp_status status = CP_OK;
    for (size_t p = 0; p < in->prompts && status == CP_OK; p++)
        status = cp_tokenizer_encode(tokenizer, in->prompt_texts[p], length, in->tokens + p * (size_t)length,
                                     l->err);
    cp_tokenizer_close(tokenizer);
    return status;
}

static enum cp_status number_prompts(struct loader *l, const char *prefix) {
    struct cp_run_inputs *in = l->in;
    in->prompt_texts = cp_arena_alloc(l->arena, in->prompts, sizeof *in->prompt_texts);
    for (size_t p = 0; in->prompt_texts && p < in->prompts; p++)
        in->prompt_texts[p] = cp_arena_printf(l->arena, "%s[%zu]", prefix, p);
    return in->prompt_texts ? CP_OK : out_of_memory(l->err);
}

static enum cp_status read_token_file(struct loader *l, const char *path) {
    struct cp_run_inputs *in = l->in;
    const size_t length = (size_t)l->config->text.context_length;
    struct cp_array array;
    CP_TRY(add_file(l, path));
    CP_TRY(cp_npy_read(path, l->arena, &array, l->err));
    if (array.rank != 2 || array.shape[1] != length || (array.dtype != CP_INT32 && array.dtype != CP_INT64))
        return cp_fail(l->err, CP_BAD_INPUT, path, "holds no token ids for this model"),
               cp_expected(l->err, "int32 or int64 (prompts, %zu)", length);
    in->prompts = array.shape[0];
    in->tokens = cp_arena_alloc(l->arena, in->prompts * length, sizeof *in->tokens);
    if (!in->tokens)
        return out_of_memory(l->err);
    for (size_t i = 0; i < in->prompts * length; i++) {
        const int64_t id =
            array.dtype == CP_INT32 ? ((const int32_t *)array.data)[i] : ((const int64_t *)array.data)[i];
        if (id < 0 || id >= l->config->text.vocab_size)
            return cp_fail(l->err, CP_BAD_INPUT, path, "id %lld of prompt %zu", (long long)id, i / length),
                   cp_expected(l->err, "0 to %d", l->config->text.vocab_size - 1);
        in->tokens[i] = (int32_t)id;
    }
    return number_prompts(l, path);
}

static enum cp_status load_prompts(struct loader *l) {
    const struct cp_inputs *inputs = &l->experiment->inputs;
    struct cp_run_inputs *in = l->in;
    const char **templates = NULL;
    size_t count = 0;
    switch (inputs->prompts) {
    case CP_PROMPTS_NONE:
        return CP_OK;
    case CP_PROMPTS_TOKENS:
        return read_token_file(l, inputs->texts.path.text);
    case CP_PROMPTS_LINES:
        CP_TRY(read_lines(l, &inputs->texts, &in->prompt_texts, &in->prompts));
        return tokenize(l);
    case CP_PROMPTS_CLASSES:
        break;
    }
    CP_TRY(read_lines(l, &inputs->texts, &in->class_names, &in->classes));
    CP_TRY(read_lines(l, &inputs->templates, &templates, &count));
    CP_TRY(from_templates(l, in->class_names, templates, count));
    return tokenize(l);
}

/* ---- synthetic inputs, by the counter-based rule
 * --------------------------------------------------------------- */

static enum cp_status make_synthetic(struct loader *l) {
    const struct cp_inputs *inputs = &l->experiment->inputs;
    struct cp_run_inputs *in = l->in;
    const uint64_t seed = (uint64_t)inputs->synthetic_seed, stream = cp_name_hash("tokens");
    const size_t length = (size_t)l->config->text.context_length;
    const uint64_t words = (uint64_t)l->config->text.vocab_size - 2;
    CP_TRY(add_source(l, (struct cp_image_source){.count = (size_t)inputs->synthetic_images, .seed = seed},
                      "synthetic"));
    in->prompts = (size_t)inputs->synthetic_prompts;
    in->tokens = cp_arena_calloc(l->arena, in->prompts * length, sizeof *in->tokens);
    if (!in->tokens)
        return out_of_memory(l->err);
    for (size_t p = 0; p < in->prompts; p++) {
        int32_t *row = in->tokens + p * length;
        const size_t text = 1 + cp_counter_hash(seed, stream, p * length) % (length - 2);
        row[0] = (int32_t)words;
        for (size_t i = 1; i <= text; i++)
            row[i] = (int32_t)(cp_counter_hash(seed, stream, p * length + i) % words);
        row[text + 1] = (int32_t)words + 1;
    }
    return number_prompts(l, "synthetic");
}

/* ---- labels
 * --------------------------------------------------------------------------------------------------- */

/* Rows file,label[,class] after a header; a row is for the image whose file name is that of `file`. */
static enum cp_status read_label_csv(struct loader *l, const char *path) {
    struct cp_run_inputs *in = l->in;
    struct cp_file file;
    char *rest = NULL;
    int number = 1;
    CP_TRY(cp_file_read(path, LIST_MAX, l->arena, &file, l->err));
    char *line = strtok_r((char *)(uintptr_t)file.bytes, "\r\n", &rest); /* the header */
    while (line && (line = strtok_r(NULL, "\r\n", &rest)) != NULL) {
        char *comma = strchr(line, ','), *end = NULL;
        const long label = comma ? strtol(comma + 1, &end, 10) : -1;
        number++;
        if (!comma || end == comma + 1 || (*end && *end != ',') || label < 0 || label > 1000000)
            return cp_fail(l->err, CP_BAD_INPUT, path, "line %d: '%.60s'", number, line),
                   cp_expected(l->err, "file,label[,class] with label a whole number from 0");
        *comma = '\0';
        const char *base = strrchr(line, '/') ? strrchr(line, '/') + 1 : line;
        for (size_t i = 0; i < in->images; i++)
            if (strcmp(in->image_names[i], base) == 0)
                in->labels[i] = (int32_t)label;
    }
    return CP_OK;
}

static enum cp_status read_label_idx(struct loader *l, const char *path) {
    struct cp_array array;
    CP_TRY(cp_idx_read(path, l->arena, &array, l->err));
    if (array.rank != 1 || array.shape[0] < l->in->images)
        return cp_fail(l->err, CP_BAD_INPUT, path, "has no label for each of %zu images", l->in->images),
               cp_expected(l->err, "unsigned bytes (images)");
    for (size_t i = 0; i < l->in->images; i++)
        l->in->labels[i] = ((const uint8_t *)array.data)[i];
    return CP_OK;
}

static enum cp_status load_labels(struct loader *l) {
    const char *path = l->experiment->inputs.labels.text;
    if (!path)
        return CP_OK;
    l->in->labels = cp_arena_alloc(l->arena, l->in->images, sizeof *l->in->labels);
    if (!l->in->labels)
        return out_of_memory(l->err);
    for (size_t i = 0; i < l->in->images; i++)
        l->in->labels[i] = -1;
    CP_TRY(add_file(l, path));
    CP_TRY(ends_with(path, ".csv") ? read_label_csv(l, path) : read_label_idx(l, path));
    for (size_t i = 0; i < l->in->images; i++)
        if (l->in->labels[i] < 0)
            return cp_fail(l->err, CP_BAD_INPUT, path, "has no label for image %s", l->in->image_names[i]),
                   cp_expected(l->err, "a row for every image");
    return CP_OK;
}

enum cp_status cp_inputs_load(const struct cp_experiment *experiment, const struct cp_clip_config *config,
                              struct cp_arena *arena, struct cp_run_inputs *in, struct cp_error *err) {
    struct loader l = {experiment, config, arena, in, err};
    *in = (struct cp_run_inputs){0};
    if (experiment->model.checkpoint.text)
        CP_TRY(add_file(&l, experiment->model.checkpoint.text));
    CP_TRY(add_file(&l, experiment->model.config.text));
    for (size_t i = 0; i < experiment->inputs.image_count; i++)
        CP_TRY(add_images(&l, &experiment->inputs.images[i]));
    CP_TRY(experiment->inputs.synthetic ? make_synthetic(&l) : load_prompts(&l));
    CP_TRY(load_labels(&l));
    in->judged = cp_arena_alloc(arena, in->prompts, sizeof *in->judged);
    if (!in->judged)
        return out_of_memory(err);
    for (size_t p = 0; p < in->prompts; p++)
        in->judged[p] =
            1 + cp_text_pool_position(config, in->tokens + p * (size_t)config->text.context_length);
    return CP_OK;
}

/* ---- pixels
 * --------------------------------------------------------------------------------------------------- */

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
    enum cp_status status = rgb ? CP_OK : out_of_memory(err);
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
