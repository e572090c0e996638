/* SPDX-License-Identifier: GPL-3.0-or-later
 * Taking divergences apart changes nothing that is measured without it, and gives the same result whatever
 * the threads and the batch; a spec that takes the baseline's tensors has the bits it would have computed. */
#include "support/program.h"
#include "support/test.h"

#include "num/metrics.h"
#include "ops/ops.h"
#include "tap/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IMAGES = 7, METRICS = IMAGES * CP_PART_COUNT * CP_METRIC_COUNT, DIGESTS = IMAGES * 32 };

static const char *const common =
    "run experiments/quickgelu-vs-gelu.yaml local=off floor=0 inputs.limit=7 'inputs.prompts=[a bag, a "
    "dress, a coat]' "
    "inputs.labels=off output=$OUT 'record={\"*\": digest}'";
static const char *const candidates =
    "'candidates={late: {activation@visual.4: erf}, soft: {inject.softmax@text.1: 3}, "
    "bit: {inject.weight_bit@visual.2: 5}}'";
static char text[1 << 16];

static void run(const char *settings) {
    char arguments[1500];
    (void)snprintf(arguments, sizeof arguments, "%s %s", common, settings);
    const int code = run_program(arguments, text, sizeof text);
    if (code != 0)
        fail_msg("%s", text);
}

static void content(char digest[65]) {
    const char *line = strstr(text, "content ");
    assert_non_null(line);
    (void)snprintf(digest, 65, "%.64s", line + strlen("content "));
}

static void the_same_whatever_the_threads_and_the_batch(void **state) {
    static const char *const runs[] = {"threads=2 batch=32", "threads=1 batch=2", "threads=2 batch=3"};
    char settings[512], first[65] = "", digest[65];
    (void)state;
    for (size_t r = 0; r < 3; r++) {
        (void)snprintf(settings, sizeof settings, "%s local=on floor=2 %s", candidates, runs[r]);
        run(settings);
        content(r ? digest : first);
        if (r)
            assert_string_equal(digest, first);
    }
}

/* Of a port with an undeclared fault, too, of which the first inputs alone are explained. */
static void the_ledger_is_the_same_everywhere(void **state) {
    static const char *const batches[] = {"threads=2 batch=32", "threads=1 batch=1", "threads=2 batch=3"};
    static const char port[] =
        "{ echo 'experiment: port'; echo 'model: {config: reference/golden/captures/model.json, init: "
        "counter, "
        "seed: 915}'; echo 'inputs: {capture: reference/golden/captures/erf-fp32.h5}'; echo 'baseline: "
        "{activation: quick}'; echo 'candidates: {port: {capture: reference/golden/captures/erf-fp32.h5, "
        "activation: quick}}'; } > $OUT.yaml";
    char arguments[256], first[65] = "", digest[65];
    (void)state;
    (void)scratch_output();
    assert_int_equal(system(port), 0);
    for (size_t b = 0; b < 3; b++) {
        (void)snprintf(arguments, sizeof arguments, "run $OUT.yaml output=$OUT ledger=on %s", batches[b]);
        assert_int_equal(run_program(arguments, text, sizeof text), 0);
        assert_non_null(strstr(text, "16 images, 16 prompts"));
        content(b ? digest : first);
        if (b)
            assert_string_equal(digest, first);
    }
    assert_int_equal(system("rm $OUT.yaml"), 0);
    /* With other instructions; of fewer inputs than there are, which end within a batch. */
    first[0] = '\0';
    size_t b = 0;
    for (const char *const *isa = cp_ops_available(); *isa; isa++, b++) {
        char settings[512];
        (void)snprintf(settings, sizeof settings, "%s oracle=off ledger=5 isa=%s %s", candidates, *isa,
                       batches[2 - b % 3]);
        run(settings);
        content(digest);
        if (!first[0])
            memcpy(first, digest, sizeof first);
        assert_string_equal(digest, first);
    }
}

