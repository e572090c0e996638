/* SPDX-License-Identifier: GPL-3.0-or-later
 * `clip-parity preprocess`, and experiments whose specs preprocess pictures differently. */
#include "support/folder.h"
#include "support/program.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { IMAGES = 2, WIDTH = 64 };

#define PICTURES "reference/golden/pictures/"

static char text[1 << 16];

static void expect(int code, const char *arguments, const char *says) {
    const int got = run_program(arguments, text, sizeof text);
    if (got != code || !strstr(text, says))
        fail_msg("%s\n  gives %d, not %d, or does not say '%s':\n%s", arguments, got, code, says, text);
}

static void steps_are_shown(void **state) {
    (void)state;
    expect(0, "preprocess " PICTURES "rgb-420.jpg", "decoded     37 x 29, mode RGB");
    expect(0, "preprocess " PICTURES "rgb-420.jpg",
           "resized     (3, 224, 285), pillow bicubic            sha256 ");
    assert_non_null(strstr(text, "\n            30 of 61 cut at the left\n"));
    expect(0,
           "preprocess " PICTURES
           "cmyk.jpg preprocess=torch preprocess.filter=bilinear preprocess.crop=half_up",
           "mode CMYK");
    expect(0,
           "preprocess " PICTURES
           "cmyk.jpg preprocess=torch preprocess.filter=bilinear preprocess.crop=half_up",
           "\n            31 of 61 cut at the left\n");
    expect(0, "preprocess " PICTURES "rgb-420.jpg preprocess.mode=longest", "24 added at the top");
    expect(0, "preprocess " PICTURES "orientation-6.jpg preprocess.exif=apply", "decoded     29 x 37");
    expect(0, "preprocess --model-config data/fashion-clip/open_clip_config.json " PICTURES "lossy.webp",
           "normalized  (3, 28, 28), ");
}

static void errors_are_one_line(void **state) {
    (void)state;
    expect(4, "preprocess", "clip-parity: preprocess: no picture (expected a file)\n");
    expect(4, "preprocess a.png b.png", "preprocess: a second picture 'b.png'");
    expect(4, "preprocess a.png --size 3", "preprocess: unknown option '--size'");
    expect(4, "preprocess a.png -o", "preprocess: -o without a value");
    expect(3, "preprocess /nowhere.png", "/nowhere.png: cannot be opened");
    expect(3, "preprocess README.md", "README.md: is not a known picture format, by its first bytes");
    expect(3, "preprocess " PICTURES "rgb-420.jpg preprocess=lanczos",
           "unknown variant 'lanczos' of preprocess");
    expect(3, "preprocess " PICTURES "rgb-420.jpg preprocess.crop@text=floor", "preprocess has no layers");
    expect(3, "preprocess " PICTURES "refused-truncated.jpg", "truncated JPEG (expected a complete JPEG)\n");
}

#define MODEL                                                                                                \
    "model: {checkpoint: data/fashion-clip/open_clip_model.safetensors, config: "                            \
    "data/fashion-clip/open_clip_config.json}"

static void write_experiment(const char *name, const char *images, const char *rest) {
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s.yaml", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fprintf(file,
                        "experiment: %s\n" MODEL
                        "\ninputs: {images: %s}\noracle: 1\nlocal: off\nrecord: {\"*\": "
                        "off, pixels.normalized: full, image_features: full}\noutput: %s/%s.h5\n%s",
                        name, images, folder, name, rest) > 0);
    assert_int_equal(fclose(file), 0);
}

static void read_features(const char *name, const char *capture, float *features) {
    char path[256], dataset[128];
    (void)snprintf(path, sizeof path, "%s/%s.h5", folder, name);
    (void)snprintf(dataset, sizeof dataset, "/captures/%s/image_features/value", capture);
    assert_true(read_dataset(path, dataset, H5T_NATIVE_FLOAT, features, (size_t)IMAGES * WIDTH) > 0);
}

/* The pixels that the command writes are those that an experiment makes: of the baseline, and of a candidate.
 */
static void command_and_experiment_agree(void **state) {
    static const char *const how[2] = {"", "preprocess=opencv preprocess.mode=squash"};
    float made[2][IMAGES * WIDTH], given[IMAGES * WIDTH];
    char command[1024];
    (void)state;
    write_experiment("made", "[" PICTURES "rgb-420.jpg, " PICTURES "lossy-alpha.webp]",
                     "candidates: {other: {preprocess: opencv, preprocess.mode: squash}, same: {}}\n");
    expect(0, "run -v $DIR/made.yaml", "different functions from pixels.normalized on");
    read_features("made", "baseline", made[0]);
    read_features("made", "other", made[1]);
    assert_memory_not_equal(made[0], made[1], WIDTH * sizeof(float));
    read_features("made", "same", given);
    assert_memory_equal(made[0], given, sizeof given);
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(command, sizeof command,
                       "preprocess --model-config data/fashion-clip/open_clip_config.json " PICTURES
                       "rgb-420.jpg %s -o $DIR/pixels.npy --png $DIR/look.png",
                       how[i]);
        expect(0, command, "normalized");
        (void)snprintf(command, sizeof command, "%s/pixels.npy", folder);
        write_experiment("given", command, "");
        expect(0, "run $DIR/given.yaml", "result");
        read_features("given", "baseline", given);
        assert_memory_equal(made[i], given, WIDTH * sizeof(float));
    }
    expect(0, "preprocess $DIR/look.png", "decoded     28 x 28, mode RGB");
}

