/* SPDX-License-Identifier: GPL-3.0-or-later
 * The tables of components and knobs. `clip-parity list` prints them; cp_spec_set reads nothing else. */
#include "preprocess/position.h"
#include "spec/spec.h"

#include <float.h>

static const struct cp_variant *preprocess_variant(const struct cp_ops *ops, int index) {
    (void)ops;
    return cp_resizes[index] ? &cp_resizes[index]->info : NULL;
}

static const struct cp_variant *activation_variant(const struct cp_ops *ops, int index) {
    return ops->activations[index] ? &ops->activations[index]->info : NULL;
}

static const struct cp_variant *norm_variant(const struct cp_ops *ops, int index) {
    return ops->norms[index] ? &ops->norms[index]->info : NULL;
}

static const struct cp_variant *linear_variant(const struct cp_ops *ops, int index) {
    return ops->linears[index] ? &ops->linears[index]->info : NULL;
}

static const struct cp_variant *attention_variant(const struct cp_ops *ops, int index) {
    static const struct cp_variant eager = {
        .name = "eager",
        .imitates = "torch.nn.MultiheadAttention, Hugging Face eager attention",
        .formula = "softmax(q k^T / sqrt(head_dim) + mask) v, scores and probabilities materialised",
        .source = "Vaswani et al. 2017; pytorch/pytorch torch/nn/functional.py multi_head_attention_forward",
        .maths = "attention",
    };
    (void)ops;
    return index == 0 ? &eager : NULL;
}

/* Storage types as variants: index = enum cp_dtype. */
static const struct cp_variant *residual_variant(const struct cp_ops *ops, int index) {
    static const struct cp_variant types[] = {
        {"fp32", "open_clip precision='fp32'", "x + branch, one rounding to fp32", "open_clip model.py",
         "residual", NULL},
        {"fp16", "OpenAI CLIP on GPU", "x + branch, one rounding to fp16", "openai/CLIP clip/model.py",
         "residual", NULL},
        {"bf16", "open_clip precision='bf16'", "x + branch, one rounding to bf16", "open_clip model.py",
         "residual", NULL},
    };
    (void)ops;
    return index < 3 ? &types[index] : NULL;
}

static const struct cp_variant *weights_variant(const struct cp_ops *ops, int index) {
    static const struct cp_variant types[] = {
        {"fp32", "the file's values", "W as stored, widened to fp32", "-", "weights", NULL},
        {"fp16", "convert_weights_to_fp16", "W rounded to fp16 at load",
         "openai/CLIP clip/model.py convert_weights", "weights", NULL},
        {"bf16", "convert_weights_to_lp(bfloat16)", "W rounded to bf16 at load", "open_clip model.py",
         "weights", NULL},
    };
    (void)ops;
    return index < 3 ? &types[index] : NULL;
}

static const struct cp_variant *tokenizer_variant(const struct cp_ops *ops, int index) {
    const struct cp_tokenizer_variant *v = cp_tokenizer_variant(index);
    (void)ops;
    return v ? &v->info : NULL;
}

static const struct cp_variant *position_variant(const struct cp_ops *ops, int index) {
    (void)ops;
    return index < CP_POSITIONS ? &cp_positions[index].info : NULL;
}

/* What is wrong is said by the knobs. */
static const struct cp_variant *inject_variant(const struct cp_ops *ops, int index) {
    static const struct cp_variant none = {"none", "-",      "no other fault than the knobs name",
                                           "-",    "inject", NULL};
    (void)ops;
    return index == 0 ? &none : NULL;
}

/* As sigma and prob are 0 by default, nothing is added and nothing dropped. */
static const struct cp_variant *pixel_noise_variant(const struct cp_ops *ops, int index) {
    static const struct cp_variant normal = {
        .name = "normal",
        .imitates = "pixels + sigma * torch.randn(images, 3, size, size), after torch.manual_seed(seed)",
        .formula = "x + sigma z, z of one draw over all images of the run",
        .source = "pytorch/pytorch v1.13 aten/src/ATen/native/cpu/DistributionTemplates.h",
        .maths = "pixel_noise",
    };
    (void)ops;
    return index == 0 ? &normal : NULL;
}

static const struct cp_variant *patch_dropout_variant(const struct cp_ops *ops, int index) {
    static const struct cp_variant open_clip = {
        .name = "open_clip",
        .imitates = "open_clip's PatchDropout in training, after torch.manual_seed(seed)",
        .formula =
            "keys and pooling over the class token and max(1, int(patches (1 - prob))) patches of each "
            "image: topk of one torch.randn(images, patches)",
        .source = "Li et al. 2022, arXiv:2212.00794; mlfoundations/open_clip src/open_clip/transformer.py",
        .maths = "patch_dropout",
    };
    (void)ops;
    return index == 0 ? &open_clip : NULL;
}