static void looking_closer_changes_nothing(void **state) {
    static const char *const taps[] = {"visual.conv1", "visual.transformer.resblocks.4.mlp.gelu",
                                       "image_features"};
    static double plain[3][METRICS], closer[3][METRICS];
    char settings[512], path[128];
    (void)state;
    for (int local = 0; local < 2; local++) {
        (void)snprintf(settings, sizeof settings, "%s %s", candidates, local ? "local=4 floor=2" : "");
        run(settings);
        for (size_t t = 0; t < 3; t++) {
            (void)snprintf(path, sizeof path, "/metrics/late/%s/metrics", taps[t]);
            assert_int_equal(read_dataset(scratch_output(), path, H5T_NATIVE_DOUBLE,
                                          local ? closer[t] : plain[t], METRICS),
                             METRICS);
        }
    }
    assert_memory_equal(plain, closer, sizeof plain);
}

/* The same spec as a candidate that shares a long prefix with its baseline, and beside a baseline with which
 * it shares nothing. */
static void what_is_shared_is_what_would_be_computed(void **state) {
    static const char *const taps[] = {
        "visual.ln_pre",  "visual.transformer.resblocks.3", "visual.transformer.resblocks.4.mlp.gelu",
        "image_features", "transformer.resblocks.2.attn",   "text_features",
        "probs"};
    static const char *const runs[] = {
        "oracle=off baseline.activation=quick 'candidates={same: {activation@visual.4: erf}}'",
        "oracle=off 'baseline={activation: tanh, norm: welford, linear.permute: 5}' 'candidates={same: "
        "{activation: quick, activation@visual.4: erf, norm: two_pass, linear.permute: 0}}'"};
    static unsigned char digests[2][7][DIGESTS];
    char path[128];
    (void)state;
    for (size_t r = 0; r < 2; r++) {
        run(runs[r]);
        for (size_t t = 0; t < 7; t++) {
            (void)snprintf(path, sizeof path, "/captures/same/%s/digest", taps[t]);
            assert_true(read_dataset(scratch_output(), path, H5T_NATIVE_UCHAR, digests[r][t], DIGESTS) > 0);
        }
    }
    assert_memory_equal(digests[0], digests[1], sizeof digests[0]);
}

/* The steps before the model are laid out beside what it gets: seen or not, its bits are the same, and so is
 * what is found of each operation by itself. */
static void looking_at_the_steps_changes_nothing(void **state) {
    static const char *const records[] = {"", ", \"pixels.*\": off, pixels.normalized: digest",
                                          ", pixels.decoded: off",
                                          ", pixels.resized: off, pixels.cropped: full"};
    static const char *const datasets[] = {
        "/captures/torch/pixels.normalized/digest", "/captures/torch/image_features/digest",
        "/metrics/squashed/pixels.normalized/metrics", "/metrics/torch/pixels.normalized/local",
        "/metrics/squashed/image_features/metrics"};
    static double first[5][METRICS], seen[5][METRICS];
    (void)state;
    for (size_t r = 0; r < 4; r++) {
        char settings[1024];
        (void)snprintf(settings, sizeof settings,
                       "'inputs.images=data/fashion-large/*.jpg' inputs.labels=off local=3 "
                       "batch=3 'candidates={torch: {preprocess: torch}, squashed: {preprocess.mode: squash, "
                       "preprocess: opencv}}' 'record={\"*\": digest%s}'",
                       records[r]);
        run(settings);
        for (size_t d = 0; d < 5; d++)
            assert_true(read_dataset(scratch_output(), datasets[d],
                                     d < 2 ? H5T_NATIVE_UINT8 : H5T_NATIVE_DOUBLE, r ? seen[d] : first[d],
                                     d < 2 ? DIGESTS : METRICS) > 0);
        if (r)
            assert_memory_equal(first, seen, sizeof first);
    }
}

static int remove_output(void **state) {
    (void)state;
    return unlink(scratch_output());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_whatever_the_threads_and_the_batch),
        cmocka_unit_test(the_ledger_is_the_same_everywhere),
        cmocka_unit_test(looking_closer_changes_nothing),
        cmocka_unit_test(what_is_shared_is_what_would_be_computed),
        cmocka_unit_test(looking_at_the_steps_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, remove_output);
}
