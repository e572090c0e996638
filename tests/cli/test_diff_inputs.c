/* SPDX-License-Identifier: GPL-3.0-or-later
 * Inputs of captures that differ, in run as in diff, and what an experiment cannot do to a capture. */
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

static char text[1 << 16];
static char yaml[64];

static void expect(const char *arguments, int code, const char *says) {
    run_saying(arguments, code, says, text, sizeof text);
}

/* What run says of the pass `other`. */
static void assert_run_says(const char *says) {
    const char *line = strstr(text, "what sets it apart from the baseline");
    if (!line || !strstr(line, says))
        unexpected_output("run", CP_OK, says, text);
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
        (void)snprintf(arguments, sizeof arguments, "run -v %s", yaml);
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
            unexpected_output(arguments, CP_PARITY_FAILURE, cases[c].says, text);
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
        (void)snprintf(arguments, sizeof arguments, "diff -v %s %s -o $OUT", result[pair & 1],
                       result[pair >> 1]);
        const char *says = both || none
                               ? "no different function is declared"
                               : "unmatched, in one file only: 3 taps\n    class_features, class_logits, "
                                 "class_probs\n";
        expect(arguments, CP_OK, says);
        assert_int_equal(run_program("report --json $OUT >/dev/null", text, sizeof text), CP_OK);
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
        cmocka_unit_test(captures_of_different_inputs),
        cmocka_unit_test(classes_on_one_side),
        cmocka_unit_test(experiments),
    };
    (void)snprintf(yaml, sizeof yaml, "/tmp/clip-parity-inputs-%ld.yaml", (long)getpid());
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(yaml);
    (void)unlink(capture_path());
    (void)unlink(scratch_output());
    return failed;
}
