/* SPDX-License-Identifier: GPL-3.0-or-later
 * The program's diff, and captures in experiments: exit codes, what is printed, foreign files by a map. */
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
static char map[64], yaml[64];

static const struct row {
    const char *arguments;
    int code;
    const char *says[3];
} rows[] = {
    {"diff " QUICK QUICK "-o $OUT",
     CP_OK,
     {"\nPASS (49 of 73 taps compared)\n", "recomputed by a capture tool, so not judged: 24 taps\n",
      "identical bits"}},
    {"diff " QUICK ERF "-o $OUT",
     CP_PARITY_FAILURE,
     {"what sets them apart, in order of execution:\n  visual.0-1.mlp.gelu  the settings declare a different "
      "function (",
      "different functions from visual.0.mlp.gelu and text.0.mlp.gelu on",
      "\nFAIL: first difference at visual.0.mlp.gelu: settings\n"}},
    {"diff " QUICK ERF "-o $OUT --no-oracle",
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
    {"diff " QUICK CAPTURES "openai-quick-fp32.h5 -o $OUT inputs.limit=8",
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

/* cmocka cuts a message off at 1,024 characters. */
static void unexpected(const char *arguments, int code, const char *says) {
    (void)fprintf(stderr, "%s\n", text);
    fail_msg("%s: exit code %d and the above (expected %s)", arguments, code, says);
}

static void expect(const char *arguments, int code, const char *says) {
    const int got = run_program(arguments, text, sizeof text);
    if (got != code || (says && !strstr(text, says)))
        unexpected(arguments, got, says ? says : "another exit code");
}

static void table(void **state) {
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        expect(rows[r].arguments, rows[r].code, rows[r].says[0]);
        for (int s = 1; s < 3 && rows[r].says[s]; s++)
            if (!strstr(text, rows[r].says[s]))
                unexpected(rows[r].arguments, rows[r].code, rows[r].says[s]);
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
        {"--rtol", CP_USAGE, {"diff: --rtol without a value (expected --rtol VALUE)\n"}},
    };
    char arguments[256];
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        (void)snprintf(arguments, sizeof arguments, "diff " QUICK ERF "-o $OUT --no-oracle %s",
                       cases[c].arguments);
        expect(arguments, cases[c].code, cases[c].says[0]);
        if (cases[c].says[1] && !strstr(text, cases[c].says[1]))
            unexpected(arguments, cases[c].code, cases[c].says[1]);
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

static void write_text(const char *path, const char *content) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0 && fclose(file) == 0);
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
                  {"  image_features            5", "\nFAIL: nothing could be compared\n"}}};
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
            unexpected(arguments, cases[c].code, cases[c].says[1]);
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

