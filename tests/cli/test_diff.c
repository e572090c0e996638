/* SPDX-License-Identifier: GPL-3.0-or-later
 * The program's diff: exit codes, what is printed, tolerances, JSON. Whose captures: test_diff_captures.c. */
#include "support/capture.h"
#include "support/program.h"
#include "support/test.h"

#include "base/status.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CAPTURES "reference/golden/captures/"
#define QUICK CAPTURES "quick-fp32.h5 "
#define ERF CAPTURES "erf-fp32.h5 "

static char text[1 << 16];

static const struct row {
    const char *arguments;
    int code;
    const char *says[3];
} rows[] = {
    {"diff -v " QUICK QUICK "-o $OUT",
     CP_OK,
     {"\nPASS (49 of 73 taps compared)\n", "recomputed by a capture tool, so not judged: 24 taps\n",
      "identical bits"}},
    {"diff -v " QUICK ERF "-o $OUT",
     CP_PARITY_FAILURE,
     {"what sets them apart, in order of execution:\n  visual.0-1.mlp.gelu  the settings declare a different "
      "function (",
      "different functions from visual.0.mlp.gelu and text.0.mlp.gelu on",
      "\nFAIL: first difference at visual.0.mlp.gelu: settings\n"}},
    {"diff -v " QUICK ERF "-o $OUT --no-oracle",
     CP_PARITY_FAILURE,
     {"  19 taps differ, from visual.0.mlp.c_proj on, where an operand or a weight to\n    tell why is not "
      "recorded\n",
      "no oracle, so functions and rounding are not told apart",
      "\nFAIL: first difference at visual.0.mlp.gelu: settings\n"}},
    /* Said to be the same function, it is another one, on whichever side. */
    {"diff " QUICK ERF "-o $OUT --spec-b activation=quick",
     CP_PARITY_FAILURE,
     {"  visual.0-1.mlp.gelu  B does not compute what its settings, weights and inputs\n    say: no rounding "
      "can",
      "explained by:\n    activation = erf (the residual falls from 0.01",
      "\nFAIL: first difference at visual.0.mlp.gelu: contradicted in B (activation = erf)\n"}},
    {"diff " ERF QUICK "-o $OUT --spec-a activation=quick",
     CP_PARITY_FAILURE,
     {"A, the reference, is broken itself, from visual.0.mlp.gelu on: nothing that agrees with it is right\n",
      "  visual.0-1.mlp.gelu  A does not compute",
      "\nFAIL: first difference at visual.0.mlp.gelu: contradicted in A (activation = erf)\n"}},
    /* What both contradict alike is not theirs. */
    {"diff " QUICK QUICK "-o $OUT --spec-a activation=erf --spec-b activation=erf",
     CP_BAD_INPUT,
     {"is not the model of these files: both contradict it first at visual.0.mlp.gelu, while they agree with "
      "each other (explained by: activation = quick) (expected the model that they were computed with: "}},
    {"diff " QUICK QUICK "-o $OUT --seed 7",
     CP_BAD_INPUT,
     {"the seeded model: is not the model of these files: both contradict it first at visual.conv1, "}},
    {"diff " QUICK CAPTURES "openai-quick-fp32.h5 -o $OUT",
     CP_BAD_INPUT,
     {"openai-quick-fp32.h5: pixels.normalized: has the shape (8, 3, 16, 16) (expected (image 16, "
      "colour 3, y 16, x 16))\n"}},
    {"diff -v " QUICK CAPTURES "openai-quick-fp32.h5 -o $OUT inputs.limit=8",
     CP_OK,
     {"no different function is declared", "8 images, 8 prompts", "\nPASS (46 of 71 taps compared)\n"}},
    {"diff " QUICK, CP_USAGE, {"diff: one file (expected two captures"}},
    {"diff " QUICK QUICK QUICK, CP_USAGE, {"diff: a third file"}},
    {"diff " QUICK QUICK "--spec-a", CP_USAGE, {"diff: --spec-a without a value"}},
    {"diff " QUICK QUICK "--oracle", CP_USAGE, {"diff: unknown option '--oracle'"}},
    {"diff " QUICK "README.md",
     CP_BAD_INPUT,
     {"README.md: is not HDF5, or cut off (expected an HDF5 file)\n"}},
    {"diff " QUICK "nothing.h5", CP_BAD_INPUT, {"nothing.h5: cannot be opened: No such file or directory"}},
    {"diff " QUICK CAPTURES "erf-fp32.h5:theirs",
     CP_BAD_INPUT,
     {"/captures: has no such capture (expected FILE.h5:NAME with one of erf-fp32)"}},
    {"diff " QUICK QUICK "--spec-b activation=gelu -o $OUT", CP_BAD_INPUT, {"unknown variant 'gelu'"}},
    {"diff " QUICK QUICK "--config nothing.json -o $OUT", CP_BAD_INPUT, {"nothing.json: cannot be opened"}},
    {"diff " QUICK ERF "--model-a nothing.pt -o $OUT",
     CP_BAD_INPUT,
     {"nothing.pt: cannot be opened: No such"}},
    {"diff " QUICK ERF "--model-b nothing.pt --no-oracle -o $OUT",
     CP_BAD_INPUT,
     {"nothing.pt: cannot be opened"}},
    {"diff --environment " QUICK ERF, CP_OK, {"same\n", "open_clip 2.24.0", "A  " CAPTURES "quick-fp32.h5"}},
    {"diff --environment " QUICK "README.md", CP_BAD_INPUT, {"README.md: is not HDF5"}},
    {"diff " QUICK ERF "-o /proc/x.h5", CP_BAD_INPUT, {"/proc/x.h5"}},
    {"diff " QUICK ERF "-o $OUT | head -1 > /dev/null; test -s $OUT", 0, {NULL}},
};