static void pixels_are_not_preprocessed(void **state) {
    char images[256];
    (void)state;
    expect(0,
           "preprocess --model-config data/fashion-clip/open_clip_config.json " PICTURES
           "grey.jpg -o $DIR/pixels.npy",
           "mode L");
    (void)snprintf(images, sizeof images, "%s/pixels.npy", folder);
    write_experiment("pixels", images, "candidates: {other: {preprocess: opencv}}\n");
    expect(3, "run $DIR/pixels.yaml",
           "other preprocesses otherwise, but the inputs are pixels (expected pictures, or pixels.normalized "
           "of its own)");
}

/* The swap is found, and is one without layers. */
static void bisection_finds_it(void **state) {
    (void)state;
    write_experiment("both", "[" PICTURES "rgb-420.jpg, " PICTURES "cmyk.jpg]",
                     "candidates: {both: {preprocess.colours: bgr, preprocess.rescale: reciprocal}}\n");
    expect(0, "bisect $DIR/both.yaml --settings", "  preprocess.colours: bgr\n");
}

/* Each difference is attributed to the step that makes it, and to no other: by the ledger to the first that
 * differs, with `local` to each. */
static void the_step_is_found(void **state) {
    static const struct {
        const char *setting, *from, *cause;
    } cases[] = {
        {"preprocess.exif: apply", "pixels.decoded", "pixels.decoded (semantic)"},
        {"preprocess.mode: squash", "pixels.resized", "pixels.resized (semantic)"},
        {"preprocess.crop: floor", "pixels.cropped", "pixels.cropped (semantic)"},
        {"preprocess.crop: floor, preprocess: opencv", "pixels.resized",
         "pixels.resized (semantic), pixels.cropped (semantic)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char rest[512], says[160];
        (void)snprintf(rest, sizeof rest, "candidates: {other: {%s}}\n", cases[i].setting);
        write_experiment("step", "[" PICTURES "rgb-420.jpg, " PICTURES "orientation-6.jpg]", rest);
        (void)snprintf(says, sizeof says, "in order of execution:\n  %s  the settings declare a different",
                       cases[i].from);
        expect(0, "run -v $DIR/step.yaml oracle=on 'record={\"*\": digest}'", says);
        assert_null(strstr(strstr(text, says) + strlen(says), "  pixels."));
        (void)snprintf(says, sizeof says, "different functions from %s on", cases[i].from);
        expect(0, "run -v $DIR/step.yaml oracle=on local=on ledger=off 'record={\"*\": digest}'", says);
        (void)snprintf(says, sizeof says, "  caused by %s\n", cases[i].cause);
        if (!strstr(text, says))
            fail_msg("%s: not '%s':\n%s", cases[i].setting, says, text);
    }
}

static void growth_is_told(void **state) {
    (void)state;
    write_experiment("grown", "[" PICTURES "rgb-420.jpg, " PICTURES "rgb-444.jpg]",
                     "candidates: {other: {preprocess: torch}, same: {norm: welford}}\n");
    expect(0, "run $DIR/grown.yaml local=on 'record={\"*\": digest}'", "result");
    expect(0, "report $DIR/grown.h5 --md -o -", "From the picture of other to the image features:");
    assert_non_null(strstr(text, "| pixels.resized | "));
    assert_null(strstr(text, "From the picture of same"));
    expect(0, "report $DIR/grown.h5 --json -o - | grep -o '\"pixel_growth\":[^]]*'",
           "\"steps\":[{\"tap\":\"pixels.resized\",\"relative_l2\":0.0");
    assert_non_null(strstr(text, "\"pixel_growth\":null"));
    expect(0, "report $DIR/grown.h5 --html -o - | grep 'until the image features'", "relative L2");
}

static void nothing_goes_on_from_a_step(void **state) {
    (void)state;
    write_experiment("base", "[" PICTURES "rgb-420.jpg, " PICTURES "rgb-444.jpg]", "");
    expect(0, "run $DIR/base.yaml 'record={\"*\": off, pixels.cropped: full}'", "result");
    expect(3, "run $DIR/base.yaml --from $DIR/base.h5 --at pixels.cropped output=$DIR/on.h5",
           "nothing continues from pixels.cropped (expected pixels.normalized, or a tap behind it)");
}

static int remove_output(void **state) {
    (void)unlink(scratch_output());
    return remove_folder(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_shown),
        cmocka_unit_test(errors_are_one_line),
        cmocka_unit_test(command_and_experiment_agree),
        cmocka_unit_test(pixels_are_not_preprocessed),
        cmocka_unit_test(bisection_finds_it),
        cmocka_unit_test(the_step_is_found),
        cmocka_unit_test(growth_is_told),
        cmocka_unit_test(nothing_goes_on_from_a_step),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_output);
}
