# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults by name, with what a right answer about each is."""

import re
from dataclasses import dataclass

import faults as f
from clip_numpy import Clip

BLOCKS = "visual.transformer.resblocks.*", "transformer.resblocks.*"
LINEAR = "attn.q", "attn.k", "attn.v", "attn", "mlp.c_fc", "mlp.c_proj"


def both(*parts):
    """Globs of parts of the blocks of both towers."""
    return tuple(f"{block}.{part}" for block in BLOCKS for part in parts)


MATRICES = ("visual.conv1", "visual", "text_projection") + both(*LINEAR)
NORMS = ("visual.ln_pre", "visual.ln_post", "ln_final") + both("ln_1", "ln_2")
BEHIND_IMAGE = "visual", "visual.**", "image_features", "logits_per_image", "probs"


@dataclass(frozen=True)
class Fault:
    """taps: globs of what is wrong; the first cause is the earliest of them, and each is a cause. Without any, PASS.

    may: globs of what else may be a cause. words: a regular expression that explained_by has. inputs: "rest" where all but
    the first are wrong, "one" where one is. least: images that it takes. precisions: declared by the port. unsure: below
    fp32 PASS is right, too, if these words are printed (or anything, where empty).
    """
    port: type
    report: str
    taps: tuple = ()
    kinds: tuple = ("contradicted",)
    words: str = ""
    may: tuple = ()
    inputs: str = ""
    least: int = 1
    precisions: tuple = ("fp32",)
    unsure: str = None

    def wrong_inputs(self, count):
        """The inputs that are wrong of so many; empty where all may be."""
        return {"rest": set(range(1, count)), "one": {f.one_input(count)}, "": set()}[self.inputs]


EACH = "fp32", "fp16", "bf16"
# An operation whose residual stays within the bound is found by its slope: it is no contradiction by size.
BY_SLOPE = "contradicted", "rounding"

