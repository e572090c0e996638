/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a picture becomes before the model sees it, step by step. */
#include "preprocess/preprocess.h"

#include "base/digest.h"
#include "base/escape.h"
#include "cmd/cmd.h"
#include "format/disk_file.h"
#include "format/file.h"
#include "format/npy_write.h"
#include "format/output.h"
#include "picture/image_write.h"
#include "spec/spec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
    const char *picture, *config, *npy, *png;
    struct cp_words settings; /* ADDRESS=VALUE */
    bool force;
};

static enum cp_status set(struct cp_spec *spec, const char *setting, struct cp_arena *arena,
                          struct cp_error *err) {
    char *address = cp_arena_strdup(arena, setting);
    CP_TRY(CP_CHECK_ALLOC(address, err, "", "a setting"));
    char *value = strchr(address, '=');
    *value++ = '\0';
    if (cp_spec_set(spec, address, value, err) != CP_OK)
        return cp_error_within(err, setting), err->status;
    return CP_OK;
}

/* As the config and the settings say; without a config, as ViT-B/32's. */
static enum cp_status resolve(const struct arguments *a, struct cp_arena *arena, struct cp_preprocess *how,
                              struct cp_error *err) {
    static struct cp_clip_config config;
    struct cp_spec *spec;
    const char *path = a->config ? a->config : cp_data_path("configs/vit-b-32.json", arena);
    CP_TRY(CP_CHECK_ALLOC(path, err, "", "a path"));
    CP_TRY(cp_clip_config_load(path, &config, err));
    CP_TRY(cp_spec_create("preprocess", &config, cp_ops_find(NULL), arena, &spec, err));
    for (size_t i = 0; i < a->settings.count; i++)
        CP_TRY(set(spec, a->settings.word[i], arena, err));
    *how = cp_spec_preprocess(spec);
    return CP_OK;
}

/* ---- what is shown ---- */

static enum cp_status print_digest(const char *name, const char *what, const void *bytes, size_t size,
                                   struct cp_error *err) {
    struct cp_digest *digest;
    char hex[CP_DIGEST_HEX];
    CP_TRY(cp_digest_start(&digest, err));
    cp_digest_add(digest, bytes, size);
    cp_digest_finish_hex(digest, hex);
    cp_print(stdout, "%-11s %-40s sha256 %.16s\n", name, what, hex);
    return CP_OK;
}

static void print_span(const struct cp_span *span, const char *side, const char *before) {
    const size_t rest = span->length - span->count;
    if (rest)
        cp_print(stdout, "%s%zu of %zu cut at the %s", before, span->first, rest, side);
    else if (span->to)
        cp_print(stdout, "%s%zu added at the %s", before, span->to, side);
}

/* What the crop takes of both axes, on a line of its own. */
static void print_spans(const struct cp_span *x, const struct cp_span *y) {
    const bool across = x->length > x->count || x->to, down = y->length > y->count || y->to;
    if (!across && !down)
        return;
    cp_print(stdout, "%-12s", "");
    print_span(x, "left", "");
    print_span(y, "top", across ? ", " : "");
    printf("\n");
}

static enum cp_status print_resized(const struct arguments *a, const struct cp_preprocess *how,
                                    const struct cp_picture *picture, struct cp_error *err) {
    struct cp_pixels resized;
    char what[96];
    CP_TRY(cp_preprocess_resized(how, picture, a->picture, &resized, err));
    const char *name =
        how->resize->info.name; /* NOLINT(clang-analyzer-core.NullDereference): it is resolved */
    (void)snprintf(what, sizeof what, "(3, %zu, %zu), %s %s", resized.height, resized.width, name,
                   how->filter == CP_BICUBIC ? "bicubic" : "bilinear");
    enum cp_status status = CP_OK;
    if (resized.values)
        status = print_digest("resized", what, resized.values,
                              3 * resized.height * resized.width * sizeof *resized.values, err);
    else
        cp_print(stdout, "%-11s %s, too large to be laid out\n", "resized", what);
    cp_pixels_free(&resized);
    return status;
}

static enum cp_status print_steps(const struct arguments *a, const struct cp_preprocess *how,
                                  const struct cp_picture *picture, struct cp_error *err) {
    struct cp_span x, y;
    char what[64];
    CP_TRY(cp_preprocess_spans(how, picture, a->picture, &x, &y, err));
    (void)snprintf(what, sizeof what, "%zu x %zu, mode %s", picture->width, picture->height,
                   cp_picture_mode_names[picture->mode]);
    CP_TRY(print_digest("decoded", what, picture->bytes,
                        picture->width * picture->height * cp_picture_pixel(picture->mode), err));
    CP_TRY(print_resized(a, how, picture, err));
    print_spans(&x, &y);
    return CP_OK;
}

static enum cp_status print_planes(const struct cp_preprocess *how, const float *cropped,
                                   const float *normalized, struct cp_error *err) {
    const size_t count = 3 * how->size * how->size;
    char what[64];
    float least = normalized[0], most = normalized[0];
    for (size_t i = 1; i < count; i++) {
        least = fminf(least, normalized[i]);
        most = fmaxf(most, normalized[i]);
    }
    (void)snprintf(what, sizeof what, "(3, %zu, %zu), 0 to 255", how->size, how->size);
    CP_TRY(print_digest("cropped", what, cropped, count * sizeof *cropped, err));
    (void)snprintf(what, sizeof what, "(3, %zu, %zu), %.4f to %.4f", how->size, how->size, (double)least,
                   (double)most);
    return print_digest("normalized", what, normalized, count * sizeof *normalized, err);
}