const struct cp_component cp_components[CP_COMPONENT_COUNT] = {
    [CP_ACTIVATION] = {"activation", "mlp.gelu", activation_variant, "auto"},
    [CP_NORM] = {"norm", "ln_pre, ln_1, ln_2, ln_post, ln_final", norm_variant, "two_pass"},
    [CP_ATTENTION] = {"attention", "q, k, v to context", attention_variant, "eager"},
    [CP_LINEAR] = {"linear", "conv1, in_proj, out_proj, c_fc, c_proj, projections, logits", linear_variant,
                   "tree"},
    [CP_RESIDUAL] = {"residual", "type of the stream that blocks add to", residual_variant, "fp32"},
    [CP_WEIGHTS] = {"weights", "type that weights are rounded to at load", weights_variant, "fp32"},
    [CP_INJECT] = {"inject", "faults in blocks, put there on purpose, to see that they are found",
                   inject_variant, "none"},
    [CP_PREPROCESS] = {"preprocess", "picture to pixels: how it is resized", preprocess_variant, "pillow"},
    [CP_TOKENIZER] = {"tokenizer", "prompt to tokens", tokenizer_variant, "open_clip"},
    [CP_PIXEL_NOISE] = {"pixel_noise", "random numbers added to pixels.normalized", pixel_noise_variant,
                        "normal"},
    [CP_PATCH_DROPOUT] = {"patch_dropout", "random patches that the image tower does not see",
                          patch_dropout_variant, "open_clip"},
    [CP_POSITION] = {"position",
                     "position embeddings to another grid of patches, where the file's are resized",
                     position_variant, "open_clip"},
};

const struct cp_number_kind cp_number_kinds[CP_NUMBER_COUNT] = {
    [CP_POSITIVE] = {"a positive number", "a number such as 1e-5", DBL_TRUE_MIN, DBL_MAX, false},
    [CP_NOT_NEGATIVE] = {"a number of 0 or more", "a number such as 0.01", 0, DBL_MAX, false},
    [CP_PROBABILITY] = {"a number from 0 to below 1", "a number such as 0.5", 0, 1 - DBL_EPSILON / 2, false},
    [CP_SEED] = {"a seed", "a whole number from 1 to 999999999, or 0 for none", 0, 999999999, true},
    [CP_TORCH_SEED] = {"a seed of PyTorch", "a whole number from 0 to 4294967295", 0, UINT32_MAX, true},
};

#define CP_TYPES                                                                                             \
    { "fp32", "fp16", "bf16", NULL }
#define CP_FAULT(name, what, maths)                                                                          \
    { CP_INJECT, name, what, {NULL}, "0", maths, CP_SEED }

#define CP_PIXELS(name, what, initial, maths, ...)                                                           \
    { CP_PREPROCESS, name, what, {__VA_ARGS__, NULL}, initial, maths, CP_NO_NUMBER }