/* A result says all that its experiment said of the model: the oracles of its captures need nothing else. */
static void results_say_their_model(void **state) {
    static const char *const models[] = {
        "{config: " CAPTURES "model.json, init: open_clip, seed: 3, image_size: 24}",
        "{name: fashion-clip, load_as: open_clip-2.24, force_quick_gelu: on, image_size: 20, pretrained: "
        "./data/fashion-clip/open_clip_model.safetensors}"};
    char content[512], arguments[256];
    (void)state;
    for (size_t m = 0; m < sizeof models / sizeof models[0]; m++) {
        (void)snprintf(content, sizeof content,
                       "experiment: x\nmodel: %s\ninputs: {synthetic: {images: 16, prompts: 2}}\n"
                       "baseline: {activation: quick}\ncandidates: {erf: {activation: erf}}\noracle: off\n"
                       "record: {'*': full}\noutput: %s\n",
                       models[m], capture_path());
        write_text(yaml, content);
        (void)snprintf(arguments, sizeof arguments, "run %s", yaml);
        if (run_program(arguments, text, sizeof text) != CP_OK)
            fail_msg("%s\n%s", content, text);
        (void)snprintf(arguments, sizeof arguments, "diff %s:baseline %s:erf -o $OUT", capture_path(),
                       capture_path());
        expect(arguments, CP_PARITY_FAILURE, "\nFAIL: first difference at visual.0.mlp.gelu: settings\n");
        /* Another place of the config alone: the weights and the size stay what they were. */
        (void)strncat(arguments,
                      m ? " --config data/fashion-clip/open_clip_config.json"
                        : " --config " CAPTURES "model.json",
                      sizeof arguments - strlen(arguments) - 1);
        expect(arguments, CP_PARITY_FAILURE, "\nFAIL: first difference at visual.0.mlp.gelu: settings\n");
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
    assert_non_null(strstr(text, "is a file that is read (expected another name for the result)"));
    write_text(yaml, "experiment: x\nmodel: {config: " CAPTURES "model.json, init: counter}\n"
                     "inputs: {synthetic: {images: 1, prompts: 1}}\nbaseline: {}\n");
    (void)snprintf(arguments, sizeof arguments, "run %s output=%s", yaml, yaml);
    assert_int_equal(run_program(arguments, text, sizeof text), CP_BAD_INPUT);
    assert_non_null(strstr(text, "is a file that is read"));
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

/* Whatever a run records, and whatever of its passes is looked at, a result agrees with itself, or says what
 * to record; and so does what diff writes, which report reads. */
static void results_with_themselves(void **state) {
    static const char recorded[] =
        "holds no tensor of any tap (expected taps recorded in full (record: {\"*\": full}))";
    static const struct {
        const char *arguments, *capture;
        int code;
        const char *says;
    } cases[] = {
        {"'record={\"*\": full}'", "baseline", CP_OK, "\nPASS (161 of 161 taps compared)\n"},
        {"'record={\"*\": full}'", "other", CP_OK, "\nPASS (161 of 161 taps compared)\n"},
        {"'record={\"*\": digest}'", "baseline", CP_NOTHING_COMPARED, recorded},
        {"'record={\"*\": stats}'", "other", CP_NOTHING_COMPARED, recorded},
        {"'record={\"*\": off, image_features: full}'", "other", CP_OK, "no oracle of images: "},
        {"'record={\"*\": off, image_features: full}'", "other", CP_OK, "\nPASS (2 of 2 taps compared)\n"},
        {"'record={\"*\": off, text_features: full}'", "other", CP_OK, "\nPASS (2 of 2 taps compared)\n"},
        {"'record={\"*\": off, pixels.normalized: full}'", "other", CP_OK, "\nPASS (2 of 2 taps compared)\n"},
        {"'record={\"*\": off, class_features: full}'", "other", CP_OK, "\nPASS (2 of 2 taps compared)\n"},
        {"'record={\"*\": off, class_logits: full}'", "other", CP_OK, "\nPASS (2 of 2 taps compared)\n"},
        {"'record={\"*\": off, class_probs: full}'", "other", CP_OK, "\nPASS (2 of 2 taps compared)\n"},
        {"'record={\"*\": off, probs: full}'", "other", CP_OK, "\nPASS (2 of 2 taps compared)\n"},
        {"'record={\"*\": off, tokens: full}'", "other", CP_OK, "\nPASS (1 of 1 taps compared)\n"},
        {"local=on floor=2 'record={\"*\": off, \"*.0.*\": full}'", "other", CP_OK,
         "\nPASS (27 of 27 taps compared)\n"},
        {"'candidates={other: {preprocess: opencv}}' 'record={\"*\": full}'", "other", CP_OK,
         "\nPASS (161 of 161 taps compared)\n"},
        {"'candidates={other: {tokenizer: gpt2_pattern}}' 'record={\"*\": full}'", "other", CP_OK,
         "\nPASS (161 of 161 taps compared)\n"},
        {"'candidates={other: {pixel_noise: normal, pixel_noise.sigma: 0.1}}' 'record={\"*\": full}'",
         "other", CP_OK, "\nPASS (161 of 161 taps compared)\n"},
        {"candidates={} 'sweep={activation: [erf]}' 'record={\"*\": full}'", "activation=erf", CP_OK,
         "\nPASS (161 of 161 taps compared)\n"},
        {"inputs.prompts=[one] inputs.labels=off 'record={\"*\": full}'", "other", CP_OK,
         "\nPASS (158 of 158 taps compared)\n"},
        {"'inputs={prompts: [one, two]}' 'record={\"*\": full}'", "other", CP_OK,
         "\nPASS (63 of 63 taps compared)\n"},
    };
    char arguments[768];
    (void)state;
    write_text(yaml, "experiment: x\nmodel: {checkpoint: data/fashion-clip/open_clip_model.safetensors}\n"
                     "inputs: {images: data/fashion-clip/images/00000-ankle-boot.png, prompts: {classes: "
                     "data/fashion-clip/classes.txt, templates: ['a photo of the {} 2021']}}\n"
                     "baseline: {activation: quick}\ncandidates: {other: {activation: erf}}\noracle: off\n");
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        (void)snprintf(arguments, sizeof arguments, "run %s output=%s %s", yaml, capture_path(),
                       cases[c].arguments);
        if (run_program(arguments, text, sizeof text) != CP_OK)
            fail_msg("%s\n%s", arguments, text);
        (void)snprintf(arguments, sizeof arguments, "diff %s:%s %s:%s -o $OUT", capture_path(),
                       cases[c].capture, capture_path(), cases[c].capture);
        expect(arguments, cases[c].code, cases[c].says);
        if (cases[c].code != CP_OK)
            continue;
        if (run_program("report --json $OUT", text, sizeof text) != CP_OK)
            fail_msg("%s: report: %s", cases[c].arguments, text);
        assert_int_equal(run_program("diff $OUT $OUT -o $OUT.h5", text, sizeof text), CP_NOTHING_COMPARED);
        assert_non_null(strstr(text, recorded));
    }
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

/* Of JSON that would be written over a capture or over the result. */
static void json_overwrites_nothing(void **state) {
    (void)state;
    expect("diff " QUICK ERF "-o $OUT --json " QUICK, CP_BAD_INPUT, "quick-fp32.h5: is a file that is read ");
    expect("diff " QUICK ERF "-o $OUT --json $OUT", CP_BAD_INPUT, ": is the result that is written ");
}

/* What run says of the pass `other`. */
static void assert_run_says(const char *says) {
    const char *line = strstr(text, "what sets it apart from the baseline");
    if (!line || !strstr(line, says))
        unexpected("run", CP_OK, says);
}

/* Pixels and tokens that a declared setting makes different are `settings`, in run as in diff, with a
 * reference or without; those that none declares are `inputs`. */
static void captures_of_different_inputs(void **state) {
    static const struct {
        const char *settings, *run, *tap, *undeclared, *says;
    } cases[] = {
        {"preprocess: opencv", "\n  pixels.resized  the settings declare a different function (0.087)\n",
         "pixels.cropped", "inputs", "\n  pixels.cropped  the pixels differ (0.087) at 1 image, "},
        {"tokenizer: gpt2_pattern", "\n  tokens  the settings declare a different function (0.", "tokens",
         "inputs", "\n  tokens  the token ids differ in 1 of 1 prompts, first in prompt 0\n"},
        /* Which its own pixels.cropped contradict. */
        {"pixel_noise: normal, pixel_noise.sigma: 0.1",
         "\n  pixels.normalized  the settings declare a different function (0.", "pixels.normalized",
         "contradicted in B", "\n  pixels.normalized  B the pixels differ (0."},
    };
    char content[1024], arguments[256], last[128];
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        (void)snprintf(
            content, sizeof content,
            "experiment: x\nmodel: {checkpoint: data/fashion-clip/open_clip_model.safetensors, config: "
            "data/fashion-clip/open_clip_config.json}\n"
            "inputs: {images: data/fashion-large/00000-ankle-boot.jpg, prompts: [the bag of 2021]}\n"
            "baseline: {}\ncandidates: {other: {%s}}\nrecord: {'*': full}\noutput: %s\n",
            cases[c].settings, capture_path());
        write_text(yaml, content);
        (void)snprintf(arguments, sizeof arguments, "run %s", yaml);
        expect(arguments, CP_OK, NULL);
        assert_run_says(cases[c].run);
        for (int form = 0; form < 4; form++) {
            (void)snprintf(arguments, sizeof arguments, "diff %s%s %s%s -o $OUT%s", capture_path(),
                           form & 1 ? ":other" : "", capture_path(), form & 1 ? "" : ":other",
                           form & 2 ? " --no-oracle" : "");
            (void)snprintf(last, sizeof last, "\nFAIL: first difference at %s: settings\n", cases[c].tap);
            expect(arguments, CP_PARITY_FAILURE, last);
        }
        (void)snprintf(arguments, sizeof arguments, "diff %s %s:other --spec-b '' -o $OUT", capture_path(),
                       capture_path());
        (void)snprintf(last, sizeof last, "\nFAIL: first difference at %s: %s\n", cases[c].tap,
                       cases[c].undeclared);
        expect(arguments, CP_PARITY_FAILURE, last);
        if (!strstr(text, cases[c].says))
            unexpected(arguments, CP_PARITY_FAILURE, cases[c].says);
        (void)snprintf(arguments, sizeof arguments, "report %s --md -o -", capture_path());
        expect(arguments, CP_OK, ", attributed to its settings at ");
        assert_null(strstr(text, " nan"));
    }
}

/* Classes on one side, whichever it is: their taps are unmatched, all others agree, and it passes. */
static void classes_on_one_side(void **state) {
    static const char *const prompts[] = {"[a bag, a coat]", "{classes: [bag, coat], templates: ['a {}']}"};
    char content[1024], arguments[512], result[2][80];
    (void)state;
    for (int side = 0; side < 2; side++) {
        (void)snprintf(result[side], sizeof result[side], "%s.%d.h5", capture_path(), side);
        (void)snprintf(
            content, sizeof content,
            "experiment: x\nmodel: {config: data/fashion-clip/open_clip_config.json, init: counter}\n"
            "inputs: {images: data/fashion-clip/images/00000*.png, prompts: %s}\n"
            "baseline: {}\noracle: off\nrecord: {'*': full}\noutput: %s\n",
            prompts[side], result[side]);
        write_text(yaml, content);
        (void)snprintf(arguments, sizeof arguments, "run %s", yaml);
        if (run_program(arguments, text, sizeof text) != CP_OK)
            fail_msg("%s\n%s", content, text);
    }
    for (int pair = 0; pair < 4; pair++) {
        const bool both = pair & 1 && pair & 2, none = pair == 0;
        (void)snprintf(arguments, sizeof arguments, "diff %s %s -o $OUT", result[pair & 1],
                       result[pair >> 1]);
        const char *says = both || none
                               ? "no different function is declared"
                               : "unmatched, in one file only: 3 taps\n    class_features, class_logits, "
                                 "class_probs\n";
        expect(arguments, CP_OK, says);
        assert_int_equal(run_program("report --json $OUT", text, sizeof text), CP_OK);
    }
    (void)unlink(result[0]);
    (void)unlink(result[1]);
}

/* In an experiment: what cannot be done to a capture is said. */
static void experiments(void **state) {
    static const struct {
        const char *yaml, *says;
        int code;
    } cases[] = {
        {"inputs: {capture: " QUICK "}\nbaseline: {capture: " QUICK "}\n", "no candidate", CP_OK},
        {"inputs: {capture: " QUICK "}\nbaseline: {}\n", "no key 'model'", CP_BAD_INPUT},
        {"inputs: {capture: " QUICK ", labels: x}\nbaseline: {capture: " QUICK "}\n",
         "capture beside other keys", CP_BAD_INPUT},
        {"inputs: {capture: " QUICK "}\nbaseline: {capture: " QUICK "}\nlocal: on\n",
         "local beside a capture", CP_BAD_INPUT},
        {"inputs: {capture: " QUICK "}\nbaseline: {map: x.yaml}\n", "map without capture", CP_BAD_INPUT},
        {"inputs: {capture: " QUICK "}\nbaseline: {capture: " QUICK "}\ngraft: {at: visual}\n",
         "graft: no from", CP_BAD_INPUT},
        {"model: {config: " CAPTURES
         "model.json, init: counter}\ninputs: {synthetic: {images: 16, prompts: 16}}\n"
         "graft: {from: " QUICK ", at: visual.polled}\n",
         "graft.at: the model has no tap 'visual.polled' (expected 'visual.pooled', or another",
         CP_BAD_INPUT},
        {"model: {config: " CAPTURES
         "model.json, init: counter}\ninputs: {synthetic: {images: 4, prompts: 16}}\n"
         "graft: {from: " QUICK ", at: visual.pooled}\n",
         "visual.pooled has another shape: 16 along dimension 0 (expected 4", CP_BAD_INPUT},
    };
    char content[1024], arguments[256];
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        (void)snprintf(content, sizeof content, "experiment: x\n%s", cases[c].yaml);
        write_text(yaml, content);
        (void)snprintf(arguments, sizeof arguments, "run %s output=$OUT", yaml);
        const int code = run_program(arguments, text, sizeof text);
        if (code != cases[c].code || (code && !strstr(text, cases[c].says)))
            fail_msg("%s\nexit code %d\n%s", content, code, text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(tolerances),
        cmocka_unit_test(nan_is_never_equal),
        cmocka_unit_test(json),
        cmocka_unit_test(foreign_file_by_a_map),
        cmocka_unit_test(unknown_settings_have_no_oracle),
        cmocka_unit_test(grafted_captures),
        cmocka_unit_test(results_say_their_model),
        cmocka_unit_test(what_is_read_is_not_written_over),
        cmocka_unit_test(unfinished_runs_are_no_captures),
        cmocka_unit_test(nothing_in_common),
        cmocka_unit_test(results_with_themselves),
        cmocka_unit_test(shapes_that_contradict_each_other),
        cmocka_unit_test(json_overwrites_nothing),
        cmocka_unit_test(captures_of_different_inputs),
        cmocka_unit_test(classes_on_one_side),
        cmocka_unit_test(experiments),
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
