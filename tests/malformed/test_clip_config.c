/* SPDX-License-Identifier: GPL-3.0-or-later
 * Model configs that cannot be, and those of models that are not supported: one line that names the field. */
#include "support/scratch.h"
#include "support/test.h"

#include "config/clip_config.h"

#include <string.h>

#define CONFIG(vision, text) "{\"embed_dim\": 8, \"vision_cfg\": {" vision "}, \"text_cfg\": {" text "}}"
#define VISION(fields) CONFIG(fields, "")
#define TEXT(fields) CONFIG("", fields)
#define ROOT(fields) "{\"embed_dim\": 8, " fields ", \"vision_cfg\": {}, \"text_cfg\": {}}"
#define PREPROCESS(fields) "{\"model_cfg\": " CONFIG("", "") ", \"preprocess_cfg\": {" fields "}}"
#define NOT_YET " is not supported yet (expected a plain ViT with open_clip's own text tower)"
#define UNKNOWN(field) ": unknown or unsupported field '" field "'"
#define PLAIN " (expected a field of a plain ViT with open_clip's own text tower)"

struct row {
    const char *config, *line; /* what follows the file's path; "": accepted */
};

static void check(const struct row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct cp_clip_config config;
        struct cp_error err = {0};
        write_scratch(rows[i].config, strlen(rows[i].config));
        const enum cp_status status = cp_clip_config_load(scratch_path, &config, &err);
        assert_line(status == CP_OK ? "" : line_of(status, &err), rows[i].line, rows[i].config);
    }
}

#define CHECK(...)                                                                                           \
    do {                                                                                                     \
        static const struct row rows[] = {__VA_ARGS__};                                                      \
        (void)state;                                                                                         \
        check(rows, sizeof rows / sizeof rows[0]);                                                           \
    } while (0)

static void case_67_width_is_no_whole_heads(void **state) {
    CHECK({VISION("\"width\": 100"),
           ": vision_cfg.width is not divisible by head_width (expected whole heads)"},
          {VISION("\"head_width\": 100"),
           ": vision_cfg.width is not divisible by head_width (expected whole heads)"},
          {TEXT("\"heads\": 7"), ": text_cfg.width is not divisible by heads (expected whole heads)"},
          {TEXT("\"heads\": 1024"), ": text_cfg.width is not divisible by heads (expected whole heads)"},
          {CONFIG("\"head_width\": 96", "\"heads\": 16"), ""});
}

#define EPS " eps is not a positive number (expected {\"eps\": x} with x > 0)"

static void case_72_eps_and_patches(void **state) {
    CHECK({VISION("\"norm_kwargs\": {\"eps\": 0}"), ": vision_cfg.norm_kwargs" EPS},
          {VISION("\"norm_kwargs\": {\"eps\": -1e-5}"), ": vision_cfg.norm_kwargs" EPS},
          {TEXT("\"norm_kwargs\": {\"eps\": 0.0}"), ": text_cfg.norm_kwargs" EPS},
          {TEXT("\"norm_kwargs\": {\"eps\": \"1e-5\"}"), ": text_cfg.norm_kwargs" EPS},
          {TEXT("\"norm_kwargs\": {\"epsilon\": 1e-5}"), ": text_cfg.norm_kwargs" EPS},
          {TEXT("\"norm_kwargs\": {\"eps\": NaN}"),
           ": line 1, column 74: invalid token near 'NaN' (expected a model's config in JSON, as open_clip "
           "or Hugging Face has it)"},
          {TEXT("\"norm_kwargs\": {\"eps\": 1e999}"),
           ": line 1, column 76: real number overflow near "
           "'1e999' (expected a model's config in JSON, as open_clip or Hugging Face has it)"},
          {TEXT("\"norm_kwargs\": {\"eps\": 1e-6}"), ""}, {VISION("\"patch_size\": 15"), ""},
          {VISION("\"image_size\": [224, 224]"), ""},
          {VISION("\"image_size\": [224, 240]"),
           ": vision_cfg.image_size is not a square (expected one number, or twice the same)"},
          {VISION("\"image_size\": [224]"),
           ": vision_cfg.image_size is not a square (expected one number, or twice the same)"},
          {VISION("\"image_size\": [\"224\", \"224\"]"),
           ": vision_cfg.image_size is not a whole number in its range (expected 1 to 65536)"},
          {VISION("\"image_size\": 8"),
           ": vision_cfg.image_size is smaller than patch_size (expected one patch at least)"});
}

