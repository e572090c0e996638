/* SPDX-License-Identifier: GPL-3.0-or-later
 * CLIP's tokenizers, from a text to the ids that a text tower reads: the text is cleaned, split into words,
 * and each word is encoded (text/bpe.h). What libraries, and known mistakes, do differently is a variant
 * each. */
#ifndef CP_TEXT_TOKENIZER_H
#define CP_TEXT_TOKENIZER_H

#include "base/arena.h"
#include "base/status.h"
#include "ops/ops.h"

#include <stdbool.h>
#include <stdint.h>

enum { CP_PROMPT_MAX = (1 << 13) - 1 }; /* bytes */

/* OpenAI's, in data/, and how many ids it has. */
#define CP_VOCABULARY "vocab/bpe_simple_vocab_16e6.txt.gz"
enum { CP_VOCABULARY_SIZE = 49408 };

enum cp_lower_case {
    CP_LOWER_TEXT,      /* Python's str.lower, which sees what is around a sigma */
    CP_LOWER_CHARACTERS /* each by itself */
};
enum cp_split {
    CP_SPLIT_CLIP, /* contractions, letters, one digit, or the rest; spaces are dropped */
    CP_SPLIT_GPT2  /* contractions, letters, digits, or the rest, each with the space before it */
};

struct cp_tokenizer_variant {
    struct cp_variant info;
    bool ftfy, html;
    bool nfc; /* where there is no ftfy, which does it too */
    enum cp_lower_case lower;
    enum cp_split split;
    bool ignore_case;        /* in contractions */
    const char *start, *end; /* what stands for these tokens where a text has it */
    bool special_first; /* they are cut out before the text is split; else they are found where a word begins,
                           in any case */
    bool word_end;      /* a word's last byte is its symbol with </w> */
    bool keep_end;      /* a text too long ends with the end token */
    int32_t pad;
};

/* NULL past the last; the first is the default. */
const struct cp_tokenizer_variant *cp_tokenizer_variant(int index);
/* CP_BAD_INPUT with the names that there are. */
enum cp_status cp_tokenizer_find(const char *name, const struct cp_tokenizer_variant **out,
                                 struct cp_error *err);

struct cp_tokenizer;

/* vocabulary: see cp_bpe_open. Free with cp_tokenizer_close. */
enum cp_status cp_tokenizer_open(const char *vocabulary, struct cp_tokenizer **out, struct cp_error *err);
void cp_tokenizer_close(struct cp_tokenizer *tokenizer);

struct cp_tokens {
    int32_t *ids;
    size_t count;
};
/* The tokens of size bytes of UTF-8, in the arena: start, the text's, end. CP_BAD_INPUT where the variant's
 * library might give others. */
enum cp_status cp_tokenizer_tokens(const struct cp_tokenizer *tokenizer,
                                   const struct cp_tokenizer_variant *variant, const char *text, size_t size,
                                   struct cp_arena *arena, struct cp_tokens *tokens, struct cp_error *err);
/* ids (context_length): tokens, cut and padded. Too many are an error or, with truncate, cut. */
enum cp_status cp_tokenizer_fit(const struct cp_tokenizer_variant *variant, const char *text,
                                struct cp_tokens tokens, int context_length, bool truncate, int32_t *ids,
                                struct cp_error *err);
/* Both. */
enum cp_status cp_tokenizer_encode(const struct cp_tokenizer *tokenizer,
                                   const struct cp_tokenizer_variant *variant, const char *text,
                                   int context_length, bool truncate, int32_t *ids, struct cp_error *err);

/* A token as vocab.json has it: photo</w>. */
const char *cp_tokenizer_name(const struct cp_tokenizer *tokenizer, int32_t id);

#endif