const struct cp_knob cp_knobs[CP_KNOB_COUNT] = {
    [CP_ACTIVATION_COMPUTE] = {CP_ACTIVATION, "compute", "type of each rounding of the activation", CP_TYPES,
                               "fp32", false, CP_NO_NUMBER},
    [CP_NORM_EPS] = {CP_NORM, "eps", "added to the variance", {NULL}, NULL, true, CP_POSITIVE},
    [CP_NORM_STATS] = {CP_NORM, "stats", "type of mean and variance", CP_TYPES, "fp32", false, CP_NO_NUMBER},
    [CP_ATTENTION_COMPUTE] = {CP_ATTENTION, "compute", "type of q, k, v, scores, probs and context", CP_TYPES,
                              "fp32", false, CP_NO_NUMBER},
    [CP_ATTENTION_ACCUMULATE] = {CP_ATTENTION,
                                 "accumulate",
                                 "type of the sums in q k^T and probs v",
                                 {"fp32", "fp16", NULL},
                                 "fp32",
                                 false,
                                 CP_NO_NUMBER},
    [CP_ATTENTION_SOFTMAX] = {CP_ATTENTION, "softmax", "type of each operation inside the softmax", CP_TYPES,
                              "fp32", false, CP_NO_NUMBER},
    [CP_ATTENTION_SCALE] = {CP_ATTENTION,
                            "scale",
                            "where 1/sqrt(head_dim) is applied: q, scores, or its root on q and k",
                            {"q", "scores", "sqrt", NULL},
                            "q",
                            false,
                            CP_NO_NUMBER},
    [CP_LINEAR_COMPUTE] = {CP_LINEAR, "compute", "type of the inputs, weights and outputs of matrix products",
                           CP_TYPES, "fp32", false, CP_NO_NUMBER},
    [CP_LINEAR_ACCUMULATE] = {CP_LINEAR,
                              "accumulate",
                              "type of the sums in matrix products",
                              {"fp32", "fp16", NULL},
                              "fp32",
                              false,
                              CP_NO_NUMBER},
    [CP_LINEAR_PERMUTE] = {CP_LINEAR,
                           "permute",
                           "seed of a permutation of the summed index in the towers' matrix products",
                           {NULL},
                           "0",
                           false,
                           CP_SEED},
    [CP_WEIGHTS_SCOPE] =
        {CP_WEIGHTS,
         "scope",
         "which weights are rounded: linear (conv, linear, projections) or all (norms, embeddings, "
         "logit_scale too)",
         {"linear", "all", NULL},
         "linear",
         false,
         CP_NO_NUMBER},
    [CP_INJECT_ACTIVATION] = CP_FAULT("activation", "another activation than the spec's", true),
    [CP_INJECT_EPS] = CP_FAULT("eps", "another eps in ln_1 or ln_2", true),
    [CP_INJECT_HEAD_SCALE] = CP_FAULT("head_scale", "one head's scores scaled wrongly", true),
    [CP_INJECT_TRANSPOSE] = CP_FAULT("transpose", "attn.out_proj's weight read transposed", true),
    [CP_INJECT_SOFTMAX] = CP_FAULT("softmax", "the softmax in fp16 or bf16", false),
    [CP_INJECT_WEIGHT_BIT] = CP_FAULT("weight_bit", "one bit of one weight flipped", true),
    [CP_PREPROCESS_FILTER] = CP_PIXELS("filter", "the resize's filter", NULL, true, "bicubic", "bilinear"),
    [CP_PREPROCESS_MODE] =
        CP_PIXELS("mode", "shortest side to the model's size and crop, longest and pad, or squash both", NULL,
                  true, "shortest", "longest", "squash"),
    [CP_PREPROCESS_LONG_SIDE] = CP_PIXELS(
        "long_side", "the side that is not given: auto truncates with shortest, rounds with longest", "auto",
        true, "auto", "truncate", "round"),
    [CP_PREPROCESS_CROP] =
        CP_PIXELS("crop", "half of an odd rest: torchvision's, its older one's, Hugging Face's", "half_even",
                  true, "half_even", "half_up", "floor"),
    [CP_PREPROCESS_RESCALE] =
        CP_PIXELS("rescale", "x / 255, or x * float(1 / 255)", "divide", false, "divide", "reciprocal"),
    [CP_PREPROCESS_NORMALIZE] = CP_PIXELS("normalize", "(x - mean) / std, or x * (1 / std) - mean / std",
                                          "two_steps", false, "two_steps", "fused"),
    [CP_PREPROCESS_COLOURS] = CP_PIXELS("colours", "order of the planes", "rgb", true, "rgb", "bgr"),
    [CP_PREPROCESS_EXIF] =
        CP_PIXELS("exif", "whether the picture is turned as EXIF says", "ignore", true, "ignore", "apply"),
    [CP_PREPROCESS_IDCT] = CP_PIXELS("idct", "libjpeg's inverse DCT", "islow", false, "islow", "ifast"),
    [CP_PREPROCESS_UPSAMPLING] = CP_PIXELS("upsampling", "libjpeg's chroma upsampling: triangle or box",
                                           "fancy", true, "fancy", "plain"),
    [CP_PIXEL_NOISE_SIGMA] = {CP_PIXEL_NOISE,
                              "sigma",
                              "standard deviation of the noise, in normalised units",
                              {NULL},
                              "0",
                              true,
                              CP_NOT_NEGATIVE},
    [CP_PIXEL_NOISE_SEED] =
        {CP_PIXEL_NOISE, "seed", "of torch.manual_seed before the noise", {NULL}, "0", true, CP_TORCH_SEED},
    [CP_PATCH_DROPOUT_PROB] =
        {CP_PATCH_DROPOUT, "prob", "share of the patches that is dropped", {NULL}, "0", true, CP_PROBABILITY},
    [CP_PATCH_DROPOUT_SEED] = {CP_PATCH_DROPOUT,
                               "seed",
                               "of torch.manual_seed before the choice",
                               {NULL},
                               "0",
                               true,
                               CP_TORCH_SEED},
};