#define ACT ".act_kwargs is not supported (expected {\"approximate\": \"tanh\"})"

static void case_73_unknown_activation(void **state) {
    CHECK(
        {VISION("\"act_kwargs\": {\"approximate\": \"sigmoid\"}"), ": vision_cfg" ACT},
        {TEXT("\"act_kwargs\": {\"approximate\": true}"), ": text_cfg" ACT},
        {TEXT("\"act_kwargs\": {\"negative_slope\": 0.1}"), ": text_cfg" ACT},
        {TEXT("\"act_kwargs\": {\"approximate\": \"tanh\", \"inplace\": true}"), ": text_cfg" ACT},
        {TEXT("\"act_kwargs\": \"tanh\""), ": text_cfg" ACT},
        {ROOT("\"quick_gelu\": \"yes\""), ": quick_gelu is neither true nor false (expected true or false)"},
        {ROOT("\"quick_gelu\": 1"), ": quick_gelu is neither true nor false (expected true or false)"},
        {"{\"embed_dim\": 8, \"quick_gelu\": true, \"vision_cfg\": {\"act_kwargs\": {\"approximate\": "
         "\"tanh\"}}, "
         "\"text_cfg\": {}}",
         ": vision_cfg.act_kwargs stands beside quick_gelu, which takes none (expected one of the two)"},
        {"{\"embed_dim\": 8, \"quick_gelu\": true, \"vision_cfg\": {}, \"text_cfg\": {\"act_kwargs\": "
         "{\"approximate\": \"none\"}}}",
         ": text_cfg.act_kwargs stands beside quick_gelu, which takes none (expected one of the two)"});
}

static void case_74_unknown_key(void **state) {
    CHECK(
        {ROOT("\"embed\": 1"), UNKNOWN("embed") PLAIN},
        {ROOT("\"quickgelu\": true"), UNKNOWN("quickgelu") "; did you mean 'quick_gelu'?" PLAIN},
        {VISION("\"patchsize\": 16"),
         UNKNOWN("patchsize") " in vision_cfg; did you mean 'patch_size'?" PLAIN},
        {TEXT("\"head\": 8"), UNKNOWN("head") " in text_cfg; did you mean 'heads'?" PLAIN},
        {TEXT("\"\\u001b[2J\": 8"), UNKNOWN("\\x1b[2J") " in text_cfg" PLAIN},
        {PREPROCESS("\"stdd\": [1, 1, 1]"), UNKNOWN("stdd") " in preprocess_cfg; did you mean 'std'?" PLAIN},
        {"{\"model_cfg\": " CONFIG("", "") ", \"extra\": 1}", UNKNOWN("extra") PLAIN});
}

static void case_75_duplicate_key(void **state) {
    CHECK(
        {VISION("\"layers\": 12, \"layers\": 13"),
         ": line 1, column 54: duplicate object key near '\"layers\"' (expected a model's config in JSON, as "
         "open_clip or Hugging Face has it)"},
        {ROOT("\"embed_dim\": 8"), ": line 1, column 28: duplicate object key near '\"embed_dim\"' "
                                   "(expected a model's config in JSON, as "
                                   "open_clip or Hugging Face has it)"});
}

#define RANGE(field, most) ": " field " is not a whole number in its range (expected 1 to " most ")"

