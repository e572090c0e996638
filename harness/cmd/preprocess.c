/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a picture becomes before the model sees it, step by step. */
#include "preprocess/preprocess.h"

#include "base/digest.h"
#include "base/escape.h"
#include "cmd/cmd.h"
#include "cmd/option.h"
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
    const char **settings; /* [setting_count] ADDRESS=VALUE */
    size_t setting_count;
    bool force;
};

static enum cp_status parse(int argc, char **argv, struct arguments *a, struct cp_error *err) {
    const struct cp_cmd_option values[] = {
        {"--model-config", &a->config}, {"-o", &a->npy}, {"--png", &a->png}};
    const size_t count = sizeof values / sizeof values[0];
    for (int i = 0; i < argc; i++) {
        bool missing;
        if (cp_cmd_option(values, count, argc, argv, &i, &missing))
            continue;
        if (missing)
            return (void)cp_fail(err, CP_USAGE, "", "preprocess: %s without a value", argv[i]),
                   cp_expected(err, "%s FILE", argv[i]);
        else if (strcmp(argv[i], "--force") == 0)
            a->force = true;
        else if (argv[i][0] == '-')
            return (void)cp_fail(err, CP_USAGE, "", "preprocess: unknown option '%s'", argv[i]),
                   cp_expected(err, "--model-config FILE, -o FILE.npy, --png FILE.png or --force");
        else if (strncmp(argv[i], "preprocess", 10) == 0 && strchr(argv[i], '='))
            a->settings[a->setting_count++] = argv[i];
        else if (a->picture)
            return (void)cp_fail(err, CP_USAGE, "", "preprocess: a second picture '%s'", argv[i]),
                   cp_expected(err, "one, and settings such as preprocess.filter=bilinear");
        else
            a->picture = argv[i];
    }
    if (!a->picture)
        return (void)cp_fail(err, CP_USAGE, "", "preprocess: no picture"), cp_expected(err, "a file");
    return CP_OK;
}

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
    for (size_t i = 0; i < a->setting_count; i++)
        CP_TRY(set(spec, a->settings[i], arena, err));
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

static enum cp_status run(const struct arguments *a, struct cp_arena *arena, struct cp_error *err) {
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

enum cp_status cp_cmd_preprocess(int argc, char **argv, struct cp_error *err) {
    struct cp_arena arena = {0};
    struct arguments a = {.settings = cp_arena_alloc(&arena, (size_t)argc + 1, sizeof *a.settings)};
    enum cp_status status = a.settings ? parse(argc, argv, &a, err) : cp_no_memory(err, "", "the arguments");
    if (status == CP_OK)
        status = run(&a, &arena, err);
    cp_arena_free(&arena);
    return status;
}
