/* SPDX-License-Identifier: GPL-3.0-or-later
 * The split of each divergence, on the demo models: a wrong activation is maths and begins at the first
 * mlp.gelu of each tower; attention in half precision is rounding alone. */
#include "support/process.h"
#include "support/program.h"
#include "support/result.h"
#include "support/test.h"

#include "num/metrics.h"
#include "tap/compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TAPS = 256, INPUTS = 16 };

/* The oracle agrees with PyTorch float64 within 1e-15 relative L2 at every tap (tests/golden/test_taps.c):
 * two float64 paths through the same function differ by that. A semantic part a million times larger is no
 * rounding of the oracle's, however many roundings a longer path may add. */
static const double oracle_error = 1e-15, far_above = 1e6;

/* The taps of a candidate in order of execution: the image tower's, the text tower's, the joint ones. */
static struct tap {
    char name[96];
    size_t inputs;
    double metrics[INPUTS][CP_PART_COUNT][CP_METRIC_COUNT];
} taps[TAPS];
static size_t tap_count;

/* A tap is a group; what stands beside it is about the candidate as a whole. */
static herr_t add_tap(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    H5O_info_t object;
    (void)info;
    (void)context;
    if (H5Oget_info_by_name2(group, name, &object, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
        return -1;
    if (object.type == H5O_TYPE_GROUP)
        (void)snprintf(taps[tap_count++].name, sizeof taps[0].name, "%s", name);
    return tap_count == TAPS;
}

static void read_taps(const char *candidate) {
    char path[256];
    tap_count = 0;
    const hid_t file = H5Fopen(in_folder("a.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    (void)snprintf(path, sizeof path, "/metrics/%s", candidate);
    assert_int_equal(
        H5Literate_by_name(file, path, H5_INDEX_CRT_ORDER, H5_ITER_INC, NULL, add_tap, NULL, H5P_DEFAULT), 0);
    assert_int_equal(H5Fclose(file), 0);
    for (size_t t = 0; t < tap_count; t++) {
        (void)snprintf(path, sizeof path, "/metrics/%s/%.90s/metrics", candidate, taps[t].name);
        const long count = read_dataset(in_folder("a.h5"), path, H5T_NATIVE_DOUBLE, taps[t].metrics,
                                        sizeof taps[t].metrics / sizeof(double));
        assert_true(count > 0 && count % (CP_PART_COUNT * CP_METRIC_COUNT) == 0);
        taps[t].inputs = (size_t)count / (CP_PART_COUNT * CP_METRIC_COUNT);
    }
}

/* Eight images and eight prompts through the model of that folder. */
static void run_model(const char *model, const char *candidates) {
    static const char prompts[] = "inputs.prompts=[a bag, a dress, a coat, a shirt, sandal, ankle boot, a "
                                  "pullover, a photo of a t-shirt]";
    char output[300], checkpoint[128], config[128];
    (void)snprintf(output, sizeof output, "output=%s", in_folder("a.h5"));
    (void)snprintf(checkpoint, sizeof checkpoint, "model.checkpoint=data/%s/open_clip_model.safetensors",
                   model);
    (void)snprintf(config, sizeof config, "model.config=data/%s/open_clip_config.json", model);
    (void)assert_done(RUN(NULL, SMALL_RUN, output, checkpoint, config, "baseline={}", candidates,
                          "inputs.limit=8", "batch=8", "oracle=on", "record={\"*\": digest}", prompts));
}

/* ---- one tap over its inputs ---- */

static double least(const struct tap *tap, enum cp_part part) {
    double value = INFINITY;
    for (size_t i = 0; i < tap->inputs; i++)
        if (!(tap->metrics[i][part][CP_REL_L2] >= value))
            value = tap->metrics[i][part][CP_REL_L2];
    return value;
}

static double mean(const struct tap *tap, enum cp_part part) {
    double sum = 0;
    for (size_t i = 0; i < tap->inputs; i++)
        sum += tap->metrics[i][part][CP_REL_L2];
    return sum / (double)tap->inputs;
}

/* Elements that are not the same, over all inputs. */
static double different(const struct tap *tap, enum cp_part part) {
    double sum = 0;
    for (size_t i = 0; i < tap->inputs; i++)
        sum += tap->metrics[i][part][CP_DIFFERENT];
    return sum;
}

static const struct tap *find(const char *name) {
    for (size_t t = 0; t < tap_count; t++)
        if (strcmp(taps[t].name, name) == 0)
            return &taps[t];
    fail_msg("no tap %s", name);
    return NULL;
}

/* ---- a wrong activation ---- */

static int is_visual(const char *name) {
    return strncmp(name, "visual", 6) == 0 || strncmp(name, "pixels.", 7) == 0 ||
           strcmp(name, "image_features") == 0;
}

static int is_joint(const char *name) {
    return strstr(name, "logits") != NULL || strstr(name, "probs") == name;
}

/* Bits alike, in every element that is judged, and so are the oracles'. */
static void assert_identical(const struct tap *tap) {
    if (different(tap, CP_TOTAL) != 0 || different(tap, CP_SEMANTIC) != 0)
        fail_msg("%s differs before the first mlp.gelu", tap->name);
}

static double smallest; /* semantic part so far */

static void assert_semantic(const struct tap *tap) {
    const double semantic = least(tap, CP_SEMANTIC);
    smallest = fmin(smallest, semantic);
    if (!(semantic >= far_above * oracle_error) || !(semantic >= 100 * mean(tap, CP_ROUNDING)))
        fail_msg("%s: semantic part %.3g, rounding %.3g", tap->name, semantic, mean(tap, CP_ROUNDING));
}

/* Counts the taps before and from the first mlp.gelu of each tower; the joint ones come after both. */
static void check_wrong_activation(const char *model, const char *candidates) {
    int begun[2] = {0, 0};
    size_t before[2] = {0, 0}, after[2] = {0, 0}, joint = 0;
    smallest = INFINITY;
    run_model(model, candidates);
    read_taps("wrong");
    for (size_t t = 0; t < tap_count; t++) {
        const int text = !is_visual(taps[t].name);
        assert_int_equal(taps[t].inputs, 8);
        if (is_joint(taps[t].name)) {
            assert_true(begun[0] && begun[1]);
            assert_semantic(&taps[t]);
            joint++;
            continue;
        }
        begun[text] = begun[text] || strstr(taps[t].name, "resblocks.0.mlp.gelu");
        if (begun[text])
            assert_semantic(&taps[t]);
        else
            assert_identical(&taps[t]);
        ++*(begun[text] ? &after[text] : &before[text]);
    }
    /* four steps to pixels, conv1, embed, ln_pre; tokens, token_embedding, embed; then 11 taps of block 0
     * before its activation */
    assert_int_equal(before[0], 7 + 11);
    assert_int_equal(before[1], 3 + 11);
    /* gelu, c_proj and the output of block 0; 14 taps of each other block; 4 of the head */
    assert_int_equal(after[0], 3 + 5 * 14 + 4);
    assert_int_equal(after[1], 3 + 3 * 14 + 4);
    assert_int_equal(joint, 2);
    print_message("%s: semantic part at least %.2g wherever the activation reaches\n", model, smallest);
}

static void test_gelu_on_quickgelu_weights(void **state) {
    (void)state;
    check_wrong_activation("fashion-clip", "candidates={wrong: {activation: erf}}");
}

static void test_quickgelu_on_gelu_weights(void **state) {
    (void)state;
    check_wrong_activation("fashion-clip-gelu", "candidates={wrong: {activation: quick}}");
}

/* ---- attention in half precision ---- */

static void assert_rounds_more(const char *name) {
    const struct tap *tap = find(name);
    if (!(mean(tap, CP_ROUNDING) > 10 * mean(tap, CP_ROUNDING_BASELINE)))
        fail_msg("%s: rounding %.3g, of the baseline %.3g", name, mean(tap, CP_ROUNDING),
                 mean(tap, CP_ROUNDING_BASELINE));
}

/* No semantic part anywhere; rounding from the first queries to the outputs, and none before. */
static void test_half_precision_attention(void **state) {
    static const char *const rounded[] = {"visual.transformer.resblocks.0.attn.q",
                                          "transformer.resblocks.0.attn.q",
                                          "image_features",
                                          "text_features",
                                          "logits_per_image",
                                          "probs"};
    (void)state;
    run_model("fashion-clip", "candidates={half: {attention.compute: fp16}}");
    read_taps("half");
    for (size_t t = 0; t < tap_count; t++)
        for (size_t i = 0; i < taps[t].inputs; i++) {
            const double *semantic = taps[t].metrics[i][CP_SEMANTIC];
            assert_true(semantic[CP_MAX_ABS] == 0 && semantic[CP_REL_L2] == 0 && semantic[CP_DIFFERENT] == 0);
        }
    assert_true(different(find("visual.transformer.resblocks.0.ln_1"), CP_TOTAL) == 0);
    assert_true(different(find("transformer.resblocks.0.ln_1"), CP_TOTAL) == 0);
    for (size_t i = 0; i < sizeof rounded / sizeof *rounded; i++)
        assert_rounds_more(rounded[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gelu_on_quickgelu_weights),
        cmocka_unit_test(test_quickgelu_on_gelu_weights),
        cmocka_unit_test(test_half_precision_attention),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