static void numbers_out_of_range(void **state) {
    CHECK(
        {VISION("\"width\": 0"), RANGE("vision_cfg.width", "65536")},
        {VISION("\"width\": -768"), RANGE("vision_cfg.width", "65536")},
        {VISION("\"width\": 768.0"), RANGE("vision_cfg.width", "65536")},
        {VISION("\"width\": \"768\""), RANGE("vision_cfg.width", "65536")},
        {VISION("\"width\": null"), RANGE("vision_cfg.width", "65536")},
        {VISION("\"width\": 65537"), RANGE("vision_cfg.width", "65536")},
        {VISION("\"width\": 4294968064"), RANGE("vision_cfg.width", "65536")},
        {VISION("\"layers\": 1025"), RANGE("vision_cfg.layers", "1024")},
        {TEXT("\"vocab_size\": 2097153"), RANGE("text_cfg.vocab_size", "2097152")},
        {TEXT("\"context_length\": 0"), RANGE("text_cfg.context_length", "65536")},
        {TEXT("\"mlp_ratio\": 0"),
         ": text_cfg.mlp_ratio is out of range (expected below 1000, and for one hidden unit at least)"},
        {TEXT("\"mlp_ratio\": 0.001"),
         ": text_cfg.mlp_ratio is out of range (expected below 1000, and for one hidden unit at least)"},
        {VISION("\"mlp_ratio\": 1e300"),
         ": vision_cfg.mlp_ratio is out of range (expected below 1000, and for one hidden unit at least)"},
        {VISION("\"mlp_ratio\": true"), ": vision_cfg.mlp_ratio is not a number (expected a finite number)"},
        {PREPROCESS("\"std\": [0.2, 0.2, 0]"),
         ": preprocess_cfg.std holds a number that is not above 0 (expected numbers above 0)"},
        {PREPROCESS("\"mean\": [0.2, 0.2]"),
         ": preprocess_cfg.mean is not a list of three numbers (expected [r, g, b])"},
        {PREPROCESS("\"interpolation\": \"lanczos\""),
         ": preprocess_cfg.interpolation is not supported (expected bicubic or bilinear)"},
        {PREPROCESS("\"resize_mode\": 3"),
         ": preprocess_cfg.resize_mode is not supported (expected shortest, longest or squash)"},
        {PREPROCESS("\"fill_color\": 256"), ": preprocess_cfg.fill_color is not a byte (expected 0 to 255)"},
        {PREPROCESS("\"mean\": 0.5"),
         ": preprocess_cfg.mean is not a list of three numbers (expected [r, g, b])"},
        {TEXT("\"pool_type\": \"eos\""),
         ": text_cfg.eos_id is not a token, and pool_type is eos (expected an id of the vocabulary)"},
        {TEXT("\"pool_type\": \"eos\", \"eos_id\": 49408"),
         ": text_cfg.eos_id is not a token, and pool_type is eos (expected an id of the vocabulary)"},
        {TEXT("\"hf_tokenizer_name\": 1"), ": text_cfg.hf_tokenizer_name is not the name of a tokenizer "
                                           "(expected a text of at most 127 bytes)"});
}

#define JSON " (expected a model's config in JSON, as open_clip or Hugging Face has it)"

static void files_that_are_no_config(void **state) {
    CHECK({"", ": line 1, column 0: '[' or '{' expected near end of file" JSON},
          {"{\"embed_dim\": 8", ": line 1, column 15: '}' expected near end of file" JSON},
          {"{\"a\": \"\xff\"}", ": line 1, column 7: unable to decode byte 0xff near '\"'" JSON},
          {"[]", ": the config is missing or no object (expected a JSON object)"},
          {"{}", ": embed_dim is missing (expected a whole number)"},
          {"{\"embed_dim\": 8, \"text_cfg\": {}}",
           ": vision_cfg is missing or no object (expected a JSON object)"},
          {"{\"embed_dim\": 8, \"vision_cfg\": {}, \"text_cfg\": []}",
           ": text_cfg is missing or no object (expected a JSON object)"},
          {"{\"model_cfg\": null}", ": the config is missing or no object (expected a JSON object)"});
}

/* What open_clip's other configs have, each in its smallest form. */
static void unsupported_models_name_their_field(void **state) {
    CHECK(
        {VISION("\"layers\": [3, 4, 6, 3], \"patch_size\": null"), RANGE("vision_cfg.layers", "1024")},
        {VISION("\"timm_model_name\": \"convnext_base\""), ": vision_cfg.timm_model_name" NOT_YET},
        {VISION("\"attentional_pool\": true"), ": vision_cfg.attentional_pool" NOT_YET},
        {VISION("\"pos_embed_type\": \"sin_cos_2d\""), ": vision_cfg.pos_embed_type" NOT_YET},
        {VISION("\"qk_norm\": true"), ": vision_cfg.qk_norm" NOT_YET},
        {VISION("\"block_type\": \"custom\""), ": vision_cfg.block_type" NOT_YET},
        {VISION("\"image_seq_len\": 256"), ": vision_cfg.image_seq_len" NOT_YET},
        {VISION("\"pool_type\": \"none\""), ": vision_cfg.pool_type is not supported (expected tok or avg)"},
        {TEXT("\"pool_type\": \"tok\""),
         ": text_cfg.pool_type is not supported (expected argmax, first, last or eos)"},
        {TEXT("\"hf_model_name\": \"roberta-base\""), ": text_cfg.hf_model_name" NOT_YET},
        {TEXT("\"embed_cls\": true"), ": text_cfg.embed_cls" NOT_YET},
        {TEXT("\"proj_type\": \"none\""), ": text_cfg.proj_type" NOT_YET},
        {TEXT("\"text_arch\": \"modern\""), ": text_cfg.text_arch" NOT_YET},
        {TEXT("\"variable_text\": true"), ": text_cfg.variable_text" NOT_YET},
        {ROOT("\"multimodal_cfg\": {\"width\": 512}"), ": multimodal_cfg" NOT_YET},
        {ROOT("\"audio_cfg\": {\"mel_bins\": 64}"), UNKNOWN("audio_cfg") PLAIN},
        {ROOT("\"genlip_cfg\": {}"), UNKNOWN("genlip_cfg") PLAIN});
}

