/* SPDX-License-Identifier: GPL-3.0-or-later
 * Settings that are refused: what each message says, and that the spec stays as it was. */
#include "support/spec.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>

/* Each says what was found and what was expected, and changes nothing. */
static void test_refusals(void **state) {
    static const struct {
        const char *address, *value, *what, *expected;
    } cases[] = {
        {"activaton", "erf", "unknown component or knob 'activaton'; did you mean 'activation'?",
         "one of activation, norm"},
        {"nrom", "rmsnorm", "unknown component or knob 'nrom'; did you mean 'norm'?", "one of activation"},
        {"", "erf", "unknown component or knob ''", "one of activation, norm"},
        {"norm.epsilon", "1", "unknown component or knob 'norm.epsilon'", "norm.eps"},
        {"activation.compute.x", "fp16", "unknown component or knob", "one of"},
        {"activation", "geluu", "unknown variant 'geluu' of activation", "auto"},
        {"activation", "gelu", "'gelu' of activation; did you mean 'erf', as PyTorch nn.GELU(), the default",
         "one of quick, erf, tanh, auto"},
        {"activation", "quick_gelu", "did you mean 'quick', as OpenAI CLIP", "one of quick"},
        {"activation", "gelu_pytorch_tanh", "did you mean 'tanh', as ", "one of quick"},
        {"activation", "ge", "unknown variant 'ge' of activation", "one of quick"},
        {"norm", "rms_norm", "did you mean 'rmsnorm', as ", "one of two_pass"},
        {"norm", "layer_norm", "did you mean 'two_pass', as ", "one of two_pass"},
        {"norm", "auto", "unknown variant 'auto' of norm", "one of two_pass"},
        {"norm.stats", "fp64", "unknown value 'fp64' of norm.stats", "one of fp32, fp16, bf16"},
        {"attention.accumulate", "bf16", "unknown value 'bf16' of attention.accumulate", "fp16"},
        {"residual", "FP16", "unknown variant 'FP16' of residual", "one of fp32, fp16, bf16"},
        {"precision", "amp", "unknown value 'amp' of precision", "pure_fp16"},
        {"precision@vision", "fp16", "unknown tower 'vision'", "visual, text, joint or *"},
        {"norm@", "rmsnorm", "unknown tower ''", "visual, text, joint or *"},
        {"norm@visual@text", "rmsnorm", "unknown tower 'visual@text'", "visual, text, joint or *"},
        {"norm@joint.0", "rmsnorm", "unknown tower 'joint'", "visual, text, joint or *"},
        {"norm@outer", "rmsnorm", "unknown tower 'outer'", "visual.outer"},
        {"norm@visual.3", "rmsnorm", "layer 3 in 'visual.3' does not exist", "layers 0 to 2 of visual"},
        {"norm@text.2", "rmsnorm", "layer 2 in 'text.2' does not exist", "layers 0 to 1 of text"},
        {"norm@*.2", "rmsnorm", "layer 2 in '*.2' does not exist", "layers 0 to 1 of both towers"},
        {"norm@visual.1-3", "rmsnorm", "layer 3 in 'visual.1-3' does not exist", "layers 0 to 2"},
        {"norm.eps", "0", "norm.eps: '0' is not a positive number", "a number such as 1e-5"},
        {"norm.eps", "-1e-5", "is not a positive number", "1e-5"},
        {"norm.eps", "nan", "is not a positive number", "1e-5"},
        {"norm.eps", "inf", "is not a positive number", "1e-5"},
        {"norm.eps", "1e999", "is not a positive number", "1e-5"},
        {"norm.eps", "1e-5x", "is not a positive number", "1e-5"},
        {"norm.eps", "", "is not a positive number", "1e-5"},
        {"linear.permute", "1000000000", "linear.permute: '1000000000' is not a seed", "1 to 999999999"},
        {"patch_dropout", "timm", "unknown variant 'timm' of patch_dropout", "open_clip"},
        {"patch_dropuot.prob", "0.5", "did you mean 'patch_dropout.prob'?", "one of"},
        {"patch_dropout.prob", "1", "patch_dropout.prob: '1' is not a number from 0 to below 1", "0.5"},
        {"patch_dropout.prob", "-0.1", "'-0.1' is not a number from 0 to below 1", "0.5"},
        {"patch_dropout.prob", "nan", "'nan' is not a number from 0 to below 1", "0.5"},
        {"patch_dropout.prob", "50%", "'50%' is not a number from 0 to below 1", "0.5"},
        {"patch_dropout.prob@visual.1", "0.5", "patch_dropout has no layers", "patch_dropout.prob"},
        {"patch_dropout.seed", "1.5", "patch_dropout.seed: '1.5' is not a seed of PyTorch",
         "0 to 4294967295"},
        {"patch_dropout.seed", "-1", "'-1' is not a seed of PyTorch", "0 to 4294967295"},
        {"patch_dropout.seed", "4294967296", "'4294967296' is not a seed of PyTorch", "0 to 4294967295"},
        {"pixel_noise.sigma", "-0.01", "pixel_noise.sigma: '-0.01' is not a number of 0 or more", "0.01"},
        {"pixel_noise.sigma", "nan", "'nan' is not a number of 0 or more", "0.01"},
        {"pixel_noise.sigma", "inf", "'inf' is not a number of 0 or more", "0.01"},
        {"pixel_noise.sigma", "", "'' is not a number of 0 or more", "0.01"},
        {"pixel_noise.seed", "one", "pixel_noise.seed: 'one' is not a seed of PyTorch", "0 to 4294967295"},
        {"pixel_noise.seed", "1e3", "'1e3' is not a seed of PyTorch", "0 to 4294967295"},
        {"pixel_noise.seed", "", "'' is not a seed of PyTorch", "0 to 4294967295"},
        {"pixel_noise@visual", "normal", "pixel_noise has no layers", "pixel_noise"},
    };
    const char *before = cp_spec_print(spec, &spec_arena);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cp_error err = {CP_OK, "", "", ""};
        assert_int_equal(cp_spec_set(spec, cases[i].address, cases[i].value, &err), CP_BAD_INPUT);
        assert_int_equal(err.status, CP_BAD_INPUT);
        if (!strstr(err.what, cases[i].what) || !strstr(err.expected, cases[i].expected))
            fail_msg("%s: %s: %s (expected %s)", cases[i].address, cases[i].value, err.what, err.expected);
        assert_string_equal(cp_spec_print(spec, &spec_arena), before);
    }
}

static void test_malformed_layers(void **state) {
    static const char *const layers[] = {
        "visual.",   "visual.x",  "visual.-1",  "visual.-3--2",    "visual.01",  "visual. 1",
        "visual.+1", "visual.1-", "visual.2-1", "visual.1-2x",     "visual.1.2", "visual.1-2-2",
        "*.",        "text.0,1",  "visual.1 ",  "visual.99999999", "visual.0x1"};
    (void)state;
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        struct cp_error err;
        char address[64], says[64];
        (void)snprintf(address, sizeof address, "norm@%s", layers[i]);
        (void)snprintf(says, sizeof says, "malformed layers '%s'", layers[i]);
        assert_int_equal(cp_spec_set(spec, address, "rmsnorm", &err), CP_BAD_INPUT);
        assert_string_equal(err.what, says);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_refusals, make_spec),
        cmocka_unit_test_setup(test_malformed_layers, make_spec),
    };
    return cmocka_run_group_tests(tests, NULL, free_spec);
}
