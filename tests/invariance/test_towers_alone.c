/* SPDX-License-Identifier: GPL-3.0-or-later
 * A file of one tower alone runs, and gives the bits that the whole model gives. */
#include "support/layout.h"
#include "support/program.h"
#include "support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define DEMO "data/fashion-clip/"
#define RUN                                                                                                  \
    "run experiments/quickgelu-vs-gelu.yaml local=off floor=0 baseline={} output=$OUT "                      \
    "'candidates={erf: {activation: erf}}' 'record={\"*\": \"off\", \"*_features\": full}' "
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

/* Writes that tower of the demo model to a file of its own. */
static void split(bool vision) {
    static struct listing list;
    struct cp_clip_config config;
    struct cp_model model;
    struct cp_error err = {0};
    assert_int_equal(cp_clip_config_load(DEMO "open_clip_config.json", &config, &err), CP_OK);
    assert_int_equal(cp_model_load(DEMO "open_clip_model.safetensors", &config, &model, &err), CP_OK);
    *(vision ? &model.config.text.layers : &model.config.vision.layers) = 0;
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
    split(vision);
    const size_t count = features(inputs, tap, whole);
    (void)snprintf(arguments, sizeof arguments, "model.checkpoint=%s %s", path_alone, inputs);
    assert_int_equal(features(arguments, tap, alone), count);
    assert_memory_equal(whole, alone, count * sizeof *whole);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(vision_alone), cmocka_unit_test(text_alone)};
    return cmocka_run_group_tests(tests, name_file, remove_file);
}