static void expect(const char *arguments, int code, const char *says) {
    run_saying(arguments, code, says, text, sizeof text);
}

static void table(void **state) {
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        expect(rows[r].arguments, rows[r].code, rows[r].says[0]);
        for (int s = 1; s < 3 && rows[r].says[s]; s++)
            if (!strstr(text, rows[r].says[s]))
                unexpected_output(rows[r].arguments, rows[r].code, rows[r].says[s], text);
        /* Never in any output. */
        assert_null(strstr(text, "same maths"));
        assert_null(strstr(text, "other maths"));
    }
}

static void shell(const char *command) {
    if (system(command) != 0)
        fail_msg("%s", command);
}

/* A tolerance decides in the place of the verdicts, and takes nothing from what is said. */
static void tolerances(void **state) {
    static const struct row cases[] = {
        {"--rtol 0.5 --atol 0.5",
         CP_OK,
         {"\nPASS (72 of 72 taps compared)\n", "\n  visual.0-1.mlp.gelu  the settings declare a different"}},
        {"--atol 0.5", CP_OK, {"\nPASS (72 of 72 taps compared)\n"}},
        {"--rtol 0.01 --atol 0.1",
         CP_PARITY_FAILURE,
         {"\noutside the tolerance: 3 taps\n    text.1.attn.scores, text.1.ln_2, logits_per_image\n",
          "\nFAIL: 3 of 72 taps are outside the tolerance\n"}},
        {"--rtol 0",
         CP_PARITY_FAILURE,
         {"\nFAIL: 44 of 72 taps are outside the tolerance\n",
          "\noutside the tolerance: 44 taps\n    visual.0.mlp.gelu, "}},
        {"--spec-b activation=quick --atol 0.5",
         CP_OK,
         {"\nPASS (72 of 72 taps compared)\n", "  visual.0-1.mlp.gelu  B does not compute what"}},
        {"--rtol x",
         CP_BAD_INPUT,
         {"verdict.rtol: 'x' is not a number (expected a finite decimal number)\n"}},
        {"--rtol nan", CP_BAD_INPUT, {"verdict.rtol: 'nan' is not a number"}},
        {"--atol inf", CP_BAD_INPUT, {"verdict.atol: 'inf' is not a number"}},
        {"--atol -1",
         CP_BAD_INPUT,
         {"verdict.atol: '-1' is out of range (expected a number of 0 or more)\n"}},
        {"--rtol ''", CP_BAD_INPUT, {"verdict.rtol"}},
        {"--rtol", CP_USAGE, {"diff: --rtol without a value (expected --rtol R)\n"}},
    };
    char arguments[256];
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        (void)snprintf(arguments, sizeof arguments, "diff " QUICK ERF "-o $OUT --no-oracle %s",
                       cases[c].arguments);
        expect(arguments, cases[c].code, cases[c].says[0]);
        if (cases[c].says[1] && !strstr(text, cases[c].says[1]))
            unexpected_output(arguments, cases[c].code, cases[c].says[1], text);
        if (cases[c].code >= CP_BAD_INPUT) /* one line */
            assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    }
}