FAULTS = {
    # No fault; sums in another order.
    "none": Fault(Clip, "", precisions=EACH),
    "erf_declared": Fault(f.DeclaredErf, "", precisions=EACH),
    # Computed in float64, stored as float32: a reference better than float32.
    "float64": Fault(f.Float64, "NVIDIA/TensorRT#2895"),

    # The 108.32 of a mean of 122.77 in the red channel; the model is right.
    "mean_typo": Fault(f.MeanTypo, "facebookresearch/LaViLa#15", ("pixels.normalized",), ("inputs",),
                       r"channel|red|mean|offset"),
    "bgr": Fault(f.Bgr, "kohya-ss/musubi-tuner#176", ("pixels.normalized",), ("inputs",), r"bgr|channels?|colou?rs?"),
    "normalised_twice": Fault(f.NormalisedTwice, "justinpinkney/clip2latent#10", ("pixels.normalized",), ("inputs",),
                              r"twice|normali[sz]ed"),
    "noise_pixels": Fault(f.NoisePixels, "", ("pixels.normalized",), ("inputs",), inputs="one", least=2),

    # Only input 0 of a batch is right; the others are all alike.
    "batch": Fault(f.Batch, "monatis/clip.cpp#67", ("visual.conv1",), inputs="rest", least=2),
    "batch_repeats": Fault(f.BatchRepeats, "monatis/clip.cpp#67", ("visual.conv1",), words=r"first|repeat|input",
                           inputs="rest", least=2),
    "column_major": Fault(f.ColumnMajor, "weiyx16/CLIP-pytorch#1", ("visual.conv1",)),
    "pos_before_cls": Fault(f.PositionsBeforeClass, "NVIDIA/Megatron-LM#6260", ("visual.embed",)),
    "one_position": Fault(f.OnePosition, "clip-vil/CLIP-ViL#18", ("visual.embed",)),
    "positions_off_by_one": Fault(f.PositionsOffByOne, "huggingface/sentence-transformers#3879", ("embed",)),

    "no_causal": Fault(f.NoCausal, "Tencent/ncnn#5222", ("transformer.resblocks.*.attn.probs",), words="mask"),
    "mask_hides_diagonal": Fault(f.MaskHidesDiagonal, "pbloem/former#10", ("transformer.resblocks.*.attn.probs",)),
    # The text tower has one head, so there the width is the head's.
    "scale_by_width": Fault(f.ScaleByWidth, "lucidrains/vit-pytorch#65",
                            ("visual.transformer.resblocks.*.attn.scores",), words="scale|width"),
    "scale_by_heads": Fault(f.ScaleByHeads, "tenstorrent/tt-metal#56789", both("attn.scores")),
    "scale_twice": Fault(f.ScaleTwice, "huggingface/transformers#38290", both("attn.scores"), words="scale"),
    "keys_first": Fault(f.KeysFirst, "huggingface/transformers#21519", both("attn.q", "attn.k"),
                        words=r"order|swap|permut|\bk\b|keys?"),
    "keys_values_queries": Fault(f.KeysValuesQueries, "huggingface/transformers#21519",
                                 both("attn.q", "attn.k", "attn.v"), words=r"order|permut|\bv\b|values?"),
    "out_transposed": Fault(f.OutTransposed, "vllm-project/vllm#44113", both("attn"), words="transpos"),
    "softmax_over_queries": Fault(f.SoftmaxOverQueries, "labmlai/annotated_deep_learning_paper_implementations#146",
                                  both("attn.probs")),

    "no_ln_post": Fault(f.NoLnPost, "mlc-ai/mlc-llm#3205", ("visual.ln_post",), words=r"norm|skip|left out|input"),
    "shared_norm": Fault(f.SharedNorm, "patrick-kidger/equinox#521", both("ln_2")),
    "one_eps": Fault(f.OneEps, "huggingface/candle#271", (f.ONE_NORM,), BY_SLOPE, r"1e-0?6", least=16, precisions=EACH,
                     unsure=r"cannot tell; needs about \d+ inputs"),
    # It declares precision fp16, so coarse norms are within what it declares, or are named.
    "ln_fp16": Fault(f.NormInFp16, "microsoft/onnxruntime#31626", NORMS, ("rounding",), r"fp16", precisions=("fp16",),
                     unsure=""),
    "erf": Fault(f.Erf, "mlfoundations/open_clip#915", both("mlp.gelu"), BY_SLOPE, "erf", precisions=EACH),
    "tanh_for_erf": Fault(f.TanhForErf, "microsoft/onnxruntime#2270", both("mlp.gelu"), BY_SLOPE, "tanh", precisions=EACH),
    "no_hidden_bias": Fault(f.NoHiddenBias, "microsoft/onnxruntime-genai#1059", both("mlp.c_fc"), words="bias"),
    "one_bias": Fault(f.OneBias, "", (f.ONE_LINEAR,), BY_SLOPE, precisions=EACH),
    "residual_of_norm": Fault(f.ResidualOfNorm, "SHI-Labs/Compact-Transformers#25",
                              ("visual.transformer.resblocks.3.resid_mid",)),
    "branch_twice": Fault(f.BranchTwice, "kyegomez/BitNet#32", ("transformer.resblocks.1.resid_mid",)),
    "nan": Fault(f.Nan, "openai/CLIP#222", (f.ONE_LINEAR,), ("nonfinite",), may=BEHIND_IMAGE, inputs="one"),
    "noise_activation": Fault(f.NoiseActivation, "", (f.ONE_ACTIVATION,), inputs="one", least=2),

    "argmax_fp16": Fault(f.ArgmaxInFp16, "axinc-ai/ailia-models#1389", ("pooled",), words=r"token|position|pool"),
    "not_normalised": Fault(f.NotNormalised, "rom1504/clip-retrieval#290", ("image_features", "text_features"),
                            words="norm|left out|skip"),
    "scale_not_exponentiated": Fault(f.ScaleNotExponentiated, "BAAI-DCAI/M3D#52", ("logits_per_image",)),

    "hidden_bf16": Fault(f.HiddenBf16, "tenstorrent/tt-forge-models#583", MATRICES, BY_SLOPE, "bf16", may=("**",)),
    "tf32": Fault(f.Tf32, "NVIDIA/TensorRT#1824", MATRICES, BY_SLOPE, "tf32",
                  may=both("attn.scores", "attn.context") + ("logits_per_image",)),
    "q8_weights": Fault(f.Int8Weights, "huggingface/transformers.js#816", MATRICES, ("contradicted", "weights"),
                        r"int8|uint8|8.bit|quanti"),
    "q8_activations": Fault(f.Int8Activations, "huggingface/optimum-quanto#216", MATRICES, words=r"int8|8.bit|quanti"),
}


def matches(tap, globs):
    """* stands for a block's number, ** for anything."""
    return any(re.fullmatch(re.escape(glob).replace(r"\*\*", ".*").replace(r"\*", r"\d+"), tap) for glob in globs)