/* ---- what is written ---- */

static enum cp_status write_png(const char *path, const struct cp_preprocess *how, const float *cropped,
                                struct cp_error *err) {
    const size_t plane = how->size * how->size;
    uint8_t *rgb = malloc(3 * plane), *png = NULL;
    size_t size = 0;
    CP_TRY(CP_CHECK_ALLOC(rgb, err, path, "a picture"));
    for (size_t i = 0; i < 3 * plane; i++)
        rgb[i] = (uint8_t)lrintf(fmaxf(0, fminf(255, cropped[i % 3 * plane + i / 3])));
    enum cp_status status = cp_png_write(rgb, how->size, how->size, &png, &size, err);
    if (status == CP_OK)
        status = cp_disk_replace(path, png, size, err);
    free(rgb);
    free(png);
    return status;
}

static enum cp_status write_files(const struct arguments *a, const struct cp_preprocess *how,
                                  const float *cropped, const float *normalized, struct cp_error *err) {
    const size_t shape[4] = {1, 3, how->size, how->size};
    if (a->npy)
        CP_TRY(cp_npy_write(a->npy, normalized, 4, shape, err));
    return a->png ? write_png(a->png, how, cropped, err) : CP_OK;
}

static enum cp_status preprocess(const struct arguments *a, struct cp_arena *arena, struct cp_error *err) {
    struct cp_preprocess how = {0};
    struct cp_picture picture;
    for (int i = 0; i < 2; i++) {
        const char *out = i ? a->png : a->npy;
        if (out && cp_disk_same(out, a->picture))
            return cp_fail(err, CP_BAD_INPUT, out, "would overwrite the picture"),
                   cp_expected(err, "another name");
        if (out)
            CP_TRY(cp_output_check_new(out, a->force, err));
    }
    CP_TRY(resolve(a, arena, &how, err));
    float *cropped = cp_arena_alloc(arena, 3 * how.size * how.size, sizeof *cropped);
    float *normalized = cp_arena_alloc(arena, 3 * how.size * how.size, sizeof *normalized);
    CP_TRY(CP_CHECK_ALLOC(cropped && normalized, err, "", "pixels"));
    CP_TRY(cp_picture_read(a->picture, &how.decode, &picture, err));
    enum cp_status status = cp_preprocess_apply(&how, &picture, a->picture, cropped, normalized, err);
    if (status == CP_OK)
        status = print_steps(a, &how, &picture, err);
    cp_picture_free(&picture);
    if (status != CP_OK)
        return status;
    CP_TRY(print_planes(&how, cropped, normalized, err));
    return write_files(a, &how, cropped, normalized, err);
}

static enum cp_status run(void *arguments, struct cp_error *err) {
    struct cp_arena arena = {0};
    const enum cp_status status = preprocess(arguments, &arena, err);
    cp_arena_free(&arena);
    return status;
}

/* ---- the table ---- */

static bool is_setting(const char *word) {
    return strncmp(word, "preprocess", 10) == 0 && strchr(word, '=');
}

static const struct cp_argument words[] = {
    {"PICTURE", CP_WORD_FILE, "PNG, JPEG or WebP", CP_INTO(struct arguments, picture),
     .missing = "no picture", .expected = "a file"},
    {"preprocess.KNOB=VALUE", CP_WORD_SETTINGS, "settings as in experiments, such as preprocess=opencv",
     CP_INTO(struct arguments, settings), .takes = is_setting},
    {0},
};

static const struct cp_option options[] = {
    {"--model-config", 0, "FILE", CP_WORD_FILE, "size, mean and std to use (default: ViT-B/32's)",
     CP_INTO(struct arguments, config)},
    {"--output", 'o', "FILE.npy", CP_WORD_FILE, "write the tensor (1, 3, size, size)",
     CP_INTO(struct arguments, npy)},
    {"--png", 0, "FILE.png", CP_WORD_FILE, "write the cropped picture", CP_INTO(struct arguments, png)},
    {"--force", 0, NULL, CP_WORD_TEXT, "overwrite existing files", CP_INTO(struct arguments, force)},
    {0},
};

static const struct cp_example examples[] = {
    {"Digests of every step", "clip-parity preprocess data/fashion-large/00013-dress.jpg"},
    {"With OpenCV's resize, as a NumPy file", "clip-parity preprocess data/fashion-large/00013-dress.jpg \\\n"
                                              "    preprocess=opencv -o dress.npy"},
    {0},
};

const struct cp_command cp_cmd_preprocess = {
    .name = "preprocess",
    .group = CP_COMMANDS_INPUT,
    .summary = "show the pixels a model gets from a picture",
    .about = "Prints size and digest of a picture after each step: decoded, resized, cropped, normalized.\n",
    .example = examples,
    .argument = words,
    .excess = "a second picture",
    .expected = "one, and settings such as preprocess.filter=bilinear",
    .option = options,
    .size = sizeof(struct arguments),
    .run = run,
};
