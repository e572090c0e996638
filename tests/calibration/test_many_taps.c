/* SPDX-License-Identifier: GPL-3.0-or-later
 * Verdicts where there are many taps, and where inputs repeat: bfloat16 in 48 and 24 layers is decided at
 * every tap, and copies of a picture make no clean rerun degraded. */
#include "support/program.h"
#include "support/result.h"
#include "support/test.h"

#include "analysis/verdict.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

enum { TAPS_MAX = 1200, RERUNS = 50, PICTURES = 30, DISTINCT = 12 };

static char text[1 << 16];
static double fields[TAPS_MAX][CP_VERDICT_FIELDS];

static size_t read_verdicts(const char *candidate) {
    char object[128];
    (void)snprintf(object, sizeof object, "/metrics/%s/verdicts", candidate);
    const long got = read_dataset(scratch_output(), object, H5T_NATIVE_DOUBLE, fields[0],
                                  (size_t)TAPS_MAX * CP_VERDICT_FIELDS);
    assert_true(got > 0 && got % CP_VERDICT_FIELDS == 0);
    return (size_t)got / CP_VERDICT_FIELDS;
}

/* The experiment up to its candidates, which follow. */
static FILE *start_experiment(const char *model, const char *images, int limit) {
    FILE *out = fopen(in_folder("e.yaml"), "w");
    assert_non_null(out);
    (void)fprintf(
        out,
        "experiment: many\nmodel: {%s}\ninputs:\n  images: %s\n"
        "  prompts: [a t-shirt, trousers, a pullover, a dress, a coat, a sandal, a shirt, a sneaker, a bag,\n"
        "    an ankle boot, a photo of a bag, a photo of a coat]\n"
        "  limit: %d\nrecord: {\"*\": digest}\nledger: off\ncandidates:\n",
        model, images, limit);
    return out;
}

static void run_experiment(FILE *experiment) {
    char command[300];
    assert_int_equal(fclose(experiment), 0);
    (void)snprintf(command, sizeof command, "run %.200s output=$OUT >/dev/null", in_folder("e.yaml"));
    if (run_program(command, text, sizeof text) != 0)
        fail_msg("%s", text);
}

static void every_tap_of_a_deep_model_is_decided(void **state) {
    char model[300];
    size_t degraded = 0;
    FILE *config = fopen(in_folder("deep.json"), "w");
    (void)state;
    assert_non_null(config);
    (void)fputs("{\"embed_dim\": 64, \"vision_cfg\": {\"image_size\": 32, \"layers\": 48, \"width\": 64, "
                "\"head_width\": 32, \"patch_size\": 16}, \"text_cfg\": {\"context_length\": 16, "
                "\"vocab_size\": 49408, \"width\": 64, \"heads\": 2, \"layers\": 24}}\n",
                config);
    assert_int_equal(fclose(config), 0);
    (void)snprintf(model, sizeof model, "init: counter, seed: 1, config: %s", in_folder("deep.json"));
    FILE *out = start_experiment(model, "data/fashion-clip/images/*.png", DISTINCT);
    (void)fputs("  half: {precision: bf16}\n", out);
    run_experiment(out);
    const size_t taps = read_verdicts("half");
    for (size_t tap = 0; tap < taps; tap++) {
        assert_false(fields[tap][CP_FIELD_VERDICT] == CP_INCONCLUSIVE);
        degraded += fields[tap][CP_FIELD_VERDICT] == CP_DEGRADED;
    }
    print_message("bfloat16 in 48 and 24 layers: degraded at %zu of %zu taps, inconclusive at none\n",
                  degraded, taps);
    assert_true(taps > 1000 && degraded > 1000);
}

/* 19 of 30 pictures are the same: counted one by one they would outvote the other eleven. */
static void link_pictures(void) {
    static const char *const pictures[DISTINCT] = {"00000-ankle-boot", "00001-pullover", "00002-trouser",
                                                   "00003-trouser",    "00004-shirt",    "00005-trouser",
                                                   "00006-coat",       "00007-shirt",    "00008-sandal",
                                                   "00009-sneaker",    "00010-coat",     "00011-sandal"};
    char source[512], name[32];
    for (int i = 0; i < PICTURES; i++) {
        (void)snprintf(name, sizeof name, "%02d.png", i);
        (void)snprintf(source, sizeof source, "%s/data/fashion-clip/images/%s.png", CP_SOURCE_DIR,
                       pictures[i < DISTINCT ? i : 0]);
        assert_int_equal(symlink(source, in_folder(name)), 0);
    }
}

static void copies_degrade_no_rerun(void **state) {
    char name[32];
    size_t tests = 0;
    (void)state;
    link_pictures();
    FILE *out = start_experiment("checkpoint: data/fashion-clip/open_clip_model.safetensors, "
                                 "config: data/fashion-clip/open_clip_config.json",
                                 in_folder("*.png"), PICTURES);
    for (int seed = 1; seed <= RERUNS; seed++)
        (void)fprintf(out, "  r%d: {linear.permute: %d}\n", seed, seed);
    run_experiment(out);
    for (int seed = 1; seed <= RERUNS; seed++) {
        (void)snprintf(name, sizeof name, "r%d", seed);
        const size_t taps = read_verdicts(name);
        for (size_t tap = 0; tap < taps; tap++) {
            const double *f = fields[tap];
            if (f[CP_FIELD_INPUTS] == PICTURES)
                assert_int_equal((int)f[CP_FIELD_DISTINCT], DISTINCT);
            if (f[CP_FIELD_ROUNDING] == CP_DEGRADED)
                fail_msg("%s is degraded at tap %zu", name, tap);
            tests += isfinite(f[CP_FIELD_LOW]) ? 1 : 0;
        }
    }
    print_message("%d clean reruns over copies: degraded at 0 of %zu taps\n", RERUNS, tests);
    assert_true(tests > (size_t)RERUNS * 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_tap_of_a_deep_model_is_decided),
                                       cmocka_unit_test(copies_degrade_no_rerun)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
