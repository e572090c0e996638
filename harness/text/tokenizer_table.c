/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table of tokenizers. */
#include "text/bpe.h"
#include "text/tokenizer.h"

#include "base/nearest.h"

#include <string.h>

#define OPENAI_SPECIAL .start = "<|startoftext|>", .end = "<|endoftext|>"
#define OPENAI_CLEAN "ftfy.fix_text, html.unescape twice, spaces, str.lower"

/* The maths of each is its own: other ids are other inputs. */
static const struct cp_tokenizer_variant variants[] = {
    {.info = {"open_clip", "open_clip",
              OPENAI_CLEAN "; <start_of_text> and <end_of_text> in a text are tokens; padded with 0",
              "open_clip src/open_clip/tokenizer.py SimpleTokenizer", "open_clip", "openclip"},
     .ftfy = true,
     .html = true,
     .ignore_case = true,
     .start = "<start_of_text>",
     .end = "<end_of_text>",
     .word_end = true,
     .keep_end = true},
    {.info = {"openai", "openai/CLIP",
              OPENAI_CLEAN "; <|startoftext|> and <|endoftext|> in a text are tokens; padded with 0",
              "openai/CLIP clip/simple_tokenizer.py, clip/clip.py tokenize", "openai", "simple clip"},
     .ftfy = true,
     .html = true,
     .ignore_case = true,
     OPENAI_SPECIAL,
     .word_end = true,
     .keep_end = true},
    {.info = {"huggingface", "transformers CLIPTokenizerFast",
              "NFC, spaces, lower case of each character; no ftfy, no HTML; contractions in lower case only; "
              "<|startoftext|> and <|endoftext|> are cut out of a text first; padded with 49407",
              "transformers convert_slow_tokenizer.py CLIPConverter; tokenizers normalizer.rs lowercase",
              "huggingface", "hf transformers fast"},
     .nfc = true,
     .lower = CP_LOWER_CHARACTERS,
     OPENAI_SPECIAL,
     .special_first = true,
     .word_end = true,
     .keep_end = true,
     .pad = CP_BPE_END},
    {.info = {"no_ftfy", "ports of openai/CLIP without ftfy",
              "html.unescape twice, spaces, str.lower: curly quotes, ligatures, wide letters and NFD stay",
              "reference/pytorch/tokenizer.py", "no_ftfy", "noftfy"},
     .html = true,
     .ignore_case = true,
     OPENAI_SPECIAL,
     .word_end = true,
     .keep_end = true},
    {.info = {"gpt2_pattern", "GPT-2's tokenizer over CLIP's merges",
              "as openai, but a word takes the space before it and all its digits, and has no </w>",
              "CrispEmbed pull request 30, clip.cpp issue 107", "gpt2_pattern", "gpt2 gpt-2"},
     .ftfy = true,
     .html = true,
     .split = CP_SPLIT_GPT2,
     OPENAI_SPECIAL,
     .keep_end = true},
    {.info = {"drop_eot", "tokenizers that cut after the end token is added",
              "as openai, but a text too long loses its end token",
              "facebookresearch/multimodal pull request 32", "drop_eot", "dropeot"},
     .ftfy = true,
     .html = true,
     .ignore_case = true,
     OPENAI_SPECIAL,
     .word_end = true},
    {.info = {"pad_eot", "pipelines that pad every CLIP as ViT-L/14's Hugging Face tokenizer does",
              "as openai, but padded with the end token, 49407",
              "ComfyUI issue 9849, OneTrainer pull request 1471", "pad_eot", "padeot"},
     .ftfy = true,
     .html = true,
     .ignore_case = true,
     OPENAI_SPECIAL,
     .word_end = true,
     .keep_end = true,
     .pad = CP_BPE_END},
};
enum { VARIANTS = sizeof variants / sizeof variants[0] };

const struct cp_tokenizer_variant *cp_tokenizer_variant(int index) {
    return index < VARIANTS ? &variants[index] : NULL;
}

enum cp_status cp_tokenizer_find(const char *name, const struct cp_tokenizer_variant **out,
                                 struct cp_error *err) {
    const char *names[VARIANTS + 1] = {NULL};
    for (int i = 0; i < VARIANTS; i++) {
        names[i] = variants[i].info.name;
        if (strcmp(names[i], name) == 0) {
            *out = &variants[i];
            return CP_OK;
        }
    }
    (void)cp_fail(err, CP_BAD_INPUT, "", "unknown tokenizer '%s'", name);
    return cp_expect_one_of(err, name, names);
}
