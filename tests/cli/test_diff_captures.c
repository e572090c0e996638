/* SPDX-License-Identifier: GPL-3.0-or-later
 * Captures that diff and experiments take: foreign files by a map, grafts, what does not fit together. */
#include "support/capture.h"
#include "support/program.h"
#include "support/test.h"

#include "base/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CAPTURES "reference/golden/captures/"
#define QUICK CAPTURES "quick-fp32.h5 "
#define ERF CAPTURES "erf-fp32.h5 "

static char text[1 << 16];
static char map[64], yaml[64];

static void expect(const char *arguments, int code, const char *says) {
    run_saying(arguments, code, says, text, sizeof text);
}

/* quick-fp32's image features and first block under strange names, the latter as (token, input, channel). */
static void write_foreign(void) {
    static float features[16 * 24], block[16 * 5 * 16], turned[5 * 16 * 16];
    static const hsize_t two[] = {16, 24}, three[] = {5, 16, 16};
    const char *file = CAPTURES "quick-fp32.h5";
    assert_int_equal(
        read_dataset(file, "/captures/quick-fp32/image_features/value", H5T_NATIVE_FLOAT, features, 16 * 24),
        16 * 24);
    assert_int_equal(read_dataset(file, "/captures/quick-fp32/visual.transformer.resblocks.0/value",
                                  H5T_NATIVE_FLOAT, block, 16 * 5 * 16),
                     16 * 5 * 16);
    for (int n = 0; n < 16; n++)
        for (int t = 0; t < 5; t++)
            memcpy(turned + (t * 16 + n) * 16, block + (n * 5 + t) * 16, 16 * sizeof *turned);
    const hid_t out = H5Fcreate(capture_path(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const struct {
        const char *name;
        int rank;
        const hsize_t *shape;
        const float *values;
    } sets[] = {{"emb", 2, two, features}, {"layer0", 3, three, turned}};
    for (int s = 0; s < 2; s++) {
        const hid_t space = H5Screate_simple(sets[s].rank, sets[s].shape, NULL);
        const hid_t set =
            H5Dcreate2(out, sets[s].name, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        assert_true(H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, sets[s].values) >= 0);
        (void)H5Dclose(set);
        (void)H5Sclose(space);
    }
    assert_true(H5Fclose(out) >= 0);
}

static void foreign_file_by_a_map(void **state) {
    char arguments[512];
    (void)state;
    write_foreign();
    write_text(map, "taps:\n  image_features: {dataset: emb}\n"
                    "  visual.transformer.resblocks.0: {dataset: /layer0, layout: LNC}\n");
    (void)snprintf(arguments, sizeof arguments, "diff " QUICK "%s --map %s -o $OUT", capture_path(), map);
    expect(arguments, CP_OK, "unmatched, in one file only: 70 taps\n    pixels.normalized, ");
    assert_non_null(strstr(text, "\nPASS (2 of 72 taps compared)\n"));
    /* What one file alone has fails only where it is asked for. */
    (void)strncat(arguments, " --strict", sizeof arguments - strlen(arguments) - 1);
    expect(arguments, CP_PARITY_FAILURE, "\nFAIL: 70 of 72 taps are in one file only\n");
    /* Only what both have, and it agrees. */
    (void)snprintf(arguments, sizeof arguments,
                   "diff " QUICK
                   "%s --map %s -o $OUT 'record={\"*\": \"off\", image_features: stats, \"visual*.0\": "
                   "stats}'",
                   capture_path(), map);
    expect(arguments, CP_OK, "\nPASS (2 of 2 taps compared)\n");
    /* Laid out as it is not. */
    write_text(map, "taps:\n  visual.transformer.resblocks.0: {dataset: /layer0}\n");
    (void)snprintf(arguments, sizeof arguments, "diff " QUICK "%s --map %s -o $OUT", capture_path(), map);
    assert_int_equal(run_program(arguments, text, sizeof text), CP_BAD_INPUT);
    assert_non_null(
        strstr(text, "resblocks.0: has the shape (5, 16, 16) (expected (image 16, token 5, channel 16))"));
    /* Called as no tap is. */
    write_text(
        map,
        "taps:\n  image_features: {dataset: emb}\n  visual.transformer.resblock.0: {dataset: /layer0}\n");
    assert_int_equal(run_program(arguments, text, sizeof text), CP_BAD_INPUT);
    assert_non_null(strstr(
        text,
        ".yaml: taps: neither the model nor another pass has a tap 'visual.transformer.resblock.0'; did you "
        "mean 'visual.transformer.resblocks.0'? (expected one that "));
    write_text(map, "taps:\n  visual: {datset: x}\n");
    assert_int_equal(run_program(arguments, text, sizeof text), CP_BAD_INPUT);
    assert_non_null(strstr(text, ".yaml:2:12: unknown key 'datset' in visual"));
    write_text(map, "taps:\n  visual: {dataset: x, layout: NLX}\n");
    assert_int_equal(run_program(arguments, text, sizeof text), CP_BAD_INPUT);
    assert_non_null(strstr(text, "layout: 'NLX' is unknown"));
}

/* Who does not say how it was computed is not judged as if it had been A's way. */
static void unknown_settings_have_no_oracle(void **state) {
    static const struct {
        const char *option;
        int code;
        const char *says[2];
    } cases[] = {{"",
                  CP_NOTHING_COMPARED,
                  {"does not say its settings; --spec-b does", "\nFAIL: nothing could be compared\n"}},
                 {" --spec-b activation=quick",
                  CP_NOTHING_COMPARED,
                  {" image_features       5.3e-03 ", "\nFAIL: nothing could be compared\n"}}};
    char arguments[512];
    (void)state;
    write_foreign();
    write_text(map, "taps:\n  image_features: {dataset: emb}\n");
    for (size_t c = 0; c < 2; c++) {
        (void)snprintf(arguments, sizeof arguments,
                       "diff " ERF "%s --map %s -o $OUT 'record={\"*\": \"off\", image_features: stats}'%s",
                       capture_path(), map, cases[c].option);
        expect(arguments, cases[c].code, cases[c].says[0]);
        if (!strstr(text, cases[c].says[1]))
            unexpected_output(arguments, cases[c].code, cases[c].says[1], text);
    }
}

/* What is grafted is judged from the graft on, by oracles that start there. */
static void grafted_captures(void **state) {
    static const struct {
        const char *settings, *from;
        int code;
        const char *says;
    } cases[] = {{"erf", "erf-fp32", CP_OK, "\nPASS (38 of 56 taps compared)\n"},
                 {"quick", "erf-fp32", CP_PARITY_FAILURE,
                  "\nFAIL: first difference at visual.1.mlp.gelu: settings\n"}};
    char content[512], arguments[512];
    (void)state;
    for (size_t c = 0; c < 2; c++) {
        (void)snprintf(content, sizeof content,
                       "experiment: port\nmodel: {config: " CAPTURES "model.json, init: counter, seed: 915}\n"
                       "inputs: {capture: " CAPTURES "quick-fp32.h5}\nbaseline: {activation: %s}\n"
                       "record: {'*': full}\noutput: %s\n",
                       cases[c].settings, capture_path());
        write_text(yaml, content);
        (void)snprintf(arguments, sizeof arguments, "run %s --from " CAPTURES "%s.h5 --at visual.0", yaml,
                       cases[c].from);
        assert_int_equal(run_program(arguments, text, sizeof text), CP_OK);
        (void)snprintf(arguments, sizeof arguments, "diff " CAPTURES "%s.h5 %s -o $OUT", cases[c].from,
                       capture_path());
        expect(arguments, cases[c].code, cases[c].says);
    }
}

static void copy_capture(const char *to) {
    char command[256];
    (void)snprintf(command, sizeof command, "cp " CAPTURES "quick-fp32.h5 %s", to);
    assert_int_equal(system(command), 0);
}

/* A result never takes the place of what it was made of. */
static void what_is_read_is_not_written_over(void **state) {
    char arguments[512];
    (void)state;
    copy_capture(capture_path());
    (void)snprintf(arguments, sizeof arguments, "diff %s " ERF "-o %s", capture_path(), capture_path());
    assert_int_equal(run_program(arguments, text, sizeof text), CP_BAD_INPUT);
    assert_non_null(strstr(text, "would overwrite an input (expected another name for the result)"));
    write_text(yaml, "experiment: x\nmodel: {config: " CAPTURES "model.json, init: counter}\n"
                     "inputs: {synthetic: {images: 1, prompts: 1}}\nbaseline: {}\n");
    (void)snprintf(arguments, sizeof arguments, "run %s output=%s", yaml, yaml);
    assert_int_equal(run_program(arguments, text, sizeof text), CP_BAD_INPUT);
    assert_non_null(strstr(text, "would overwrite an input"));
    (void)snprintf(arguments, sizeof arguments, "diff %s " QUICK "-o $OUT", capture_path());
    assert_int_equal(run_program(arguments, text, sizeof text), CP_OK);
}

/* Whose rows are not all there. */
static void unfinished_runs_are_no_captures(void **state) {
    char arguments[512];
    (void)state;
    copy_capture(capture_path());
    const hid_t file = H5Fopen(capture_path(), H5F_ACC_RDWR, H5P_DEFAULT);
    capture_text(file, "fingerprint", "of a run");
    (void)H5Adelete(file, "content_digest");
    (void)H5Fclose(file);
    (void)snprintf(arguments, sizeof arguments, "diff %s " QUICK "-o $OUT", capture_path());
    assert_int_equal(run_program(arguments, text, sizeof text), CP_BAD_INPUT);
    assert_non_null(strstr(text, ": has no content_digest, which a run writes last: it is unfinished, or was "
                                 "changed (expected a finished result;"));
}

/* Captures that share no tap: nothing was compared. */
static void nothing_in_common(void **state) {
    char arguments[512];
    (void)state;
    write_foreign();
    write_text(map, "taps:\n  image_features: {dataset: emb}\n");
    (void)snprintf(arguments, sizeof arguments, "diff %s %s --map-a %s --map %s -o $OUT", capture_path(),
                   capture_path(), map, yaml);
    write_text(yaml, "taps:\n  visual.transformer.resblocks.0: {dataset: layer0, layout: LNC}\n");
    expect(arguments, CP_NOTHING_COMPARED, "unmatched, in one file only: 2 taps\n");
}

/* (2 prompts, tokens, channels) of values between -1 and 1. */
static void put_stream(hid_t capture, const char *name, hsize_t tokens, hsize_t channels) {
    const hsize_t shape[] = {2, tokens, channels};
    float values[2 * 64];
    assert_true(tokens * channels <= 64);
    for (int i = 0; i < 2 * 64; i++)
        values[i] = (float)((i * 37 + (int)strlen(name)) % 41) / 20 - 1;
    const hid_t dataset = capture_tap(capture, name, H5T_IEEE_F32LE, 3, shape, H5P_DEFAULT, "fp32");
    assert_true(H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    (void)H5Dclose(dataset);
}

/* A sum is checked where its operands have its shape, and never read beyond their ends. */
static void shapes_that_contradict_each_other(void **state) {
    static const struct {
        hsize_t tokens, channels;
        int code;
        const char *says;
    } cases[] = {
        {8, 8, CP_BAD_INPUT, ": needs its model: without one, text.0 is taken to be CLIP's, which both"},
        {1, 1, CP_OK, "\nPASS (3 of 3 taps compared)\n"},
        {2, 8, CP_OK, "\nPASS (3 of 3 taps compared)\n"}};
    char arguments[512];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hid_t capture;
        const hid_t file = capture_start(&capture);
        put_stream(capture, "transformer.resblocks.0", 8, 8);
        put_stream(capture, "transformer.resblocks.0.mlp.c_proj", 8, 8);
        put_stream(capture, "transformer.resblocks.0.resid_mid", cases[i].tokens, cases[i].channels);
        capture_end(file, capture);
        (void)snprintf(arguments, sizeof arguments, "diff %s %s --spec-a '' --spec-b '' -o $OUT",
                       capture_path(), capture_path());
        expect(arguments, cases[i].code, cases[i].says);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_file_by_a_map),
        cmocka_unit_test(unknown_settings_have_no_oracle),
        cmocka_unit_test(grafted_captures),
        cmocka_unit_test(what_is_read_is_not_written_over),
        cmocka_unit_test(unfinished_runs_are_no_captures),
        cmocka_unit_test(nothing_in_common),
        cmocka_unit_test(shapes_that_contradict_each_other),
    };
    (void)snprintf(map, sizeof map, "/tmp/clip-parity-map-%ld.yaml", (long)getpid());
    (void)snprintf(yaml, sizeof yaml, "/tmp/clip-parity-diff-%ld.yaml", (long)getpid());
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(map);
    (void)unlink(yaml);
    (void)unlink(capture_path());
    (void)unlink(scratch_output());
    return failed;
}
