/* SPDX-License-Identifier: GPL-3.0-or-later
 * OpenAI's byte-pair encoding (openai/CLIP clip/simple_tokenizer.py) of the prompts that model/prompt.h
 * takes. */
#ifndef CP_MODEL_TOKENIZER_H
#define CP_MODEL_TOKENIZER_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct cp_tokenizer;

/* vocabulary: bpe_simple_vocab_16e6.txt, gzip or plain. Free with cp_tokenizer_close. */
enum cp_status cp_tokenizer_open(const char *vocabulary, struct cp_tokenizer **out, struct cp_error *err);
/* ids (context_length): start, the text's tokens, end, zeros. A text too long is an error or, with truncate,
 * is cut and ends with the end token, as open_clip does. */
enum cp_status cp_tokenizer_encode(const struct cp_tokenizer *tokenizer, const char *text, int context_length,
                                   bool truncate, int32_t *ids, struct cp_error *err);
void cp_tokenizer_close(struct cp_tokenizer *tokenizer);

#endif