/* NaN is equal to nothing, not even where both sides have it: by no tolerance, and by no verdict. */
static void nan_is_never_equal(void **state) {
    static float features[16 * 24];
    char command[512];
    (void)state;
    (void)snprintf(command, sizeof command, "cp " CAPTURES "quick-fp32.h5 %s", capture_path());
    shell(command);
    const hid_t file = H5Fopen(capture_path(), H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t set = H5Dopen2(file, "/captures/quick-fp32/image_features/value", H5P_DEFAULT);
    assert_true(H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, features) >= 0);
    features[5 * 24 + 7] = NAN;
    assert_true(H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, features) >= 0);
    (void)H5Dclose(set);
    assert_true(H5Fclose(file) >= 0);
    for (int both = 0; both < 2; both++)
        for (int tolerance = 0; tolerance < 2; tolerance++) {
            (void)snprintf(command, sizeof command, "diff %s %s -o $OUT%s",
                           both ? capture_path() : CAPTURES "quick-fp32.h5", capture_path(),
                           tolerance ? " --atol 1e30" : "");
            expect(command, CP_PARITY_FAILURE,
                   both ? "image_features  A and B: each makes NaN or infinity of finite operands at 1"
                        : "image_features  B makes NaN or infinity of finite operands at 1 of 16 images,");
            assert_non_null(strstr(text, "\nFAIL: "));
        }
}

/* As the schema says it, where Python can tell. */
static void assert_json(const char *content) {
    char command[512];
    shell("for p in python3 /usr/bin/python3; do $p tests/cli/validate.py $OUT.json data/schema/diff-1.json; "
          "code=$?; test $code = 77 || test $code = 127 || exit $code; done");
    (void)snprintf(command, sizeof command, "grep -q '%s' $OUT.json", content);
    shell(command);
}

static void json(void **state) {
    (void)state;
    expect("diff " QUICK QUICK "-o $OUT --json $OUT.json", CP_OK, "\nPASS (49 of 73 taps compared)\n");
    assert_json("\"pass\":true,.*\"taps\":73,\"compared\":49,\"causes\":\\[\\],\"unmatched\":\\[\\]");
    expect("diff " QUICK ERF "-o $OUT --json $OUT.json --spec-b activation=quick", CP_PARITY_FAILURE, "FAIL");
    assert_json(
        "\"pass\":false,.*\"causes\":\\[{\"side\":\"b\",\"tap\":\"visual.transformer.resblocks.0.mlp.gelu\","
        "\"address\":\"visual.0.mlp.gelu\",\"kind\":\"contradicted\",\"verdict\":\"contradicted\",\"basis\":"
        "\"bound\",");
    assert_json("\"inputs\":16,\"checked\":16,.*\"explained_by\":\"activation = erf\"");
    expect("diff " QUICK CAPTURES "openai-quick-fp32.h5 -o $OUT inputs.limit=8 --strict --json $OUT.json",
           CP_OK, "PASS");
    /* On standard output nothing else. */
    shell(
        "code=0; " CP_PROGRAM " diff --force " QUICK ERF
        "-o $OUT --json - >$OUT.json 2>$OUT.err || code=$?; test $code "
        "= 1 && test $(wc -l <$OUT.json) = 1 && grep -q '^FAIL: first difference at .*: settings$' $OUT.err");
    assert_json("\"kind\":\"settings\"");
    expect("diff " QUICK QUICK "-o $OUT --no-oracle --json /proc/x.json", CP_BAD_INPUT,
           "/proc/x.json.partial: cannot open: ");
    expect("diff " QUICK QUICK "-o $OUT --no-oracle --json /dev/full", CP_BAD_INPUT,
           "/dev/full: is not a regular file");
    shell("rm -f $OUT.json $OUT.err");
}

/* Of JSON that would be written over a capture or over the result. */
static void json_overwrites_nothing(void **state) {
    (void)state;
    expect("diff " QUICK ERF "-o $OUT --json " QUICK, CP_BAD_INPUT,
           "quick-fp32.h5: would overwrite an input ");
    expect("diff " QUICK ERF "-o $OUT --json $OUT", CP_BAD_INPUT, ": would overwrite the result ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(tolerances),
        cmocka_unit_test(nan_is_never_equal),
        cmocka_unit_test(json),
        cmocka_unit_test(json_overwrites_nothing),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(capture_path());
    (void)unlink(scratch_output());
    return failed;
}