#define HF(text, vision)                                                                                     \
    "{\"model_type\": \"clip\", \"text_config\": {" text "}, \"vision_config\": {" vision "}}"

/* Hugging Face's config.json: the same cases under its names. */
static void hugging_face_cases_67_72_73_74_75(void **state) {
    CHECK({HF("", ""), ""},
          {HF("\"num_attention_heads\": 7", ""),
           ": text_config.hidden_size is not divisible by num_attention_heads (expected whole heads)"},
          {HF("", "\"num_attention_heads\": 5"),
           ": vision_config.hidden_size is not divisible by num_attention_heads (expected whole heads)"},
          {HF("\"layer_norm_eps\": 0", ""),
           ": text_config.layer_norm_eps is not a positive number (expected a number above 0)"},
          {HF("", "\"image_size\": 225"), ""}, {HF("", "\"image_size\": [224, 224]"), ""},
          {HF("", "\"image_size\": [224, 225]"),
           ": vision_config.image_size is not a square (expected one number, or twice the same)"},
          {HF("", "\"image_size\": 8"),
           ": vision_config.image_size is smaller than patch_size (expected one patch at least)"},
          {HF("", "\"num_channels\": 1"), ": vision_config.num_channels is not supported (expected 3)"},
          {HF("\"hidden_act\": \"relu\"", ""), ": text_config.hidden_act is not supported (expected "
                                               "quick_gelu, gelu, gelu_new or gelu_pytorch_tanh)"},
          {HF("\"vocab_size\": 1000", ""), ": text_config.eos_token_id is missing, and 49407, which "
                                           "transformers then looks for, is not a token "
                                           "(expected an id of the vocabulary)"},
          {HF("\"hidden_sise\": 512", ""),
           UNKNOWN("hidden_sise") " in text_config; did you mean 'hidden_size'?" PLAIN},
          {HF("\"num_beams\": 1, \"repetition_penalty\": 1.0", ""), ""},
          {HF("\"eos_token_id\": 49408", ""),
           ": text_config.eos_token_id is not a token (expected an id of the vocabulary)"},
          {HF("\"num_hidden_layers\": 0", ""),
           ": text_config.num_hidden_layers is not a whole number in its range (expected 1 to 1024)"},
          {"{\"model_type\": \"siglip\"}", ": model_type 'siglip' is not supported (expected clip, "
                                           "clip_vision_model or clip_text_model)"},
          {"{\"model_type\": \"clip\"}", ": vision_config is missing or no object (expected a JSON object)"},
          {"{\"model_type\": \"clip\", \"model_type\": \"clip\"}",
           ": line 1, column 35: duplicate object key near '\"model_type\"' (expected a model's config "
           "in JSON, as open_clip or Hugging Face has it)"});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_67_width_is_no_whole_heads),
        cmocka_unit_test(case_72_eps_and_patches),
        cmocka_unit_test(case_73_unknown_activation),
        cmocka_unit_test(case_74_unknown_key),
        cmocka_unit_test(case_75_duplicate_key),
        cmocka_unit_test(hugging_face_cases_67_72_73_74_75),
        cmocka_unit_test(numbers_out_of_range),
        cmocka_unit_test(files_that_are_no_config),
        cmocka_unit_test(unsupported_models_name_their_field),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
