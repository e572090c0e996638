/* SPDX-License-Identifier: GPL-3.0-or-later
 * A file of one tower alone runs, and gives the bits that the whole model gives; without its projection, up to there. */
#include "support/layout.h"
#include "support/program.h"
#include "support/test.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#define DEMO "data/fashion-clip/"
#define RUN                                                                                                  \
    "run experiments/quickgelu-vs-gelu.yaml local=off floor=0 baseline={} output=$OUT "                      \
    "'candidates={erf: {activation: erf}}' 'record={\"*\": \"off\", \"*_features\": full, \"*pooled\": "     \
    "full}' "
#define IMAGES "'inputs={images: " DEMO "images/*.png, limit: 4}' "
#define PROMPTS "'inputs={prompts: {classes: " DEMO "classes.txt, templates: " DEMO "templates.txt}}' "

static char path_alone[64];

enum { MOST = 100 * 64 };

static size_t features(const char *arguments, const char *tap, double *values) {
    char command[1024], text[1 << 14], path[128];
    (void)snprintf(command, sizeof command, RUN "%s", arguments);
    const int code = run_program(command, text, sizeof text);
    if (code != 0)
        fail_msg("%s: exit code %d\n%s", command, code, text);
    (void)snprintf(path, sizeof path, "/captures/erf/%s/value", tap);
    const long count = read_dataset(scratch_output(), path, H5T_NATIVE_DOUBLE, values, MOST);
    assert_true(count > 0);
    (void)unlink(scratch_output());
    return (size_t)count;
}

/* Writes that tower of the demo model to a file of its own, with or without its projection. */
static void split(bool vision, bool projected) {
    static struct listing list;
    struct cp_clip_config config;
    struct cp_model model;
    struct cp_error err = {0};
    assert_int_equal(cp_clip_config_load(DEMO "open_clip_config.json", &config, &err), CP_OK);
    assert_int_equal(cp_model_load(DEMO "open_clip_model.safetensors", &config, &model, &err), CP_OK);
    *(vision ? &model.config.text.layers : &model.config.vision.layers) = 0;
    *(vision ? &model.config.vision.no_proj : &model.config.text.no_proj) = !projected;
    model.logit_scale = NULL;
    list_model(&list, &model);
    const int fd = open(path_alone, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    write_stored(fd, list.tensors, list.count, NULL);
    (void)close(fd);
    cp_model_free(&model);
}

static void check(bool vision, const char *inputs, const char *tap) {
    static double whole[MOST], alone[MOST];
    char arguments[768];
    split(vision, true);
    const size_t count = features(inputs, tap, whole);
    (void)snprintf(arguments, sizeof arguments, "model.checkpoint=%s %s", path_alone, inputs);
    assert_int_equal(features(arguments, tap, alone), count);
    assert_memory_equal(whole, alone, count * sizeof *whole);
}

/* As CLIPVisionModel and CLIPTextModel are saved: the features are what was pooled, normalised. */
static void check_unprojected(bool vision, const char *inputs, size_t width) {
    static double pooled[MOST], alone[MOST], again[MOST];
    char arguments[768];
    const size_t count = features(inputs, vision ? "visual.pooled" : "pooled", pooled);
    split(vision, false);
    (void)snprintf(arguments, sizeof arguments, "model.checkpoint=%s %s", path_alone, inputs);
    assert_int_equal(features(arguments, vision ? "visual.pooled" : "pooled", again), count);
    assert_memory_equal(pooled, again, count * sizeof *pooled);
    assert_int_equal(features(arguments, vision ? "image_features" : "text_features", alone), count);
    for (size_t row = 0; row < count; row += width) {
        double square = 0;
        for (size_t i = 0; i < width; i++)
            square += pooled[row + i] * pooled[row + i];
        for (size_t i = 0; i < width; i++)
            assert_true(fabs(alone[row + i] - pooled[row + i] / sqrt(square)) < 1e-6);
    }
}

static void without_projection(void **state) {
    (void)state;
    check_unprojected(true, IMAGES, 128);
    check_unprojected(false, PROMPTS, 64);
}

static void vision_alone(void **state) {
    (void)state;
    check(true, IMAGES, "image_features");
}

static void text_alone(void **state) {
    (void)state;
    check(false, PROMPTS, "text_features");
}

static int name_file(void **state) {
    (void)state;
    (void)snprintf(path_alone, sizeof path_alone, "/tmp/clip-parity-tower-%ld.safetensors", (long)getpid());
    return 0;
}

static int remove_file(void **state) {
    (void)state;
    return unlink(path_alone);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(vision_alone), cmocka_unit_test(text_alone),
                                       cmocka_unit_test(without_projection)};
    return cmocka_run_group_tests(tests, name_file, remove_file);
}
