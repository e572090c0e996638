/* SPDX-License-Identifier: GPL-3.0-or-later
 * Results as captures: they say all that diff needs, and agree with themselves whatever was recorded. */
#include "support/capture.h"
#include "support/program.h"
#include "support/test.h"

#include "base/status.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CAPTURES "reference/golden/captures/"

static char text[1 << 16];
static char yaml[64];

static void expect(const char *arguments, int code, const char *says) {
    run_saying(arguments, code, says, text, sizeof text);
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

/* Whatever a run records, and whatever of its passes is looked at, a result agrees with itself, or says what
 * to record; and so does what diff writes, which report reads. */
static void results_with_themselves(void **state) {
    static const char recorded[] =
        "has no tensor of any tap (expected taps recorded in full (record: {\"*\": full}))";
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
        if (run_program("report --json $OUT >/dev/null", text, sizeof text) != CP_OK)
            fail_msg("%s: report: %s", cases[c].arguments, text);
        assert_int_equal(run_program("diff $OUT $OUT -o $OUT.h5", text, sizeof text), CP_NOTHING_COMPARED);
        assert_non_null(strstr(text, recorded));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_say_their_model),
        cmocka_unit_test(results_with_themselves),
    };
    (void)snprintf(yaml, sizeof yaml, "/tmp/clip-parity-diff-%ld.yaml", (long)getpid());
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(yaml);
    (void)unlink(capture_path());
    (void)unlink(scratch_output());
    return failed;
}
