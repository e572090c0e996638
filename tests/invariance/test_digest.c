/* SPDX-License-Identifier: GPL-3.0-or-later
 * The same bits at every tap whatever the threads, the batch, the instruction set and the taps that are
 * recorded. The content digest of a run covers the SHA-256 of every tap of every input. */
#include "support/program.h"
#include "support/test.h"

#include "ops/ops.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const common =
    "run experiments/quickgelu-vs-gelu.yaml oracle=off local=off floor=0 inputs.limit=9 "
    "inputs.prompts='[a bag, a dress, a coat]' "
    "inputs.labels=off candidates='{half: {precision: "
    "fp16}, sum: {attention.accumulate: fp16}, seeds: {pixel_noise.sigma: 0.01, pixel_noise.seed: 3, "
    "patch_dropout.prob: 0.4, patch_dropout.seed: 3}}'";

/* The digest that the program printed. */
static void content_of(const char *settings, char digest[65]) {
    char arguments[1024], text[16384];
    (void)snprintf(arguments, sizeof arguments, "%s output=$OUT %s", common, settings);
    const int code = run_program(arguments, text, sizeof text);
    if (code != 0)
        print_error("%s\n", text);
    assert_int_equal(code, 0);
    const char *line = strstr(text, "content ");
    assert_non_null(line);
    (void)snprintf(digest, 65, "%.64s", line + strlen("content "));
}

static void same_bits_everywhere(void **state) {
    static const int batches[] = {1, 7, 32};
    char first[65] = "", digest[65], settings[256];
    (void)state;
    for (const char *const *isa = cp_ops_available(); *isa; isa++)
        for (int threads = 1; threads <= 2; threads++)
            for (size_t b = 0; b < 3; b++) {
                (void)snprintf(settings, sizeof settings,
                               "isa=%s threads=%d batch=%d 'record={\"*\": digest}'", *isa, threads,
                               batches[b]);
                content_of(settings, digest);
                if (!first[0])
                    memcpy(first, digest, sizeof first);
                assert_string_equal(digest, first);
            }
}

static void observing_changes_nothing(void **state) {
    static const char *const records[] = {"{\"*\": full}", "{\"*\": \"off\", probs: digest}",
                                          "{\"*\": \"off\", \"visual.*\": stats, probs: digest}"};
    unsigned char first[9 * 32], again[9 * 32];
    char settings[256], digest[65];
    (void)state;
    for (size_t r = 0; r < 3; r++) {
        (void)snprintf(settings, sizeof settings, "'record=%s'", records[r]);
        content_of(settings, digest);
        assert_int_equal(read_dataset(scratch_output(), "/captures/half/probs/digest", H5T_NATIVE_UCHAR,
                                      r ? again : first, sizeof first),
                         sizeof first);
        if (r)
            assert_memory_equal(first, again, sizeof first);
    }
    (void)unlink(scratch_output());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits_everywhere),
        cmocka_unit_test(observing_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
